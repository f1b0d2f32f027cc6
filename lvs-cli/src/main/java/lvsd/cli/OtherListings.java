package lvsd.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import lvsd.control.View;
import lvsd.rules.Addresses;
import lvsd.rules.Protocol;
import lvsd.rules.RuleFormatter;
import lvsd.rules.ServiceId;
import org.jspecify.annotations.Nullable;

/** Prints connections, timeouts and daemons as ipvsadm does, and the views that are ours as plain tables. */
final class OtherListings {
    private OtherListings() {}

    /** Titles of {@code -L -c}. */
    static void connectionTitles(PrintStream out, boolean persistent) {
        out.print("IPVS connection entries\n");
        out.print("pro expire state       source             virtual            destination"
                + (persistent ? "        pe name          pe_data" : "") + "\n");
    }

    /** Rows of {@code -L -c}. */
    static void connections(PrintStream out, boolean persistent, Endpoints endpoints, View.Connections view) {
        endpoints.expect(() -> view.connections().stream()
                .flatMap(each -> Stream.of(each.client(), each.virtual(), each.server()))
                .toList());
        StringBuilder row = new StringBuilder(128);
        for (View.Connection connection : view.connections()) {
            row.setLength(0);
            connection(row, connection, persistent, endpoints);
            out.append(row).append('\n');
        }
    }

    private static void connection(
            StringBuilder row, View.Connection connection, boolean persistent, Endpoints endpoints) {
        Protocol protocol = protocol(connection.protocol());
        long seconds = connection.expiresMillis() / 1000;
        String expires = (seconds < 600 ? "0" : "") + seconds / 60 + (seconds % 60 < 10 ? ":0" : ":") + seconds % 60;
        ServiceListing.pad(row, protocolName(connection.protocol()), 3);
        ServiceListing.pad(row.append(' '), expires, 6);
        ServiceListing.pad(row.append(' '), connection.state(), 11);
        ServiceListing.pad(row.append(' '), endpoints.text(connection.client(), connection.clientPort(), protocol), 18);
        ServiceListing.pad(
                row.append(' '), endpoints.text(connection.virtual(), connection.virtualPort(), protocol), 18);
        String server = endpoints.text(connection.server(), connection.serverPort(), protocol);
        row.append(' ');
        if (persistent && !connection.engine().isEmpty()) {
            ServiceListing.pad(row, server, 16);
            ServiceListing.pad(row.append(' '), connection.engine(), 18);
            row.append(' ').append(connection.engineData());
        } else {
            row.append(server);
        }
    }

    private static @Nullable Protocol protocol(int number) {
        for (Protocol protocol : Protocol.values()) {
            if (protocol.number() == number) {
                return protocol;
            }
        }
        return null;
    }

    private static String protocolName(int number) {
        Protocol protocol = protocol(number);
        return protocol == null ? number == 1 ? "ICMP" : "IP" : protocol.name();
    }

    /** {@code -L --timeout}. */
    static void timeouts(PrintStream out, View.Timeouts view) {
        out.print("Timeout (tcp tcpfin udp): " + view.tcp() + " " + view.tcpFin() + " " + view.udp() + "\n");
    }

    /** {@code -L --daemon}. */
    static void daemons(PrintStream out, boolean stats, View.Daemons view) {
        for (View.Daemon daemon : view.daemons()) {
            out.print(daemon.role().label() + " sync daemon (mcast=" + daemon.mcastInterface() + ", syncid="
                    + daemon.syncId() + ", maxlen=" + daemon.maxLength() + ", group="
                    + Addresses.format(daemon.group()) + ", port=" + daemon.port() + ", ttl=" + daemon.ttl() + ")\n");
            if (stats) {
                Table table = new Table("Value", "Counter", "Meaning").right(0);
                daemon.counters().forEach(each -> table.row(each.value(), each.name(), each.help()));
                table.print(out);
            }
        }
    }

    /** {@code --drops}, each reason with what to do about it below; those with nothing counted are left out. */
    static void drops(PrintStream out, View.Drops view) {
        Table table = new Table("Packets", "Reason", "Meaning").right(0);
        for (View.Drop drop : view.drops()) {
            if (drop.packets() != 0) {
                table.row(drop.packets(), drop.reason(), drop.help());
                table.row("", "", "-> " + drop.remedy());
            }
        }
        table.print(out);
    }

    /** {@code --ports}. */
    static void ports(PrintStream out, View.Ports view) {
        Table table = new Table(
                        "Port",
                        "Link",
                        "MTU",
                        "MAC",
                        "InPkts",
                        "OutPkts",
                        "InBytes",
                        "OutBytes",
                        "Missed",
                        "Errors",
                        "Device")
                .right(2, 4, 5, 6, 7, 8, 9);
        for (View.Port port : view.ports()) {
            table.row(
                    port.name(),
                    port.linkUp() ? "up" : "down",
                    port.mtu(),
                    port.mac(),
                    port.inPackets(),
                    port.outPackets(),
                    port.inBytes(),
                    port.outBytes(),
                    port.inMissed(),
                    port.errors(),
                    port.device());
        }
        table.print(out);
    }

