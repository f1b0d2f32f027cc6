package lvsd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import lvsd.control.ControlProtocol;
import lvsd.rules.Rule;
import lvsd.rules.RuleFormatter;
import lvsd.rules.RuleParser;
import lvsd.rules.RuleSyntaxException;
import lvsd.wire.SeededTest;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Malformed requests in any pieces, among five hundred idle clients. Every line gets one answer, and the director holds
 * what the accepted lines say, no more: a second director follows those and must be its equal.
 */
final class ControlFuzzTest {
    private static final int IDLE = 500;
    private static final int BATCH = 64;
    private static final List<String> SEEDS = List.of(
            "-A -t 192.0.2.%d:80 -s wrr -p 60 -M 255.255.255.0",
            "-A -u 192.0.2.%d:53 -o -s sh -b sh-port",
            "-A -f %d -6 -s mh -b mh-fallback,mh-port",
            "-E -t 192.0.2.%d:80 -s lc --pe sip -p",
            "-D -t 192.0.2.%d:80",
            "-a -t 192.0.2.%d:80 -r 198.18.0.%d:80 -m -w 3 -x 10 -y 5",
            "-a -t 192.0.2.%d:80 -r 198.18.0.%d:80 -i --tun-type gue --tun-port 6080 --tun-csum",
            "-e -t 192.0.2.%d:80 -r 198.18.0.%d:80 -b -w 0",
            "-d -t 192.0.2.%d:80 -r 198.18.0.%d:80",
            "-P -t 192.0.2.%d:80 -z 198.18.1.%d",
            "-Q -t 192.0.2.%d:80 -z 198.18.1.%d",
            "--set %d 120 300",
            "-L -t 192.0.2.%d:80 -n",
            "-Z -t 192.0.2.%d:80",
            "--sysctl=expire_nodest_conn=1",
            "-S -n",
            "-G",
            "--drops");

    @TempDir
    private Path directory = Path.of("");

    private final MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final EventLoop loop = group.next();
    private final FakeDataplane dataplane = new FakeDataplane();
    private final Director director = new Director(dataplane, Map.of(), Set.of());
    private final FakeDataplane modelDataplane = new FakeDataplane();
    private final Director model = new Director(modelDataplane, Map.of(), Set.of());
    private final List<SocketChannel> idle = new ArrayList<>();
    private @Nullable ControlServer server;
    private Path socket = Path.of("");

    @BeforeEach
    void open() throws IOException {
        Logging.level("error");
        socket = directory.resolve("control.sock");
        server = ControlServer.open(loop, new Requests(director, dataplane, null), socket, Optional.empty());
        for (int i = 0; i < IDLE; i++) {
            idle.add(connect());
        }
    }

    @AfterEach
    void close() throws IOException {
        for (SocketChannel each : idle) {
            each.close();
        }
        Objects.requireNonNull(server).close();
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
    }

