package lvsd.daemon;

import java.io.Closeable;
import java.io.IOException;
import java.io.Serial;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Keeps acknowledged rules on disk. Control thread only.
 *
 * <p>The file {@value #NAME} is text: batches of rules in ipvsadm grammar, each after a line
 * {@code #batch <bytes> <crc32c>} that covers the rules behind it. A batch is appended with one write and one fsync; what
 * {@link #append} returned for is durable. Replay takes whole batches only: a torn last one, which nobody was answered
 * for, is cut off. A damaged batch with a sound one behind it cannot come from a crash and is an error.
 *
 * <p>{@link #compact} writes the present state as one batch to a new file, makes it durable and renames it over the old
 * one, so that at any moment exactly one whole journal exists.
 */
final class Journal implements Closeable {
    /** Name of the journal in its directory. */
    static final String NAME = "rules.journal";

    private static final String NEW = NAME + ".new";
    private static final String MARK = "#batch ";
    /** Appended bytes at which compaction is worth while, at the least. */
    private static final long COMPACT_MINIMUM = 1 << 20;

    /** A journal that says what no journal of ours can say. */
    static final class DamagedException extends IOException {
        @Serial
        private static final long serialVersionUID = 1;

        DamagedException(Path file, long offset, String what) {
            super(file + ", byte " + offset + ": " + what
                    + "; move the file away, or start once with --restore to begin again from the rules file");
        }
    }

    /**
     * What replay found.
     *
     * @param rules rules of all whole batches, in order
     * @param bytes length of the sound part
     * @param torn bytes behind it that no reply was sent for
     */
    record Content(List<String> rules, long bytes, long torn) {}

    private final Path directory;
    private final Path file;
    private FileChannel channel;
    private long length;
    private long compacted;
    /** Set when the file may end in bytes that are not a batch and could not be cut off. */
    private boolean broken;

    private Journal(Path directory, FileChannel channel, long length) {
        this.directory = directory;
        this.file = directory.resolve(NAME);
        this.channel = channel;
        this.length = length;
        this.compacted = length;
    }

    /** Whether the directory holds a journal. */
    static boolean exists(Path directory) {
        return Files.exists(directory.resolve(NAME));
    }

    /** What the directory's journal holds; empty where there is none. */
    static Content read(Path directory) throws IOException {
        Path file = directory.resolve(NAME);
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            return new Content(List.of(), 0, 0);
        }
        List<String> rules = new ArrayList<>();
        int at = 0;
        while (at < bytes.length) {
            int end = batchEnd(bytes, at);
            if (end < 0) {
                if (soundBatchBehind(bytes, at + 1)) {
                    throw new DamagedException(file, at, "damaged batch of rules");
                }
                break;
            }
            int body = indexOf(bytes, at, '\n') + 1;
            new String(bytes, body, end - body, StandardCharsets.UTF_8).lines().forEach(rules::add);
            at = end;
        }
        return new Content(rules, at, bytes.length - at);
    }

    private static boolean soundBatchBehind(byte[] bytes, int from) {
        byte[] mark = MARK.getBytes(StandardCharsets.US_ASCII);
        for (int at = from; at < bytes.length; at++) {
            if (startsWith(bytes, at, mark) && batchEnd(bytes, at) > 0) {
                return true;
            }
        }
        return false;
    }

    /** End of the sound batch that begins at {@code at}, or -1. */
    private static int batchEnd(byte[] bytes, int at) {
        int lineEnd = indexOf(bytes, at, '\n');
        if (lineEnd < 0 || lineEnd - at > 64 || !startsWith(bytes, at, MARK.getBytes(StandardCharsets.US_ASCII))) {
            return -1;
        }
        String[] fields = new String(bytes, at, lineEnd - at, StandardCharsets.US_ASCII).split(" ", -1);
        if (fields.length != 3 || !fields[1].matches("[0-9]{1,9}") || fields[2].length() != 8) {
            return -1;
        }
        int body = lineEnd + 1;
        int size = Integer.parseInt(fields[1]);
        if (size > bytes.length - body || !checksum(bytes, body, size).equals(fields[2])) {
            return -1;
        }
        return body + size;
    }

    private static boolean startsWith(byte[] bytes, int at, byte[] text) {
        if (bytes.length - at < text.length) {
            return false;
        }
        for (int i = 0; i < text.length; i++) {
            if (bytes[at + i] != text[i]) {
                return false;
            }
        }
        return true;
    }

    private static int indexOf(byte[] bytes, int from, char c) {
        for (int at = from; at < bytes.length; at++) {
            if (bytes[at] == c) {
                return at;
            }
        }
        return -1;
    }

    private static String checksum(byte[] bytes, int from, int size) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, from, size);
        return HexFormat.of().toHexDigits((int) crc.getValue());
    }

    /**
     * Begins a journal with {@code rules}, in place of one that may be there. The directory must exist.
     */
    static Journal create(Path directory, List<String> rules) throws IOException {
        byte[] batch = batch(rules);
        FileChannel channel = replace(directory, batch);
        sync(directory);
        return new Journal(directory, channel, batch.length);
    }

    /** Writes a whole new journal file and puts it in the old one's place; that place is durable after a sync. */
    private static FileChannel replace(Path directory, byte[] batch) throws IOException {
        Path fresh = directory.resolve(NEW);
        FileChannel channel = FileChannel.open(
                fresh, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING);
        try {
            write(channel, batch, 0);
            channel.force(true);
            Files.move(fresh, directory.resolve(NAME), StandardCopyOption.ATOMIC_MOVE);
            return channel;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static void sync(Path directory) throws IOException {
        try (FileChannel handle = FileChannel.open(directory, StandardOpenOption.READ)) {
            handle.force(true);
        }
    }

    private static void write(FileChannel channel, byte[] bytes, long position) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer, position + buffer.position());
        }
    }

    private static byte[] batch(List<String> rules) {
        StringBuilder text = new StringBuilder();
        for (String rule : rules) {
            text.append(rule).append('\n');
        }
        byte[] body = text.toString().getBytes(StandardCharsets.UTF_8);
        byte[] head =
                (MARK + body.length + " " + checksum(body, 0, body.length) + "\n").getBytes(StandardCharsets.US_ASCII);
        return ByteBuffer.allocate(head.length + body.length)
                .put(head)
                .put(body)
                .array();
    }

    /** Adds {@code rules} as one batch; they are durable when this returns, and not there if it throws. */
    void append(List<String> rules) throws IOException {
        if (broken) {
            throw new IOException(file + " could not be repaired after an earlier error");
        }
        byte[] batch = batch(rules);
        try {
            write(channel, batch, length);
            channel.force(false);
            length += batch.length;
        } catch (IOException e) {
            cutOff();
            throw e;
        }
    }

    /** Takes away what a failed append may have written, so that the next one does not stand behind garbage. */
    private void cutOff() {
        try {
            channel.truncate(length);
            channel.force(true);
        } catch (IOException e) {
            broken = true;
        }
    }

    /** Whether {@link #compact} would make the file a good deal shorter. */
    boolean wantsCompaction() {
        return broken || length - compacted > Math.max(COMPACT_MINIMUM, compacted);
    }

    /** Puts {@code rules}, the whole present state, in the place of everything before. */
    void compact(List<String> rules) throws IOException {
        byte[] batch = batch(rules);
        FileChannel fresh = replace(directory, batch);
        FileChannel old = channel;
        channel = fresh;
        length = batch.length;
        compacted = length;
        old.close();
        broken = true;
        sync(directory);
        broken = false;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    // The rules file as it was last applied -------------------------------------------------------------------------

    private static final String BASE = "rules.base";

    /** Keeps the text of the rules file as it was last applied, for the next reload to compare with. */
    static void keepBase(Path directory, List<String> lines) throws IOException {
        Path fresh = directory.resolve(BASE + ".new");
        Files.write(fresh, lines, StandardCharsets.UTF_8);
        try (FileChannel handle = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
            handle.force(true);
        }
        Files.move(fresh, directory.resolve(BASE), StandardCopyOption.ATOMIC_MOVE);
        sync(directory);
    }

    /** The lines that {@link #keepBase} kept, or null where none were. */
    static @Nullable List<String> base(Path directory) throws IOException {
        try {
            return Files.readAllLines(directory.resolve(BASE), StandardCharsets.UTF_8);
        } catch (NoSuchFileException e) {
            return null;
        }
    }
}
