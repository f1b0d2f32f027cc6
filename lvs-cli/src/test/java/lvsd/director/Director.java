package lvsd.director;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;

/**
 * The director of a test class: topology, daemon and two real servers on port 80, made before its first test and gone
 * after its last. A failed test carries the daemon's log and counters.
 */
final class Director implements BeforeAllCallback, AfterAllCallback, TestExecutionExceptionHandler {
    /** True where tests may take their time ({@code lvs-test --long}). */
    static final boolean LONG = System.getProperty("long") != null;

    private final Topology.Arms arms;
    private Topology.Offloads offloads = Topology.Offloads.OFF;
    private Topology.Wires wires = Topology.Wires.GOOD;
    private String driver = "net_af_packet";
    private int workers = 1;
    private boolean lvsdRuns = true;
    private int serverMtu = 1500;
    private int restRate = 200_000;
    private long seed;
    private @Nullable Process relay;
    private @Nullable Path directory;
    private @Nullable Topology topology;
    private @Nullable LvsdProcess lvsd;
    private final List<Path> serverLogs = new ArrayList<>();

    private Director(Topology.Arms arms) {
        this.arms = arms;
    }

    /** Two ports, one worker, neighbours whose offloads are off. */
    static Director twoArm() {
        return new Director(Topology.Arms.TWO);
    }

    /** One port. */
    static Director oneArm() {
        return new Director(Topology.Arms.ONE);
    }

    /** Two ports, and on either side a {@link Relay} that loses, repeats and reorders as {@code seed} says. */
    static Director onBadNetworks(long seed) {
        Director director = twoArm();
        director.wires = Topology.Wires.RELAYED;
        director.seed = seed;
        return director;
    }

    /** Two ports, {@code workers} workers and as many queues on each port. */
    static Director withWorkers(int workers) {
        Director director = twoArm();
        director.workers = workers;
        return director;
    }

    /** Two ports; the neighbours' veths as the kernel makes them. */
    static Director withKernelOffloads() {
        Director director = twoArm();
        director.offloads = Topology.Offloads.KERNEL_DEFAULT;
        return director;
    }

    /** The same with ports of another driver that takes {@code iface=}, as net_af_packet does. */
    static Director withKernelOffloads(String driver) {
        Director director = withKernelOffloads();
        director.driver = driver;
        return director;
    }

    /** Two ports; packets of 1400 bytes at most on the servers' side. */
    static Director withSmallServerMtu() {
        Director director = twoArm();
        director.serverMtu = 1400;
        return director;
    }

    /** Two ports; so many packets a second that are of no urgent kind go to the kernel. */
    static Director withRestRate(int restRate) {
        Director director = twoArm();
        director.restRate = restRate;
        return director;
    }

    /** The kernel routes in lvsd's place: the same wires and programs, for tests of the harness. */
    static Director kernelOnly() {
        Director director = twoArm();
        director.workers = 0;
        director.lvsdRuns = false;
        return director;
    }

    @Override
    public void beforeAll(ExtensionContext context) throws IOException {
        Requirements.check();
        directory = Files.createTempDirectory("lvsd-director");
        topology = Topology.create(arms, offloads, wires);
        try {
            if (wires == Topology.Wires.RELAYED) {
                hurryEnds();
                startRelay();
            }
            topology().serverMtu(serverMtu);
            for (int number = 1; number <= 2; number++) {
                Path log = directory().resolve("rs" + number + ".log");
                serverLogs.add(log);
                WebServer.start(topology().server(number), "rs" + number, 80, log);
            }
            if (System.getProperty("lvsd.capture") != null) {
                capture();
            }
            if (lvsdRuns) {
                lvsd = LvsdProcess.start(topology().director(), directory(), configuration());
            } else {
                topology().routeByKernel();
            }
        } catch (RuntimeException | Error e) {
            afterAll(context);
            throw e;
        }
    }

