package lvsd.sync;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import lvsd.rules.Rule;

/**
 * A director without a packet path, for tests with a peer in another namespace: master or backup over a table in memory.
 * Arguments: role, interface, syncid, group, TTL, version, ports, algorithm and key (or {@code -}). Commands on standard
 * input: {@code make N}, {@code make6 N}, {@code templates N}, {@code close N}, {@code fullnat N}, {@code dump},
 * {@code status}; every answer ends with a line {@code ok}.
 */
final class SyncPeer {
    private SyncPeer() {}

    public static void main(String[] args) throws IOException {
        MemoryTable table = new MemoryTable();
        Rule.Role role = args[0].equals("master") ? Rule.Role.MASTER : Rule.Role.BACKUP;
        DaemonSettings daemon = new DaemonSettings(
                role,
                args[1],
                Integer.parseInt(args[2]),
                1452,
                InetAddress.getByName(args[3]),
                8848,
                Integer.parseInt(args[4]));
        SyncSettings settings =
                new SyncSettings(Integer.parseInt(args[6]), Integer.parseInt(args[5]), 20, 50_000, 1000, 0);
        IcvAlgorithm algorithm = IcvAlgorithm.of(args[7]).orElse(null);
        try (SyncService service = new SyncService(new Guarded(table), new Guarded(table))) {
            service.start(daemon, settings, algorithm, algorithm == null ? null : Writers.keys(args[8]));
            answer("ready");
            BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                command(line.split(" "), table, service);
            }
        }
    }

    @SuppressWarnings("SystemOut") // a program whose output is its answer
    private static void answer(String text) {
        System.out.println(text);
        System.out.println("ok");
        System.out.flush();
    }

    private static void command(String[] words, MemoryTable table, SyncService service) {
        int count = words.length > 1 ? Integer.parseInt(words[1]) : 0;
        if (words[0].equals("status")) {
            answer(service.status().toString());
            return;
        }
        synchronized (table) {
            switch (words[0]) {
                case "dump" -> answer(String.join("\n", table.rows()));
                default -> {
                    for (int i = 0; i < count; i++) {
                        table.put(connection(words[0], i));
                    }
                    answer("made");
                }
            }
        }
    }

    private static SyncConnection connection(String kind, int i) {
        SyncConnection c = Writers.connection(10_000 + i);
        switch (kind) {
            case "make6" -> {
                c.ipv6 = true;
                c.clientHigh = 0x2001_0db8_0000_0000L;
                c.clientLow = 0xc;
                c.virtualHigh = c.clientHigh;
                c.virtualLow = 0x50;
                c.serverHigh = c.clientHigh;
                c.serverLow = 0xd;
            }
            case "templates" -> {
                c.flags = SyncFlags.TEMPLATE | SyncFlags.INACTIVE;
                c.clientLow += i;
                c.clientPort = 0;
                c.timeout = 360;
            }
            case "close" -> {
                c.state = 5;
                c.flags = SyncFlags.INACTIVE;
                c.timeout = 120;
            }
            case "fullnat" -> {
                c.local = true;
                c.localLow = 0xc612_0001L;
                c.localPort = 5000 + i;
                c.extras = SyncExtras.SYN_PROXY;
                c.sequence = true;
                c.outDelta = 12345;
                c.flags |= SyncFlags.OUT_SEQUENCE;
            }
            default -> {
                // An ordinary one.
            }
        }
        return c;
    }
}
