package lvsd.cli;

import java.io.PrintStream;

/** What {@code -h} and {@code -v} print. */
final class HelpText {
    private static final String VERSION = "0.1.0";

    private static final String TEXT = """
            Usage:
              PROGRAM -A|-E SERVICE [-s scheduler] [-p [seconds]] [-M mask] [--pe engine] [-o] [-b flags]
                      [--conn-timeout seconds] [--toa on|off] [--sync on|off] [-j enable|disable|auto]
              PROGRAM -D SERVICE
              PROGRAM -a|-e SERVICE -r SERVER [-g|-m|-b|-i] [-w weight] [-x upper] [-y lower] [tunnel options]
              PROGRAM -d SERVICE -r SERVER
              PROGRAM -L|-l [SERVICE] [view options]      PROGRAM -Z [SERVICE]
              PROGRAM -C       PROGRAM -R < rules         PROGRAM -S [-n] > rules
              PROGRAM --set tcp tcpfin udp
              PROGRAM --start-daemon master|backup [daemon options]
              PROGRAM --stop-daemon master|backup
              PROGRAM -P|-Q SERVICE -z ADDRESS [-F port]  PROGRAM -G [SERVICE] [-n]
              PROGRAM --add-mark|--del-mark MARK PACKETS [-F port]            PROGRAM --marks
              PROGRAM --drops | --ports | --workers       PROGRAM --sysctl [name[=value]]
              PROGRAM --synproxy [SERVICE] [-n]
              PROGRAM --role [active|standby]
              PROGRAM -h | -v                             lvsadm help [COMMAND]

            Commands:
              --add-service     -A   add a virtual service
              --edit-service    -E   change one; what is not said goes back to its default
              --delete-service  -D   remove one with its servers
              --add-server      -a   add a real server to a service
              --edit-server     -e   change one; what is not said goes back to its default
              --delete-server   -d   remove one
              --list            -L   show services and servers, also -l
              --zero            -Z   restart the counters
              --clear           -C   remove all services
              --restore         -R   read rules from standard input
              --save            -S   write rules to standard output
              --set                  set timeouts of TCP, TCP after FIN, UDP in seconds; 0 keeps one
              --start-daemon         start sending or receiving connections
              --stop-daemon          stop it
              --add-laddr       -P   add a local address for FULLNAT
              --del-laddr       -Q   remove one
              --get-laddr       -G   show them and their use
              --add-mark             map packets to a firewall mark; the first rule that matches counts
              --del-mark             remove such a rule
              --marks                show them
              --drops                show why packets were dropped
              --ports                show ports, links and counters
              --workers              show worker threads and their tables
              --synproxy             show what the SYN proxy has done
              --sysctl               show or change settings
              --role                 show or change whether this director of a pair forwards
              --help            -h   this text
              --version         -v   the version

            SERVICE:
              --tcp-service     -t   host[:port]; IPv6 as [address]:port
              --udp-service     -u   host[:port]
              --sctp-service         host[:port]
              --fwmark-service  -f   firewall mark from 1 on; --ipv6 or -6 behind it for IPv6

            PACKETS, behind -t, -u, --sctp-service or --any:
                                     address[-address | /length][:port[-port]]; IPv6 addresses in brackets

            Options:
              --scheduler       -s   rr wrr lc wlc lblc lblcr dh sh mh sed nq fo ovf twos; default wlc
              --sched-flags     -b   flags of sh and mh: sh-fallback sh-port mh-fallback mh-port, by commas
              --persistent      -p   keep a client at its server; seconds, default 360
              --netmask         -M   clients of one network count as one: mask, or prefix length with IPv6
              --pe                   persistence engine: sip
              --ops             -o   every UDP packet a connection of its own
              --conn-timeout         seconds that established connections of this service may idle
              --toa                  tell servers the client's address with FULLNAT, on or off; default on
              --sync                 tell backups of its connections and templates, on or off; default on
              --synproxy        -j   answer SYNs by cookies: enable, disable or auto; default disable
              --real-server     -r   host[:port]; without port the service's
              --gatewaying      -g   direct routing, the default
              --masquerading    -m   NAT
              --fullnat         -b   NAT of both addresses, with -a and -e
              --ipip            -i   tunnel
              --tun-type             ipip gue gre; default ipip
              --tun-port             port of gue
              --tun-nocsum --tun-csum --tun-remcsum   checksums of gue and gre
              --weight          -w   share of a server; 0 takes no new connections; default 1
              --u-threshold     -x   connections from which a server is overloaded
              --l-threshold     -y   connections below which it no longer is
              --laddr           -z   a local address
              --ifname          -F   director port that a local address belongs to

            View options:
              --numeric         -n   numbers instead of names
              --connection      -c   connections
              --stats  --rate        counters, rates
              --exact                numbers not shortened
              --thresholds  --persistent-conn  --tun-info   other columns
              --timeout  --daemon    timeouts, sync daemons
              --nosort  --sort       as the director has them; sorted, the default
              --json                 what the director answers, as JSON

            Daemon options:
              --syncid               0 to 255
              --sync-maxlen          bytes of a message
              --mcast-interface --mcast-group --mcast-port --mcast-ttl
              --icv-key-file FILE    file with the key that authenticates messages
              --icv-key KEY          the key itself
              --icv-algorithm        hmac-sha256-128 (default) or hmac-md5-96

            Options of the tool:
              --control SOCKET       socket of the director; else LVSD_CONTROL, else /run/lvsd/control.sock
            """;

    private HelpText() {}

    static void print(PrintStream out, String program) {
        version(out, program);
        out.print(TEXT.replace("PROGRAM", program));
    }

    static void version(PrintStream out, String program) {
        out.print(program + " of lvsd " + VERSION + " (grammar of ipvsadm v1.31, IPVS v1.2.1)\n");
    }
}
