package lvsd.synproxy;

/**
 * When the SYN proxy of a service in mode {@code auto} goes on and off. Immutable.
 *
 * @param synRate SYNs of one second from which on it looks attacked; 0: they do not count
 * @param halfOpenShare percentage of the service's connections whose handshake is not over, from which on it looks attacked;
 *     0: they do not count
 * @param halfOpenLeast fewer such connections are never an attack
 * @param calm percentage of these thresholds below which it is calm again
 * @param hold for how long it must be calm, in the unit of the time that {@link AutoSwitch#sample} is given
 */
public record AutoSettings(int synRate, int halfOpenShare, int halfOpenLeast, int calm, int hold) {}
