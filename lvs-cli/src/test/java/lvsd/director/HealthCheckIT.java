package lvsd.director;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Debian's ldirectord and keepalived on the director's host, with the configurations that ship under {@code config/etc}:
 * they check real web servers through the ports' twins and drive lvsd by our {@code ipvsadm}, while clients fetch.
 */
@Tag("privileged")
@Timeout(180)
class HealthCheckIT {
    @RegisterExtension
    static final Director director = Director.twoArm();

    /** Three tenths of a second each: load enough, and none of the machine's time. */
    private static final String PAGE = "/slow/3";

    private static final String RS1 = Topology.address(1) + ":80";
    private static final String RS2 = Topology.address(2) + ":80";

    private final List<Process> checkers = new ArrayList<>();

    @BeforeAll
    static void tools() {
        Requirements.checkTools("ldirectord", "keepalived", "ipvsadm");
    }

    @AfterEach
    void stopCheckers() throws InterruptedException {
        for (Process checker : checkers) {
            checker.destroy();
            checker.waitFor();
        }
        director.lvsd().lvsadm("-C").orFail();
    }

    @Test
    void ldirectordTakesAFailingServerOutAndBack() throws IOException {
        String file = Shell.ROOT.resolve("config/etc/ldirectord/ldirectord.cf").toString();
        checker("ldirectord", "exec /usr/sbin/ldirectord -d " + file + " start");
        takesAFailingServerOutAndBack();
    }

    @Test
    void keepalivedTakesAFailingServerOutAndBack() throws IOException {
        Path own = Files.createDirectories(director.directory().resolve("keepalived"));
        try (Stream<Path> files = Files.list(Shell.ROOT.resolve("config/etc/keepalived"))) {
            for (Path file : files.toList()) {
                Files.copy(
                        file,
                        own.resolve(file.getFileName().toString()),
                        java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
        director.rules(Service.NAT.rules());
        checker(
                "keepalived",
                "mount --bind " + own + " /etc/keepalived && exec /usr/sbin/keepalived -P -n -l -D"
                        + " -f /etc/keepalived/keepalived.conf");
        takesAFailingServerOutAndBack();
    }

    /**
     * Runs a checker in the director's namespace, in a mount namespace of its own where {@code /usr/sbin/ipvsadm} is ours
     * and {@code /run} empty, so that nothing of it is seen or left outside.
     */
    private void checker(String name, String command) throws IOException {
        Path tool = director.directory().resolve("ipvsadm");
        Files.writeString(
                tool,
                "#!/bin/sh\nLVSD_CONTROL=" + director.lvsd().control() + " exec "
                        + Shell.ROOT.resolve("config/bin/ipvsadm") + " \"$@\"\n");
        assertThat(tool.toFile().setExecutable(true)).isTrue();
        checkers.add(director.topology()
                .director()
                .start(
                        director.directory().resolve(name + ".log"),
                        "sh",
                        "-c",
                        "mount --bind " + tool + " /usr/sbin/ipvsadm && mount -t tmpfs tmpfs /run && " + command));
    }

    private void takesAFailingServerOutAndBack() throws IOException {
        awaitWeights(1, 1);
        Load.Running load = Load.of(Service.NAT.vip(), PAGE).parallel(8).start(director.client());
        Shell.await("both servers work", Shell.SOON, () -> fetched(1) > 8 && fetched(2) > 8);

        // It answers, but says that it is not well: nobody may notice.
        Path sick = director.directory().resolve("rs1.log.sick");
        Files.createFile(sick);
        awaitWeights(0, 1);
        long atChange = fetched(1);
        long other = fetched(2);
        Shell.await("the other server goes on", Shell.SOON, () -> fetched(2) > other + 24);
        // A request of a connection that was set up before the change may still have been on its way.
        assertThat(fetched(1)).isLessThanOrEqualTo(atChange + 8);
        Files.delete(sick);
        awaitWeights(1, 1);
        Shell.await("the server is back at work", Shell.SOON, () -> fetched(1) > atChange + 16);
        Load.Report report = load.stop();
        assertThat(report.failed()).as(report.text()).isZero();

        dies();
    }

    /** A server that is killed: what it refuses before it is out fails at once, then nothing does. */
    private static void dies() throws IOException {
        Load.Running load = Load.of(Service.NAT.vip(), PAGE).parallel(8).start(director.client());
        director.server(1)
                .run("ip", "netns", "pids", director.server(1).name())
                .orFail()
                .out()
                .lines()
                .flatMap(pid -> ProcessHandle.of(Long.parseLong(pid.strip())).stream())
                .filter(process -> process.info().commandLine().orElse("").contains("WebServer"))
                .forEach(ProcessHandle::destroyForcibly);
        awaitWeights(0, 1);
        Load.Report afterwards =
                Load.of(Service.NAT.vip(), "/").count(200).parallel(4).run(director.client());
        assertThat(afterwards.failed()).as(afterwards.text()).isZero();
        assertThat(afterwards.bodies()).containsOnlyKeys("rs2");
        Path log = director.directory().resolve("rs1.log");
        Files.delete(log);
        WebServer.start(director.server(1), "rs1", 80, log);
        awaitWeights(1, 1);
        Shell.await("the server is back at work", Shell.SOON, () -> fetched(1) > 8);
        Load.Report report = load.stop();
        // The dead server refused some; no one waited for an answer that did not come.
        assertThat(report.text()).doesNotContain("timed out");
    }

    private static long fetched(int server) {
        return director.serverLog(server).stream()
                .filter(line -> line.startsWith("GET ") && line.endsWith(" " + PAGE))
                .count();
    }

    private static void awaitWeights(int first, int second) {
        Shell.await(
                "weights " + first + " and " + second, Shell.SOON, () -> weight(RS1) == first && weight(RS2) == second);
    }

    /** The weight of a server, -1 if it is not there. */
    private static int weight(String server) {
        String listing = director.lvsd().lvsadm("-L", "-n").orFail().out();
        Matcher row = Pattern.compile("-> " + Pattern.quote(server) + " +Masq +(\\d+)")
                .matcher(listing);
        return row.find() ? Integer.parseInt(row.group(1)) : -1;
    }
}
