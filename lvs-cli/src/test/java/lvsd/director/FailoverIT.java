package lvsd.director;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * One director takes over from the other while connections are under way: none that was established 200 ms before is lost,
 * every byte arrives. What is measured is printed: how long the longest one had to wait.
 */
@Tag("privileged")
@Timeout(1800)
class FailoverIT {
    /** Echoes, downloads and uploads to each of the two services behind the SYN proxy, and to each of the three others. */
    private static final String PROXIED_FLOWS = Director.LONG ? "90,25,25" : "10,2,2";

    private static final String PLAIN_FLOWS = Director.LONG ? "220,10,10" : "10,2,2";
    /** A thousand that said something twenty times a second would be more than two cores can carry beside their ends. */
    private static final String PAUSE_MILLIS = Director.LONG ? "400" : "50";

    private static final int ROUNDS = Director.LONG ? 20 : 2;
    private static final Pattern REPORT =
            Pattern.compile("flows=(\\d+) up=(\\d+) failed=(\\d+) stallms=(\\d+) moved=(\\d+)(.*)");

    private static final List<Service> PROXIED = List.of(Service.FULLNAT, Service.FULLNAT6);
    private static final List<Service> PLAIN = List.of(Service.NAT, Service.NAT6, Service.FULLNAT_ON_LINK);

    @RegisterExtension
    static final FailoverPair pair = new FailoverPair(Stream.concat(
                    PROXIED.stream().map(service -> service.rules().replace(" -s rr", " -s rr -j enable")),
                    PLAIN.stream().map(Service::rules))
            .collect(Collectors.joining()));

    private final Map<Integer, Process> keepaliveds = new HashMap<>();

    private @Nullable Running running;
    private int active = 1;

    /** The flows under way. */
    private static final class Running {
        private final Process process;
        private final PrintStream to;
        private final BufferedReader from;

        Running() {
            List<String> arguments = new ArrayList<>(List.of(PAUSE_MILLIS));
            PROXIED.forEach(service -> arguments.add(ends(service) + PROXIED_FLOWS));
            PLAIN.forEach(service -> arguments.add(ends(service) + PLAIN_FLOWS));
            process = pair.client().startPipedJava(Flows.class, arguments.toArray(String[]::new));
            to = new PrintStream(process.getOutputStream(), true, StandardCharsets.US_ASCII);
            from = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        }

        private static String ends(Service service) {
            return service.vip() + "," + service.source() + ",";
        }

