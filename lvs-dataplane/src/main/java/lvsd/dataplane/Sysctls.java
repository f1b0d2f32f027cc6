package lvsd.dataplane;

import java.util.HashMap;
import java.util.Map;
import lvsd.config.Settings;
import lvsd.dataplane.connection.TcpStates;
import lvsd.dataplane.connection.Timeouts;
import lvsd.synproxy.AutoSettings;
import lvsd.synproxy.ProxySettings;

/**
 * The settings that steer connections, at one moment, immutable: what the control thread publishes with one release store
 * and every worker reads once a cycle. Fields are named as the settings; those of layers 2 and 3 are in
 * {@code lvsd.dataplane.net.NetSettings}. The registry of all is {@link Settings}.
 *
 * <p>As in the kernel, anything but 0 switches a switch on.
 */
final class Sysctls {
    /** A defence that is at work whether memory is short or not. */
    static final int ALWAYS = 3;

    /** {@link #syncAfter}: no packet is. */
    static final int NEVER = -1;

    /** What holds where nobody has said anything. */
    static final Sysctls DEFAULT = of(Map.of());

    /** {@code conn_reuse_mode}. */
    final int connReuseMode;
    /** {@code expire_nodest_conn}. */
    final boolean expireNodestConn;
    /** {@code expire_quiescent_template}. */
    final boolean expireQuiescentTemplate;
    /** {@code sloppy_tcp}. */
    final boolean sloppyTcp;
    /** {@code sloppy_sctp}. */
    final boolean sloppySctp;
    /** {@code schedule_icmp}. */
    final boolean scheduleIcmp;
    /** {@code nat_icmp_send}. */
    final boolean natIcmpSend;
    /** {@code amemthresh}, pages. */
    final int memoryThreshold;
    /** {@code am_droprate}. */
    final int dropRate;
    /** {@code drop_entry}: 0 never, {@link #ALWAYS}, or in between when memory is short. */
    final int dropEntry;
    /** {@code drop_packet}, likewise. */
    final int dropPacket;
    /** {@code secure_tcp}, likewise. */
    final int secureTcp;
    /** {@code cache_bypass}. */
    final boolean cacheBypass;
    /** {@code pmtu_disc}. */
    final boolean pmtuDisc;
    /** {@code defence_tcp_drop}. */
    final boolean defenceTcpDrop;
    /** {@code defence_udp_drop}. */
    final boolean defenceUdpDrop;
    /** {@code defence_frag_drop}. */
    final boolean defenceFragDrop;
    /** {@code synproxy_ack_storm_thresh}. */
    final int ackStorm;
    /** {@code lblc_expiration}. */
    final int lblcExpiration;
    /** {@code lblcr_expiration}. */
    final int lblcrExpiration;
    /** First local port of this director: of {@code fullnat_lport_min} to {@code _max} its {@code fullnat_lport_share}. */
    final int firstLocalPort;
    /** Last of them. */
    final int lastLocalPort;
    /** {@code synproxy_auto_*}. */
    final AutoSettings autoProxy;
    /** Packets of a connection before kernels are told of it, unsigned; {@link #NEVER}: only when its state changes. */
    final int syncAfter;
    /** Whether a connection is told of again while it is in use: {@code sync_threshold} or {@code sync_refresh_period}. */
    final boolean syncRepeats;
    /** Second number of {@code sync_threshold}: kernels are told again by so many packets, 0 not. */
    final int syncEvery;
    /**
     * 2^64 by {@link #syncEvery}, rounded up, for remainders. Of one it is 2^64, so 0; of zero, of which only 0 is a multiple,
     * 1.
     */
    final long syncReciprocal;
    /** Whether the number of a packet decides when kernels are told of its connection. */
    final boolean syncCounts;
    /** {@code sync_refresh_period} in ticks, 0 none. */
    final int syncRefresh;
    /** {@code sync_retries}. */
    final int syncRetries;
    /** {@code sync_protocols}: 1 TCP, 2 UDP, 4 SCTP. */
    final int syncProtocols;
    /** {@code sync_persist_mode}. */
    final boolean syncTemplatesOnly;
    /** {@code synproxy_*}. */
    final ProxySettings synProxy;
    /** {@code timeout_*}. Not to be changed; each worker takes a copy. */
    final Timeouts timeouts;

