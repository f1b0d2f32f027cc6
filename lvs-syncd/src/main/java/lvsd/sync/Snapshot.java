package lvsd.sync;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/**
 * The connections of a director in a file, from its end to its next start.
 *
 * <p>The file: {@value #MAGIC}, a line end, milliseconds since 1970 (8 bytes), then v1 messages without a key, one behind the
 * other, then four zero bytes and the CRC-32C (4) of everything before it; big-endian. It is readable by its owner alone, and
 * written beside its place and renamed, so that it is whole or not there.
 */
public final class Snapshot {
    private static final String MAGIC = "lvsd snapshot 1";
    private static final int BLOCK = 32_000;
    private static final int PAGE = 512;
    private static final int TRAILER = 8;
    private static final long PAGE_NANOS = 2_000_000_000L;
    private static final long POLL_NANOS = 20_000;

    private Snapshot() {}

    // ---- writing

    /** A snapshot in the making. For one thread. */
    public static final class Writer implements AutoCloseable {
        private final Path file;
        private final Path fresh;
        private final SyncSource source;
        private final FileChannel channel;
        private final CRC32C crc = new CRC32C();
        private final MessageWriter message =
                new MessageWriter(new Signer(null, 0, 0, Signer.sequencers(null, 1, 0)), 0, BLOCK);
        private boolean open;
        private long count;

        /**
         * Writes what {@code source} has in its tables, while the packet path goes on and queues what changes.
         *
         * @param file where it shall be in the end
         * @param millis time, since 1970
         * @throws IOException if it cannot be written, or a worker does not answer
         */
        public Writer(Path file, SyncSource source, long millis) throws IOException {
            this.file = file;
            this.fresh = file.resolveSibling(file.getFileName() + ".new");
            this.source = source;
            Files.deleteIfExists(fresh);
            channel = FileChannel.open(
                    fresh,
                    Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            boolean done = false;
            try {
                byte[] head = Arrays.copyOf((MAGIC + "\n").getBytes(StandardCharsets.US_ASCII), 24);
                Bytes.put8(head, 16, millis);
                write(head, head.length);
                table();
                done = true;
            } finally {
                if (!done) {
                    close();
                }
            }
        }

        private void table() throws IOException {
            source.forKernels(false);
            source.listened(true);
            SyncSource.Page page = new SyncSource.Page(PAGE, true);
            long cursor = 0;
            while (cursor != SyncSource.END) {
                page.reset();
                source.page(cursor, page);
                long end = System.nanoTime() + PAGE_NANOS;
                while (!page.done()) {
                    if (System.nanoTime() - end > 0) {
                        throw new IOException("a worker does not answer");
                    }
                    LockSupport.parkNanos(POLL_NANOS);
                }
                for (int i = 0; i < page.count(); i++) {
                    add(page.row(i));
                }
                cursor = page.next();
            }
        }

        private void add(SyncConnection connection) throws IOException {
            if (open && message.add(connection)) {
                count++;
                return;
            }
            flush();
            message.begin(1, 0, BLOCK);
            open = true;
            message.add(connection);
            count++;
        }

        private void flush() throws IOException {
            if (open) {
                int length = message.finish();
                write(message.bytes(), length);
                open = false;
            }
        }

        private void write(byte[] bytes, int length) throws IOException {
            crc.update(bytes, 0, length);
            ByteBuffer buffer = ByteBuffer.wrap(bytes, 0, length);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        }

        /**
         * Adds what has changed since, once the packet path has ended, and puts the file in its place.
         *
         * @return entries in it
         */
        public long finish() throws IOException {
            SyncConnection update = new SyncConnection();
            while (source.poll(update)) {
                add(update);
            }
            flush();
            byte[] trailer = new byte[TRAILER];
            write(trailer, TRAILER - 4);
            Bytes.put4(trailer, 0, (int) crc.getValue());
            ByteBuffer sum = ByteBuffer.wrap(trailer, 0, 4);
            while (sum.hasRemaining()) {
                channel.write(sum);
            }
            channel.force(true);
            channel.close();
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            return count;
        }

        /** Gives it up, if it is not finished. */
        @Override
        public void close() throws IOException {
            channel.close();
            Files.deleteIfExists(fresh);
        }
    }

    // ---- reading

    /**
     * Reads a snapshot and hands its connections over in their order; their timeouts are what is left of them. The file is
     * checked whole before the first is handed over, and it is gone afterwards: no start finds one that is not of the end
     * right before it.
     *
     * @param file where it is, if there is one
     * @param millis time, since 1970
     * @param most milliseconds that it may be old
     * @param sink gets each connection, in one instance that is filled again and again
     * @return how many there were, -1 if there is no file
     * @throws IOException if the file is of no use, and why
     */
    public static long read(Path file, long millis, long most, Consumer<SyncConnection> sink) throws IOException {
        if (Files.notExists(file)) {
            return -1;
        }
        Path taken = file.resolveSibling(file.getFileName() + ".old");
        Files.move(file, taken, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        try {
            long age = check(taken, millis);
            if (age < 0 || age > most) {
                throw new IOException("it is " + age / 1000 + " s old");
            }
            return hand(taken, (int) (age / 1000), sink);
        } finally {
            Files.deleteIfExists(taken);
        }
    }

    /** Its age in milliseconds; checks that it is whole. */
    private static long check(Path file, long millis) throws IOException {
        long left = Files.size(file) - 4;
        CRC32C crc = new CRC32C();
        byte[] buffer = new byte[1 << 16];
        long written = -1;
        try (InputStream in = Files.newInputStream(file)) {
            while (left > 0) {
                int got = in.readNBytes(buffer, 0, (int) Math.min(buffer.length, left));
                if (written < 0) {
                    written = head(buffer, got);
                }
                if (got == 0) {
                    throw new EOFException("it ends early");
                }
                crc.update(buffer, 0, got);
                left -= got;
            }
            if (in.readNBytes(buffer, 0, 4) != 4 || Bytes.get4(buffer, 0) != (int) crc.getValue()) {
                throw new IOException("it is damaged");
            }
        }
        return millis - written;
    }

    private static long head(byte[] bytes, int length) throws IOException {
        String magic = new String(bytes, 0, Math.min(16, length), StandardCharsets.US_ASCII);
        if (length < 24 || !magic.equals(MAGIC + "\n")) {
            throw new IOException("it is no snapshot of this version");
        }
        return Bytes.get8(bytes, 16);
    }

    private static long hand(Path file, int seconds, Consumer<SyncConnection> sink) throws IOException {
        EntryReader reader = new EntryReader();
        SyncConnection entry = new SyncConnection();
        byte[] bytes = new byte[Message.MAX_LENGTH];
        long count = 0;
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file), 1 << 16))) {
            in.readFully(bytes, 0, 24);
            while (true) {
                in.readFully(bytes, 0, 4);
                int size = Message.size(bytes, 0);
                if (size < Message.V1_HEADER) {
                    return count;
                }
                in.readFully(bytes, 4, size - 4);
                reader.begin(bytes, 0, size, 0);
                int verdict = reader.next(entry);
                while (verdict != EntryReader.END && verdict != EntryReader.BROKEN) {
                    if (verdict == EntryReader.ENTRY && (entry.deleted || entry.timeout > seconds)) {
                        entry.timeout -= entry.deleted ? 0 : seconds;
                        sink.accept(entry);
                        count++;
                    }
                    verdict = reader.next(entry);
                }
            }
        }
    }
}
