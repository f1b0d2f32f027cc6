package lvsd.dataplane;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import lvsd.config.DaemonConfig;
import lvsd.dataplane.io.MemoryIo;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.LocalAddress;
import lvsd.dataplane.service.Service;
import lvsd.dataplane.service.ServiceTable;
import lvsd.dataplane.service.Wire;
import lvsd.rules.DestinationSpec;
import lvsd.rules.DirectorRole;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Protocol;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.rules.SynProxyMode;
import lvsd.wire.Tcp;

/**
 * Drives the whole pipeline, on plain memory, with made-up traffic of every kind before the ports open, so that the JIT
 * has compiled every path with all its branches known: the first packet of a kind it has never seen would otherwise cost
 * 40 to 120 ms of interpretation (docs/performance.md).
 *
 * <p>Two hosts and a director: what leaves by a port is answered by the host behind it, and odd frames are mixed in
 * throughout. Runs on a thread of its own, so that DPDK can be set up meanwhile; keeps nothing.
 */
public final class Warmup {
    /** How long a start warms up: by then the JIT has the packet path; see docs/performance.md. */
    public static final long MILLIS = 1500;

    private static final long CLIENT_MAC = 0x0a00_0000_0002L;
    private static final long SERVER_MAC = 0x0b00_0000_0002L;
    private static final long[] MACS = {0x0100_0000_0002L, 0x0200_0000_0002L};
    private static final String[] VIPS = {"192.0.2.10", "192.0.2.11", "2001:db8::10", "2001:db8::11"};
    private static final int ROUND = 48;
    /** Connections, and packets of a burst, of {@link #usual()}. */
    private static final int USUAL = 64;

    private static final long STEP_NANOS = 20_000_000;
    /** Port of the services with the SYN proxy. */
    private static final int PROXIED = 82;
    /** Rounds after which the settings change. */
    private static final int PERIOD = 64;
    /** What the SYN proxy may be told to do in another way, and once more the usual one. */
    private static final List<Map<String, String>> SETTINGS = List.of(
            Map.of(),
            Map.of("synproxy_rst_bad_cookie", "1", "synproxy_zero_window", "1", "synproxy_wscale", "9"),
            Map.of(),
            Map.of("synproxy_retry_other", "1", "synproxy_defer", "1", "synproxy_conn_reuse_fin_wait", "1"));

    private final SplittableRandom random = new SplittableRandom(1);
    private final MemoryIo io = new MemoryIo(2, 4096);
    private final WarmupFrames frames = new WarmupFrames();
    private final Dataplane dataplane;
    private final Worker worker;
    private final int[] vips = new int[4];
    private final long[] vips6 = new long[4];
    private final List<byte[]> recent = new ArrayList<>();
    private long clock = 1_000_000_000L;
    private int rounds;

    private Warmup() {
        dataplane = new Dataplane(configuration(), List.of(io), MACS, List::of);
        worker = dataplane.workerList().getFirst();
        for (int i = 0; i < VIPS.length; i++) {
            byte[] bytes = address(VIPS[i]).getAddress();
            vips[i] = bytes.length == 4 ? Wire.int4(bytes) : 0;
            vips6[i] = bytes.length == 4 ? 0 : Wire.long8(bytes, 8);
        }
        dataplane.publish(new ServiceTable(1, services()));
    }

    /** A warm-up under way. Closing it waits for its end. */
    public static final class Running implements AutoCloseable {
        private final FutureTask<Long> task;

        private Running(long millis) {
            task = new FutureTask<>(() -> run(millis));
        }

        /**
         * Waits for its end.
         *
         * @return packets that went through
         * @throws IllegalStateException if it failed, or the waiting thread was interrupted
         */
        public long await() {
            try {
                return task.get();
            } catch (ExecutionException e) {
                throw new IllegalStateException("warming up: " + e.getCause(), e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while warming up", e);
            }
        }

        @Override
        public void close() {
            var _ = await();
        }
    }

    /** Begins to warm up for about {@code millis} milliseconds, on a new thread. */
    public static Running start(long millis) {
        Running running = new Running(millis);
        Thread.ofPlatform().name("warm-up").daemon().start(running.task);
        return running;
    }

    private static long run(long millis) {
        Warmup warmup = new Warmup();
        try {
            long end = System.nanoTime() + millis * 1_000_000;
            while (System.nanoTime() < end) {
                warmup.round();
                warmup.usual();
                warmup.usual();
            }
            return warmup.worker.statistic(Worker.PACKETS);
        } finally {
            warmup.close();
        }
    }

    private void close() {
        dataplane.close();
        io.close();
        frames.close();
    }

    private static InetAddress address(String text) {
        try {
            return InetAddress.getByName(text);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("not an address: " + text, e);
        }
    }

