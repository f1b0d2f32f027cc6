package lvsd.dataplane;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.MarkTable;
import lvsd.dataplane.service.Service;
import lvsd.rules.MarkRule;
import lvsd.rules.Protocol;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Persistence: which clients share a server, for how long, and what removed and quiesced servers mean. */
class PersistenceTest extends PipelineTest {
    private static final String[] SERVERS4 = {"198.18.20.2", "198.18.20.3", "198.18.20.4"};
    private static final String[] SERVERS6 = {"2001:db8:b::2", "2001:db8:b::3", "2001:db8:b::4"};
    private static final int C_NET = 0xffff_ff00;

    private Way way = Way.NAT4;

    private void workers(int count) {
        director.close();
        director = new TestDirector(count, Map.of());
    }

    private String[] servers(int port) {
        return Arrays.stream(way.ipv6 ? SERVERS6 : SERVERS4)
                .map(server -> server + ":" + port)
                .toArray(String[]::new);
    }

    private Service service(int seconds, int netmask) {
        return service(Protocol.TCP, 80, 8080, seconds, netmask);
    }

    private Service service(Protocol protocol, int port, int serverPort, int seconds, int netmask) {
        return director.service(
                TestDirector.persistent(protocol, way.vip(), port, seconds, netmask), way.method, servers(serverPort));
    }

    private String client(int number) {
        return way.ipv6 ? "2001:db8:a::" + Integer.toHexString(number) : "198.18.10." + number;
    }

    private PacketBuilder segment(int client, int port, String flags) {
        PacketBuilder tcp = way.arriving(0, client(client), way.vip())
                .tcp(port, 80)
                .flags(flags)
                .seq(1);
        return flags.contains(".") ? tcp.ack(1) : tcp;
    }

    /** Opens a connection of a client; the server that got it, empty when none did. */
    private String open(int client, int port) {
        return open(0, client, port);
    }

    private String open(int queue, int client, int port) {
        director.send(queue, 0, segment(client, port, "S").build());
        return director.any(1) ? server(client, port) : "";
    }

    private String server(int client, int port) {
        return director.connections().stream()
                .filter(row -> row.clientPort() == port && row.client().equals(TestDirector.ip(client(client))))
                .map(row -> row.server().getHostAddress())
                .findFirst()
                .orElseThrow();
    }

    private void say(int client, int port, String flags) {
        director.send(0, segment(client, port, flags).build());
        director.any(1);
    }

    /** Templates as {@code ipvsadm -Lnc} lists them: state, client, virtual and server port, and seconds left. */
    private List<String> templates() {
        return director.connections().stream()
                .filter(row -> row.clientPort() == 0)
                .map(row -> row.protocol() + " " + row.state() + " "
                        + row.client().getHostAddress() + " " + row.virtual().getHostAddress() + ":" + row.virtualPort()
                        + " " + row.serverPort() + " " + (row.expiresMillis() + 500) / 1000)
                .sorted()
                .toList();
    }

    private long persistent(Service service) {
        long sum = 0;
        for (Destination destination : service.destinations) {
            sum += director.dataplane.totals(destination.index).persistent();
        }
        return sum;
    }

    @ParameterizedTest
    @EnumSource
    void shouldSendAClientToOneServerWhateverItsPort(Way each) {
        way = each;
        Service service = service(120, -1);
        String first = open(2, 1001);
        String second = open(3, 1001);
        assertThat(second).isNotEqualTo(first);
        for (int port = 1002; port < 1010; port++) {
            assertThat(open(2, port)).isEqualTo(first);
            assertThat(open(3, port)).isEqualTo(second);
        }
        assertThat(persistent(service)).isEqualTo(2);
        assertThat(director.drops()).isEmpty();
    }

