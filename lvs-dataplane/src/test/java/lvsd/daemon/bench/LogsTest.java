package lvsd.daemon.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the benchmark reads from the JVM's logs. */
final class LogsTest {
    @TempDir
    private Path directory = Path.of("");

    private Path file(String text) throws Exception {
        return Files.writeString(directory.resolve("log"), text);
    }

    @Test
    void shouldFindMethodsThatTheJitGaveUpOn() throws Exception {
        Properties found = new Properties();
        JitLog.read(file("""
                        <?xml version='1.0' encoding='UTF-8'?>
                        2606 1530       2       lvsd.dataplane.Pipeline::decide4 (166 bytes)
                        2700 1531   !   3       lvsd.dataplane.Parser::kind (90 bytes)   COMPILE SKIPPED: out of virtual registers
                        2701 1532 %     4       lvsd.dataplane.Worker::poll @ 79 (109 bytes)
                        2702 1533       4       java.util.ArrayList::add (25 bytes)   COMPILE SKIPPED: not ours
                        2703 1534       4       lvsd.dpdk.Mbuf::data (21 bytes)   COMPILE SKIPPED: concurrent class loading
                        2704 1535       4       lvsd.dpdk.Mbuf::data (21 bytes)
                        2705 1536       3       lvsd.dataplane.Parser::kind (90 bytes)
                        """)).report(found);

        assertThat(found).containsEntry("compile_skipped", "1");
        assertThat(found).containsEntry("largest_method", "lvsd.dataplane.Pipeline::decide4 166 bytes");
        assertThat(found.getProperty("compile_skipped.lvsd.dataplane.Parser::kind"))
                .contains("out of virtual registers");
    }

    @Test
    void shouldCountWhatTheJitDidWhilePacketsWereCounted() throws Exception {
        Properties found = new Properties();
        found.setProperty("counting_from_ms", "2000");
        found.setProperty("counting_to_ms", "3000");
        JitLog.read(file("""
                        1999 1       4       lvsd.memory.Memory::getInt (22 bytes)
                        2500 2       4       lvsd.wire.Checksum::add (12 bytes)
                        2501 1       3       lvsd.wire.Checksum::add (12 bytes)   made not entrant: not used
                        3001 3       4       lvsd.dpdk.Mbuf::data (21 bytes)
                        """)).report(found);

        assertThat(found).containsEntry("jit_events_while_counting", "2");
    }

    @Test
    void shouldFindTheLongestSafepointOfTheWatchedTime() throws Exception {
        Properties found = new Properties();
        found.setProperty("watching_from_ms", "10000");
        found.setProperty("watching_to_ms", "20000");
        PauseLog.read(file("""
                        [9.100s][info][safepoint] Safepoint "ICBufferFull", Time since last: 1 ns, Total: 9000000 ns, Threads: 1
                        [11.100s][info][safepoint   ] Safepoint "ZMarkStart", Time since last: 100 ns, Reaching safepoint: 20 ns, At safepoint: 30 ns, Leaving safepoint: 1 ns, Total:    52100 ns, Threads: 0 runnable, 9 total
                        [11.200s][info][gc          ] GC(3) Minor Collection (Proactive) 20M(8%)->4M(2%) 0.011s
                        """)).report(found, List.of());

        assertThat(found).containsEntry("safepoints", "1");
        assertThat(found).containsEntry("longest_safepoint_us", "52.1");
        assertThat(found).containsEntry("longest_safepoint_reason", "ZMarkStart");
        assertThat(found).containsEntry("collections", "1");
    }

    @Test
    void shouldSetAPauseAsideOnlyWhenACpuStoodStillForMostOfIt() throws Exception {
        Properties found = new Properties();
        found.setProperty("started_at_nanos", "5000000000");
        PauseLog.read(file("""
                        [11.100s][info][safepoint   ] Safepoint "ZMarkStart", Time since last: 100 ns, Total:    3000000 ns, Threads: 0 runnable, 9 total
                        [12.100s][info][safepoint   ] Safepoint "ZMarkEnd", Time since last: 100 ns, Total:    2000000 ns, Threads: 0 runnable, 9 total
                        [13.100s][info][safepoint   ] Safepoint "ZMarkEnd", Time since last: 100 ns, Total:     999999 ns, Threads: 0 runnable, 9 total
                        """))
                .report(
                        found,
                        List.of(
                                new Standstill(0, 16_097_500_000L, 2_400_000),
                                new Standstill(0, 17_098_500_000L, 500_000),
                                new Standstill(1, 17_099_000_000L, 500_000)));

        assertThat(found)
                .containsEntry("safepoints_over_1ms_unexplained", "1")
                .containsEntry(
                        "set_aside_safepoint.0",
                        "3000 us at 11.100 s of uptime, ZMarkStart (a CPU stood still for 2400 us)")
                .containsEntry(
                        "unexplained_safepoint.0",
                        "2000 us at 12.100 s of uptime, ZMarkEnd (a CPU stood still for 500 us)");
    }
}