        /** The report that {@code word} asks for. */
        private Matcher say(String word) {
            to.println(word);
            try {
                String line = from.readLine();
                Matcher report = REPORT.matcher(line == null ? "nothing" : line);
                assertThat(report.matches()).as(line).isTrue();
                return report;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** A report in which none has failed. */
        Matcher good(String word) {
            Matcher report = say(word);
            assertThat(report.group(3)).as(report.group()).isEqualTo("0");
            return report;
        }

        /** The longest wait since the last report, milliseconds. */
        long stall(String word) {
            return Long.parseLong(good(word).group(4));
        }

        boolean allUp() {
            Matcher report = good("report");
            return report.group(1).equals(report.group(2));
        }

        long count() {
            return Long.parseLong(say("report").group(1));
        }
    }

    @AfterEach
    void stop() throws InterruptedException {
        if (running != null) {
            running.process.destroyForcibly();
        }
        for (int number : List.copyOf(keepaliveds.keySet())) {
            stopKeepalived(number);
        }
    }

    private Running flows() {
        return requireNonNull(running);
    }

    private static int other(int number) {
        return 3 - number;
    }

    /** From its end on all connections are old enough that none may be lost. */
    private void begin() {
        running = new Running();
        Shell.await("all flows are up", Shell.SOON, () -> flows().allUp());
        flows().good("begun");
        Shell.await("all flows are up still", Shell.SOON, () -> flows().allUp());
        synced();
    }

    /** The standby has all that the active one has: after a return by the bulk transfer. */
    private void synced() {
        long count = flows().count();
        Shell.await(
                "director " + other(active) + " has all connections",
                Shell.SOON,
                () -> pair.director(other(active)).established() >= count);
        Shell.pause(Duration.ofMillis(200));
        flows().stall("report");
    }

    /** After the takeover: everything gets on again. */
    private void settled(String what, long began) {
        long took = (System.nanoTime() - began) / 1_000_000;
        long[] longest = {flows().stall("mark")};
        Shell.await(what + ": all flows get on again", Shell.SOON, () -> {
            Matcher report = flows().good("report");
            longest[0] = Math.max(longest[0], Long.parseLong(report.group(4)));
            return report.group(1).equals(report.group(5));
        });
        System.out.printf("failover, %s: takeover %d ms, longest stall %d ms%n", what, took, longest[0]);
        active = other(active);
    }

    private void role(int number, String role) {
        pair.director(number).ask("--role " + role);
    }

    @Test
    void connectionsGoOnWhereverTheRoleIs() throws InterruptedException {
        role(1, "active");
        begin();
        for (int round = 0; round < ROUNDS; round++) {
            long began = System.nanoTime();
            role(active, "standby");
            role(other(active), "active");
            settled("roles changed", began);
            synced();

            began = System.nanoTime();
            Thread killer = Thread.startVirtualThread(pair.director(active)::kill);
            role(other(active), "active");
            settled("killed", began);
            killer.join();
            pair.restart(other(active));
            synced();

            pair.plugged(active, false);
            began = System.nanoTime();
            role(other(active), "active");
            settled("unplugged", began);
            role(other(active), "standby");
            pair.plugged(other(active), true);
            synced();
        }
        flows().stall("stop");
    }

    @Test
    void keepalivedDecides() throws IOException, InterruptedException {
        Requirements.checkTools("keepalived");
        role(1, "standby");
        role(2, "standby");
        keepalived(1);
        awaitRole(1, "active");
        keepalived(2);
        oneIsActive();
        begin();
        for (int round = 0; round < ROUNDS; round++) {
            long began = System.nanoTime();
            Thread killer = Thread.startVirtualThread(pair.director(active)::kill);
            awaitRole(other(active), "active");
            settled("keepalived: killed", began);
            killer.join();
            // As systemd does: config/systemd/keepalived.service.d.
            stopKeepalived(other(active));
            pair.restart(other(active));
            keepalived(other(active));
            synced();

            pair.plugged(active, false);
            began = System.nanoTime();
            awaitRole(other(active), "active");
            settled("keepalived: unplugged", began);
            awaitRole(other(active), "standby");
            pair.plugged(other(active), true);
            synced();
            oneIsActive();
        }
        flows().stall("stop");
    }

    /** On a machine so busy that three advertisements come late, the one that was plugged in may have taken over again. */
    private void oneIsActive() {
        Shell.await("one director is active, the other standby", Shell.SOON, () -> isActive(1) != isActive(2));
        active = isActive(1) ? 1 : 2;
    }

    private static boolean isActive(int number) {
        return pair.director(number).ask("--role").contains("active");
    }

    private static void awaitRole(int number, String role) {
        Shell.await(
                "director " + number + " is " + role,
                Shell.SOON,
                () -> pair.director(number).ask("--role").contains(role));
    }

    private void stopKeepalived(int number) throws InterruptedException {
        Process keepalived = requireNonNull(keepaliveds.remove(number));
        keepalived.destroy();
        keepalived.waitFor();
    }

    /** Debian's keepalived with what ships under {@code config/etc/keepalived-pair}, on a director's host. */
    private void keepalived(int number) throws IOException {
        Path shipped = Shell.ROOT.resolve("config/etc/keepalived-pair");
        Path own = Files.createDirectories(pair.directory().resolve("keepalived" + number));
        Files.copy(
                shipped.resolve("keepalived.conf"),
                own.resolve("keepalived.conf"),
                StandardCopyOption.REPLACE_EXISTING);
        Path script = own.resolve("lvsd-role");
        Files.writeString(
                script,
                "#!/bin/sh\nLVSD_CONTROL=" + pair.director(number).control() + " LVSD_ROLE_FILE=" + own.resolve("role")
                        + " exec " + shipped.resolve("lvsd-role") + " \"$@\"\n");
        assertThat(script.toFile().setExecutable(true)).isTrue();
        Process process = pair.host(number)
                .start(
                        own.resolve("log." + System.nanoTime()),
                        "sh",
                        "-c",
                        "mount --bind " + own + " /etc/keepalived && mount -t tmpfs tmpfs /run"
                                + " && /etc/keepalived/lvsd-role wait"
                                + " && exec /usr/sbin/keepalived -P -n -l -D -f /etc/keepalived/keepalived.conf");
        keepaliveds.put(number, process);
    }
}