    private SocketChannel connect() throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(socket));
        return channel;
    }

    @Test
    void shouldStayWholeUnderMalformedRequests() throws Exception {
        attack(20_000);
    }

    @Test
    @Tag("long")
    void shouldStayWholeUnderAMillionMalformedRequests() throws Exception {
        attack(1_000_000);
    }

    private void attack(int requests) throws Exception {
        SeededTest.run(requests / 2000, random -> {
            try (SocketChannel channel = connect()) {
                DataInputStream in = new DataInputStream(new BufferedInputStream(Channels.newInputStream(channel)));
                for (int sent = 0; sent < 2000; sent += BATCH) {
                    batch(channel, in, random);
                }
                // The first half of a line, and gone: nothing of it may happen.
                write(channel, "-A -t 203.0.113.7:8".getBytes(StandardCharsets.UTF_8), random);
            }
            assertThat(rules()).isEqualTo(model.rules());
            loop.submit(() -> reclaim(director, dataplane)).get();
            reclaim(model, modelDataplane);
        });
        for (SocketChannel each : idle) {
            write(each, "\n".getBytes(StandardCharsets.UTF_8), SeededTest.random(1));
            assertThat(answer(new DataInputStream(Channels.newInputStream(each))))
                    .isZero();
        }
    }

    /** What the daemon does every second, and forgets what the fake keeps for other tests. */
    private static void reclaim(Director director, FakeDataplane dataplane) {
        director.reclaim();
        dataplane.tables.clear();
        dataplane.asked.clear();
    }

    private List<Rule.Change> rules() throws Exception {
        return loop.submit(director::rules).get();
    }

    private void batch(SocketChannel channel, DataInputStream in, RandomGenerator random) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        List<byte[]> lines = new ArrayList<>();
        for (int i = 0; i < BATCH; i++) {
            byte[] line = line(random);
            lines.add(line);
            bytes.writeBytes(line);
            bytes.write('\n');
        }
        write(channel, bytes.toByteArray(), random);
        for (byte[] line : lines) {
            if (answer(in) == 0) {
                follow(new String(line, StandardCharsets.UTF_8));
            }
        }
    }

    /** One line without its end: most are nearly right. */
    private static byte[] line(RandomGenerator random) {
        String seed = SEEDS.get(random.nextInt(SEEDS.size())).replace("%d", Integer.toString(random.nextInt(1, 9)));
        byte[] line = seed.getBytes(StandardCharsets.UTF_8);
        int kind = random.nextInt(1000);
        if (kind < 300) {
            return line;
        }
        if (kind < 302) {
            return new byte[ControlProtocol.MAX_REQUEST + random.nextInt(-2, 3)];
        }
        if (kind < 340) {
            byte[] noise = new byte[random.nextInt(200)];
            random.nextBytes(noise);
            return withoutLineFeeds(noise);
        }
        for (int changes = random.nextInt(1, 4); changes > 0 && line.length > 0; changes--) {
            line = changed(line, random);
        }
        return withoutLineFeeds(line);
    }

    private static byte[] changed(byte[] line, RandomGenerator random) {
        int at = random.nextInt(line.length);
        return switch (random.nextInt(6)) {
            case 0 -> {
                line[at] = (byte) random.nextInt(256);
                yield line;
            }
            case 1 -> Arrays.copyOf(line, at);
            case 2 -> Arrays.copyOfRange(line, at, line.length);
            case 3 -> joined(line, line);
            case 4 -> joined(line, (" " + random.nextLong()).getBytes(StandardCharsets.US_ASCII));
            default ->
                joined(
                        Arrays.copyOf(line, at),
                        "-".repeat(random.nextInt(1, 5)).getBytes(StandardCharsets.US_ASCII),
                        line);
        };
    }

    private static byte[] joined(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    private static byte[] withoutLineFeeds(byte[] line) {
        for (int i = 0; i < line.length; i++) {
            if (line[i] == '\n') {
                line[i] = ' ';
            }
        }
        return line;
    }

    /** Writes in pieces of any size. */
    private static void write(SocketChannel channel, byte[] bytes, RandomGenerator random) throws IOException {
        int at = 0;
        while (at < bytes.length) {
            int length = Math.min(bytes.length - at, random.nextInt(10) == 0 ? random.nextInt(1, 20) : 4096);
            ByteBuffer piece = ByteBuffer.wrap(bytes, at, length);
            while (piece.hasRemaining()) {
                channel.write(piece);
            }
            at += length;
        }
    }

    /** Reads one whole answer; its exit code. */
    private static int answer(DataInputStream in) throws IOException {
        while (true) {
            StringBuilder header = new StringBuilder();
            for (int c = in.readUnsignedByte(); c != '\n'; c = in.readUnsignedByte()) {
                header.append((char) c);
            }
            String[] fields = header.toString().split(" ", -1);
            assertThat(fields).as("header '%s'", header).hasSize(3);
            in.skipNBytes(Long.parseLong(fields[1]) + Long.parseLong(fields[2]));
            if (!fields[0].equals("+")) {
                return Integer.parseInt(fields[0]);
            }
        }
    }

    /** What was accepted must be a rule, and one that an equal director accepts. */
    private void follow(String line) {
        try {
            if (RuleParser.numeric().parseLine(line).orElse(null) instanceof Rule.Change change) {
                Requests.apply(model, change);
                model.publish();
                assertThat(RuleParser.numeric().parseLine(RuleFormatter.line(change)))
                        .contains(change);
            }
        } catch (RuleSyntaxException | Refusal e) {
            throw new AssertionError("accepted: " + line, e);
        }
    }
}
