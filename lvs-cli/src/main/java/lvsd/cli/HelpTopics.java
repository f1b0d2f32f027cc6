package lvsd.cli;

import java.io.PrintStream;
import java.util.List;

/** What {@code lvsadm help COMMAND} prints: what one command is for, what belongs to it, and an example that works. */
final class HelpTopics {
    /** A command by its words, what it does, its usage, an example. */
    private record Topic(List<String> words, String what, String usage, String example) {}

    private static final List<Topic> TOPICS = List.of(
            new Topic(
                    List.of("-A", "--add-service", "-E", "--edit-service"),
                    "Adds a virtual service (-A) or defines an existing one anew (-E): what -E does not say goes back to"
                            + " its default.",
                    """
                    -t|-u|--sctp-service ADDRESS:PORT, or -f MARK [-6]
                    [-s rr|wrr|lc|wlc|lblc|lblcr|dh|sh|mh|sed|nq|fo|ovf|twos]   default wlc
                    [-b FLAGS]               flags of sh and mh: sh-fallback,sh-port or mh-fallback,mh-port
                    [-p [SECONDS]] [-M MASK] [--pe sip]   a client stays at its server; default 360 s
                    [-o]                     every UDP packet a connection of its own
                    [--conn-timeout SECONDS] [--toa on|off] [--sync on|off] [-j enable|disable|auto]""",
                    "-A -t 192.0.2.10:80 -s wrr -p 600"),
            new Topic(
                    List.of("-D", "--delete-service"),
                    "Removes a virtual service with its servers. Established connections go on.",
                    "-t|-u|--sctp-service ADDRESS:PORT, or -f MARK [-6]",
                    "-D -t 192.0.2.10:80"),
            new Topic(
                    List.of("-a", "--add-server", "-e", "--edit-server"),
                    "Adds a real server to a service (-a) or defines one anew (-e). Weight 0 takes no new connections.",
                    """
                    SERVICE -r ADDRESS[:PORT]
                    [-g | -m | -b | -i]      direct routing (default), NAT, FULLNAT, tunnel
                    [-w WEIGHT]              default 1
                    [-x UPPER] [-y LOWER]    connections at which it is full, and no longer
                    [--tun-type ipip|gue|gre] [--tun-port PORT] [--tun-nocsum|--tun-csum|--tun-remcsum]""",
                    "-a -t 192.0.2.10:80 -r 198.18.20.2:8080 -m -w 3"),
            new Topic(
                    List.of("-d", "--delete-server"),
                    "Removes a real server. Established connections go on unless expire_nodest_conn is set.",
                    "SERVICE -r ADDRESS[:PORT]",
                    "-d -t 192.0.2.10:80 -r 198.18.20.2:8080"),
            new Topic(
                    List.of("-L", "-l", "--list"),
                    "Shows services and servers, or connections (-c), timeouts, sync daemons.",
                    """
                    [SERVICE] [-n] [--stats|--rate|--thresholds|--persistent-conn|--tun-info] [--exact] [--nosort]
                    -c [-n] [--persistent-conn]
                    --timeout | --daemon
                    [--json]                 what the director answers, a document a page""",
                    "-L -n --stats"),
            new Topic(
                    List.of("-Z", "--zero", "-C", "--clear"),
                    "-Z restarts counters, -C removes all services.",
                    "[SERVICE]                    -Z alone",
                    "-Z -t 192.0.2.10:80"),
            new Topic(
                    List.of("-S", "--save", "-R", "--restore"),
                    "-S writes the rules to standard output, -R reads rules from standard input and adds them.",
                    "[-n]                         -S alone: numbers, which need no name server to be read back",
                    "-S -n > rules; lvsadm -C; lvsadm -R < rules"),
            new Topic(
                    List.of("--set"),
                    "Sets timeouts of TCP, TCP after FIN, and UDP in seconds for later packets; 0 keeps one.",
                    "TCP TCPFIN UDP",
                    "--set 900 120 300"),
            new Topic(
                    List.of("-P", "--add-laddr", "-Q", "--del-laddr", "-G", "--get-laddr"),
                    "Adds, removes and shows local addresses: those that servers of FULLNAT services see as client.",
                    """
                    SERVICE -z ADDRESS [-F PORT]
                    [SERVICE] [-n]           -G""",
                    "-P -t 192.0.2.10:80 -z 198.18.20.100"),
            new Topic(
                    List.of("--start-daemon", "--stop-daemon"),
                    "Starts and stops sending (master) or receiving (backup) connections.",
                    """
                    master|backup [--mcast-interface NAME] [--syncid N] [--sync-maxlen BYTES]
                    [--mcast-group ADDRESS] [--mcast-port PORT] [--mcast-ttl N]""",
                    "--start-daemon master --mcast-interface eth0 --syncid 7"),
            new Topic(
                    List.of("--sysctl"),
                    "Shows or changes settings; a change is kept. docs/config.md has all names.",
                    "[NAME[=VALUE]]",
                    "--sysctl expire_nodest_conn=1"),
            new Topic(
                    List.of("--synproxy"),
                    "Shows what the SYN proxy has done, of one service or of all that have one, and their servers.",
                    "[SERVICE] [-n] [--json]",
                    "--synproxy -t 192.0.2.10:80"),
            new Topic(
                    List.of("--role"),
                    "Shows or changes whether this director of a pair forwards and has the shared addresses. active: announces"
                            + " them, also when it is active already; standby: gives them up. Not kept over a restart.",
                    "[active|standby]",
                    "--role standby"),
            new Topic(
                    List.of("--drops", "--ports", "--workers"),
                    "Shows why packets were dropped, and what to do about it; ports with links and counters; worker threads with their tables.",
                    "[--json]",
                    "--drops"));

    private HelpTopics() {}

    /** Prints the topic of a command, or what there are topics for; returns the exit code. */
    static int print(PrintStream out, PrintStream err, List<String> words) {
        if (words.isEmpty()) {
            out.print("lvsadm help COMMAND tells about one command, lvsadm -h lists everything.\n\n");
            for (Topic topic : TOPICS) {
                out.print("  " + String.join(" ", topic.words) + "\n      " + topic.what + "\n");
            }
            return 0;
        }
        String wanted = words.getFirst().replaceFirst("^-+", "");
        for (Topic topic : TOPICS) {
            if (topic.words.stream()
                    .anyMatch(word -> word.replaceFirst("^-+", "").equals(wanted))) {
                out.print("lvsadm " + String.join(" | ", topic.words) + "\n\n" + topic.what + "\n\n"
                        + topic.usage.indent(4) + "\nExample:\n    lvsadm " + topic.example + "\n");
                return 0;
            }
        }
        err.print("no help for " + words.getFirst() + "; lvsadm help lists the commands\n");
        return 2;
    }
}
