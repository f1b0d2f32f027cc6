package lvsd.sync;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A director's connections in place of the packet path: a source of what is done to it, a sink of what others did. */
final class MemoryTable implements SyncSource, SyncSink {
    private record Held(SyncConnection connection, int origin, long millis) {}

    private final TreeMap<String, Held> table = new TreeMap<>();
    private final Deque<SyncConnection> updates = new ArrayDeque<>();

    static String key(SyncConnection c) {
        return c.protocol + "/" + Texts.side(c.ipv6, c.clientHigh, c.clientLow, c.clientPort) + "/"
                + Texts.side(c.ipv6, c.virtualHigh, c.virtualLow, c.virtualPort);
    }

    private static SyncConnection copy(SyncConnection c) {
        SyncConnection copy = new SyncConnection();
        copy.copy(c);
        return copy;
    }

    /** The packet path made or changed a connection. */
    void put(SyncConnection c) {
        table.put(key(c), new Held(copy(c), NO_ORIGIN, 0));
        updates.add(copy(c));
    }

    /** The packet path ended one. */
    void remove(SyncConnection c) {
        table.remove(key(c));
        SyncConnection gone = copy(c);
        gone.deleted = true;
        updates.add(gone);
    }

    /** Rows with seconds and what is ours. */
    java.util.List<String> rows() {
        return table.values().stream()
                .map(Held::connection)
                .map(c -> Texts.row(c) + " " + BackupRules.timeout(c) + Texts.engine(c)
                        + (c.local ? " local " + Texts.side(c.ipv6, c.localHigh, c.localLow, c.localPort) : "")
                        + (c.sequence ? " delta " + c.inDelta + "/" + c.outDelta : ""))
                .toList();
    }

    /** All, comparable. */
    Map<String, String> content() {
        Map<String, String> all = new TreeMap<>();
        table.forEach((key, held) -> all.put(key, Texts.row(held.connection()) + " " + held.connection().localPort));
        return all;
    }

    @Nullable
    SyncConnection any(java.util.random.RandomGenerator random) {
        if (table.isEmpty()) {
            return null;
        }
        int skip = random.nextInt(table.size());
        return table.values().stream()
                .skip(skip)
                .findFirst()
                .map(held -> copy(held.connection()))
                .orElse(null);
    }

    @Override
    public boolean poll(SyncConnection into) {
        SyncConnection next = updates.poll();
        if (next != null) {
            into.copy(next);
        }
        return next != null;
    }

    @Override
    public long dropped() {
        return 0;
    }

    @Override
    public long size() {
        return table.size();
    }

    /** A cursor is a count of rows: good enough while the order is by key and a row more or less does not matter. */
    @Override
    public void page(long cursor, Page page) {
        // By key: the cursor is kept beside, so that what comes and goes before it does not shift it.
        String from = cursors.getOrDefault(cursor, "");
        String last = from;
        for (Map.Entry<String, Held> each : table.tailMap(from, false).entrySet()) {
            SyncConnection row = page.add();
            if (row == null) {
                cursors.put(++cursorCount, last);
                page.complete(cursorCount);
                return;
            }
            row.copy(each.getValue().connection());
            last = each.getKey();
        }
        page.complete(END);
    }

    private final Map<Long, String> cursors = new java.util.HashMap<>();
    private long cursorCount;

    @Override
    public boolean take(SyncConnection c, int origin, long millis) {
        if (c.deleted) {
            table.remove(key(c));
        } else {
            table.put(key(c), new Held(copy(c), origin, millis));
        }
        return true;
    }

    @Override
    public void transferred(int origin, long began) {
        table.values().removeIf(held -> held.origin() == origin && held.millis() < began);
    }
}
