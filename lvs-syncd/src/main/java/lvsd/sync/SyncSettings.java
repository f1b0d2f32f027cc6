package lvsd.sync;

import java.util.Map;

/**
 * The settings of sync by their sysctl names.
 *
 * @param ports {@code sync_ports}: 1 to 64, a power of two; taken when a daemon starts
 * @param version {@code sync_version}: 1 or 0
 * @param delayMillis {@code sync_delay_ms}: how long an update may wait for others before its message goes
 * @param bulkRate {@code sync_bulk_rate}: connections a second of a bulk transfer
 * @param queueMax {@code sync_qlen_max}: messages that wait for the socket before new ones are dropped
 * @param socketBuffer {@code sync_sock_size}: bytes of the socket's buffer, 0 the system's; taken when a daemon starts
 */
public record SyncSettings(int ports, int version, int delayMillis, int bulkRate, int queueMax, int socketBuffer) {
    /** The defaults. */
    public static final SyncSettings DEFAULT = new SyncSettings(1, 1, 20, 200_000, 8192, 0);

    /** Most ports. */
    private static final int MOST_PORTS = 64;

    /** Those of a set of settings; what is not there is as in {@link #DEFAULT}, what is out of range at its bound. */
    public static SyncSettings of(Map<String, String> settings) {
        return new SyncSettings(
                Integer.highestOneBit(number(settings, "sync_ports", DEFAULT.ports, 1, MOST_PORTS)),
                number(settings, "sync_version", DEFAULT.version, 0, 1),
                number(settings, "sync_delay_ms", DEFAULT.delayMillis, 0, 2_000),
                number(settings, "sync_bulk_rate", DEFAULT.bulkRate, 1_000, 10_000_000),
                number(settings, "sync_qlen_max", DEFAULT.queueMax, 0, Integer.MAX_VALUE),
                number(settings, "sync_sock_size", DEFAULT.socketBuffer, 0, Integer.MAX_VALUE));
    }

    /** These with all of {@code newer} that a daemon takes over while it runs. */
    SyncSettings with(SyncSettings newer) {
        return new SyncSettings(ports, newer.version, newer.delayMillis, newer.bulkRate, newer.queueMax, socketBuffer);
    }

    private static int number(Map<String, String> settings, String name, int otherwise, int least, int most) {
        String value = settings.get(name);
        return value == null ? otherwise : Math.clamp(Long.parseLong(value.strip()), least, most);
    }
}
