package lvsd.sync;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** A kernel backup's table, as far as {@link EntryReader} and {@link BackupRules} decide what is in it. */
final class KernelBackup {
    private static final int[] TCP = {2, 900, 120, 60, 120, 120, 10, 60, 30, 120, 120};
    private static final int[] SCTP = {2, 4, 61, 61, 61, 61, 61, 61, 900, 61, 61, 61, 4, 61};

    private final Map<String, SyncConnection> table = new LinkedHashMap<>();
    private final EntryReader reader = new EntryReader();

    /** How the last message ended: {@link EntryReader#END} or {@link EntryReader#BROKEN}. */
    int ended;

    /** Takes a datagram. */
    void receive(byte[] datagram, int syncId) {
        ended = EntryReader.END;
        if (Keyless.check(datagram, datagram.length, syncId) != null) {
            return;
        }
        reader.begin(datagram, 0, datagram.length, 0);
        SyncConnection read = new SyncConnection();
        int verdict = reader.next(read);
        while (verdict != EntryReader.END && verdict != EntryReader.BROKEN) {
            if (verdict == EntryReader.ENTRY) {
                take(read);
                read = new SyncConnection();
            }
            verdict = reader.next(read);
        }
        ended = verdict;
    }

    private void take(SyncConnection read) {
        if (!read.template()) {
            read.engineDataLength = 0; // kept with templates only
        }
        String key = read.protocol
                + Texts.side(read.ipv6, read.clientHigh, read.clientLow, read.clientPort)
                + Texts.side(read.ipv6, read.virtualHigh, read.virtualLow, read.virtualPort)
                + Texts.engine(read);
        SyncConnection present = table.get(key);
        boolean other = present != null
                && (present.serverPort != read.serverPort
                        || present.serverLow != read.serverLow
                        || present.serverHigh != read.serverHigh);
        if (other && !BackupRules.replaces(read)) {
            return;
        }
        table.put(key, read);
    }

    private static int seconds(SyncConnection c) {
        int said = BackupRules.timeout(c);
        if (said != 0) {
            return said;
        }
        return switch (c.protocol) {
            case 6 -> TCP[c.state];
            case 132 -> SCTP[c.state];
            case 17 -> 300;
            default -> 180; // a protocol that has no table of its own
        };
    }

    /** Rows with the seconds left, as many as the kernel would show after a second at most, and the engine's data. */
    List<String> rows() {
        TreeSet<String> rows = new TreeSet<>();
        table.values()
                .forEach(c -> rows.add(Texts.row(c) + " " + Integer.toUnsignedLong(seconds(c)) + Texts.engine(c)));
        return List.copyOf(rows);
    }
}
