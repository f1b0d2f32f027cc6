package lvsd.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The client before a server that says what the test wants. */
class ControlClientTest {
    @TempDir
    private Path directory;

    /** Accepts one client, reads until {@code lines} requests are there, writes {@code reply} in pieces, closes. */
    private CompletableFuture<String> serve(Path socket, int lines, String reply, boolean close) throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
        return CompletableFuture.supplyAsync(() -> {
            try (server) {
                SocketChannel client = server.accept();
                StringBuilder got = new StringBuilder();
                ByteBuffer buffer = ByteBuffer.allocate(4096);
                while (got.chars().filter(c -> c == '\n').count() < lines && client.read(buffer.clear()) >= 0) {
                    got.append(StandardCharsets.UTF_8.decode(buffer.flip()));
                }
                byte[] bytes = reply.getBytes(StandardCharsets.UTF_8);
                write(client, bytes);
                if (close) {
                    client.close();
                }
                return got.toString();
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    private static void write(SocketChannel client, byte[] bytes) {
        try {
            for (int at = 0; at < bytes.length; at += 7) {
                client.write(ByteBuffer.wrap(bytes, at, Math.min(7, bytes.length - at)));
            }
        } catch (IOException e) {
            // The client may have heard enough.
            assertThat(e).hasMessageContaining("Broken pipe");
        }
    }

    @Test
    void shouldMatchPipelinedRequestsWithReplies() throws Exception {
        Path socket = directory.resolve("s");
        CompletableFuture<String> server = serve(socket, 2, "0 3 0\nabc255 0 5\noops\n", true);
        try (ControlClient client = new ControlClient(socket, Duration.ofSeconds(5))) {
            client.send("-C");
            client.send("-Z");
            assertThat(client.receive(page -> {})).isEqualTo(new Reply(0, "abc", ""));
            assertThat(client.receive(page -> {})).isEqualTo(new Reply(255, "", "oops\n"));
        }
        assertThat(server.get()).isEqualTo("-C\n-Z\n");
    }

    @Test
    void shouldHandOverPagesAsTheyCome() throws Exception {
        Path socket = directory.resolve("s");
        CompletableFuture<String> server = serve(socket, 1, "+ 1 0\na+ 2 0\nbü0 1 0\nd", true);
        List<String> pages = new ArrayList<>();
        assertThatThrownBy(() -> {
                    try (ControlClient client = new ControlClient(socket, Duration.ofSeconds(5))) {
                        client.request("-L -c", pages::add);
                    }
                })
                // ü has two bytes, so the second page is cut inside it and the next header is broken.
                .isInstanceOf(IOException.class);
        assertThat(pages.getFirst()).isEqualTo("a");
        assertThat(server.get()).isEqualTo("-L -c\n");
    }

    @Test
    void shouldSayThatTheDaemonWentAway() throws Exception {
        Path socket = directory.resolve("s");
        CompletableFuture<String> server = serve(socket, 1, "0 30 0\nabc", true);
        try (ControlClient client = new ControlClient(socket, Duration.ofSeconds(5))) {
            assertThatThrownBy(() -> client.request("-L")).isInstanceOf(EOFException.class);
        }
        assertThat(server.get()).isEqualTo("-L\n");
    }

    @Test
    void shouldNotWaitForEver() throws Exception {
        Path socket = directory.resolve("s");
        CompletableFuture<String> server = serve(socket, 1, "", false);
        try (ControlClient client = new ControlClient(socket, Duration.ofMillis(50))) {
            assertThatThrownBy(() -> client.request("-L"))
                    .isInstanceOf(SocketTimeoutException.class)
                    .hasMessageContaining("did not answer within 0.05 s");
        }
        assertThat(server.get()).isEqualTo("-L\n");
    }

    @Test
    void shouldRefuseHeadersThatAreNone() throws Exception {
        for (String header : List.of("\n", "0 0\n", "0 -1 0\n", "x 0 0\n", "0 99999999999 0\n", "0".repeat(100))) {
            Path socket = directory.resolve("s" + header.hashCode());
            CompletableFuture<String> server = serve(socket, 1, header, true);
            try (ControlClient client = new ControlClient(socket, Duration.ofSeconds(5))) {
                assertThatThrownBy(() -> client.request("-L")).as(header).isInstanceOf(IOException.class);
            }
            assertThat(server.get()).isEqualTo("-L\n");
        }
    }
}