    @Override
    public void afterAll(ExtensionContext context) throws IOException {
        if (lvsd != null) {
            lvsd.close();
        }
        if (relay != null) {
            relay.destroy();
        }
        if (topology != null) {
            topology.close();
        }
        if (directory != null
                && System.getProperty("lvsd.keep") == null
                && System.getProperty("lvsd.capture") == null) {
            try (Stream<Path> files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }

    @Override
    public void handleTestExecutionException(ExtensionContext context, Throwable failure) throws Throwable {
        if (lvsd != null) {
            failure.addSuppressed(new AssertionError(lvsd.report()));
        }
        throw failure;
    }

    /**
     * A stack without SACK that has lost a repetition has nothing but its timer, which doubles every time and is measured
     * anew by segments alone that were sent once: on such networks it stands still for minutes, whoever is in between.
     * Newer kernels can be told not to wait for so long, and all of them to send less at once after a loss than BBR does.
     * Sockets take both over when they are made.
     */
    private void hurryEnds() {
        for (Namespace end : List.of(client(), server(1), server(2))) {
            end.sysctl("net/ipv4/tcp_congestion_control", "reno");
            String longest = "/proc/sys/net/ipv4/tcp_rto_max_ms";
            end.run("sh", "-c", "[ ! -e " + longest + " ] || echo 1000 >" + longest)
                    .orFail();
        }
    }

    private void startRelay() throws IOException {
        List<String> arguments = new ArrayList<>(List.of(Long.toString(seed)));
        arguments.addAll(Topology.RELAYED);
        relay = topology().wires().startPipedJava(Relay.class, arguments.toArray(String[]::new));
        String said = requireNonNull(relay).inputReader().readLine();
        if (!"ready".equals(said)) {
            throw new IOException("the relay said: " + said);
        }
    }

    /** Ends the relay; what it did, a line for each direction. */
    String relayed() throws IOException {
        Process running = requireNonNull(relay);
        running.getOutputStream().close();
        return new String(running.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    }

    /** Captures what passes on both sides of the director, into {@code client.pcap} and {@code rs1.pcap}. */
    private void capture() {
        for (Namespace namespace : List.of(client(), server(1), server(2))) {
            String role = namespace.name().substring(namespace.name().indexOf('-') + 1);
            Path log = directory().resolve(role + ".tcpdump");
            namespace.start(log, "tcpdump", "-U", "-s", "300", "-ni", "eth0", "-w", directory() + "/" + role + ".pcap");
            Shell.await("tcpdump listens", Shell.SOON, () -> log.toFile().length() > 0);
        }
    }

    Topology topology() {
        return requireNonNull(topology);
    }

    LvsdProcess lvsd() {
        return requireNonNull(lvsd);
    }

    Path directory() {
        return requireNonNull(directory);
    }

    Namespace client() {
        return topology().client();
    }

    Namespace server(int number) {
        return topology().server(number);
    }

    /** Starts the daemon again after a test ended it. */
    void restart() {
        lvsd().close();
        lvsd = LvsdProcess.restart(topology().director(), directory());
    }

    /** Removes all services, then sets the given rules, one a line. */
    void rules(String lines) {
        lvsd().lvsadm("-C").orFail();
        lvsd().rules(lines);
    }

    /** Lines of a server's log so far. */
    List<String> serverLog(int number) {
        try {
            return Files.readAllLines(serverLogs.get(number - 1));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** How often a server logged a line that starts so; waits a moment for the last ones to be written. */
    long served(int number, String start) {
        Shell.pause(Duration.ofMillis(50));
        return serverLog(number).stream().filter(line -> line.startsWith(start)).count();
    }

    /** The daemon file of this topology. */
    String configuration() {
        String queues = workers > 1 ? ",qpairs=" + workers : "";
        String wan = "192.0.2.1/24, 2001:db8:1::1/64";
        String lan = "198.51.100.1/24, 2001:db8:2::1/64";
        String ports = arms == Topology.Arms.ONE
                ? port("one", driver + "0,iface=eth1" + queues, wan + ", " + lan, serverMtu)
                : port("wan", driver + "0,iface=eth1" + queues, wan, 1500)
                        + port("lan", driver + "1,iface=eth2" + queues, lan, serverMtu);
        return """
                eal:
                  hugepages: false
                  memory: 384
                  file-prefix: lvst%d
                ports:
                %sworkers:
                  count: %d
                connections:
                  ipv4: 262144
                  ipv6: 262144
                punt:
                  rest-rate: %d
                persist:
                  directory: %s
                  rules: %s
                """.formatted(
                        ProcessHandle.current().pid(),
                        ports,
                        workers,
                        restRate,
                        directory().resolve("state"),
                        directory().resolve("rules"));
    }

    private static String port(String name, String device, String addresses, int mtu) {
        return """
                  - name: %s
                    device: %s
                    addresses: [%s]
                    mtu: %d
                """.formatted(name, device, addresses, mtu);
    }
}