    private static DaemonConfig configuration() {
        return new DaemonConfig(
                new DaemonConfig.Eal(false, 64, "", Optional.empty(), Optional.empty(), 1024, 2048, List.of()),
                List.of(port("wan", "10.0.0.1", "2001:db8::1"), port("lan", "10.0.1.1", "2001:db8:0:1::1")),
                List.of(),
                new DaemonConfig.Workers(1, List.of()),
                new DaemonConfig.Connections(4096, 4096, false),
                new DaemonConfig.Control(Path.of("none"), Optional.empty()),
                new DaemonConfig.Persist(Optional.empty(), Path.of("none")),
                new DaemonConfig.Punt(true, 1000, 1000, 1000, 1000),
                Optional.empty(),
                "info",
                DirectorRole.ACTIVE,
                List.of(),
                Map.of());
    }

    private static DaemonConfig.Port port(String name, String ipv4, String ipv6) {
        return new DaemonConfig.Port(
                name,
                "net_af_packet",
                1500,
                List.of(new DaemonConfig.Prefix(address(ipv4), 24), new DaemonConfig.Prefix(address(ipv6), 64)),
                List.of(),
                List.of(),
                DaemonConfig.ReversePath.LOOSE,
                false,
                1024,
                1024);
    }

    /** NAT and FULLNAT, both families and protocols, every scheduler; TCP proxied, too; and one service without servers. */
    private static List<Service> services() {
        List<Service> services = new ArrayList<>();
        String[] schedulers = {"rr", "wrr", "lc", "wlc"};
        for (int i = 0; i < VIPS.length; i++) {
            for (Protocol protocol : new Protocol[] {Protocol.TCP, Protocol.UDP}) {
                ServiceSpec spec = spec(protocol, VIPS[i], 80, schedulers[services.size() % 4]);
                services.add(service(services.size(), spec, i));
            }
            ServiceSpec proxied = spec(Protocol.TCP, VIPS[i], PROXIED, "rr").withSynProxy(SynProxyMode.ENABLE);
            services.add(service(services.size(), proxied, i));
        }
        ServiceSpec empty = spec(Protocol.TCP, VIPS[0], 81, "rr");
        services.add(new Service(services.size(), empty, List.of(), List.of(), 1));
        return services;
    }

    private static Service service(int index, ServiceSpec spec, int vip) {
        boolean fullnat = vip % 2 == 1;
        boolean ipv6 = vip >= 2;
        List<Destination> servers = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            servers.add(new Destination(
                    index * 2 + i,
                    index,
                    new DestinationSpec(
                            spec.id(),
                            address((ipv6 ? "2001:db8:0:1::" : "10.0.1.") + (2 + i)),
                            8080,
                            fullnat ? ForwardingMethod.FULLNAT : ForwardingMethod.NAT,
                            1,
                            0,
                            0,
                            DestinationSpec.Tunnel.IPIP)));
        }
        LocalAddress local = new LocalAddress(ipv6 ? 1 : 0, address(ipv6 ? "2001:db8:0:1::100" : "10.0.1.100"));
        return new Service(index, spec, servers, fullnat ? List.of(local) : List.of(), 1);
    }

    private static ServiceSpec spec(Protocol protocol, String vip, int port, String scheduler) {
        ServiceId id = new ServiceId.Vip(protocol, address(vip), port);
        return new ServiceSpec(id, scheduler, Set.of(), OptionalInt.empty(), -1, "", false, true, OptionalInt.empty());
    }

    /** New packets of clients, oddities, and answers to what left; then a cycle. */
    private void round() {
        if (rounds++ % PERIOD == 0) {
            dataplane.settings(SETTINGS.get(rounds / PERIOD % SETTINGS.size()));
        }
        for (int i = 0; i < ROUND / 2; i++) {
            io.inject(0, opening());
        }
        io.inject(random.nextInt(2), odd());
        for (int port = 0; port < 2; port++) {
            answer(port);
        }
        clock += random.nextInt(8) == 0 ? STEP_NANOS : 100_000;
        worker.doWork(clock);
        worker.doWork(clock);
    }

    /**
     * Bursts as there are most of, both ways: established TCP over IPv4 and nothing else. The JIT lays code out, and gives
     * registers away, by how often it went which way before.
     */
    private void usual() {
        if (rounds % PERIOD == 1) {
            exchange(Tcp.SYN);
        }
        exchange(Tcp.ACK_FLAG);
    }

    /** A segment of every connection of {@link #usual()} to its server, and the server's acknowledgements. */
    private void exchange(int flags) {
        for (int i = 0; i < USUAL; i++) {
            io.inject(0, usual(i, flags));
        }
        worker.doWork(clock);
        for (byte[] frame = io.sent(1); frame != null; frame = io.sent(1)) {
            byte[] reply = WarmupReplies.acknowledgement(frame);
            if (reply != null) {
                io.inject(1, reply);
            }
        }
        worker.doWork(clock);
        for (byte[] frame = io.sent(0); frame != null; ) {
            frame = io.sent(0);
        }
    }

    /** A segment of connection {@code i} that nothing else disturbs. */
    private byte[] usual(int i, int flags) {
        return frames.tcp4(CLIENT_MAC, MACS[0], host(), vips[i & 1], Tcp.portPair(i, Wire.port(80)), flags, 0, 0);
    }

