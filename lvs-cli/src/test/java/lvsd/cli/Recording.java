package lvsd.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import lvsd.rules.Addresses;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** Steps of a recording of the real ipvsadm, and the names its machine knew. */
public final class Recording {
    /** Some recordings know a machine by another name. */
    private static final Map<String, String> WITH_CONNECTIONS = Map.of(
            "198.18.20.2", "rs1.example",
            "198.18.10.2", "client-with-a-long-name.example",
            "2001:db8:a::2", "c6.example");

    /** One step; {@code command} is what a shell did, empty for ipvsadm itself. */
    public record Step(
            String scenario,
            int number,
            String command,
            List<String> arguments,
            String stdin,
            String rc,
            String stdout,
            String stderr) {
        @Override
        public String toString() {
            return scenario + " step " + number + ": "
                    + (command.isEmpty() ? "ipvsadm " + String.join(" ", arguments) : command);
        }
    }

    private static final Map<String, String> HOSTS = Map.of(
            "127.0.0.1", "localhost",
            "192.0.2.10", "vip.example",
            "198.18.1.1", "rs1.example",
            "198.18.1.2", "rs2.example",
            "192.0.2.20", "averyveryverylonghostname-for-truncation.example",
            "198.18.1.20", "anotherverylonghostname-for-truncation.example",
            "2001:db8::aa", "vip6.example");

    private Recording() {}

    /** The names of the recordings. */
    static SystemNames names() {
        SystemNames.Resolver resolver = new SystemNames.Resolver() {
            @Override
            public Optional<InetAddress> address4(String name) {
                for (Map.Entry<String, String> host : HOSTS.entrySet()) {
                    if (name.equals("ip6-localhost")) {
                        // The C library maps ::1 to 127.0.0.1 where IPv4 is asked for.
                        return Addresses.parse("127.0.0.1");
                    }
                    if (host.getValue().equalsIgnoreCase(name) && host.getKey().indexOf(':') < 0) {
                        return Addresses.parse(host.getKey());
                    }
                }
                return Optional.empty();
            }

            @Override
            public Optional<String> name(InetAddress address) {
                String text = Addresses.format(address);
                return Optional.ofNullable(HOSTS.get(text)).or(() -> Optional.ofNullable(WITH_CONNECTIONS.get(text)));
            }
        };
        try {
            return new SystemNames(
                    resolver,
                    Path.of(Objects.requireNonNull(Recording.class.getResource("services"))
                            .toURI()));
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** All names as hosts(5) and services(5) have them, for a machine that is to know them. */
    public static String hosts() {
        StringBuilder text = new StringBuilder();
        HOSTS.forEach(
                (address, name) -> text.append(address).append(' ').append(name).append('\n'));
        return text.toString();
    }

    /** Debian's service names, those that the recordings use. */
    public static String services() {
        return text("services");
    }

    private static String text(String resource) {
        try (InputStream in = Objects.requireNonNull(Recording.class.getResourceAsStream(resource))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** All steps of a recording, in order. */
    public static List<Step> read(String resource) {
        List<Step> steps = new ArrayList<>();
        Load load = new Load(LoadSettings.builder().build());
        text(resource).lines().forEach(line -> steps.add(step((Map<?, ?>) load.loadFromString(line))));
        return steps;
    }

    private static Step step(Map<?, ?> map) {
        List<String> arguments = new ArrayList<>();
        if (map.get("argv") instanceof List<?> argv) {
            // The first is the program's name.
            argv.stream().skip(1).forEach(each -> arguments.add(String.valueOf(each)));
        }
        return new Step(
                text(map, "scenario"),
                Integer.parseInt(text(map, "step")),
                text(map, "cmd"),
                arguments,
                text(map, "stdin"),
                text(map, "rc"),
                text(map, "stdout"),
                text(map, "stderr"));
    }

    private static String text(Map<?, ?> map, String name) {
        Object value = map.get(name);
        return value == null ? "" : value.toString();
    }
}
