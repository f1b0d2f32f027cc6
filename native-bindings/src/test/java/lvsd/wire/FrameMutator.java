package lvsd.wire;

import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Makes hostile frames out of good ones, knowing where headers begin: lying lengths, options that overrun, fragments,
 * VLAN stacks, extension chains, truncations, wrong checksums, flipped bits. The same generator state gives the same
 * frame. One frame of the corpus suffers one to three mutations; in half the cases checksums are made right afterwards,
 * so that what lies behind a checksum test is reached too. Not safe for several threads.
 */
public final class FrameMutator {
    /** Longest frame that comes out. */
    public static final int MAX_LENGTH = 9216;

    private static final int[] EDGE_BYTES = {0, 1, 2, 3, 0x7f, 0x80, 0xfe, 0xff};
    private static final int[] EDGE_SHORTS = {0, 1, 7, 8, 19, 20, 21, 39, 40, 0x7fff, 0x8000, 0xfffe, 0xffff};
    private static final int[] PROTOCOLS = {
        0, 1, 2, 4, 6, 6, 17, 17, 41, 43, 44, 47, 50, 51, 58, 59, 60, 89, 112, 132, 135, 255
    };
    private static final int[] ETHER_TYPES = {0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8, 0x88cc, 46, 0xffff};
    private static final int[] EXTENSIONS = {0, 43, 44, 51, 60, 60, 135, 139, 140};
    private static final int[] OPTION_KINDS = {0, 1, 2, 3, 4, 5, 8, 8, 30, 254};

    private final List<byte[]> corpus;
    private byte[] frame = {};
    private int l3;
    private int l4;
    private int protocol;
    private boolean ipv6;
    private boolean ip;

    /** Mutates frames of {@code corpus}, which stays as it is. */
    public FrameMutator(List<byte[]> corpus) {
        this.corpus = List.copyOf(corpus);
    }

    /** The next frame. */
    public byte[] next(RandomGenerator random) {
        frame = corpus.get(random.nextInt(corpus.size())).clone();
        int count = 1 + random.nextInt(3);
        for (int i = 0; i < count; i++) {
            locate();
            mutate(random);
        }
        if (random.nextBoolean()) {
            locate();
            repairChecksums();
        }
        return frame;
    }

    private void mutate(RandomGenerator random) {
        switch (random.nextInt(16)) {
            case 0 -> flipBits(random);
            case 1 -> overwrite(random);
            case 2 -> truncate(random);
            case 3 -> extend(random);
            case 4 -> lieIpLength(random);
            case 5 -> lieHeaderLength(random);
            case 6 -> lieTransportLength(random);
            case 7, 8 -> scrambleTcpOptions(random);
            case 9 -> makeFragment(random);
            case 10 -> stackVlans(random);
            case 11, 12 -> chainExtensions(random);
            case 13 -> changeKind(random);
            case 14 -> breakChecksum(random);
            default -> splice(random);
        }
    }

    /** Finds the headers, as far as they are there; what is missing lies at the frame's end. */
    private void locate() {
        l3 = 14;
        protocol = 0;
        ip = false;
        ipv6 = false;
        while (l3 + 4 <= frame.length && (at16(l3 - 2) == 0x8100 || at16(l3 - 2) == 0x88a8)) {
            l3 += 4;
        }
        if (frame.length < 14 || l3 + 40 > frame.length) {
            l4 = frame.length;
            return;
        }
        ipv6 = at16(l3 - 2) == 0x86dd;
        ip = ipv6 || at16(l3 - 2) == 0x0800;
        if (ipv6) {
            protocol = frame[l3 + 6] & 0xff;
            l4 = l3 + 40;
            for (int i = 0; i < 16 && Arrays.binarySearch(EXTENSIONS, protocol) >= 0 && l4 + 8 <= frame.length; i++) {
                int units = frame[l4 + 1] & 0xff;
                int size = protocol == 44 ? 8 : protocol == 51 ? 4 * (2 + units) : 8 * (1 + units);
                protocol = frame[l4] & 0xff;
                l4 += size;
            }
        } else {
            protocol = frame[l3 + 9] & 0xff;
            l4 = l3 + 4 * (frame[l3] & 0xf);
        }
        l4 = Math.min(l4, frame.length);
    }

    private void flipBits(RandomGenerator random) {
        int flips = 1 + random.nextInt(8);
        for (int i = 0; i < flips && frame.length > 0; i++) {
            frame[somewhere(random)] ^= (byte) (1 << random.nextInt(8));
        }
    }

