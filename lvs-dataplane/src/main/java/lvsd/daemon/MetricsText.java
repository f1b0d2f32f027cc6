package lvsd.daemon;

import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToLongFunction;
import lvsd.control.View;
import lvsd.dataplane.DataplaneControl;
import lvsd.dataplane.DropReason;
import lvsd.dataplane.net.PuntClass;
import lvsd.rules.Addresses;
import lvsd.rules.ServiceId;

/**
 * Metrics in the Prometheus text format 0.0.4. Those that node_exporter's ipvs collector has bear its names and labels,
 * with {@code lvsd_} before them or, if asked, {@code node_}, so that boards and alerts made for it go on. Control thread
 * only.
 */
final class MetricsText {
    private final Director director;
    private final DataplaneControl dataplane;
    private final long startMillis;

    /**
     * @param startMillis start of the daemon, milliseconds since 1970
     */
    MetricsText(Director director, DataplaneControl dataplane, long startMillis) {
        this.director = director;
        this.dataplane = dataplane;
        this.startMillis = startMillis;
    }

    /**
     * All metrics.
     *
     * @param prefix {@code lvsd} or {@code node}, before the ipvs names
     */
    Spool render(String prefix) {
        Spool out = new Spool();
        totals(out, prefix);
        backends(out, prefix);
        synProxies(out);
        drops(out);
        punted(out);
        ports(out);
        workers(out);
        locals(out);
        gauge(out, "lvsd_removed_destinations", "Removed real servers whose connections go on.");
        out.add("lvsd_removed_destinations " + director.buried() + "\n");
        gauge(out, "lvsd_start_time_seconds", "Start of the daemon since unix epoch in seconds.");
        out.add("lvsd_start_time_seconds " + startMillis / 1000.0 + "\n");
        return out;
    }

    private static void head(Spool out, String name, String type, String help) {
        out.add("# HELP " + name + " " + help + "\n# TYPE " + name + " " + type + "\n");
    }

    private static void counter(Spool out, String name, String help) {
        head(out, name, "counter", help);
    }

    private static void gauge(Spool out, String name, String help) {
        head(out, name, "gauge", help);
    }

    private void totals(Spool out, String prefix) {
        View.Stats sum = director.grandTotal();
        total(out, prefix + "_ipvs_connections_total", "The total number of connections made.", sum.connections());
        total(out, prefix + "_ipvs_incoming_packets_total", "The total number of incoming packets.", sum.inPackets());
        total(out, prefix + "_ipvs_outgoing_packets_total", "The total number of outgoing packets.", sum.outPackets());
        total(out, prefix + "_ipvs_incoming_bytes_total", "The total amount of incoming data.", sum.inBytes());
        total(out, prefix + "_ipvs_outgoing_bytes_total", "The total amount of outgoing data.", sum.outBytes());
    }

    private static void total(Spool out, String name, String help, long value) {
        counter(out, name, help);
        out.add(name + " " + value + "\n");
    }

    private void backends(Spool out, String prefix) {
        List<View.Service> services;
        try {
            services = director.services(Optional.empty()).services();
        } catch (Refusal e) {
            throw new AssertionError("all services can always be listed", e);
        }
        String name = prefix + "_ipvs_backend_";
        series(
                out,
                services,
                name + "connections_active",
                "The current active connections by local and remote address.",
                View.Destination::active);
        series(
                out,
                services,
                name + "connections_inactive",
                "The current inactive connections by local and remote address.",
                View.Destination::inactive);
        series(
                out,
                services,
                name + "weight",
                "The current backend weight by local and remote address.",
                destination -> destination.spec().weight());
        counters(out, services);
    }

    /** Per server counters, which node_exporter does not have. */
    private static void counters(Spool out, List<View.Service> services) {
        String name = "lvsd_backend_";
        countersOf(
                out,
                services,
                name + "connections_total",
                "Connections made.",
                d -> d.stats().connections());
        countersOf(
                out,
                services,
                name + "incoming_packets_total",
                "Packets from clients.",
                d -> d.stats().inPackets());
        countersOf(
                out,
                services,
                name + "outgoing_packets_total",
                "Packets from the real server.",
                d -> d.stats().outPackets());
        countersOf(
                out,
                services,
                name + "incoming_bytes_total",
                "IP bytes from clients.",
                d -> d.stats().inBytes());
        countersOf(
                out,
                services,
                name + "outgoing_bytes_total",
                "IP bytes from the real server.",
                d -> d.stats().outBytes());
    }

