package lvsd.daemon.bench;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Collectors;

/**
 * Who talks to whom in the benchmark, the same as in {@code config/bench/twin.c}.
 *
 * <p>One port, one-arm. Connection {@code i} is client {@code i % 128}, real server {@code i % 16}, local address
 * {@code i / 16 % 8}, and the client's and the local port are {@code 16384 + i / 128}: so a frame of the input reaches
 * every connection of its pair by its one free port. Client addresses have a constant sum of 16-bit words: changing the
 * client leaves the IP header checksum right. All methods are pure.
 */
final class Scenario {
    /** Pairs of client and (server, local address). */
    static final int PAIRS = 128;
    /** Real servers of the service. */
    static final int SERVERS = 16;
    /** Local addresses of the service. */
    static final int LOCALS = 8;
    /** Client and local port of the first connection of a pair. */
    static final int FIRST_PORT = 16384;
    /** Most connections: 32768 ports for each pair. */
    static final int MAXIMUM = PAIRS * 32768;
    /** Port of the service and of the servers. */
    static final int SERVICE_PORT = 80;

    static final int SERVER_PORT = 8080;
    /** Ethernet address of the first net_pcap device. */
    static final byte[] DIRECTOR_MAC = {2, 'p', 'c', 'a', 'p', 0};
    /** Bytes of every frame, FCS not included. */
    static final int FRAME = 60;

    private static final int ETHERNET = 14;
    private static final int IPV4 = 20;

    /** What the packets of a case are. */
    enum Traffic {
        /** Both directions of established connections. */
        ESTABLISHED,
        /** SYNs of clients without connections. */
        SYNS,
        /** Acknowledgements of clients without connections. */
        ACKS,
        /** Handshakes until the table is full: every packet is one that the peers of a director would send. */
        HANDSHAKES
    }

    /** Whom the connections are told. */
    enum Told {
        /** Nobody. */
        NOBODY,
        /** Directors, with {@code hmac-sha256-128}. */
        DIRECTORS,
        /** Kernels, without a key. */
        KERNELS
    }

    /** What is measured. */
    enum Case {
        FULLNAT_TCP("fullnat-tcp", 6, false, Traffic.ESTABLISHED),
        NAT_TCP("nat-tcp", 6, true, Traffic.ESTABLISHED),
        FULLNAT_UDP("fullnat-udp", 17, false, Traffic.ESTABLISHED),
        SETUP("setup", 6, false, Traffic.SYNS),
        SYN_DROP("syn-drop", 6, false, Traffic.SYNS),
        SYNPROXY_SYN("synproxy-syn", 6, false, Traffic.SYNS),
        SYNPROXY_BAD_ACK("synproxy-bad-ack", 6, false, Traffic.ACKS),
        SYNPROXY_HANDSHAKE("synproxy-handshake", 6, false, Traffic.HANDSHAKES),
        SYNPROXY_ESTABLISHED("synproxy-established", 6, false, Traffic.ESTABLISHED),
        FULLNAT_TCP_SYNC("fullnat-tcp-sync", 6, Traffic.ESTABLISHED, Told.DIRECTORS),
        FULLNAT_TCP_SYNC_KERNEL("fullnat-tcp-sync-kernel", 6, Traffic.ESTABLISHED, Told.KERNELS),
        SETUP_SYNC("setup-sync", 6, Traffic.SYNS, Told.DIRECTORS),
        SYNPROXY_HANDSHAKE_SYNC("synproxy-handshake-sync", 6, Traffic.HANDSHAKES, Told.DIRECTORS);

        /** Name in reports and on the command line. */
        final String label;
        /** IP protocol number. */
        final int protocol;
        /** NAT instead of FULLNAT. */
        final boolean nat;
        /** What comes in. */
        final Traffic traffic;
        /** Whom a sync master tells of the connections meanwhile. */
        final Told told;

        Case(String label, int protocol, boolean nat, Traffic traffic) {
            this(label, protocol, nat, traffic, Told.NOBODY);
        }

        Case(String label, int protocol, Traffic traffic, Told told) {
            this(label, protocol, false, traffic, told);
        }

        Case(String label, int protocol, boolean nat, Traffic traffic, Told told) {
            this.label = label;
            this.protocol = protocol;
            this.nat = nat;
            this.traffic = traffic;
            this.told = told;
        }

        /** Whether the input is of clients alone, and there are no connections at first. */
        boolean bare() {
            return traffic != Traffic.ESTABLISHED;
        }

        /** Whether connections are made until the table is full, over and over. */
        boolean passes() {
            return this == SETUP || this == SETUP_SYNC || traffic == Traffic.HANDSHAKES;
        }

        /** Whether the service has the SYN proxy. */
        boolean proxied() {
            return this == SYNPROXY_SYN
                    || this == SYNPROXY_BAD_ACK
                    || traffic == Traffic.HANDSHAKES
                    || this == SYNPROXY_ESTABLISHED;
        }

        /** Whether all packets are dropped, as they should. */
        boolean drops() {
            return this == SYN_DROP || this == SYNPROXY_BAD_ACK;
        }

        /** Whether somebody looks at TCP checksums: scattered ports must not make them wrong. */
        boolean verified() {
            return proxied() && (traffic == Traffic.SYNS || traffic == Traffic.ACKS);
        }

        /**
         * Whether others than the director are measured. What the SYN proxy does without a connection is hashes and
         * policy of its own: a twin of that in C would show how fast one other design is, not what the JIT leaves lying.
         * Where connections are told to others, the same case without that is what to compare with.
         */
        boolean comparable() {
            return told == Told.NOBODY && (!proxied() || this == SYNPROXY_ESTABLISHED);
        }

