package lvsd.dataplane;

import java.util.Map;

/**
 * Settings of how connections begin, go on and end, read from {@code settings} by their IPVS names. Immutable; published
 * to workers whole.
 *
 * @param reuseMode {@code conn_reuse_mode}: what a SYN on an old connection does; bit 0: anew when it is over, bit 1: also
 *     in FIN_WAIT of one whose server's packets do not come this way; 0: it stays with its server
 * @param expireNodest {@code expire_nodest_conn}: whether connections of a removed server end, and a SYN over one of a
 *     server of weight 0 is scheduled anew
 * @param expireQuiescentTemplate {@code expire_quiescent_template}: whether persistence forgets a server of weight 0
 * @param sloppyTcp {@code sloppy_tcp}: whether any segment but a reset opens a connection
 * @param sloppySctp {@code sloppy_sctp}: whether any packet but an abort opens an association
 * @param scheduleIcmp {@code schedule_icmp}: whether an ICMP error about no known connection opens one
 * @param natIcmpSend {@code nat_icmp_send}: whether a NAT server's packet of no connection is answered with an ICMP error
 */
record BalanceSettings(
        int reuseMode,
        boolean expireNodest,
        boolean expireQuiescentTemplate,
        boolean sloppyTcp,
        boolean sloppySctp,
        boolean scheduleIcmp,
        boolean natIcmpSend) {

    /** The kernel's defaults. */
    static final BalanceSettings DEFAULT = of(Map.of());

    /** Reads what is there; the values have been checked. */
    static BalanceSettings of(Map<String, String> settings) {
        return new BalanceSettings(
                number(settings, "conn_reuse_mode", 1),
                number(settings, "expire_nodest_conn", 0) != 0,
                number(settings, "expire_quiescent_template", 0) != 0,
                number(settings, "sloppy_tcp", 0) != 0,
                number(settings, "sloppy_sctp", 0) != 0,
                number(settings, "schedule_icmp", 0) != 0,
                number(settings, "nat_icmp_send", 0) != 0);
    }

    private static int number(Map<String, String> settings, String name, int otherwise) {
        String text = settings.get(name);
        return text == null ? otherwise : Integer.parseInt(text);
    }
}