    private static void series(
            Spool out, List<View.Service> services, String name, String help, ToLongFunction<View.Destination> value) {
        gauge(out, name, help);
        rows(out, services, name, value);
    }

    private static void countersOf(
            Spool out, List<View.Service> services, String name, String help, ToLongFunction<View.Destination> value) {
        counter(out, name, help);
        rows(out, services, name, value);
    }

    private static void rows(
            Spool out, List<View.Service> services, String name, ToLongFunction<View.Destination> value) {
        for (View.Service service : services) {
            String local = local(service.spec().id());
            for (View.Destination destination : service.destinations()) {
                out.add(name + "{" + local + ",remote_address=\""
                        + text(destination.spec().address()) + "\",remote_port=\""
                        + destination.spec().port() + "\"} " + value.applyAsLong(destination) + "\n");
            }
        }
    }

    private static String local(ServiceId id) {
        return switch (id) {
            case ServiceId.Vip(var protocol, var address, int port) ->
                "local_address=\"" + text(address) + "\",local_mark=\"\",local_port=\"" + port + "\",proto=\""
                        + protocol.name() + "\"";
            case ServiceId.Fwmark(int mark, boolean ipv6) ->
                "local_address=\"\",local_mark=\"" + String.format("%08X", mark) + "\",local_port=\"0\",proto=\"FWM\"";
        };
    }

    private static String text(InetAddress address) {
        return Addresses.format(address);
    }

    private void synProxies(Spool out) {
        List<View.SynProxy> proxies;
        try {
            proxies = director.synProxies(Optional.empty()).toList();
        } catch (Refusal e) {
            throw new AssertionError("all services can always be listed", e);
        }
        gauge(out, "lvsd_synproxy_level", "0: SYNs go to servers; 1: answered by cookies in an attack; 2: always.");
        for (View.SynProxy proxy : proxies) {
            out.add("lvsd_synproxy_level{" + local(proxy.service()) + "} " + proxy.level() + "\n");
        }
        counter(out, "lvsd_synproxy_steps_total", "Steps of the SYN proxy.");
        for (View.SynProxy proxy : proxies) {
            String head = "lvsd_synproxy_steps_total{" + local(proxy.service()) + ",step=\"";
            for (View.ProxyStep step : proxy.steps()) {
                out.add(head + step.step() + "\"} " + step.count() + "\n");
            }
        }
    }

    private void drops(Spool out) {
        counter(out, "lvsd_dropped_packets_total", "Packets dropped, by reason.");
        long[] counts = dataplane.drops();
        for (DropReason reason : DropReason.values()) {
            out.add("lvsd_dropped_packets_total{reason=\"" + reason.label() + "\"} " + counts[reason.ordinal()] + "\n");
        }
    }

    private void punted(Spool out) {
        counter(out, "lvsd_punted_packets_total", "Packets given to the host's kernel, by class.");
        long[] counts = dataplane.punted();
        for (PuntClass each : PuntClass.values()) {
            String label = each.name().toLowerCase(Locale.ROOT);
            out.add("lvsd_punted_packets_total{class=\"" + label + "\"} " + counts[each.ordinal()] + "\n");
        }
    }

    private void ports(Spool out) {
        List<DataplaneControl.PortView> ports = dataplane.ports();
        gauge(out, "lvsd_port_up", "Whether the port has a link.");
        for (DataplaneControl.PortView port : ports) {
            out.add("lvsd_port_up{port=\"" + label(port.name()) + "\",device=\"" + label(port.device()) + "\"} "
                    + (port.linkUp() ? 1 : 0) + "\n");
        }
        port(out, ports, "receive_packets_total", "Packets received.", DataplaneControl.PortView::inPackets);
        port(out, ports, "transmit_packets_total", "Packets sent.", DataplaneControl.PortView::outPackets);
        port(out, ports, "receive_bytes_total", "Bytes received.", DataplaneControl.PortView::inBytes);
        port(out, ports, "transmit_bytes_total", "Bytes sent.", DataplaneControl.PortView::outBytes);
        port(
                out,
                ports,
                "missed_packets_total",
                "Packets the port had no room for.",
                DataplaneControl.PortView::inMissed);
        port(out, ports, "errors_total", "Errors the port counted.", DataplaneControl.PortView::errors);
    }

