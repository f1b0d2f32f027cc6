package lvsd.daemon.bench;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Writes the input: a capture file (libpcap 2.4, big-endian) that {@code net_pcap} loops in memory.
 *
 * <p>Both directions in random order. A file holds every frame of a small scenario once and is cut at {@link #FRAMES},
 * so that what loops stays in the last-level cache as frames fresh from a NIC would; {@link ScatterIo} reaches the
 * connections beyond.
 */
final class PcapFile {
    /** Most frames in a file. */
    static final int FRAMES = 8192;

    private PcapFile() {}

    /** Whether the file for {@code connections} does not hold all of them, so that ports must be scattered. */
    static boolean needsScatter(Scenario.Case what, int connections) {
        boolean all = what.bare() ? connections <= FRAMES : 2 * connections <= FRAMES;
        return !all && (!what.bare() || what.verified());
    }

    /** Writes the file for {@code what}; the same arguments give the same bytes. */
    static void write(Path file, Scenario.Case what, int connections) throws IOException {
        List<byte[]> frames = frames(what, connections, new Random(connections * 31L + what.ordinal()));
        try (DataOutputStream out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file)))) {
            out.writeInt(0xa1b2c3d4);
            out.writeShort(2);
            out.writeShort(4);
            out.writeLong(0);
            out.writeInt(65535);
            out.writeInt(1);
            for (int i = 0; i < frames.size(); i++) {
                byte[] frame = frames.get(i);
                out.writeInt(0);
                out.writeInt(i);
                out.writeInt(frame.length);
                out.writeInt(frame.length);
                out.write(frame);
            }
        }
    }

    private static List<byte[]> frames(Scenario.Case what, int connections, Random random) {
        List<byte[]> frames = new ArrayList<>();
        int count = Math.min(what.bare() ? connections : 2 * connections, FRAMES);
        for (int i = 0; i < count; i++) {
            boolean client = what.bare() || i % 2 == 0;
            int connection = what.bare() ? i : i / 2;
            frames.add(
                    client
                            ? Scenario.fromClient(what, connection, random)
                            : Scenario.fromServer(what, connection, random));
        }
        Collections.shuffle(frames, random);
        return frames;
    }
}
