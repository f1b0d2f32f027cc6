package lvsd.sync;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import lvsd.rules.Rule;
import org.jspecify.annotations.Nullable;

/** Signers and rings for tests. */
final class Writers {
    static final byte[] GROUP = {(byte) 224, 0, 0, 81};
    static final int PORT = 8848;

    private Writers() {}

    static Signer keyless() {
        return new Signer(null, 0, 1, Signer.sequencers(null, 1, 0));
    }

    static KeyRing ring(IcvAlgorithm algorithm, int ports, String... keys) {
        return new KeyRing(algorithm, keys(keys), GROUP, PORT, ports);
    }

    static IcvKeys keys(String... keys) {
        return IcvKeys.of(Arrays.stream(keys)
                .map(key -> key.getBytes(StandardCharsets.UTF_8))
                .toList());
    }

    static Signer signer(@Nullable KeyRing ring, int syncId, long sender, long millis) {
        return new Signer(ring, syncId, sender, Signer.sequencers(ring == null ? null : ring.algorithm(), 4, millis));
    }

    /** A daemon of {@link #GROUP}, messages of {@code length} bytes at most. */
    static DaemonSettings daemon(Rule.Role role, int syncId, int length) {
        try {
            return new DaemonSettings(role, "eth0", syncId, length, InetAddress.getByAddress(GROUP), PORT, 255);
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A small IPv4 connection. */
    static SyncConnection connection(int clientPort) {
        SyncConnection c = new SyncConnection();
        c.protocol = 6;
        c.state = 1;
        c.timeout = 900;
        c.clientLow = 0xc612_0a02L;
        c.clientPort = clientPort;
        c.virtualLow = 0xc000_020aL;
        c.virtualPort = 80;
        c.serverLow = 0xc612_1404L;
        c.serverPort = 8080;
        return c;
    }

    /** A message with these connections. */
    static byte[] message(Signer signer, int version, int syncId, int port, SyncConnection... connections) {
        MessageWriter writer = new MessageWriter(signer, port, 4096);
        Arrays.fill(writer.bytes(), (byte) 0xa5);
        writer.begin(version, syncId, 1400);
        for (SyncConnection each : connections) {
            writer.add(each);
        }
        return Arrays.copyOf(writer.bytes(), writer.finish());
    }
}