    private static void port(
            Spool out,
            List<DataplaneControl.PortView> ports,
            String name,
            String help,
            ToLongFunction<DataplaneControl.PortView> value) {
        counter(out, "lvsd_port_" + name, help);
        for (DataplaneControl.PortView port : ports) {
            out.add("lvsd_port_" + name + "{port=\"" + label(port.name()) + "\"} " + value.applyAsLong(port) + "\n");
        }
    }

    private static String label(String value) {
        return value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    }

    private void workers(Spool out) {
        List<DataplaneControl.WorkerView> workers = dataplane.workers();
        worker(out, workers, "counter", "cycles_total", "Cycles.", DataplaneControl.WorkerView::cycles);
        worker(
                out,
                workers,
                "counter",
                "idle_cycles_total",
                "Cycles without a packet.",
                DataplaneControl.WorkerView::idleCycles);
        worker(out, workers, "counter", "packets_total", "Packets taken.", DataplaneControl.WorkerView::packets);
        worker(
                out,
                workers,
                "gauge",
                "cycle_max_nanoseconds",
                "Longest cycle since start.",
                DataplaneControl.WorkerView::longestCycle);
        table(out, workers, "connections", "Connections in the table.", DataplaneControl.TableView::connections);
        table(
                out,
                workers,
                "connections_high_water",
                "Most connections there ever were in the table.",
                DataplaneControl.TableView::highWater);
        table(
                out,
                workers,
                "connections_capacity",
                "Connections the table has room for.",
                DataplaneControl.TableView::capacity);
        table(
                out,
                workers,
                "table_probe_max",
                "Longest probe of the connection table.",
                DataplaneControl.TableView::longestProbe);
        table(out, workers, "table_bytes", "Memory of the connection table.", DataplaneControl.TableView::bytes);
        worker(
                out,
                workers,
                "counter",
                "entries_ended_total",
                "Connections and templates that drop_entry ended.",
                DataplaneControl.WorkerView::ended);
        handoffs(out, workers);
    }

    private static void handoffs(Spool out, List<DataplaneControl.WorkerView> workers) {
        counter(out, "lvsd_worker_handoffs_total", "Packets handed from worker to worker.");
        for (DataplaneControl.WorkerView worker : workers) {
            String head = "lvsd_worker_handoffs_total{worker=\"" + worker.index() + "\",direction=\"";
            out.add(head + "in\"} " + worker.handoffsIn() + "\n" + head + "out\"} " + worker.handoffsOut() + "\n");
        }
    }

    private static void worker(
            Spool out,
            List<DataplaneControl.WorkerView> workers,
            String type,
            String name,
            String help,
            ToLongFunction<DataplaneControl.WorkerView> value) {
        head(out, "lvsd_worker_" + name, type, help);
        for (DataplaneControl.WorkerView worker : workers) {
            out.add("lvsd_worker_" + name + "{worker=\"" + worker.index() + "\"} " + value.applyAsLong(worker) + "\n");
        }
    }

    private static void table(
            Spool out,
            List<DataplaneControl.WorkerView> workers,
            String name,
            String help,
            ToLongFunction<DataplaneControl.TableView> value) {
        head(out, "lvsd_worker_" + name, "gauge", help);
        for (DataplaneControl.WorkerView worker : workers) {
            for (DataplaneControl.TableView table : worker.tables()) {
                out.add("lvsd_worker_" + name + "{worker=\"" + worker.index() + "\",family=\"" + table.family() + "\"} "
                        + value.applyAsLong(table) + "\n");
            }
        }
    }

    private void locals(Spool out) {
        List<View.LocalAddress> locals;
        try {
            locals = director.localAddresses(Optional.empty()).localAddresses();
        } catch (Refusal e) {
            throw new AssertionError("all local addresses can always be listed", e);
        }
        Map<InetAddress, View.LocalAddress> once = new LinkedHashMap<>();
        locals.forEach(local -> once.put(local.address(), local));
        gauge(out, "lvsd_local_address_connections", "Connections that use the local address, of all its services.");
        once.forEach((address, local) -> out.add(
                "lvsd_local_address_connections{address=\"" + text(address) + "\"} " + local.connections() + "\n"));
        counter(out, "lvsd_local_ports_exhausted_total", "Connections refused since no port of the address was free.");
        once.forEach((address, local) -> out.add(
                "lvsd_local_ports_exhausted_total{address=\"" + text(address) + "\"} " + local.exhausted() + "\n"));
    }
}
