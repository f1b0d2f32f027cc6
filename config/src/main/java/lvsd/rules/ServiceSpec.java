package lvsd.rules;

import java.util.OptionalInt;
import java.util.Set;

/**
 * A virtual service as {@code -A} or {@code -E} defines it.
 *
 * @param id what names it
 * @param scheduler scheduler name, {@code wlc} by default
 * @param schedulerFlags flag words of {@code -b}, as the scheduler names them
 * @param persistence persistence timeout in seconds, 1 to 2678400, if persistent
 * @param netmask persistence mask: IPv4 as 32 bits, IPv6 as prefix length; -1 where not given
 * @param persistenceEngine name of {@code --pe}, empty if none
 * @param onePacket one-packet scheduling
 * @param toa whether FULLNAT destinations get the client's address in TCP option 254; our own option {@code --toa}
 * @param connectionTimeout own timeout of established connections in seconds ({@code --conn-timeout}), if set
 * @param synProxy whether SYNs are answered by cookies; our own option {@code -j}
 * @param sync whether a sync master tells of its connections and templates; our own option {@code --sync}
 */
public record ServiceSpec(
        ServiceId id,
        String scheduler,
        Set<String> schedulerFlags,
        OptionalInt persistence,
        int netmask,
        String persistenceEngine,
        boolean onePacket,
        boolean toa,
        OptionalInt connectionTimeout,
        SynProxyMode synProxy,
        boolean sync) {

    /** A service without SYN proxy, of which a sync master tells. */
    public ServiceSpec(
            ServiceId id,
            String scheduler,
            Set<String> schedulerFlags,
            OptionalInt persistence,
            int netmask,
            String persistenceEngine,
            boolean onePacket,
            boolean toa,
            OptionalInt connectionTimeout) {
        this(
                id,
                scheduler,
                schedulerFlags,
                persistence,
                netmask,
                persistenceEngine,
                onePacket,
                toa,
                connectionTimeout,
                SynProxyMode.DISABLE,
                true);
    }

    /** The same service with the SYN proxy in another mode. */
    public ServiceSpec withSynProxy(SynProxyMode mode) {
        return new ServiceSpec(
                id,
                scheduler,
                schedulerFlags,
                persistence,
                netmask,
                persistenceEngine,
                onePacket,
                toa,
                connectionTimeout,
                mode,
                sync);
    }
}