    /** Recorded from the kernel (sync-v0-persistent, sync-v1-ipv6-persistent). */
    @Test
    void shouldListTemplatesAsTheKernelDoes() {
        service(120, -1);
        open(2, 44000);
        assertThat(templates()).containsExactly("6 NONE 198.18.10.2 192.0.2.10:80 8080 120");
        say(2, 44000, ".");
        assertThat(templates()).containsExactly("6 ASSURED 198.18.10.2 192.0.2.10:80 8080 120");
        assertThat(server(2, 0)).isEqualTo(server(2, 44000));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void shouldHoldANetworkTogether(int workers) {
        workers(workers);
        service(60, C_NET);
        Set<String> chosen = IntStream.range(2, 40)
                .mapToObj(client -> open(client % workers, client, 2000 + client))
                .collect(Collectors.toSet());
        assertThat(chosen).hasSize(1);
        assertThat(templates()).containsExactly("6 NONE 198.18.10.0 192.0.2.10:80 8080 60");
        assertThat(director.drops()).isEmpty();
    }

    @Test
    void shouldHoldAnIpv6NetworkTogether() {
        way = Way.NAT6;
        service(50, 64);
        assertThat(open(2, 1)).isEqualTo(open(0xabcd, 1));
        assertThat(templates())
                .singleElement()
                .asString()
                .startsWith("6 NONE 2001:db8:a:0:0:0:0:0 2001:db8:ff:0:0:0:0:10:80 8080");
    }

    /** Recorded from the kernel (sync-v1-persistent-mask-anyport). */
    @ParameterizedTest
    @EnumSource
    void shouldHoldAllPortsOfAServiceTogether(Way each) {
        way = each;
        service(Protocol.TCP, 0, 0, 60, -1);
        String first = open(2, 1001);
        director.send(
                0,
                way.arriving(0, client(2), way.vip())
                        .tcp(1002, 443)
                        .flags("S")
                        .seq(1)
                        .build());
        byte[] frame = director.expect(1);
        assertThat(Flow.at16(frame, way.l4() + 2)).isEqualTo(443);
        assertThat(server(2, 1002)).isEqualTo(first);
        assertThat(templates()).singleElement().asString().contains(":0 0 60");
    }

    @Test
    void shouldKeepServicesOfOneVipApart() {
        service(Protocol.TCP, 80, 8080, 60, -1);
        service(Protocol.UDP, 80, 8080, 60, -1);
        open(2, 1001);
        director.send(
                0,
                way.arriving(0, client(2), way.vip()).udp(1001, 80).payload(4).build());
        assertThat(director.any(1)).isTrue();
        assertThat(templates()).hasSize(2);
        assertThat(templates()).anyMatch(line -> line.startsWith("17 NONE"));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void shouldBeAssuredByTheServersFirstDatagram(int workers) {
        workers(workers);
        service(Protocol.UDP, 80, 8080, 60, -1);
        for (int client = 2; client < 10; client++) {
            Flow flow = new Flow(director, way, false, 1000);
            flow.ignoring = new String[] {"ip.destination", "ip.source", "ip.checksum", "udp.checksum"};
            director.send(
                    0,
                    way.arriving(0, client(client), way.vip())
                            .udp(1000, 80)
                            .payload(4)
                            .build());
            assertThat(director.any(1)).isTrue();
            String server = server(client, 1000);
            director.send(
                    1,
                    way.arriving(1, server, client(client))
                            .udp(8080, 1000)
                            .payload(4)
                            .build());
            assertThat(director.any(0)).isTrue();
        }
        assertThat(templates()).hasSize(8).allMatch(line -> line.startsWith("17 ASSURED"));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void shouldEndAfterTheTimeUnlessConnectionsHangOnIt(int workers) {
        workers(workers);
        Service service = service(4, -1);
        for (int client = 2; client < 14; client++) {
            open(client % workers, client, 1001);
        }
        assertThat(persistent(service)).isEqualTo(12);
        director.advance(3_000);
        assertThat(templates()).hasSize(12).allMatch(line -> line.endsWith(" 1"));
        director.advance(2_000);
        assertThat(templates()).hasSize(12).allMatch(line -> line.endsWith(" 59"));
        for (int client = 2; client < 14; client++) {
            say(client, 1001, ".");
            say(client, 1001, "R");
        }
        director.advance(50_000);
        assertThat(templates()).hasSize(12).allMatch(line -> line.endsWith(" 9"));
        director.advance(9_500);
        assertThat(templates()).isEmpty();
        assertThat(persistent(service)).isZero();
        assertThat(director.connections()).isEmpty();
        assertThat(director.dataplane.workers().stream()
                        .mapToLong(DataplaneControl.WorkerView::connections)
                        .sum())
                .isZero();
    }

    @Test
    void shouldBeginItsTimeAnewWithEveryConnection() {
        service(10, -1);
        open(2, 1001);
        director.advance(8_000);
        open(2, 1002);
        assertThat(templates()).singleElement().asString().endsWith(" 10");
        say(2, 1001, ".");
        director.advance(5_000);
        assertThat(templates()).singleElement().asString().endsWith(" 5");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void shouldKeepClientsWithAQuiescedServerUnlessToldNotTo(int workers) {
        workers(workers);
        Service service = service(40, -1);
        String first = open(2, 1001);
        director.quiesce(service, first);
        assertThat(open(1 % workers, 2, 1002)).isEqualTo(first);
        director.setting("expire_quiescent_template", "1");
        String second = open(2, 1003);
        assertThat(second).isNotEqualTo(first);
        assertThat(templates())
                .containsExactly(
                        "6 NONE 198.18.10.2 192.0.2.10:65535 65535 40", "6 NONE 198.18.10.2 192.0.2.10:80 8080 40");
        director.setting("expire_quiescent_template", "0");
        director.withDestinations(service);
        assertThat(open(2, 1004)).isEqualTo(second);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void shouldGoBackToARemovedServerOnlyIfNobodyMissedIt(int workers) {
        workers(workers);
        Service service = service(40, -1);
        String first = open(2, 1001);
        director.without(service, first);
        director.withDestinations(service);
        assertThat(open(1 % workers, 2, 1002)).isEqualTo(first);
        director.without(service, first);
        String second = open(2, 1003);
        assertThat(second).isNotEqualTo(first);
        director.withDestinations(service);
        assertThat(open(1 % workers, 2, 1004)).isEqualTo(second);
        say(2, 1001, ".");
        assertThat(director.drops()).isEmpty();
        assertThat(templates()).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void shouldRefuseWhereThereIsNoServer(int workers) {
        workers(workers);
        Service service = service(40, -1);
        director.withoutDestinations(service);
        for (int client = 2; client < 8; client++) {
            assertThat(open(0, client, 1001)).isEmpty();
            byte[] answer = director.expect(0);
            assertThat(answer[34]).as("ICMP type").isEqualTo((byte) 3);
            assertThat(answer[35]).as("ICMP code").isEqualTo((byte) 3);
        }
        assertThat(director.connections()).isEmpty();
        assertThat(director.drops(DropReason.NO_DESTINATION)).isEqualTo(6);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void shouldEndEverythingOfAServer(int workers) {
        workers(workers);
        Service service = service(40, -1);
        for (int client = 2; client < 20; client++) {
            open(client % workers, client, 1001);
        }
        for (Destination destination : service.destinations) {
            for (Worker worker : director.dataplane.workerList()) {
                ConnectionDump.expire(worker, false, 0, 4096, destination.index);
            }
        }
        director.advance(300);
        assertThat(director.connections()).isEmpty();
        assertThat(persistent(service)).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void shouldBeExactWhicheverQueuesPacketsArriveOn(int workers) {
        SeededTest.run(4, random -> {
            way = Way.values()[random.nextInt(4)];
            workers(workers);
            Service service = service(3600, -1);
            Map<Integer, String> chosen = new HashMap<>();
            String gone = "";
            for (int i = 0; i < 400; i++) {
                int client = 2 + random.nextInt(30);
                String server = open(random.nextInt(workers), client, 1000 + i);
                String before = chosen.put(client, server);
                if (before != null && !before.equals(gone)) {
                    assertThat(server).as("client " + client).isEqualTo(before);
                }
                assertThat(server).isNotEmpty().isNotEqualTo(gone);
                if (i == 200) {
                    gone = server;
                    director.without(service, gone);
                }
            }
            assertThat(Set.copyOf(chosen.values())).hasSizeGreaterThan(1);
            assertThat(director.drops()).isEmpty();
            assertThat(director.connections().stream()
                            .filter(row -> row.clientPort() == 0)
                            .map(ConnectionRow::worker)
                            .distinct())
                    .hasSize(workers);
        });
    }

    /** A mark holds addresses, ports and protocols together, for a whole network here. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void shouldHoldAllThatHasOneMarkTogether(int workers) {
        for (Way each : List.of(Way.NAT4, Way.NAT6)) {
            way = each;
            workers(workers);
            ServiceId id = new ServiceId.Fwmark(7, way.ipv6);
            int netmask = way.ipv6 ? 120 : 0xffff_fff0;
            director.service(
                    new ServiceSpec(
                            id, "rr", Set.of(), OptionalInt.of(300), netmask, "", false, false, OptionalInt.empty()),
                    way.method,
                    servers(0));
            String last = way.ipv6 ? "2001:db8:ff::1f" : "192.0.2.12";
            director.marks = new MarkTable(List.of(
                    mark(Protocol.TCP, way.vip(), last, 80, 443), mark(Protocol.UDP, way.vip(), way.vip(), 53, 53)));
            director.publish();
            director.run();
            Map<String, Set<InetAddress>> chosen = new HashMap<>();
            for (int i = 0; i < 90; i++) {
                int client = 2 + i % 3 + (way.ipv6 ? 0x100 : 16) * (i % 2);
                PacketBuilder packet = way.arriving(0, client(client), i % 5 == 0 ? last : way.vip());
                director.send(i % workers, 0, tcpOrUdp(packet, i).build());
                assertThat(director.any(1)).isTrue();
            }
            director.connections().stream()
                    .filter(row -> row.clientPort() != 0)
                    .forEach(row -> chosen.computeIfAbsent(network(row.client()), _ -> new HashSet<>())
                            .add(row.server()));
            assertThat(chosen)
                    .hasSize(2)
                    .allSatisfy((network, servers) -> assertThat(servers).hasSize(1));
            assertThat(director.connections().stream().filter(row -> row.clientPort() == 0))
                    .hasSize(2);
            assertThat(director.drops()).isEmpty();
        }
    }

    private static PacketBuilder tcpOrUdp(PacketBuilder packet, int i) {
        return i % 5 == 1
                ? packet.udp(3000 + i, 53).payload(4)
                : packet.tcp(3000 + i, i % 2 == 0 ? 80 : 443).flags("S");
    }

    private static MarkRule mark(Protocol protocol, String from, String to, int low, int high) {
        return new MarkRule(7, Optional.of(protocol), TestDirector.ip(from), TestDirector.ip(to), low, high, "");
    }

    private static String network(InetAddress address) {
        byte[] bytes = address.getAddress();
        return bytes.length == 4 ? String.valueOf((bytes[3] & 0xff) >> 4) : String.valueOf(bytes[14]);
    }

    /** Clients whose templates the second worker keeps; the way to every server is known afterwards. */
    private List<Integer> clientsOfTheSecondWorker() {
        for (int client = 2; client < 40; client++) {
            open(0, client, 999);
        }
        return director.connections().stream()
                .filter(row -> row.clientPort() == 0 && row.worker() == 1)
                .map(row -> row.client().getAddress()[3] & 0xff)
                .toList();
    }

    /** The first worker gets SYNs and works; the second does not. */
    private void startWithoutTheSecondWorker(List<Integer> clients, int count) {
        Worker first = director.dataplane.workerList().getFirst();
        for (int i = 0; i < count; i++) {
            int client = clients.get(i % clients.size());
            director.ios.getFirst().inject(0, segment(client, 1000 + i, "S").build());
            if (i % 32 == 31 || i == count - 1) {
                first.doWork(director.now += 1000);
            }
        }
        assertThat(director.any(1)).isFalse();
    }

    @Test
    void shouldLetOnlySoManyPacketsWaitAndNotForLong() {
        workers(2);
        service(3600, -1);
        List<Integer> clients = clientsOfTheSecondWorker();
        startWithoutTheSecondWorker(clients, 700);
        long dropped = director.drops(DropReason.PERSISTENCE_WAIT);
        assertThat(dropped).isPositive();
        for (int i = 0; i < 100; i++) {
            director.dataplane.workerList().getFirst().doWork(director.now += 4_000_000);
        }
        for (int i = 0; i < 100; i++) {
            director.run();
            director.drain(1);
        }
        assertThat(director.drops(DropReason.PERSISTENCE_WAIT)).isEqualTo(dropped + TemplateMail.SLOTS);
        assertThat(open(clients.getFirst(), 9)).isNotEmpty();
    }

    @Test
    void shouldHandBackWhatWaitsWhenItCloses() {
        workers(2);
        service(3600, -1);
        startWithoutTheSecondWorker(clientsOfTheSecondWorker(), 16);
        assertThat(director.outstanding()).isPositive();
        TemplateMail mail = director.dataplane
                .workerList()
                .getFirst()
                .pipeline()
                .misses()
                .connector()
                .persistence()
                .mail();
        mail.close();
        assertThat(director.drops(DropReason.PERSISTENCE_WAIT)).isPositive();
        director.run();
        director.drain(1);
    }

    private String call(int queue, int client, int port, String callId) {
        byte[] message = ("OPTIONS sip:a@b SIP/2.0\r\nCall-ID: " + callId + "\r\n\r\n").getBytes(ISO_8859_1);
        director.send(
                queue,
                0,
                way.arriving(0, client(client), way.vip())
                        .udp(port, 5060)
                        .payload(message)
                        .build());
        return director.any(1) ? server(client, port) : "";
    }

    /** Recorded from the kernel (pe-sip), and asked: another client's call of that name is another call. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void shouldSendACallToOneServer(int workers) {
        workers(workers);
        Service service = director.service(TestDirector.byCall(way.vip(), 5060, 60), way.method, servers(5060));
        Map<String, String> chosen = new HashMap<>();
        for (int port = 1001; port <= 1090; port++) {
            int client = 2 + port % 2;
            String name = "call" + port % 15 + "@host";
            String server = call(port % workers, client, port, name);
            assertThat(server).isNotEmpty();
            String before = chosen.put(client + name, server);
            assertThat(before).as(name).isIn(null, server);
        }
        assertThat(chosen).hasSize(30);
        assertThat(Set.copyOf(chosen.values())).hasSize(3);
        assertThat(persistent(service)).isEqualTo(30);
        List<ConnectionRow> rows = director.connections().stream()
                .filter(row -> row.engine().equals("sip"))
                .toList();
        assertThat(rows).hasSize(30).allSatisfy(row -> {
            assertThat(row.clientPort()).isZero();
            assertThat(row.virtualPort()).isEqualTo(5060);
            assertThat(row.serverPort()).isEqualTo(5060);
            assertThat(row.protocol()).isEqualTo(17);
        });
        assertThat(rows.stream().map(ConnectionRow::engineData).distinct()).hasSize(15);
        director.advance(400_000);
        assertThat(director.connections()).isEmpty();
        assertThat(persistent(service)).isZero();
    }

    @Test
    void shouldDropWhatHasNoCallId() {
        director.service(TestDirector.byCall(way.vip(), 5060, 60), way.method, servers(5060));
        assertThat(call(0, 2, 1, "")).isEmpty();
        director.send(0, way.arriving(0, client(2), way.vip()).udp(1, 5060).build());
        director.expectNothing(1);
        director.expectNothing(0);
        assertThat(director.drops()).isEqualTo("no-call-id=2 ");
    }

    @Test
    void shouldNotTakeAPacketWithPortZeroForTheTemplatesOwn() {
        service(60, -1);
        open(2, 1001);
        director.send(0, segment(2, 0, ".").build());
        director.expectNothing(1);
        assertThat(director.any(0)).isTrue();
        Packets.assertChecksums(segment(2, 0, "S").build());
        director.send(0, segment(2, 0, "S").build());
        assertThat(director.any(1)).isTrue();
        assertThat(director.connections()).hasSize(3);
    }
}