    private void overwrite(RandomGenerator random) {
        int writes = 1 + random.nextInt(4);
        for (int i = 0; i < writes && frame.length > 0; i++) {
            frame[somewhere(random)] = (byte) pick(EDGE_BYTES, random);
        }
    }

    /** A place in the frame, more often in its headers. */
    private int somewhere(RandomGenerator random) {
        return random.nextInt(random.nextInt(4) == 0 ? frame.length : Math.min(frame.length, 94));
    }

    private void truncate(RandomGenerator random) {
        int around = switch (random.nextInt(5)) {
            case 0 -> 14;
            case 1 -> l3;
            case 2 -> l4;
            case 3 -> l4 + 20;
            default -> random.nextInt(frame.length + 1);
        };
        resize(Math.min(frame.length, around + random.nextInt(-3, 24)));
    }

    private void extend(RandomGenerator random) {
        int old = frame.length;
        resize(old + 1 + random.nextInt(64));
        fillRandom(random, old, frame.length);
    }

    private void lieIpLength(RandomGenerator random) {
        if (!ip) {
            overwrite(random);
            return;
        }
        int at = l3 + (ipv6 ? 4 : 2);
        put16(at, nearby(at16(at), random));
    }

    private void lieHeaderLength(RandomGenerator random) {
        if (!ip) {
            overwrite(random);
        } else if (random.nextBoolean() && l4 + 13 <= frame.length) {
            frame[l4 + 12] = (byte) ((random.nextInt(16) << 4) | (frame[l4 + 12] & 0xf));
        } else {
            frame[l3] = (byte) ((frame[l3] & 0xf0) | random.nextInt(16));
        }
    }

    private void lieTransportLength(RandomGenerator random) {
        int at = switch (protocol) {
            case 17 -> l4 + 4;
            case 132 -> l4 + 14;
            case 58 -> l4 + 24;
            default -> l4 + 2;
        };
        if (ip && at + 2 <= frame.length) {
            put16(at, nearby(at16(at), random));
        } else {
            overwrite(random);
        }
    }

    private static int nearby(int value, RandomGenerator random) {
        return switch (random.nextInt(3)) {
            case 0 -> value + random.nextInt(-9, 10);
            case 1 -> pick(EDGE_SHORTS, random);
            default -> random.nextInt(0x10000);
        };
    }

    /** Fills the option space, made larger sometimes, with options of which some lie about their length. */
    private void scrambleTcpOptions(RandomGenerator random) {
        if (!ip || l4 + 20 > frame.length) {
            flipBits(random);
            return;
        }
        setProtocol(6);
        int headerLength = 20 + 4 * random.nextInt(11);
        frame[l4 + 12] = (byte) (headerLength << 2);
        int end = Math.min(l4 + headerLength, frame.length);
        int at = l4 + 20;
        while (at < end) {
            int kind = random.nextInt(4) == 0 ? random.nextInt(256) : pick(OPTION_KINDS, random);
            frame[at++] = (byte) kind;
            if (kind > 1 && at < end) {
                int size = random.nextInt(3) == 0 ? random.nextInt(256) : rightSize(kind);
                frame[at++] = (byte) size;
                int next = Math.min(end, at + Math.max(0, size - 2));
                fillRandom(random, at, next);
                at = next;
            }
        }
    }

    private static int rightSize(int kind) {
        return switch (kind) {
            case 2 -> 4;
            case 3 -> 3;
            case 4 -> 2;
            case 5 -> 18;
            case 8 -> 10;
            default -> 8;
        };
    }

    private void makeFragment(RandomGenerator random) {
        if (!ip) {
            flipBits(random);
        } else if (ipv6) {
            insertExtension(random, 44);
        } else {
            put16(l3 + 6, random.nextInt(0x10000) & (random.nextBoolean() ? 0x2000 : 0xffff));
        }
    }

    private void stackVlans(RandomGenerator random) {
        if (frame.length < 12) {
            return;
        }
        int tags = 1 + random.nextInt(random.nextInt(8) == 0 ? 40 : 3);
        open(12, 4 * tags);
        for (int i = 0; i < tags; i++) {
            put16(12 + 4 * i, random.nextInt(4) == 0 ? 0x88a8 : 0x8100);
            put16(14 + 4 * i, random.nextInt(4) == 0 ? random.nextInt(0x10000) : random.nextInt(8));
        }
    }

