package lvsd.synproxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HandshakeTest {
    private static final String LETTERS = "FSRP.UEW";

    private static int flags(String letters) {
        return letters.chars().map(letter -> 1 << LETTERS.indexOf(letter)).sum();
    }

    /** Sequence and acknowledgement numbers relative to what the client sends next and shall acknowledge. */
    @ParameterizedTest
    @CsvSource({
        ".,0,0,0,0",
        "P.,0,0,0,0",
        "P.,0,0,10,1",
        "F.,0,0,0,1",
        "FP.,5,0,3,1",
        ".,65535,0,1,1",
        "S,-1,77,0,2",
        "S,900000,5,0,2",
        "SE,-1,0,0,2",
        "SEW,-1,0,0,2",
        "R,0,0,0,3",
        "R.,0,0,0,3",
        "R,65535,0,0,3",
        "R,65536,0,0,4",
        "R,-1,0,0,4",
        "S.,0,0,0,4",
        "P,0,0,5,4",
        "F,0,0,0,4",
        ".,-1,0,0,4",
        ".,65536,0,1,4",
        ".,0,1,0,4",
        ".,0,-1,5,4",
        "P.,0,100000,5,4",
        "'',0,0,0,4"
    })
    void shouldTellWhatAClientsSegmentIs(String letters, int seq, int ack, int length, int event) {
        for (int isn : new int[] {0, 1, 0x7fff_ffff, -1, -2, -40_000}) {
            for (int cookie : new int[] {0, 5, 0x7fff_ffff, -1, -2}) {
                int found = Handshake.clientEvent(flags(letters), isn + 1 + seq, cookie + 1 + ack, length, isn, cookie);
                assertThat(found).isEqualTo(event);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "S.,true,5",
        "S.,false,7",
        ".,true,7",
        ".,false,7",
        "P.,true,7",
        "F.,false,7",
        "R.,true,6",
        "R.,false,8",
        "R,true,8",
        "R,false,8",
        "S,true,8",
        "'',true,8",
        "F,true,8"
    })
    void shouldTellWhatAServersSegmentIs(String letters, boolean acknowledges, int event) {
        assertThat(Handshake.serverEvent(flags(letters), acknowledges)).isEqualTo(event);
    }

    @Test
    void shouldSendTheSynAgainAsOftenAsIsSet() {
        assertThat(Handshake.action(Handshake.timerEvent(0, 3))).isEqualTo(Handshake.RESEND);
        assertThat(Handshake.action(Handshake.timerEvent(2, 3))).isEqualTo(Handshake.RESEND);
        assertThat(Handshake.action(Handshake.timerEvent(3, 3))).isEqualTo(Handshake.GIVE_UP);
        assertThat(Handshake.action(Handshake.timerEvent(0, 0))).isEqualTo(Handshake.GIVE_UP);
    }

    /** Every combination of flags has an event, and every event an action; nothing but an answer completes. */
    @Test
    void shouldCompleteOnlyOnAnAnswerToOurSyn() {
        for (int flags = 0; flags < 256; flags++) {
            assertThat(Handshake.action(Handshake.clientEvent(flags, 1, 1, 1, 0, 0)))
                    .isNotEqualTo(Handshake.COMPLETE);
            assertThat(Handshake.action(Handshake.serverEvent(flags, false))).isNotEqualTo(Handshake.COMPLETE);
            boolean accepts = (flags & 0x16) == 0x12;
            assertThat(Handshake.action(Handshake.serverEvent(flags, true)) == Handshake.COMPLETE)
                    .isEqualTo(accepts);
        }
    }

    // ---- the table of handshakes

    @Test
    void shouldHaveRoomForAsManyAsItWasMadeFor() {
        Handshakes handshakes = new Handshakes(3, 2);
        int a = handshakes.open(1, 2, 3);
        int b = handshakes.open(4, 5, 6);
        int c = handshakes.open(7, 8, 9);
        assertThat(List.of(a, b, c)).doesNotHaveDuplicates().doesNotContain(Handshakes.NONE);
        assertThat(handshakes.open(1, 1, 1)).isEqualTo(Handshakes.NONE);
        handshakes.close(b);
        assertThat(handshakes.open(10, 11, 12)).isEqualTo(b);
        assertThat(handshakes.isn(b)).isEqualTo(10);
        assertThat(handshakes.cookie(b)).isEqualTo(11);
        assertThat(handshakes.offer(b)).isEqualTo(12);
        assertThat(handshakes.used()).isEqualTo(3);
    }

    @Test
    void shouldKeepSegmentsInOrderAndWithinBounds() {
        Handshakes handshakes = new Handshakes(2, 3);
        int a = handshakes.open(1, 2, 3);
        int b = handshakes.open(1, 2, 3);
        handshakes.hold(a, 0x1234_5678_9abcL, 7);
        handshakes.hold(b, 22, 1);
        assertThat(handshakes.room(a, 1)).isFalse();
        handshakes.hold(a, 33, 0);
        assertThat(handshakes.room(b, 9)).as("all three are taken").isFalse();
        long first = handshakes.take(a);
        assertThat(Handshakes.mbuf(first)).isEqualTo(0x1234_5678_9abcL);
        assertThat(Handshakes.port(first)).isEqualTo(7);
        assertThat(Handshakes.mbuf(handshakes.take(a))).isEqualTo(33);
        assertThat(handshakes.take(a)).isZero();
        assertThat(handshakes.room(b, 9)).isTrue();
        assertThat(handshakes.segments()).isEqualTo(1);
    }

    @Test
    void shouldLoseNoSegmentWhateverTheOrderIs() {
        SeededTest.run(200, random -> {
            Handshakes handshakes = new Handshakes(5, 9);
            Map<Integer, List<Long>> model = new HashMap<>();
            for (long step = 1; step < 300; step++) {
                int index = random.nextInt(5);
                List<Long> held = model.get(index);
                switch (random.nextInt(4)) {
                    case 0 -> {
                        int opened = handshakes.open(1, 2, 3);
                        assertThat(opened == Handshakes.NONE).isEqualTo(model.size() == 5);
                        if (opened != Handshakes.NONE) {
                            assertThat(model.put(opened, new ArrayList<>())).isNull();
                        }
                    }
                    case 1 -> {
                        if (held != null && handshakes.room(index, 4)) {
                            handshakes.hold(index, step, 0);
                            held.add(step);
                        }
                    }
                    case 2 -> {
                        if (held != null) {
                            assertThat(handshakes.take(index)).isEqualTo(held.isEmpty() ? 0 : held.removeFirst());
                        }
                    }
                    default -> {
                        if (held != null) {
                            for (long each : held) {
                                assertThat(handshakes.take(index)).isEqualTo(each);
                            }
                            handshakes.close(index);
                            model.remove(index);
                        }
                    }
                }
                assertThat(handshakes.used()).isEqualTo(model.size());
                assertThat(handshakes.segments())
                        .isEqualTo(model.values().stream().mapToInt(List::size).sum());
            }
        });
    }
}
