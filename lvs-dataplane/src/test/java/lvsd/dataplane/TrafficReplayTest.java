package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lvsd.wire.Packets;
import lvsd.wire.Pcap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a Linux 6.1 director did to packets, against what this one does: the packets that came in by both sides are put in
 * again in their order and at their times, and every packet that leaves is compared with the kernel's, field by field;
 * in the end the connections are, too. What may differ is {@link KernelDifference}.
 */
class TrafficReplayTest {
    /** Time for what comes late: three questions for a neighbour, a second apart, and three more. */
    private static final long AFTERWARDS_MILLIS = 6500;

    static Stream<TrafficRecording> recordings() {
        return TrafficRecording.all().stream();
    }

    @ParameterizedTest
    @MethodSource("recordings")
    void shouldSendWhatTheKernelSent(TrafficRecording recording) {
        try (RuledDirector director = new RuledDirector(recording.steps())) {
            // The kernel's connections were listed at once, ours are when all that comes late is sent.
            director.director().setting("timeout_icmp", "60");
            List<List<byte[]>> sent = List.of(new ArrayList<>(), new ArrayList<>());
            List<byte[]> given = new ArrayList<>();
            for (TrafficRecording.Input input : recording.inputs()) {
                director.advanceTo(input.nanos);
                collect(director, sent);
                long punted = director.punted();
                director.director().send(input.port, input.frame);
                if (director.punted() > punted) {
                    given.add(input.frame);
                }
                collect(director, sent);
            }
            director.director().advance(AFTERWARDS_MILLIS);
            collect(director, sent);
            List<String> problems = new ArrayList<>();
            for (int port = 0; port < 2; port++) {
                List<byte[]> kernel = KernelDifference.received(expected(recording, port, given));
                problems.addAll(compare(recording, port, KernelDifference.received(sent.get(port)), kernel));
            }
            assertThat(problems).as("drops: %s", director.director().drops()).isEmpty();
            assertThat(director.connections()).isEqualTo(recording.connections());
        }
    }

    private static void collect(RuledDirector director, List<List<byte[]>> sent) {
        for (int port = 1; port >= 0; port--) {
            byte[] frame = director.director().sent(port);
            while (frame != null) {
                sent.get(port).add(frame);
                frame = director.director().sent(port);
            }
        }
    }

    /** What the kernel sent by a port, but for what the host's kernel makes here of packets that it was given. */
    private static List<byte[]> expected(TrafficRecording recording, int port, List<byte[]> given) {
        List<byte[]> frames = new ArrayList<>();
        List<byte[]> left = new ArrayList<>(given);
        for (Pcap.Frame frame : recording.outputs(port)) {
            byte[] bytes = frame.bytes;
            byte[] cause = left.stream()
                    .filter(packet -> KernelDifference.ofLocalStack(packet, bytes))
                    .findFirst()
                    .orElse(null);
            if (cause == null) {
                frames.add(bytes);
            } else {
                left.remove(cause);
            }
        }
        return frames;
    }

    private static List<String> compare(TrafficRecording recording, int port, List<byte[]> sent, List<byte[]> kernel) {
        List<String> problems = new ArrayList<>();
        Set<byte[]> received = recording.inputs().stream()
                .filter(input -> input.port == port)
                .map(input -> input.frame)
                .collect(Collectors.toSet());
        for (int i = 0; i < Math.max(kernel.size(), sent.size()); i++) {
            String where = recording + ", port " + port + ", packet " + i + ": ";
            if (i >= kernel.size()) {
                problems.add(where + "the kernel did not send " + Packets.print(sent.get(i)));
            } else if (i >= sent.size()) {
                problems.add(where + "not sent: " + Packets.print(kernel.get(i)));
            } else {
                String difference = KernelDifference.compare(sent.get(i), kernel.get(i), received);
                if (!difference.isEmpty()) {
                    problems.add(where + difference);
                }
            }
        }
        return problems;
    }

    @Test
    void shouldReplayEveryRecording() {
        Set<String> listed = TrafficRecording.all().stream()
                .map(TrafficRecording::toString)
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(TrafficRecording.files()).isEqualTo(listed);
    }
}
