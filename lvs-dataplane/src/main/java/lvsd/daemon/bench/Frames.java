package lvsd.daemon.bench;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Frames that are slipped into the input: answers of the hosts around, and packets of unusual kinds. Pure. */
final class Frames {
    private static final int ARP_FRAME = 60;
    private static final int FLAGS = 14 + 20 + 13;
    private static final int IP = 14;

    private Frames() {}

    /** ARP replies of the gateway and of all servers to the director. */
    static List<byte[]> arpReplies() {
        List<byte[]> replies = new ArrayList<>();
        replies.add(arpReply(Scenario.gateway(), 0));
        for (int i = 0; i < Scenario.SERVERS; i++) {
            replies.add(arpReply(Scenario.server(i), 1 + i));
        }
        return replies;
    }

    private static byte[] arpReply(byte[] sender, int station) {
        byte[] mac = {2, 0, 0, 0, 1, (byte) station};
        ByteBuffer frame = ByteBuffer.allocate(ARP_FRAME);
        frame.put(Scenario.DIRECTOR_MAC).put(mac).putShort((short) 0x0806);
        frame.putShort((short) 1)
                .putShort((short) 0x0800)
                .put((byte) 6)
                .put((byte) 4)
                .putShort((short) 2);
        frame.put(mac).put(sender).put(Scenario.DIRECTOR_MAC).put(Scenario.own());
        return bytes(frame);
    }

    /** One packet of each kind that established traffic does not have: the first of a kind must not stall a worker. */
    static List<byte[]> unusual() {
        Random random = new Random(1);
        List<byte[]> frames = new ArrayList<>();
        for (int flags : new int[] {0x02, 0x12, 0x04, 0x14, 0x11, 0x00, 0x3f}) {
            byte[] frame = Scenario.fromClient(Scenario.Case.FULLNAT_TCP, 7, random);
            frame[FLAGS] = (byte) flags;
            frames.add(frame);
            byte[] reply = Scenario.fromServer(Scenario.Case.FULLNAT_TCP, 9, random);
            reply[FLAGS] = (byte) flags;
            frames.add(reply);
        }
        frames.add(changed(IP, 0x46)); // options
        frames.add(changed(IP + 1, 0x10)); // header checksum wrong
        frames.add(changed(IP + 6, 0x20)); // fragment
        frames.add(changed(IP + 8, 1)); // TTL
        frames.add(changed(IP + 9, 132)); // SCTP
        frames.add(changed(IP + 9, 1)); // ICMP
        frames.add(changed(IP + 9, 47)); // GRE
        frames.add(changed(IP + 12, 127)); // martian
        frames.add(changed(12, 0x86)); // another EtherType
        frames.add(changed(12, 0x81)); // VLAN
        frames.add(changed(0, 0xff)); // group address
        frames.add(changed(5, 9)); // another station
        frames.add(changed(14 + 20 + 12, 0xf0)); // data offset beyond the packet
        frames.add(Scenario.fromClient(Scenario.Case.FULLNAT_UDP, 11, random));
        frames.add(new byte[ARP_FRAME]);
        return frames;
    }

    private static byte[] changed(int offset, int value) {
        byte[] frame = Scenario.fromClient(Scenario.Case.FULLNAT_TCP, 3, new Random(offset));
        frame[offset] = (byte) value;
        if (offset > IP + 1 && offset < IP + 20) {
            Scenario.setHeaderChecksum(frame);
        }
        return frame;
    }

    private static byte[] bytes(ByteBuffer frame) {
        byte[] bytes = new byte[frame.capacity()];
        frame.get(0, bytes);
        return bytes;
    }
}