    /** {@code --workers}: the threads, then their connection tables. */
    static void workers(PrintStream out, View.Workers view) {
        Table table = new Table(
                        "Worker", "CPU", "Cycles", "Idle%", "Packets", "LongestUs", "HandIn", "HandOut", "Ended")
                .right(0, 1, 2, 3, 4, 5, 6, 7, 8);
        Table tables = new Table("Worker", "Table", "Conns", "HighWater", "Capacity", "Used%", "Probe", "MB")
                .right(0, 2, 3, 4, 5, 6, 7);
        for (View.Worker worker : view.workers()) {
            table.row(
                    worker.index(),
                    worker.core() < 0 ? "-" : worker.core(),
                    worker.cycles(),
                    worker.cycles() == 0 ? 0 : worker.idleCycles() * 100 / worker.cycles(),
                    worker.packets(),
                    worker.longestCycle() / 1000,
                    worker.handoffsIn(),
                    worker.handoffsOut(),
                    worker.ended());
            for (View.Table each : worker.tables()) {
                tables.row(
                        worker.index(),
                        each.family(),
                        each.connections(),
                        each.highWater(),
                        each.capacity(),
                        each.capacity() == 0 ? 0 : each.connections() * 100 / each.capacity(),
                        each.longestProbe(),
                        each.bytes() >> 20);
            }
        }
        table.print(out);
        tables.print(out);
    }

    /** {@code -G}. */
    static void localAddresses(PrintStream out, Endpoints endpoints, View.LocalAddresses view) {
        Table table = new Table("Service", "LocalAddress", "Port", "Conns", "Exhausted").right(3, 4);
        for (View.LocalAddress local : view.localAddresses()) {
            ServiceId id = local.service();
            table.row(
                    RuleFormatter.id(id, endpoints),
                    Addresses.format(local.address()),
                    local.port().isEmpty() ? "-" : local.port(),
                    local.connections(),
                    local.exhausted());
        }
        table.print(out);
    }

    /** {@code --synproxy}: steps never taken are left out. */
    static void synProxies(PrintStream out, Endpoints endpoints, View.SynProxies view) {
        for (View.SynProxy proxy : view.services()) {
            String now = switch (proxy.level()) {
                case 0 -> "SYNs go to servers";
                case 1 -> "SYNs are answered by cookies since it looks attacked";
                default -> "SYNs are answered by cookies";
            };
            out.print(RuleFormatter.id(proxy.service(), endpoints) + "  " + proxy.mode() + "; level " + proxy.level()
                    + ": " + now + "\n");
            Table steps = new Table("Count", "Step", "Meaning").right(0);
            for (View.ProxyStep step : proxy.steps()) {
                if (step.count() != 0) {
                    steps.row(step.count(), step.step(), step.help());
                }
            }
            steps.print(out);
            Table servers = new Table("HalfOpen", "Unanswered", "Server").right(0, 1);
            for (View.ProxyServer server : proxy.servers()) {
                servers.row(
                        server.halfOpen(),
                        server.unanswered(),
                        endpoints.text(server.address(), server.port(), Protocol.TCP));
            }
            servers.print(out);
            out.print("\n");
        }
    }

    /** {@code --marks}. */
    static void marks(PrintStream out, View.Marks view) {
        Table table = new Table("Mark", "Prot", "Addresses:Ports", "Port", "From").right(0);
        for (View.Mark mark : view.marks()) {
            table.row(
                    mark.mark(),
                    mark.protocol(),
                    mark.target(),
                    mark.port().isEmpty() ? "any" : mark.port(),
                    mark.file() ? "file" : "command");
        }
        table.print(out);
    }

    /** {@code --sysctl}. */
    static void settings(PrintStream out, View.Settings view) {
        for (View.Setting setting : view.settings()) {
            out.print(setting.name() + " = " + setting.value() + "\n");
        }
    }

    /** A table whose columns are as wide as their widest cell. */
    private static final class Table {
        private final List<Object[]> rows = new ArrayList<>();
        private final boolean[] right;

        Table(String... titles) {
            rows.add(titles);
            right = new boolean[titles.length];
        }

        Table right(int... columns) {
            for (int column : columns) {
                right[column] = true;
            }
            return this;
        }

        void row(Object... cells) {
            rows.add(cells);
        }

        void print(PrintStream out) {
            int[] widths = new int[right.length];
            for (Object[] row : rows) {
                for (int i = 0; i < row.length; i++) {
                    widths[i] = Math.max(widths[i], row[i].toString().length());
                }
            }
            for (Object[] row : rows) {
                StringBuilder line = new StringBuilder();
                for (int i = 0; i < row.length; i++) {
                    String cell = row[i].toString();
                    String blanks = " ".repeat(widths[i] - cell.length());
                    line.append(right[i] ? blanks + cell : cell + blanks).append("  ");
                }
                out.print(line.toString().stripTrailing() + "\n");
            }
        }
    }
}
