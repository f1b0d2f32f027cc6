package lvsd.cli;

import java.io.PrintStream;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import lvsd.control.View;
import lvsd.rules.DestinationSpec;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Rule;
import lvsd.rules.RuleFormatter;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.rules.SynProxyMode;

/** Prints services and servers as {@code ipvsadm -L} and {@code -S} do, column by column. */
final class ServiceListing {
    private static final int NAME = 28;
    private static final String BANNER = "IP Virtual Server version 1.2.1 (size=4096)";

    /** Characters that are printed at once: a stream takes longer over a line than it takes to make one. */
    private static final int PAGE = 1 << 15;

    private final StringBuilder text = new StringBuilder(PAGE + 256);
    private final PrintStream out;
    private final Endpoints endpoints;
    private final Rule.Columns columns;
    private final boolean exact;

    private ServiceListing(PrintStream out, Endpoints endpoints, Rule.Columns columns, boolean exact) {
        this.out = out;
        this.endpoints = endpoints;
        this.columns = columns;
        this.exact = exact;
    }

    /** {@code -L}. */
    static void list(PrintStream out, Rule.ListServices rule, Endpoints endpoints, View.Services view) {
        ServiceListing listing = new ServiceListing(out, endpoints, rule.columns(), rule.exact());
        endpoints.expect(() -> addresses(view));
        if (rule.service().isEmpty()) {
            listing.line(BANNER);
        }
        listing.titles();
        for (View.Service service : ordered(view, rule.sort())) {
            listing.service(service);
            for (View.Destination destination : ordered(service, rule.sort())) {
                listing.destination(destination);
            }
        }
        listing.flush();
    }

    /** {@code -S}. */
    static void save(PrintStream out, Endpoints endpoints, View.Services view) {
        ServiceListing listing = new ServiceListing(out, endpoints, Rule.Columns.DEFAULT, false);
        endpoints.expect(() -> addresses(view));
        for (View.Service service : ordered(view, true)) {
            listing.line(RuleFormatter.saved(service.spec(), endpoints));
            for (View.Destination destination : ordered(service, true)) {
                listing.line(RuleFormatter.saved(destination.spec(), endpoints));
            }
        }
        listing.flush();
    }

    private static List<InetAddress> addresses(View.Services view) {
        List<InetAddress> addresses = new ArrayList<>();
        for (View.Service service : view.services()) {
            if (service.spec().id() instanceof ServiceId.Vip vip) {
                addresses.add(vip.address());
            }
            service.destinations().forEach(each -> addresses.add(each.spec().address()));
        }
        return addresses;
    }

    private static List<View.Service> ordered(View.Services view, boolean sort) {
        List<View.Service> services = ListingOrder.unsorted(view.services());
        if (sort) {
            ListingOrder.sort(services);
        }
        return services;
    }

    private static List<View.Destination> ordered(View.Service service, boolean sort) {
        List<View.Destination> destinations = new ArrayList<>(service.destinations());
        if (sort) {
            ListingOrder.sort(destinations, ListingOrder.DESTINATIONS);
        }
        return destinations;
    }

    private void titles() {
        String[] titles = switch (columns) {
            case STATS ->
                new String[] {
                    "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes",
                    "  -> RemoteAddress:Port"
                };
            case RATE ->
                new String[] {
                    "Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS",
                    "  -> RemoteAddress:Port"
                };
            case THRESHOLDS ->
                new String[] {
                    "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn ",
                    "  -> RemoteAddress:Port"
                };
            case PERSISTENT ->
                new String[] {
                    "Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn ",
                    "  -> RemoteAddress:Port"
                };
            case TUNNEL ->
                new String[] {
                    "Prot LocalAddress:Port Scheduler Flags",
                    "  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn"
                };
            case DEFAULT ->
                new String[] {
                    "Prot LocalAddress:Port Scheduler Flags",
                    "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn"
                };
        };
        line(titles[0]);
        line(titles[1]);
    }

    private void service(View.Service service) {
        ServiceSpec spec = service.spec();
        StringBuilder row = new StringBuilder();
        if (spec.id() instanceof ServiceId.Vip vip) {
            pad(row, vip.protocol().name(), 4);
            row.append(' ').append(name(vip.address().getAddress().length, vip));
        } else if (spec.id() instanceof ServiceId.Fwmark mark) {
            row.append("FWM  ").append(mark.mark()).append(mark.ipv6() ? " IPv6" : "");
        }
        switch (columns) {
            case STATS -> stats(row, service.stats());
            case RATE -> rates(row, service.rates());
            default -> flags(row, spec);
        }
        line(row);
    }

