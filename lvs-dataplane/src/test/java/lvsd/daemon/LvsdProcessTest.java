package lvsd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import lvsd.control.ControlClient;
import lvsd.control.Reply;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The life of a real process: start, kill, stop, reload, a second instance. */
@Timeout(120)
final class LvsdProcessTest {
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    @TempDir
    private Path directory = Path.of("");

    private final List<Running> processes = new ArrayList<>();

    /** A process and what it wrote to standard error. */
    private static final class Running {
        private final Process process;
        private final ConcurrentLinkedQueue<String> lines = new ConcurrentLinkedQueue<>();
        private final CountDownLatch ready = new CountDownLatch(1);
        private final Thread reader;

        Running(Process process) {
            this.process = process;
            this.reader = Thread.ofPlatform().daemon().start(this::read);
        }

        private void read() {
            try (BufferedReader in = process.errorReader(StandardCharsets.UTF_8)) {
                for (String line = in.readLine(); line != null; line = in.readLine()) {
                    lines.add(line);
                    if (line.equals("ready")) {
                        ready.countDown();
                    }
                }
            } catch (IOException e) {
                lines.add(e.toString());
            }
            ready.countDown();
        }

        Running awaitReady() throws InterruptedException {
            assertThat(ready.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
            assertThat(lines).as(text()).contains("ready");
            return this;
        }

        /** Waits for the end; the exit code. */
        int end() throws InterruptedException {
            assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                    .as(text())
                    .isTrue();
            reader.join();
            return process.exitValue();
        }

        String text() {
            return String.join("\n", lines);
        }

        boolean awaitLine(String part) throws InterruptedException {
            for (int i = 0; i < 300; i++) {
                if (lines.stream().anyMatch(line -> line.contains(part))) {
                    return true;
                }
                Thread.sleep(50);
            }
            return false;
        }

        void signal(String name) throws IOException, InterruptedException {
            assertThat(new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
                            .start()
                            .waitFor())
                    .isZero();
        }
    }

    @BeforeEach
    void files() throws IOException {
        config("");
    }

    @AfterEach
    void end() {
        processes.forEach(running -> running.process.destroyForcibly());
    }

    private void config(String more) throws IOException {
        Files.writeString(file(), """
                eal:
                  hugepages: false
                ports:
                  - name: null0
                    device: net_null0
                control:
                  socket: %1$s/control.sock
                persist:
                  directory: %1$s/journal
                  rules: %1$s/rules
                %2$s
                """.formatted(directory, more));
    }

    private Path file() {
        return directory.resolve("lvsd.yaml");
    }

    private void rules(String... lines) throws IOException {
        Files.write(directory.resolve("rules"), List.of(lines));
    }

