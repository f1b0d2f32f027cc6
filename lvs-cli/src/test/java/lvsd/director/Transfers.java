package lvsd.director;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;

/** What a client does with a service, and what must come of it. */
final class Transfers {
    /** Silence in the middle of a transfer that is still waited out: the longest that a stack of today is used to wait. */
    private static final Duration SILENCE = Duration.ofMinutes(2);

    private Transfers() {}

    /** Fetches {@code count} times, {@code parallel} at a time, each time on a connection of its own: none fails. */
    static void curls(Director director, Service service, int count, int parallel, Duration patience) {
        String command =
                "seq %d | xargs -P %d -I{} curl -sg -m 30 --interface %s -o /dev/null -w '%%{http_code}\\n' '%s'"
                        .formatted(count, parallel, service.source(), service.url("/?{}"));
        Shell.Result result = director.client().run(patience, "sh", "-c", command);
        assertThat(result.exit()).as(result.err()).isZero();
        assertThat(result.out().lines()).hasSize(count).containsOnly("200");
    }

    /** A body of {@code bytes} arrives as the server made it. */
    static void download(Director director, Service service, long bytes) {
        Load.Report report = Load.of(service.vip(), "/bytes/" + bytes)
                .count(1)
                .timeout(SILENCE)
                .run(director.client());
        assertThat(report.failed()).as(report.text()).isZero();
    }

    /** A body of {@code bytes} arrives at the server as the client made it. */
    static void upload(Director director, Service service, long bytes) {
        Shell.Result result = director.client()
                .runJava(Duration.ofMinutes(5), Upload.class, service.vip(), "80", Long.toString(bytes));
        assertThat(result.exit()).as(result.toString()).isZero();
    }
}
