package lvsd.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Mutated frames through every check, walker, reader and the printer, each frame ending at a page that may not be
 * touched (every fourth beginning behind one): reading one byte too many ends the JVM, whose crash report names the
 * reader and, as the thread's name, the seed to replay.
 */
class WireFuzzTest {
    private static final int BLOCK = 20_000;

    private int chains;
    private int options;
    private int quotes;
    private int refused;
    private int sink;

    @Test
    void shouldSurviveTwoMillionHostileFrames() {
        fuzz(2_000_000);
    }

    @Test
    @Tag("long")
    void shouldSurviveThirtyMillionHostileFrames() {
        fuzz(30_000_000);
    }

    private void fuzz(int frames) {
        FrameMutator mutator = new FrameMutator(Corpus.frames());
        try (PacketMemory memory = new PacketMemory()) {
            SeededTest.run(frames / BLOCK, random -> block(mutator, memory, random));
        }
        assertThat(sink).as("sum of all that was read").isNotZero();
        // What the mutations are for must really happen.
        assertThat(chains).as("IPv6 chains").isPositive();
        assertThat(options).as("TCP options").isPositive();
        assertThat(quotes).as("ICMP quotes").isPositive();
        assertThat(refused).as("refused IP headers").isPositive();
    }

    private void block(FrameMutator mutator, PacketMemory memory, RandomGenerator random) {
        for (int i = 0; i < BLOCK; i++) {
            byte[] frame = mutator.next(random);
            long address = (i & 3) == 0 ? memory.putAtStart(frame) : memory.putAtEnd(frame);
            exercise(address, frame.length);
            if (i % 7 == 0) { // odd, so that both kinds of placement are printed
                sink += PacketPrinter.print(address, frame.length).length();
            }
        }
    }

    private void exercise(long frame, int length) {
        ParsedFrame parsed = ParsedFrame.at(frame, length);
        if (parsed.etherType == Ethernet.TYPE_ARP) {
            int available = (int) (frame + length - parsed.l3);
            if (Arp.check(parsed.l3, available) > 0) {
                sink += (int) Arp.senderMac(parsed.l3) + Arp.targetIp(parsed.l3);
            }
        } else if (parsed.l3Length < 0) {
            refused++;
        } else {
            assertThat(parsed.l3 + parsed.l3Length).isLessThanOrEqualTo(frame + length);
            chains += parsed.ipv6 && parsed.l3Length > Ipv6.SIZE ? 1 : 0;
            sink += parsed.ipv6 ? Ipv6.flowLabel(parsed.l3) : Ipv4.computeChecksum(parsed.l3, parsed.l3Length);
        }
        if (parsed.l4 != 0) {
            assertThat(parsed.l4 + parsed.l4Length).isLessThanOrEqualTo(frame + length);
            transport(parsed);
        }
    }

    private void transport(ParsedFrame parsed) {
        switch (parsed.protocol) {
            case Ipv4.PROTOCOL_TCP -> tcp(parsed.l4, parsed.l4Length);
            case Ipv4.PROTOCOL_UDP ->
                sink += Checksum.sum(parsed.l4, Math.max(0, Udp.check(parsed.l4, parsed.l4Length)));
            case Ipv4.PROTOCOL_SCTP -> sctp(parsed.l4, parsed.l4Length);
            case Ipv4.PROTOCOL_ICMP -> icmp(parsed.l4, parsed.l4Length);
            case Ipv6.PROTOCOL_ICMPV6 -> icmpv6(parsed.l4, parsed.l4Length);
            default -> sink++;
        }
        if (parsed.hasInternetChecksum()) {
            sink += parsed.verifies() ? 1 : 0;
            sink += parsed.computedChecksum();
        }
    }

    private void tcp(long tcp, int available) {
        int size = Tcp.check(tcp, available);
        if (size < 0) {
            return;
        }
        int walked = 0;
        for (int at = TcpOptions.first(tcp, size); at >= 0; at = TcpOptions.next(tcp, size, at)) {
            assertThat(at + TcpOptions.size(tcp, size, at)).isLessThanOrEqualTo(size);
            walked++;
        }
        assertThat(walked).isLessThanOrEqualTo(20);
        options += walked;
        sink += TcpOptions.mss(tcp, size) + TcpOptions.windowScale(tcp, size);
        sink += TcpOptions.isWellFormed(tcp, size) && TcpOptions.sackPermitted(tcp, size) ? 1 : 0;
        rewriteOptions(tcp, size, available);
    }

    /** Rewrites everything that can be, and expects the delta to be what a fresh sum shows. */
    private void rewriteOptions(long tcp, int size, int available) {
        int before = Checksum.sum(tcp, available);
        int delta = TcpOptions.clampMss(tcp, size, 1000);
        int timestamps = TcpOptions.timestamps(tcp, size);
        if (timestamps >= 0) {
            int tsval = TcpOptions.tsval(tcp, size, timestamps);
            delta = Checksum.add(delta, TcpOptions.setTsval(tcp, size, timestamps, tsval + 12345));
            delta = Checksum.add(delta, TcpOptions.setTsecr(tcp, size, timestamps, ~tsval));
        }
        int sack = TcpOptions.sack(tcp, size);
        if (sack >= 0) {
            delta = Checksum.add(delta, TcpOptions.addToSack(tcp, size, sack, -98765));
        }
        delta = Checksum.add(delta, TcpOptions.blankAll(tcp, size, TcpOptions.TOA));
        // Same remainder; the two zeroes need no telling apart, since a pseudo header is added in earnest.
        assertThat((before + delta) % 0xffff).isEqualTo(Checksum.sum(tcp, available) % 0xffff);
    }

    private void sctp(long sctp, int available) {
        if (Sctp.check(available) < 0) {
            return;
        }
        for (int at = Sctp.firstChunk(sctp, available); at >= 0; at = Sctp.nextChunk(sctp, available, at)) {
            sink += Sctp.chunkType(sctp, at) + Sctp.chunkFlags(sctp, at);
        }
        sink += Sctp.verifyChecksum(sctp, available) ? 1 : 0;
    }

    private void icmp(long icmp, int available) {
        if (Icmp.check(available) > 0 && Icmp.isError(Icmp.type(icmp))) {
            long quote = icmp + Icmp.QUOTE_OFFSET;
            int headerLength = Ipv4.checkQuoted(quote, available - Icmp.QUOTE_OFFSET);
            if (headerLength > 0) {
                quotes++;
                sink += Ipv4.computeChecksum(quote, headerLength);
            }
        }
    }

    private void icmpv6(long icmp, int available) {
        if (Icmpv6.check(available) < 0) {
            return;
        }
        int type = Icmpv6.type(icmp);
        if (Icmpv6.isError(type)) {
            long quote = icmp + Icmpv6.QUOTE_OFFSET;
            int quoted = available - Icmpv6.QUOTE_OFFSET;
            if (Ipv6.checkQuoted(quote, quoted) > 0) {
                quotes++;
                long walked = Ipv6.walk(quote, quoted);
                assertThat(walked < 0 || Ipv6.offset(walked) <= quoted).isTrue();
            }
        } else if (Icmpv6.isNeighbourDiscovery(type)) {
            int first = Icmpv6.checkNeighbourDiscovery(icmp, available);
            if (first > 0) {
                sink += (int) Icmpv6.linkLayerAddress(icmp, available, first, Icmpv6.OPTION_SOURCE);
            }
        }
    }
}
