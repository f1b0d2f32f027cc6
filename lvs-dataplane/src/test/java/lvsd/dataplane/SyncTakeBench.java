package lvsd.dataplane;

import java.lang.management.ManagementFactory;
import java.util.Map;
import lvsd.sync.SyncConnection;
import lvsd.sync.SyncSource;

/** How many connections a CPU second one worker takes in that came by sync; run by hand. NAT, IPv4, tables of 2^20. */
final class SyncTakeBench {
    private static final int CONNECTIONS = 1 << 19;
    private static final int ROUNDS = 6;
    private static final int PORTS = 32_768;

    private SyncTakeBench() {}

    @SuppressWarnings("SystemOut") // a program whose output is its answer
    public static void main(String[] arguments) {
        try (TestDirector director = new TestDirector(TestDirector.config(1, Map.of(), 1 << 20))) {
            Flow.service(director, Way.NAT4, true);
            new Flow(director, Way.NAT4, true, 40_000).establish(1000, 2000);
            SyncFeed sync = director.dataplane.workerList().getFirst().sync();
            SyncConnection c = new SyncConnection();
            SyncSource.Page page = new SyncSource.Page(1);
            sync.page(0, page, SyncSource.END);
            c.copy(page.row(0));
            for (int round = 0; round < ROUNDS; round++) {
                System.out.printf(
                        "new %.2f M/s, again %.2f M/s, ended %.2f M/s%n",
                        run(sync.taker(), c, false), run(sync.taker(), c, false), run(sync.taker(), c, true));
            }
        }
    }

    private static double run(SyncTaker taker, SyncConnection c, boolean deleted) {
        c.deleted = deleted;
        long began = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
        for (int i = 0; i < CONNECTIONS; i++) {
            c.clientLow = 0x0b00_0000L + i / PORTS;
            c.clientPort = 1024 + i % PORTS;
            if (!taker.take(c)) {
                throw new IllegalStateException("connection " + i + " was refused");
            }
        }
        return CONNECTIONS * 1e3 / (ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - began);
    }
}