        /** The case called {@code label}. */
        static Case of(String label) {
            for (Case each : values()) {
                if (each.label.equals(label)) {
                    return each;
                }
            }
            String all = Arrays.stream(values()).map(each -> each.label).collect(Collectors.joining(", "));
            throw new IllegalArgumentException("no case " + label + "; there are " + all);
        }
    }

    private Scenario() {}

    /** Address of the virtual service, 10.0.0.100. */
    static byte[] vip() {
        return address(10, 0, 0, 100);
    }

    /** The client of a pair: 10.64.128.0, 10.65.127.255, 10.66.127.254 and so on. */
    static byte[] client(int pair) {
        int high = 0x0a40 + pair;
        int low = 0x8000 - pair;
        return address(high >> 8, high & 0xff, low >> 8, low & 0xff);
    }

    /** The real server with the given number, 10.1.1.1 and so on. */
    static byte[] server(int server) {
        return address(10, 1, 1, 1 + server);
    }

    /** The local address with the given number, 10.1.2.1 and so on. */
    static byte[] local(int local) {
        return address(10, 1, 2, 1 + local);
    }

    /** The director's own address, 10.1.0.1 of 10.1.0.0/16. */
    static byte[] own() {
        return address(10, 1, 0, 1);
    }

    /** The router towards all clients, 10.1.0.254. */
    static byte[] gateway() {
        return address(10, 1, 0, 254);
    }

    /** Pair of a connection. */
    static int pair(int connection) {
        return connection % PAIRS;
    }

    /** Real server of a connection. */
    static int serverOf(int connection) {
        return connection % SERVERS;
    }

    /** Local address of a connection. */
    static int localOf(int connection) {
        return connection % PAIRS / SERVERS;
    }

    /** Client port and local port of a connection. */
    static int portOf(int connection) {
        return FIRST_PORT + connection / PAIRS;
    }

    /** {@code bytes} as an address object. */
    static InetAddress inet(byte[] bytes) {
        try {
            return InetAddress.getByAddress(bytes);
        } catch (UnknownHostException impossible) {
            throw new IllegalStateException("address of " + bytes.length + " bytes", impossible);
        }
    }

    /** A frame of {@code connection} from the client to the VIP. */
    static byte[] fromClient(Case what, int connection, Random random) {
        ByteBuffer frame = addressed(what, client(pair(connection)), vip());
        return transport(frame, what, portOf(connection), SERVICE_PORT, random);
    }

    /** A frame of {@code connection} from the server to the local address, or with NAT to the client. */
    static byte[] fromServer(Case what, int connection, Random random) {
        byte[] to = what.nat ? client(pair(connection)) : local(localOf(connection));
        ByteBuffer frame = addressed(what, server(serverOf(connection)), to);
        return transport(frame, what, SERVER_PORT, portOf(connection), random);
    }

    private static byte[] address(int a, int b, int c, int d) {
        return new byte[] {(byte) a, (byte) b, (byte) c, (byte) d};
    }

    private static ByteBuffer addressed(Case what, byte[] source, byte[] destination) {
        ByteBuffer frame = ByteBuffer.allocate(FRAME);
        frame.put(DIRECTOR_MAC).put(new byte[] {2, 0, 0, 0, 1, 0}).putShort((short) 0x0800);
        int length = IPV4 + (what.protocol == 6 ? 20 : FRAME - ETHERNET - IPV4);
        frame.put((byte) 0x45).put((byte) 0).putShort((short) length);
        frame.putShort((short) 0).putShort((short) 0x4000);
        frame.put((byte) 64).put((byte) what.protocol).putShort((short) 0);
        frame.put(source).put(destination);
        frame.putShort(ETHERNET + 10, (short) ~sum(frame, ETHERNET, IPV4, 0));
        return frame;
    }

    private static byte[] transport(ByteBuffer frame, Case what, int source, int destination, Random random) {
        int start = ETHERNET + IPV4;
        int length = frame.getShort(ETHERNET + 2) - IPV4;
        frame.putShort((short) source).putShort((short) destination);
        if (what.protocol == 6) {
            boolean syn = what.traffic == Traffic.SYNS || what.traffic == Traffic.HANDSHAKES;
            int flags = syn ? 0x02 : what.bare() || random.nextInt(8) != 0 ? 0x10 : 0x18;
            frame.putInt(random.nextInt()).putInt(syn ? 0 : random.nextInt());
            frame.putShort((short) (0x5000 | flags)).putShort((short) 0xffff);
        } else {
            frame.putShort((short) length);
        }
        int checksum = start + (what.protocol == 6 ? 16 : 6);
        int pseudo = sum(frame, ETHERNET + 12, 8, what.protocol + length);
        frame.putShort(checksum, (short) ~sum(frame, start, length, pseudo));
        byte[] bytes = new byte[FRAME];
        frame.get(0, bytes);
        return bytes;
    }

    /** Makes the IPv4 header checksum of {@code frame} right again. */
    static void setHeaderChecksum(byte[] frame) {
        ByteBuffer buffer = ByteBuffer.wrap(frame);
        buffer.putShort(ETHERNET + 10, (short) 0);
        buffer.putShort(ETHERNET + 10, (short) ~sum(buffer, ETHERNET, IPV4, 0));
    }

    /** Folded one's complement sum of {@code length} bytes, {@code length} even. */
    private static int sum(ByteBuffer frame, int from, int length, int start) {
        int sum = start;
        for (int i = from; i < from + length; i += 2) {
            sum += frame.getShort(i) & 0xffff;
        }
        while (sum > 0xffff) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return sum;
    }
}
