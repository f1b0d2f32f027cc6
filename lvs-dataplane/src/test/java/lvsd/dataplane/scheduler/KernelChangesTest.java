package lvsd.dataplane.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.LocalityCache;
import lvsd.dataplane.service.Service;
import lvsd.dataplane.service.Wire;
import lvsd.rules.DestinationSpec;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Protocol;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Servers that come, go and change weights and thresholds in the middle of a series, as recorded from the kernel. */
class KernelChangesTest {
    /** A line of the recording, played. */
    private static final class Series {
        final ServiceSpec spec;
        final int port;
        final @Nullable LocalityCache cache;
        final List<Destination> servers = new ArrayList<>();
        final DestinationCounts counts = new DestinationCounts(new Overloads(), new DestinationCounters());
        final Schedulers schedulers = new Schedulers();
        final Flow flow = new Flow();
        Service service;
        int clientPort;
        long revision;

        Series(String scheduler, Set<String> flags, int port, int clientPort) {
            ServiceId id = new ServiceId.Vip(Protocol.TCP, address("192.0.2.10"), port);
            this.port = port;
            this.clientPort = clientPort;
            this.spec = new ServiceSpec(
                    id, scheduler, flags, OptionalInt.empty(), -1, "", false, false, OptionalInt.empty());
            this.cache = LocalityCache.of(spec);
            this.service = publish();
            flow.clientLow =
                    Integer.toUnsignedLong(Wire.int4(address("198.18.0.1").getAddress()));
            flow.virtualLow =
                    Integer.toUnsignedLong(Wire.int4(address("192.0.2.10").getAddress()));
        }

        private static InetAddress address(String text) {
            try {
                return InetAddress.getByName(text);
            } catch (UnknownHostException impossible) {
                throw new AssertionError(impossible);
            }
        }

        private Service publish() {
            service = new Service(4, spec, servers, List.of(), ++revision, cache);
            return service;
        }

        private Destination server(int number, int weight, int upper, int lastWeight) {
            DestinationSpec server = new DestinationSpec(
                    spec.id(),
                    address("198.18.0." + number),
                    port,
                    ForwardingMethod.NAT,
                    weight,
                    upper,
                    0,
                    DestinationSpec.Tunnel.IPIP);
            return new Destination(number, 4, server, lastWeight);
        }

        /** Obeys {@code -a 25 -w 2} and the like. */
        void change(String command) {
            List<String> words = Arrays.asList(command.split(" ", -1));
            int number = Integer.parseInt(words.get(1));
            int weight = option(words, "-w");
            int upper = option(words, "-x");
            int place = 0;
            while (place < servers.size() && servers.get(place).index != number) {
                place++;
            }
            switch (words.getFirst()) {
                case "-a" -> servers.addFirst(server(number, weight, upper, weight));
                case "-d" -> servers.remove(place);
                default ->
                    servers.set(
                            place, server(number, weight, upper, weight != 0 ? weight : servers.get(place).lastWeight));
            }
            publish();
        }

        private static int option(List<String> words, String name) {
            int at = words.indexOf(name);
            return at < 0 ? 0 : Integer.parseInt(words.get(at + 1));
        }

        /** Opens a connection that stays active. */
        String pick() {
            flow.clientPort = Wire.port(clientPort++);
            int place = schedulers.pick(service, counts, flow);
            if (place == Scheduler.NONE) {
                return "-";
            }
            Destination picked = service.destinations[place];
            counts.opened(picked);
            counts.changed(picked.index, 1);
            return Integer.toString(picked.index);
        }
    }

    static Stream<String> recordings() {
        var stream = Objects.requireNonNull(KernelChangesTest.class.getResourceAsStream("changes.txt"));
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
            return reader.lines().filter(line -> !line.startsWith("#")).toList().stream();
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    @ParameterizedTest
    @MethodSource("recordings")
    void shouldPickWhatTheKernelPickedWhileServersChanged(String line) {
        String[] parts = line.split(" \\| ", -1);
        String[] name = parts[0].split(" ", -1);
        String[] ports = parts[1].split(" ", -1);
        Set<String> flags = Arrays.stream(name[1].split(",", -1))
                .filter(flag -> !flag.equals("-"))
                .collect(Collectors.toSet());
        Series series = new Series(name[0], flags, Integer.parseInt(ports[0]), Integer.parseInt(ports[1]));
        int number = 21;
        for (String weight : parts[2].split(" ", -1)) {
            series.change("-a " + number++ + " -w " + weight);
        }
        for (int part = 3; part < parts.length; part++) {
            int colon = parts[part].indexOf(':');
            if (colon >= 0) {
                series.change(parts[part].substring(0, colon).trim());
            }
            List<String> kernel = Arrays.stream(
                            parts[part].substring(colon + 1).trim().split(" ", -1))
                    .filter(pick -> !pick.isEmpty())
                    .toList();
            List<String> ours =
                    Stream.generate(series::pick).limit(kernel.size()).toList();
            assertThat(ours).as("after %s of %s", parts[part], line).isEqualTo(kernel);
        }
    }
}
