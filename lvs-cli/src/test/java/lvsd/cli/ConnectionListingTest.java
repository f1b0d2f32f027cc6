package lvsd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import lvsd.cli.Recording.Step;
import lvsd.control.View;
import lvsd.rules.Addresses;
import org.junit.jupiter.api.Test;

/**
 * Every form of {@code -L -c} as the original prints it: connections of all protocols, both families, long names and
 * engines' data, which a kernel was told of by sync messages. What is to be printed is read from the numeric listing.
 */
class ConnectionListingTest {
    private static final Map<String, Integer> PROTOCOLS = Map.of("TCP", 6, "UDP", 17, "SCTP", 132, "IP", 0);

    @Test
    void shouldPrintConnectionsOfEveryKindAsRecorded() {
        List<Step> steps = Recording.read("connection-forms.jsonl");
        List<View.Connection> connections = new ArrayList<>();
        // The one with everything: numbers, and data of engines.
        steps.get(2).stdout().lines().skip(2).forEach(row -> connections.add(connection(row.split(" +", -1))));
        assertThat(connections).hasSizeGreaterThan(20);
        for (Step step : steps) {
            boolean persistent = step.arguments().contains("--persistent-conn");
            boolean numeric = step.arguments().getFirst().equals("-Lnc");
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            PrintStream out = new PrintStream(bytes, false, StandardCharsets.UTF_8);
            OtherListings.connectionTitles(out, persistent);
            Endpoints endpoints = Endpoints.of(numeric, Recording.names());
            OtherListings.connections(out, persistent, endpoints, new View.Connections(connections));
            out.flush();
            assertThat(bytes.toString(StandardCharsets.UTF_8))
                    .as(step.toString())
                    .isEqualTo(step.stdout());
        }
    }

    private static View.Connection connection(String[] words) {
        String[] expires = words[1].split(":", 2);
        long seconds = Long.parseLong(expires[0]) * 60 + Long.parseLong(expires[1]);
        return new View.Connection(
                PROTOCOLS.getOrDefault(words[0], -1),
                address(words[3]),
                port(words[3]),
                address(words[4]),
                port(words[4]),
                address(words[3]),
                port(words[3]),
                address(words[5]),
                port(words[5]),
                0,
                words[2],
                seconds * 1000,
                1,
                0,
                words.length > 6 ? words[6] : "",
                words.length > 7 ? words[7] : "");
    }

    private static InetAddress address(String endpoint) {
        String host = endpoint.substring(0, endpoint.lastIndexOf(':'));
        return Addresses.parse(host.startsWith("[") ? host.substring(1, host.length() - 1) : host)
                .orElseThrow();
    }

    private static int port(String endpoint) {
        return Integer.parseInt(endpoint.substring(endpoint.lastIndexOf(':') + 1));
    }
}
