package lvsd.wire;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Reads and writes capture files of the classic pcap format (either byte order, micro- or nanoseconds, Ethernet). */
public final class Pcap {
    private static final int MAGIC_MICROS = 0xa1b2_c3d4;
    private static final int MAGIC_NANOS = 0xa1b2_3c4d;
    private static final int LINK_ETHERNET = 1;
    private static final int FILE_HEADER = 24;
    private static final int RECORD_HEADER = 16;
    private static final int SNAP_LENGTH = 262_144;

    /** One captured frame. */
    public static final class Frame {
        /** Time since the epoch, nanoseconds. */
        public final long nanos;
        /** What was captured. */
        public final byte[] bytes;
        /** Length on the wire, at least that of {@link #bytes}. */
        public final int originalLength;

        /** A frame captured in part. */
        public Frame(long nanos, byte[] bytes, int originalLength) {
            this.nanos = nanos;
            this.bytes = bytes;
            this.originalLength = originalLength;
        }

        /** A whole frame. */
        public Frame(long nanos, byte[] bytes) {
            this(nanos, bytes, bytes.length);
        }
    }

    private Pcap() {}

    /** All frames of a file. */
    public static List<Frame> read(Path file) {
        try {
            return parse(Files.readAllBytes(file), file.toString());
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    /** All frames of a resource of the test class path, named absolutely. */
    public static List<Frame> resource(String name) {
        try (InputStream in = Objects.requireNonNull(Pcap.class.getResourceAsStream(name), name)) {
            return parse(in.readAllBytes(), name);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    /** All frames of a capture in memory; {@code name} is for messages. */
    public static List<Frame> parse(byte[] capture, String name) {
        ByteBuffer in = ByteBuffer.wrap(capture);
        if (capture.length < FILE_HEADER) {
            throw new IllegalArgumentException(name + ": shorter than a pcap header");
        }
        int magic = in.getInt(0);
        if (magic != MAGIC_MICROS && magic != MAGIC_NANOS) {
            in.order(ByteOrder.LITTLE_ENDIAN);
            magic = in.getInt(0);
        }
        if (magic != MAGIC_MICROS && magic != MAGIC_NANOS) {
            throw new IllegalArgumentException(name + ": not a pcap file");
        }
        if (in.getInt(20) != LINK_ETHERNET) {
            throw new IllegalArgumentException(name + ": link type " + in.getInt(20) + ", not Ethernet");
        }
        int fraction = magic == MAGIC_NANOS ? 1 : 1000;
        List<Frame> frames = new ArrayList<>();
        in.position(FILE_HEADER);
        while (in.remaining() >= RECORD_HEADER) {
            long nanos = Integer.toUnsignedLong(in.getInt()) * 1_000_000_000L + (long) in.getInt() * fraction;
            byte[] bytes = new byte[in.getInt()];
            int originalLength = in.getInt();
            in.get(bytes);
            frames.add(new Frame(nanos, bytes, originalLength));
        }
        return frames;
    }

    /** Writes frames, nanosecond times. */
    public static void write(Path file, List<Frame> frames) {
        try {
            Files.write(file, format(frames));
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    /** A capture file with these frames, nanosecond times. */
    public static byte[] format(List<Frame> frames) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteBuffer header = ByteBuffer.allocate(FILE_HEADER);
        header.putInt(MAGIC_NANOS).putShort((short) 2).putShort((short) 4).putLong(0);
        header.putInt(SNAP_LENGTH).putInt(LINK_ETHERNET);
        out.writeBytes(header.array());
        for (Frame frame : frames) {
            ByteBuffer record = ByteBuffer.allocate(RECORD_HEADER);
            record.putInt((int) (frame.nanos / 1_000_000_000L)).putInt((int) (frame.nanos % 1_000_000_000L));
            record.putInt(frame.bytes.length).putInt(frame.originalLength);
            out.writeBytes(record.array());
            out.writeBytes(frame.bytes);
        }
        return out.toByteArray();
    }
}