    private static void flags(StringBuilder row, ServiceSpec spec) {
        row.append(' ').append(spec.scheduler());
        if (!spec.schedulerFlags().isEmpty()) {
            row.append(" (").append(RuleFormatter.flags(spec)).append(')');
        }
        if (spec.persistence().isPresent()) {
            row.append(" persistent ").append(spec.persistence().getAsInt());
            if (spec.netmask() != -1) {
                row.append(" mask ").append(RuleFormatter.netmask(spec));
            }
            if (!spec.persistenceEngine().isEmpty()) {
                row.append(" pe ").append(spec.persistenceEngine());
            }
        }
        if (spec.onePacket()) {
            row.append(" ops");
        }
        if (spec.synProxy() != SynProxyMode.DISABLE) {
            row.append(spec.synProxy() == SynProxyMode.AUTO ? " synproxy auto" : " synproxy");
        }
        if (!spec.sync()) {
            row.append(" no-sync");
        }
        if (spec.connectionTimeout().isPresent()) {
            row.append(" conn-timeout ").append(spec.connectionTimeout().getAsInt());
        }
    }

    private void destination(View.Destination destination) {
        DestinationSpec spec = destination.spec();
        StringBuilder row = new StringBuilder("  -> ");
        String name = cut(
                endpoints.text(spec.address(), spec.port(), spec.service()),
                spec.address().getAddress().length);
        pad(row, name, NAME);
        switch (columns) {
            case STATS -> stats(row, destination.stats());
            case RATE -> rates(row, destination.rates());
            case THRESHOLDS -> cells(row, spec.upperThreshold(), 10, spec.lowerThreshold(), 10, destination);
            case PERSISTENT -> cells(row, spec.weight(), 9, destination.persistent(), 11, destination);
            case TUNNEL, DEFAULT -> {
                pad(row.append(' '), spec.method().label(), 7);
                if (columns == Rule.Columns.TUNNEL) {
                    pad(row.append(' '), tunnel(spec), 13);
                }
                pad(row.append(' '), Integer.toString(spec.weight()), 6);
                connections(row, destination);
            }
        }
        line(row);
    }

    private static void cells(
            StringBuilder row, long first, int firstWidth, long second, int secondWidth, View.Destination destination) {
        pad(row.append(' '), Long.toString(first), firstWidth);
        pad(row.append(' '), Long.toString(second), secondWidth);
        connections(row, destination);
    }

    private static void connections(StringBuilder row, View.Destination destination) {
        pad(row.append(' '), Long.toString(destination.active()), 10);
        pad(row.append(' '), Long.toString(destination.inactive()), 10);
    }

    private static String tunnel(DestinationSpec spec) {
        if (spec.method() != ForwardingMethod.TUNNEL) {
            return "n/a";
        }
        String checksum = switch (spec.tunnel().checksum()) {
            case "csum" -> ":+c";
            case "remcsum" -> ":r+c";
            case "nocsum" -> ":-c";
            default -> "";
        };
        return spec.tunnel().type()
                + (spec.tunnel().port() == 0 ? "" : ":" + spec.tunnel().port())
                + checksum;
    }

    /** Name of a service, padded where numbers follow. */
    private String name(int length, ServiceId.Vip vip) {
        String name = cut(endpoints.text(vip.address(), vip.port(), vip), length);
        if (columns != Rule.Columns.STATS && columns != Rule.Columns.RATE) {
            return name;
        }
        StringBuilder padded = new StringBuilder();
        pad(padded, name, NAME);
        return padded.toString();
    }

    /** Names of IPv4 hosts are cut to the column. */
    private String cut(String name, int addressLength) {
        return endpoints.numeric() || addressLength == 16 || name.length() <= NAME ? name : name.substring(0, NAME);
    }

    private void stats(StringBuilder row, View.Stats stats) {
        numbers(row, stats.connections(), stats.inPackets(), stats.outPackets(), stats.inBytes(), stats.outBytes());
    }

    private void rates(StringBuilder row, View.Rates rates) {
        numbers(row, rates.connections(), rates.inPackets(), rates.outPackets(), rates.inBytes(), rates.outBytes());
    }

    private void numbers(StringBuilder row, long... values) {
        if (row.indexOf("FWM") == 0) {
            pad(row, "", Math.max(0, 5 + NAME - row.length()));
        }
        for (long value : values) {
            String text = exact ? Long.toString(value) : shortened(value);
            row.repeat(' ', Math.max(exact ? 1 : 0, 9 - text.length())).append(text);
        }
    }

    /** Plain below 10^8, then thousands, from 10^9 millions, from 10^11 thousand millions, from 10^14 million millions. */
    static String shortened(long value) {
        if (value < 100_000_000L) {
            return Long.toString(value);
        }
        if (value < 1_000_000_000L) {
            return value / 1_000 + "K";
        }
        if (value < 100_000_000_000L) {
            return value / 1_000_000 + "M";
        }
        return value < 100_000_000_000_000L ? value / 1_000_000_000L + "G" : value / 1_000_000_000_000L + "T";
    }

    static void pad(StringBuilder row, String text, int width) {
        row.append(text).repeat(' ', Math.max(0, width - text.length()));
    }

    private void line(CharSequence row) {
        text.append(row).append('\n');
        if (text.length() >= PAGE) {
            flush();
        }
    }

    private void flush() {
        out.print(text);
        text.setLength(0);
    }
}