    private Running launch(String... options) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx128m",
                "-cp",
                System.getProperty("java.class.path"),
                // The tests' own configuration of Logback would hide what is looked for here.
                "-Dlogback.configurationFile=logback.xml",
                LvsdWithoutPackets.class.getName(),
                "--config",
                file().toString()));
        command.addAll(List.of(options));
        Running running = new Running(new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start());
        processes.add(running);
        return running;
    }

    private ControlClient client() throws IOException {
        return new ControlClient(directory.resolve("control.sock"), PATIENCE);
    }

    private Reply ask(String line) throws IOException {
        try (ControlClient client = client()) {
            return client.request(line);
        }
    }

    @Test
    void shouldKeepEveryAcknowledgedChangeThroughAKill() throws Exception {
        Running first = launch().awaitReady();
        int acknowledged = 0;
        Thread killer = null;
        try (ControlClient client = client()) {
            for (int i = 1; i < 60_000; i++) {
                client.request("-A -f " + i);
                acknowledged = i;
                if (i == 300) {
                    killer = Thread.ofPlatform().start(first.process::destroyForcibly);
                }
            }
        } catch (IOException e) {
            assertThat(acknowledged).isGreaterThanOrEqualTo(300);
        }
        Objects.requireNonNull(killer).join();
        first.end();
        launch().awaitReady();
        String list = ask("-Ln").out();
        for (int i = 1; i <= acknowledged; i++) {
            assertThat(list).contains("\"fwmark\":" + i + ",");
        }
    }

    @Test
    void shouldEndWithinTwoSecondsAndCleanUp() throws Exception {
        Running running = launch("--drain=5").awaitReady();
        ask("-A -t 192.0.2.1:80");
        try (ControlClient idle = client()) {
            assertThat(idle.request("-Z")).isEqualTo(Reply.OK);
            long start = System.nanoTime();
            running.signal("TERM");
            assertThat(running.end()).as(running.text()).isZero();
            assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(2));
        }
        assertThat(directory.resolve("control.sock")).doesNotExist();
        assertThat(running.text()).contains("event=\"stopping\"", "event=\"stopped\"");
        launch().awaitReady();
        assertThat(ask("-Ln").out()).contains("192.0.2.1");
    }

    @Test
    void shouldRefuseASecondInstanceAndReplaceADeadSocket() throws Exception {
        Running first = launch().awaitReady();
        Running second = launch();
        assertThat(second.end()).isEqualTo(1);
        assertThat(second.text()).contains("another lvsd uses control socket", "control.sock");
        assertThat(ask("-Ln").exitCode()).isZero();
        first.process.destroyForcibly();
        first.end();
        assertThat(directory.resolve("control.sock")).exists();
        launch().awaitReady();
        assertThat(ask("-Ln").exitCode()).isZero();
    }

    @Test
    void shouldNameTheSocketThatSomethingElseAnswersAt() throws Exception {
        launch().awaitReady();
        Files.delete(directory.resolve("control.sock.lock"));
        Running second = launch();
        assertThat(second.end()).isEqualTo(1);
        assertThat(second.text()).contains("another process answers there");
    }

    @Test
    void shouldPointAtErrorsOfBothFilesAndExit78() throws Exception {
        rules(
                "# mine",
                "",
                "-A -t 192.0.2.1:80 -s rr",
                "  -a -t 192.0.2.1:80 -r 198.18.0.1:80 -w x",
                "-A -t 192.0.2.1:80");
        Running check = launch("--check");
        assertThat(check.end()).isEqualTo(78);
        assertThat(check.lines)
                .contains(
                        directory + "/rules:4:3: illegal weight specified",
                        directory + "/rules:5:1: Service already exists");
        assertThat(launch().end()).isEqualTo(78);

        rules();
        config("conections: 5");
        check = launch("--check");
        assertThat(check.end()).isEqualTo(78);
        assertThat(check.text()).contains(file() + ":11:1: ");

        config("");
        assertThat(launch("--check").end()).isZero();
    }

    @Test
    void shouldTakeTheJournalBeforeTheRulesFileUnlessToldToRestore() throws Exception {
        rules("-A -t 192.0.2.1:80 -s rr");
        Running first = launch().awaitReady();
        assertThat(ask("-A -t 192.0.2.2:80")).isEqualTo(Reply.OK);
        first.process.destroyForcibly();
        first.end();
        rules("-A -t 192.0.2.3:80");
        Running second = launch().awaitReady();
        assertThat(ask("-Ln").out()).contains("192.0.2.1", "192.0.2.2").doesNotContain("192.0.2.3");
        assertThat(second.awaitLine("rules file changed while the daemon was down"))
                .isTrue();
        second.process.destroyForcibly();
        second.end();
        launch("--restore").awaitReady();
        assertThat(ask("-Ln").out())
                .contains("192.0.2.3")
                .doesNotContain("192.0.2.1")
                .doesNotContain("192.0.2.2");
    }

    @Test
    void shouldApplyOnlyTheDifferenceWhenToldToReload() throws Exception {
        rules("-A -t 192.0.2.1:80 -s rr", "-A -t 192.0.2.2:80 -s rr", "-a -t 192.0.2.2:80 -r 198.18.0.1:80 -m -w 1");
        Running running = launch().awaitReady();
        assertThat(ask("-A -t 192.0.2.9:80")).isEqualTo(Reply.OK);
        assertThat(ask("-a -t 192.0.2.2:80 -r 198.18.0.2:80 -m -w 5")).isEqualTo(Reply.OK);
        rules("-A -t 192.0.2.2:80 -s wrr", "-a -t 192.0.2.2:80 -r 198.18.0.1:80 -m -w 7", "-A -t 192.0.2.3:80");
        config("settings:\n  neighbour_queue: 9\nmetrics: 127.0.0.1:0");
        running.signal("HUP");
        assertThat(running.awaitLine("event=\"reloaded\" changes=\"4\" refused=\"0\""))
                .as(running.text())
                .isTrue();
        String list = ask("-Ln").out();
        assertThat(list).contains("192.0.2.2", "192.0.2.3", "192.0.2.9", "\"wrr\"", "198.18.0.2", "\"weight\":7");
        assertThat(list).doesNotContain("192.0.2.1\"");
        assertThat(ask("--sysctl neighbour_queue").out()).contains("\"9\"");

        rules("-A -t 192.0.2.2:80 -s nonsense");
        running.signal("HUP");
        assertThat(running.awaitLine("reload refused, nothing changed")).isTrue();
        assertThat(ask("-Ln").out()).isEqualTo(list);

        running.process.destroyForcibly();
        running.end();
        rules();
        config("");
        launch().awaitReady();
        assertThat(ask("-Ln").out()).as("a reload is journalled").contains("192.0.2.3", "192.0.2.9");
    }

    @Test
    void shouldServeMetrics() throws Exception {
        int port = freePort();
        config("metrics: 127.0.0.1:" + port);
        launch().awaitReady();
        ask("-A -t 192.0.2.1:80");
        ask("-a -t 192.0.2.1:80 -r 198.18.0.1:8080 -m -w 3");
        String text = get(port, "/metrics");
        assertThat(text)
                .contains(
                        "lvsd_ipvs_connections_total 0\n",
                        "lvsd_ipvs_backend_weight{local_address=\"192.0.2.1\",local_mark=\"\",local_port=\"80\","
                                + "proto=\"TCP\",remote_address=\"198.18.0.1\",remote_port=\"8080\"} 3\n",
                        "lvsd_dropped_packets_total{reason=\"no-route\"} 0\n",
                        "lvsd_punted_packets_total{class=\"routing\"} 0\n",
                        "lvsd_port_up{port=\"null0\",device=\"net_null0\"} 0\n");
        assertThat(text.lines().filter(line -> !line.startsWith("#")))
                .allMatch(line -> line.matches("[a-z_]+(\\{[a-z_]+=\"[^\"]*\"(,[a-z_]+=\"[^\"]*\")*})? [0-9.E]+"));
        assertThat(get(port, "/metrics?prefix=node")).contains("node_ipvs_backend_weight{");
        assertThat(get(port, "/other")).contains("/metrics");
    }

    private static int freePort() throws IOException {
        try (ServerSocket probe = new ServerSocket(0)) {
            return probe.getLocalPort();
        }
    }

    private static String get(int port, String path) throws IOException, InterruptedException {
        try (HttpClient http = HttpClient.newHttpClient()) {
            return http.send(
                            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                                    .timeout(PATIENCE)
                                    .build(),
                            HttpResponse.BodyHandlers.ofString())
                    .body();
        }
    }
}
