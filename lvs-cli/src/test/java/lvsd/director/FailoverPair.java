package lvsd.director;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;

/**
 * Two directors beside each other: one bridge towards the client, one towards two real servers, each director with an address
 * of its own on both and floating ones that are the client's and the servers' gateways; and a wire between the two hosts
 * (eth3) for sync. Both begin as standby. A failed test carries both logs.
 */
final class FailoverPair implements BeforeAllCallback, AfterAllCallback, TestExecutionExceptionHandler {
    private final List<Namespace> namespaces = new ArrayList<>();
    private final List<Namespace> hosts = new ArrayList<>();
    private final Map<Integer, LvsdProcess> directors = new TreeMap<>();
    private final String rules;
    private @Nullable Path directory;
    private @Nullable Namespace client;
    private @Nullable Namespace ether;

    /** A pair with these rules, one a line. */
    FailoverPair(String rules) {
        this.rules = rules;
    }

    @Override
    public void beforeAll(ExtensionContext context) throws IOException {
        Requirements.check();
        Topology.removeLeftovers();
        directory = Files.createTempDirectory("lvsd-failover");
        try {
            wire();
            Files.writeString(directory().resolve("sync.key"), "a key of some length for tests\n");
            for (int number = 1; number <= 2; number++) {
                start(number);
            }
        } catch (RuntimeException | Error e) {
            afterAll(context);
            throw e;
        }
    }

    private void wire() {
        ether = namespace("switch");
        client = namespace("client");
        for (String bridge : List.of("br1", "br2")) {
            ether().ip("link", "add", bridge, "type", "bridge", "mcast_snooping", "0");
            ether().ip("link", "set", bridge, "up");
        }
        station(client(), "eth0", "client", "br1");
        for (int number = 1; number <= 2; number++) {
            Namespace host = namespace("director" + number);
            hosts.add(host);
            for (int port = 1; port <= 2; port++) {
                station(host, "eth" + port, "d" + number + "-" + port, "br" + port);
                Topology.quieten(host, "eth" + port);
            }
        }
        Topology.veth(host(1), "eth3", host(2), "eth3", Topology.Offloads.OFF);
        for (int number = 1; number <= 2; number++) {
            host(number).ip("address", "add", "198.18.4." + number + "/24", "dev", "eth3");
        }
        Topology.address(client(), Topology.CLIENT + "/24", Topology.CLIENT6 + "/64");
        for (Service service : Service.values()) {
            client().ip("address", "add", service.source() + (service.ipv6() ? "/64" : "/24"), "dev", "eth0", "nodad");
        }
        Topology.gateway(client(), Topology.DIRECTOR_WAN, Topology.DIRECTOR_WAN6);
        for (int number = 1; number <= 2; number++) {
            Namespace server = namespace("rs" + number);
            station(server, "eth0", "rs" + number, "br2");
            Topology.address(server, Topology.address(number) + "/24", Topology.address6(number) + "/64");
            Topology.gateway(server, Topology.DIRECTOR_LAN, Topology.DIRECTOR_LAN6);
            WebServer.start(server, "rs" + number, 80, directory().resolve("rs" + number + ".log"));
        }
    }

    private Namespace namespace(String role) {
        Namespace namespace =
                Namespace.create(Topology.PREFIX + ProcessHandle.current().pid() + "-" + role);
        namespaces.add(namespace);
        return namespace;
    }

    private void station(Namespace namespace, String name, String port, String bridge) {
        Topology.veth(namespace, name, ether(), port, Topology.Offloads.OFF);
        ether().ip("link", "set", port, "master", bridge);
    }

    private void start(int number) throws IOException {
        Path files = Files.createDirectory(directory().resolve("director" + number));
        Files.writeString(files.resolve("rules"), rules);
        directors.put(number, LvsdProcess.start(host(number), files, configuration(number)));
        for (String role : List.of("master", "backup")) {
            director(number)
                    .ask("--start-daemon " + role + " --mcast-interface eth3 --syncid 150 --icv-key-file "
                            + directory().resolve("sync.key"));
        }
    }

    private String configuration(int number) {
        return """
                eal:
                  hugepages: false
                  memory: 128
                  mbufs: 16384
                  file-prefix: lvst%1$d-%2$d
                ports:
                  - name: wan
                    device: net_af_packet0,iface=eth1,framecnt=2048
                    addresses: [192.0.2.25%2$d/24, 2001:db8:1::25%2$d/64]
                    floating: [192.0.2.1, 2001:db8:1::1]
                  - name: lan
                    device: net_af_packet1,iface=eth2,framecnt=2048
                    addresses: [198.51.100.25%2$d/24, 2001:db8:2::25%2$d/64]
                    floating: [198.51.100.1, 2001:db8:2::1]
                role: standby
                connections:
                  ipv4: 65536
                  ipv6: 65536
                persist:
                  directory: %3$s/state
                  rules: %3$s/rules
                settings:
                  fullnat_lport_share: %4$d,2
                  announce_count: 5
                  announce_interval: 200
                """.formatted(
                        ProcessHandle.current().pid(), number, directory().resolve("director" + number), number - 1);
    }

    @Override
    public void afterAll(ExtensionContext context) throws IOException {
        directors.values().forEach(LvsdProcess::close);
        namespaces.forEach(Namespace::delete);
        if (directory != null && System.getProperty("lvsd.keep") == null) {
            try (Stream<Path> files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }

    @Override
    public void handleTestExecutionException(ExtensionContext context, Throwable failure) throws Throwable {
        for (LvsdProcess each : directors.values()) {
            failure.addSuppressed(new AssertionError(each.report()));
        }
        throw failure;
    }

    Path directory() {
        return requireNonNull(directory);
    }

    Namespace client() {
        return requireNonNull(client);
    }

    private Namespace ether() {
        return requireNonNull(ether);
    }

    /** The host of director 1 or 2. */
    Namespace host(int number) {
        return hosts.get(number - 1);
    }

    /** Director 1 or 2. */
    LvsdProcess director(int number) {
        return requireNonNull(directors.get(number));
    }

    /** Starts a director again on what it left. */
    void restart(int number) {
        director(number).close();
        directors.put(number, LvsdProcess.restart(host(number), directory().resolve("director" + number)));
    }

    /** Takes the wires of both ports of a director away, or gives them back. */
    void plugged(int number, boolean now) {
        for (int port = 1; port <= 2; port++) {
            ether().ip("link", "set", "d" + number + "-" + port, now ? "up" : "down");
        }
    }
}