    private byte[] opening() {
        int vip = random.nextInt(4);
        boolean udp = random.nextInt(4) == 0;
        int port = udp || random.nextInt(3) != 0 ? 80 : PROXIED;
        int ports = Tcp.portPair(random.nextInt(1, 256) << 8 | random.nextInt(8), Wire.port(port));
        int host = Wire.int4(new byte[] {10, 0, 0, (byte) (2 + random.nextInt(4))});
        long high = Wire.long8(address(VIPS[2]).getAddress(), 0);
        long low = Wire.long8(address("2001:db8::2").getAddress(), 8);
        if (udp) {
            return vip < 2
                    ? frames.udp4(CLIENT_MAC, MACS[0], host, vips[vip], ports, random.nextInt(4) == 0, 20)
                    : frames.udp6(CLIENT_MAC, MACS[0], high, low, vips6[vip], ports, 20);
        }
        int flags = random.nextInt(3) == 0 ? Tcp.SYN : flags();
        int options = random.nextInt(3) * 12;
        int payload = random.nextInt(4) == 0 ? 600 : 0;
        return vip < 2
                ? frames.tcp4(CLIENT_MAC, MACS[0], host, vips[vip], ports, flags, options, payload)
                : frames.tcp6(CLIENT_MAC, MACS[0], high, low, vips6[vip], ports, flags, options, payload);
    }

    private int flags() {
        return switch (random.nextInt(16)) {
            case 0 -> Tcp.FIN | Tcp.ACK_FLAG;
            case 1 -> Tcp.RST;
            case 2 -> Tcp.SYN | Tcp.ACK_FLAG;
            default -> Tcp.ACK_FLAG;
        };
    }

    /** Takes what left by {@code port} and lets the host behind it answer. */
    private void answer(int port) {
        for (int i = 0; i < ROUND; i++) {
            byte[] frame = io.sent(port);
            if (frame == null) {
                return;
            }
            if (recent.size() < 64) {
                recent.add(frame);
            } else if (random.nextInt(4) == 0) {
                recent.set(random.nextInt(64), frame);
            }
            byte[] reply = WarmupReplies.reply(frame, port == 0 ? CLIENT_MAC : SERVER_MAC, random);
            if (reply != null) {
                io.inject(port, reply);
            }
            if (reply != null && port == 0 && random.nextInt(8) == 0) {
                io.inject(port, reply);
            }
        }
    }

    /** A frame that is dropped, answered, or handled beside the usual way. */
    private byte[] odd() {
        byte[] frame = opening();
        switch (random.nextInt(12)) {
            case 0 -> frame[14] = 0x46;
            case 1 -> frame[22]++;
            case 2 -> frame[0] = 1;
            case 3 -> frame = Arrays.copyOf(frame, 14 + random.nextInt(40));
            case 4 -> frame[12] = (byte) 0x81;
            case 5 -> {
                return frames.icmp4(CLIENT_MAC, MACS[0], host(), vips[0], 8, 0, new byte[32]);
            }
            case 6, 7, 8 -> {
                return quoting(frame);
            }
            case 9 -> {
                return frames.tcp4(
                        CLIENT_MAC, MACS[0], host(), vips[0], Tcp.portPair(77, Wire.port(81)), Tcp.SYN, 0, 0);
            }
            case 10 -> {
                return frames.tcp4(
                        CLIENT_MAC, MACS[0], host(), vips[1], Tcp.portPair(77, Wire.port(99)), Tcp.ACK_FLAG, 0, 0);
            }
            default -> {
                return frames.udp4(CLIENT_MAC, MACS[0], host(), Wire.int4(new byte[] {8, 8, 8, 8}), 5, false, 9);
            }
        }
        return frame;
    }

    private static int host() {
        return Wire.int4(new byte[] {10, 0, 0, 2});
    }

    /** An ICMP error about something that left lately. */
    private byte[] quoting(byte[] otherwise) {
        if (recent.isEmpty()) {
            return otherwise;
        }
        byte[] sent = recent.get(random.nextInt(recent.size()));
        boolean ipv6 = sent[12] != 8;
        if (sent.length < (ipv6 ? 62 : 42) || (!ipv6 && sent[13] != 0)) {
            return otherwise;
        }
        byte[] quote = Arrays.copyOfRange(sent, 14, Math.min(sent.length, 14 + (ipv6 ? 60 : 40)));
        int type = ipv6 ? 1 : 3;
        if (ipv6) {
            long high = Wire.long8(sent, 38);
            return frames.icmp6(SERVER_MAC, MACS[1], high, Wire.long8(sent, 46), Wire.long8(sent, 30), type, 4, quote);
        }
        int source = Wire.int4(Arrays.copyOfRange(sent, 30, 34));
        int destination = Wire.int4(Arrays.copyOfRange(sent, 26, 30));
        return frames.icmp4(SERVER_MAC, MACS[1], source, destination, type, 3, quote);
    }
}
