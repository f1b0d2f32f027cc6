package lvsd.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import lvsd.control.ControlClient;
import lvsd.control.Reply;
import lvsd.control.View;
import lvsd.control.Views;
import lvsd.dataplane.ConnectionRow;
import lvsd.rules.Rule;
import lvsd.rules.RuleParser;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class ControlServerTest {
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    @TempDir
    private Path directory = Path.of("");

    private final MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final EventLoop loop = group.next();
    private final FakeDataplane dataplane = new FakeDataplane();
    private final Director director = new Director(dataplane, Map.of(), Set.of());
    private @Nullable ControlServer server;
    private Path socket = Path.of("");

    @BeforeEach
    void open() throws IOException {
        socket = directory.resolve("control.sock");
        server = ControlServer.open(loop, new Requests(director, dataplane, null), socket, Optional.empty());
    }

    @AfterEach
    void close() throws IOException {
        Objects.requireNonNull(server).close();
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
        assertThat(socket).doesNotExist();
    }

    private ControlClient client() throws IOException {
        return new ControlClient(socket, PATIENCE);
    }

    private SocketChannel raw() throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(socket));
        return channel;
    }

    private static void send(SocketChannel channel, byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    private static String readToEnd(SocketChannel channel) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        ByteBuffer buffer = ByteBuffer.allocate(8192);
        while (channel.read(buffer) >= 0) {
            all.write(buffer.array(), 0, buffer.position());
            buffer.clear();
        }
        return all.toString(StandardCharsets.UTF_8);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void shouldAnswerRequestsInOrder() throws IOException {
        try (ControlClient client = client()) {
            assertThat(client.request("-A -t 192.0.2.1:80 -s rr")).isEqualTo(Reply.OK);
            assertThat(client.request("-A -t 192.0.2.1:80")).isEqualTo(Reply.refused("Service already exists"));
            assertThat(client.request("-A -t 192.0.2.1:80 -w x").exitCode()).isEqualTo(2);
            assertThat(client.request("-Ln").out()).contains("192.0.2.1");
            assertThat(client.request("")).isEqualTo(Reply.OK);
        }
    }

    @Test
    void shouldBeForOwnerAndGroupOnly() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                .isEqualTo("rw-rw----");
    }

    @Test
    void shouldNameAGroupThatIsNotThere() {
        assertThatThrownBy(() -> ControlServer.open(
                        loop,
                        new Requests(director, dataplane, null),
                        directory.resolve("other.sock"),
                        Optional.of("no-such-group")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("control.group")
                .hasMessageContaining("no-such-group");
        assertThat(directory.resolve("other.sock")).doesNotExist();
        assertThat(directory.resolve("other.sock.new")).doesNotExist();
    }

    @Test
    void shouldRefuseAPathThatIsTooLong() {
        assertThatThrownBy(() -> ControlServer.open(
                        loop,
                        new Requests(director, dataplane, null),
                        directory.resolve("s".repeat(120)),
                        Optional.empty()))
                .hasMessageContaining("longer than");
    }

    @Test
    void shouldPublishAPipelinedBatchAtMostAFewTimes() throws Exception {
        try (ControlClient client = client()) {
            for (int i = 1; i <= 200; i++) {
                client.send("-A -t 192.0.2." + i + ":80");
            }
            for (int i = 1; i <= 200; i++) {
                assertThat(client.receive(page -> {})).isEqualTo(Reply.OK);
            }
        }
        List<Integer> seen = loop.submit(
                        () -> List.of(dataplane.tables.size(), dataplane.table().services().length))
                .get();
        assertThat(seen.get(0)).isLessThan(20);
        assertThat(seen.get(1)).isEqualTo(200);
    }

    @Test
    void shouldPublishBeforeItAnswers() throws Exception {
        try (ControlClient client = client()) {
            for (int i = 1; i <= 50; i++) {
                client.request("-A -t 192.0.2." + i + ":80");
                int services =
                        loop.submit(() -> dataplane.table().services().length).get();
                assertThat(services).isEqualTo(i);
            }
        }
    }

    @Test
    void shouldRefuseALineThatIsTooLongAndGoOn() throws IOException {
        try (SocketChannel channel = raw()) {
            send(channel, new byte[65537]);
            send(channel, bytes("tail\n-A -t 192.0.2.1:80\n"));
            send(channel, bytes("-A -t 192.0.2.2:80 " + " ".repeat(65536 - 19) + "\n"));
            channel.shutdownOutput();
            assertThat(readToEnd(channel))
                    .startsWith("2 0 ")
                    .contains("longer than 65536 bytes")
                    .endsWith("0 0 0\n0 0 0\n");
        }
    }

    @Test
    void shouldTakeALineInSingleBytes() throws IOException {
        try (SocketChannel channel = raw()) {
            for (byte one : bytes("-A -t 192.0.2.1:80\n-D -t 192.0.2.1:80\n")) {
                send(channel, new byte[] {one});
            }
            channel.shutdownOutput();
            assertThat(readToEnd(channel)).isEqualTo("0 0 0\n0 0 0\n");
        }
    }

    @Test
    void shouldNotExecuteALineWithoutItsEnd() throws IOException {
        try (SocketChannel channel = raw()) {
            send(channel, bytes("-A -t 192.0.2.1:80\n-A -t 192.0.2.2:8"));
            channel.shutdownOutput();
            assertThat(readToEnd(channel)).isEqualTo("0 0 0\n");
        }
        try (ControlClient client = client()) {
            assertThat(client.request("-Ln").out()).contains("192.0.2.1").doesNotContain("192.0.2.2");
        }
    }

    @Test
    void shouldAnswerAllThatWasSentBeforeTheClientShutItsSide() throws IOException {
        try (SocketChannel channel = raw()) {
            channel.configureBlocking(true);
            Thread sender = Thread.ofPlatform().start(() -> {
                try {
                    send(channel, bytes("-A -t 192.0.2.1:80\n" + "-L\n".repeat(20_000)));
                    channel.shutdownOutput();
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
            String replies = readToEnd(channel);
            assertThat(replies.split("\\{\"services\"", -1)).hasSize(20_001);
            assertThat(sender.isAlive()).isFalse();
        }
    }

    @Test
    void shouldAnswerGarbageWithAnErrorForEachLine() throws IOException {
        long seed = Long.getLong("seed", System.nanoTime());
        Random random = new Random(seed);
        for (int round = 0; round < 50; round++) {
            byte[] garbage = new byte[random.nextInt(1, 3000)];
            random.nextBytes(garbage);
            garbage[garbage.length - 1] = '\n';
            try (SocketChannel channel = raw()) {
                send(channel, garbage);
                channel.shutdownOutput();
                String reply = readToEnd(channel);
                assertThat(reply).as("seed %d round %d", seed, round).isNotEmpty();
            }
        }
        try (ControlClient client = client()) {
            assertThat(client.request("-Ln").exitCode()).isZero();
        }
    }

    @Test
    void shouldServeAMemberAmongTwoHundredIdleClients() throws IOException {
        List<SocketChannel> idle = new ArrayList<>();
        try {
            for (int i = 0; i < 200; i++) {
                idle.add(raw());
            }
            try (ControlClient client = client()) {
                assertThat(client.request("-A -t 192.0.2.1:80")).isEqualTo(Reply.OK);
            }
            for (SocketChannel channel : idle) {
                send(channel, bytes("-Z\n"));
                ByteBuffer answer = ByteBuffer.allocate(6);
                while (answer.hasRemaining() && channel.read(answer) >= 0) {
                    assertThat(answer.position()).isPositive();
                }
                assertThat(new String(answer.array(), StandardCharsets.UTF_8)).isEqualTo("0 0 0\n");
            }
        } finally {
            for (SocketChannel channel : idle) {
                channel.close();
            }
        }
    }

    @Test
    void shouldCloseTheLongestIdleClientWhenAllPlacesAreTaken() throws IOException {
        List<SocketChannel> idle = new ArrayList<>();
        try {
            for (int i = 0; i < ControlServer.MAXIMUM_CLIENTS + 10; i++) {
                idle.add(raw());
            }
            try (ControlClient client = client()) {
                assertThat(client.request("-Z")).isEqualTo(Reply.OK);
            }
            assertThat(readToEnd(idle.getFirst())).isEmpty();
        } finally {
            for (SocketChannel channel : idle) {
                channel.close();
            }
        }
    }

    @Test
    void shouldNotWaitForAClientThatDoesNotRead() throws Exception {
        for (int i = 0; i < 200; i++) {
            Requests.apply(director, (Rule.Change)
                    RuleParser.numeric().parseLine("-A -t 192.0.2." + i + ":80").orElseThrow());
        }
        try (SocketChannel deaf = raw();
                ControlClient client = client()) {
            deaf.configureBlocking(false);
            ByteBuffer requests = ByteBuffer.wrap(bytes("-Ln\n".repeat(100_000)));
            for (int i = 0; i < 100 && requests.hasRemaining(); i++) {
                deaf.write(requests);
                assertThat(client.request("-Z")).isEqualTo(Reply.OK);
            }
            long used =
                    Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
            assertThat(used).isLessThan(Runtime.getRuntime().maxMemory());
            assertThat(requests.hasRemaining()).as("reading stops").isTrue();
        }
    }

    @Test
    void shouldSendAListingLargerThanItsMemoryInPages() throws IOException {
        for (int i = 0; i < 30_000; i++) {
            byte[] client = {10, 0, (byte) (i >> 8), (byte) i};
            dataplane.rows.add(new ConnectionRow(
                    0,
                    6,
                    InetAddress.getByAddress(client),
                    1024,
                    InetAddress.getByAddress(new byte[] {(byte) 192, 0, 2, 1}),
                    80,
                    InetAddress.getByAddress(client),
                    1024,
                    InetAddress.getByAddress(new byte[] {(byte) 198, 18, 0, 1}),
                    80,
                    0,
                    "ESTABLISHED",
                    900_000,
                    7,
                    "",
                    ""));
        }
        List<String> pages = new ArrayList<>();
        try (ControlClient client = client()) {
            Reply last = client.request("-Lnc", pages::add);
            pages.add(last.out());
        }
        int rows = 0;
        for (String page : pages) {
            if (Views.read(page) instanceof View.Connections connections) {
                rows += connections.connections().size();
            }
        }
        assertThat(rows).isEqualTo(30_000);
        assertThat(pages).hasSize(15);
    }

    @Test
    void shouldListASmallPageOfManyServersAtATime() throws Exception {
        int servers = 25_000;
        loop.submit(() -> {
                    apply("-A -t 192.0.2.1:80");
                    apply("-A -t 192.0.2.2:80");
                    apply("-a -t 192.0.2.2:80 -r 198.18.0.1:80");
                    for (int i = 0; i < servers; i++) {
                        apply("-a -t 192.0.2.1:80 -r 10.0." + (i >> 8) + "." + (i & 0xff) + ":80");
                    }
                    return true;
                })
                .get();
        List<String> pages = new ArrayList<>();
        try (ControlClient client = client()) {
            client.send("-Ln");
            client.send("-A -t 192.0.2.3:80");
            pages.add(client.receive(pages::add).out());
            assertThat(client.receive(page -> {})).isEqualTo(Reply.OK);
        }
        assertThat(pages).hasSizeGreaterThan(servers / ServicePages.PAGE).allMatch(page -> page.length() < 600_000);
        View.Services all = new View.Services(List.of());
        for (String page : pages) {
            all = all.plus((View.Services) Views.read(page));
        }
        assertThat(all.services()).hasSize(2);
        assertThat(all.services().getFirst().destinations()).hasSize(servers);
        assertThat(all.services().getLast().destinations()).hasSize(1);
    }

    private void apply(String line) throws Exception {
        Requests.apply(
                director, (Rule.Change) RuleParser.numeric().parseLine(line).orElseThrow());
    }

    @Test
    void shouldAnswerOthersWhileSomebodyReadsALongListingSlowly() throws Exception {
        for (int i = 0; i < 2000; i++) {
            apply("-A -t 10.0." + (i >> 8) + "." + (i & 0xff) + ":80");
        }
        try (SocketChannel slow = raw();
                ControlClient client = client()) {
            send(slow, bytes("-Ln\n".repeat(20)));
            for (int i = 0; i < 50; i++) {
                assertThat(client.request("-D -t 10.0.0." + i + ":80")).isEqualTo(Reply.OK);
            }
            slow.shutdownOutput();
            assertThat(readToEnd(slow)).startsWith("+ ").endsWith("]}");
        }
    }

    @Test
    void shouldTellEveryClientOfABatchThatItCouldNotBeKept() throws Exception {
        Journal journal = Journal.create(directory, List.of());
        journal.close();
        Path other = directory.resolve("broken.sock");
        try (ControlServer broken =
                        ControlServer.open(loop, new Requests(director, dataplane, journal), other, Optional.empty());
                ControlClient client = new ControlClient(other, PATIENCE)) {
            assertThat(broken).isNotNull();
            client.send("-A -t 192.0.2.1:80");
            client.send("-A -t 192.0.2.1:80");
            Reply first = client.receive(page -> {});
            assertThat(first.exitCode()).isEqualTo(255);
            assertThat(first.err()).contains("nothing changed", "journal");
            assertThat(client.receive(page -> {}).exitCode()).isEqualTo(255);
            assertThat(client.request("-Ln").out()).doesNotContain("192.0.2.1");
        }
        assertThat(dataplane.tables).isEmpty();
    }
}