    private Sysctls(Map<String, String> settings) {
        connReuseMode = number(settings, "conn_reuse_mode");
        expireNodestConn = flag(settings, "expire_nodest_conn");
        expireQuiescentTemplate = flag(settings, "expire_quiescent_template");
        sloppyTcp = flag(settings, "sloppy_tcp");
        sloppySctp = flag(settings, "sloppy_sctp");
        scheduleIcmp = flag(settings, "schedule_icmp");
        natIcmpSend = flag(settings, "nat_icmp_send");
        memoryThreshold = number(settings, "amemthresh");
        dropRate = number(settings, "am_droprate");
        dropEntry = number(settings, "drop_entry");
        dropPacket = number(settings, "drop_packet");
        secureTcp = number(settings, "secure_tcp");
        cacheBypass = flag(settings, "cache_bypass");
        pmtuDisc = flag(settings, "pmtu_disc");
        defenceTcpDrop = flag(settings, "defence_tcp_drop");
        defenceUdpDrop = flag(settings, "defence_udp_drop");
        defenceFragDrop = flag(settings, "defence_frag_drop");
        ackStorm = number(settings, "synproxy_ack_storm_thresh");
        lblcExpiration = number(settings, "lblc_expiration");
        lblcrExpiration = number(settings, "lblcr_expiration");
        int first = number(settings, "fullnat_lport_min");
        int last = number(settings, "fullnat_lport_max");
        String share = settings.getOrDefault("fullnat_lport_share", "0 1");
        int blank = share.indexOf(' ');
        int directors = Math.max(1, Integer.parseInt(share.substring(blank + 1)));
        int self = Math.min(Integer.parseInt(share.substring(0, blank)), directors - 1);
        int each = (last - first + 1) / directors;
        firstLocalPort = first + self * each;
        lastLocalPort = self == directors - 1 ? last : firstLocalPort + each - 1;
        String threshold = settings.getOrDefault("sync_threshold", "3 50");
        int between = threshold.indexOf(' ');
        int every = Integer.parseInt(threshold.substring(between + 1));
        syncRefresh = Timeouts.ticks(Math.max(0, number(settings, "sync_refresh_period")));
        syncRepeats = syncRefresh != 0 || every != 0;
        syncEvery = every;
        syncReciprocal = every == 0 ? 1 : Long.divideUnsigned(-1, every) + 1;
        syncAfter = after(Integer.parseInt(threshold.substring(0, between)), every, syncRefresh != 0);
        syncCounts = every != 0 || (syncRefresh == 0 && syncAfter != NEVER);
        syncRetries = number(settings, "sync_retries");
        syncTemplatesOnly = flag(settings, "sync_persist_mode");
        syncProtocols = number(settings, "sync_protocols");
        timeouts = new Timeouts(settings);
        autoProxy = new AutoSettings(
                number(settings, "synproxy_auto_syn_rate"),
                number(settings, "synproxy_auto_half_open"),
                number(settings, "synproxy_auto_half_open_min"),
                number(settings, "synproxy_auto_calm"),
                Timeouts.ticks(number(settings, "synproxy_auto_hold")));
        synProxy = new ProxySettings(
                number(settings, "synproxy_init_mss"),
                number(settings, "synproxy_synack_ttl"),
                number(settings, "synproxy_synack_tos"),
                flag(settings, "synproxy_sack"),
                number(settings, "synproxy_wscale"),
                flag(settings, "synproxy_timestamp"),
                flag(settings, "synproxy_zero_window"),
                flag(settings, "synproxy_defer"),
                number(settings, "synproxy_ack_skb_store_thresh"),
                number(settings, "synproxy_syn_retry"),
                flag(settings, "synproxy_retry_other"),
                flag(settings, "synproxy_rst_bad_cookie"),
                flag(settings, "synproxy_conn_reuse") ? reusable(settings) : 0);
    }

    /** The first packet of a connection that has the kernel tell of it: by its number modulo {@code every}, if that is not 0. */
    private static int after(int remainder, int every, boolean refreshed) {
        if (every == 0 && refreshed) {
            return 0;
        }
        int otherwise = every == 0 ? NEVER : every;
        return remainder == 0 ? otherwise : remainder;
    }

    private static int reusable(Map<String, String> settings) {
        String name = "synproxy_conn_reuse_";
        return (number(settings, name + "close") << TcpStates.CLOSE)
                | (number(settings, name + "time_wait") << TcpStates.TIME_WAIT)
                | (number(settings, name + "fin_wait") << TcpStates.FIN_WAIT)
                | (number(settings, name + "close_wait") << TcpStates.CLOSE_WAIT)
                | (number(settings, name + "last_ack") << TcpStates.LAST_ACK);
    }

    /** A snapshot of settings in their normal form; those that are not said have their defaults. */
    static Sysctls of(Map<String, String> said) {
        Map<String, String> settings = new HashMap<>(Settings.defaults());
        settings.putAll(said);
        return new Sysctls(settings);
    }

    private static int number(Map<String, String> settings, String name) {
        String value = settings.get(name);
        if (value == null) {
            throw new IllegalArgumentException("no setting " + name);
        }
        return Integer.parseInt(value);
    }

    private static boolean flag(Map<String, String> settings, String name) {
        return number(settings, name) != 0;
    }
}