    private void chainExtensions(RandomGenerator random) {
        if (!ip || !ipv6) {
            makeFragment(random);
            return;
        }
        int count = 1 + random.nextInt(random.nextInt(4) == 0 ? 12 : 3);
        for (int i = 0; i < count; i++) {
            insertExtension(random, pick(EXTENSIONS, random));
        }
    }

    /** Puts an extension header behind the fixed one; its length lies sometimes, the payload length seldom. */
    private void insertExtension(RandomGenerator random, int kind) {
        int units = random.nextInt(4) == 0 ? random.nextInt(4) : 0;
        int size = 8 * (1 + units);
        int at = l3 + 40;
        open(at, size);
        fillRandom(random, at + 2, at + size);
        frame[at] = frame[l3 + 6];
        boolean lies = random.nextInt(6) == 0;
        frame[at + 1] = (byte) (lies ? random.nextInt(256) : kind == 51 ? size / 4 - 2 : units);
        if (kind == 44 && random.nextBoolean()) {
            put16(at + 2, random.nextInt(2)); // first or atomic fragment
        }
        frame[l3 + 6] = (byte) kind;
        if (random.nextInt(6) != 0) {
            put16(l3 + 4, at16(l3 + 4) + size);
        }
    }

    private void changeKind(RandomGenerator random) {
        if (ip && random.nextInt(3) != 0) {
            setProtocol(pick(PROTOCOLS, random));
        } else if (l3 <= frame.length) {
            put16(l3 - 2, pick(ETHER_TYPES, random));
        }
    }

    private void setProtocol(int value) {
        frame[l3 + (ipv6 ? 6 : 9)] = (byte) value;
    }

    private void breakChecksum(RandomGenerator random) {
        int at = random.nextBoolean() && !ipv6 ? l3 + 10 : l4 + checksumOffset();
        if (ip && at + 2 <= frame.length) {
            put16(at, random.nextInt(3) == 0 ? 0xffff * random.nextInt(2) : random.nextInt(0x10000));
        } else {
            flipBits(random);
        }
    }

    private int checksumOffset() {
        return switch (protocol) {
            case 6 -> 16;
            case 17 -> 6;
            case 132 -> 8;
            default -> 2;
        };
    }

    /** Continues with another frame's bytes from somewhere on. */
    private void splice(RandomGenerator random) {
        byte[] other = corpus.get(random.nextInt(corpus.size()));
        int from = random.nextInt(frame.length + 1);
        if (from < other.length) {
            int keep = Math.min(from, frame.length);
            frame = Arrays.copyOf(frame, other.length);
            System.arraycopy(other, keep, frame, keep, other.length - keep);
        }
    }

    private void repairChecksums() {
        if (!ip) {
            return;
        }
        if (!ipv6) {
            int headerLength = Math.min(4 * (frame[l3] & 0xf), frame.length - l3);
            put16(l3 + 10, 0);
            put16(l3 + 10, PlainChecksum.checksum(frame, l3, headerLength));
        }
        int end = Math.min(frame.length, l3 + (ipv6 ? 40 + at16(l3 + 4) : at16(l3 + 2)));
        int field = l4 + checksumOffset();
        boolean known = protocol == 6 || protocol == 17 || protocol == (ipv6 ? 58 : 1);
        if (!known || field + 2 > end) {
            return;
        }
        put16(field, 0);
        int pseudo = PlainChecksum.pseudo(frame, l3 + (ipv6 ? 8 : 12), ipv6 ? 32 : 8, protocol, end - l4);
        int sum = PlainChecksum.sum(protocol == 1 ? 0 : pseudo, frame, l4, end - l4);
        put16(field, ~sum & 0xffff);
    }

    private void open(int at, int size) {
        int old = frame.length;
        resize(Math.min(MAX_LENGTH, old + size));
        System.arraycopy(frame, at, frame, at + size, frame.length - at - size);
    }

    private void resize(int length) {
        frame = Arrays.copyOf(frame, Math.max(0, Math.min(MAX_LENGTH, length)));
    }

    private void fillRandom(RandomGenerator random, int from, int to) {
        for (int i = from; i < to; i++) {
            frame[i] = (byte) random.nextInt();
        }
    }

    private int at16(int offset) {
        return ((frame[offset] & 0xff) << 8) | (frame[offset + 1] & 0xff);
    }

    private void put16(int offset, int value) {
        frame[offset] = (byte) (value >>> 8);
        frame[offset + 1] = (byte) value;
    }

    private static int pick(int[] values, RandomGenerator random) {
        return values[random.nextInt(values.length)];
    }
}
