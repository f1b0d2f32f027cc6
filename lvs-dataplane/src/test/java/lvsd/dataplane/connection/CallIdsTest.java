package lvsd.dataplane.connection;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import lvsd.memory.Memory;
import lvsd.memory.OffHeap;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Call-IDs in SIP messages, and their store. What is found and refused was asked of Linux 6.1. */
class CallIdsTest {
    private final OffHeap memory = OffHeap.map(8192, false, false);
    private final CallIds callIds = new CallIds(0x1234_5678_9abc_def1L);

    @AfterEach
    void unmap() {
        memory.close();
        callIds.close();
    }

    private String find(String message) {
        byte[] bytes = message.getBytes(StandardCharsets.ISO_8859_1);
        Memory.fill(memory.address(), 8192, 0xa5);
        Memory.copyIn(bytes, 0, memory.address(), bytes.length);
        long found = CallIds.find(memory.address(), bytes.length);
        return found < 0 ? "" : message.substring((int) (found >>> 32), (int) (found >>> 32) + (int) found);
    }

    private String header(String line) {
        return find("OPTIONS sip:a@b SIP/2.0\r\nVia: x\r\n" + line + "\r\nContent-Length: 0\r\n\r\n");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Call-ID: one@h",
                "CALL-id:one@h",
                "i: one@h",
                "I:one@h",
                "i : one@h",
                "Call-ID : \t one@h",
                "Call-ID:\r\n one@h",
                "In-Reply-To: z@z\r\nCall-ID: one@h",
                "Call-IX: z@z\r\n more\r\nCall-ID: one@h"
            })
    void shouldFindIt(String line) {
        assertThat(header(line)).isEqualTo("one@h");
    }

    @Test
    void shouldFindWordsOfAnyAllowedByte() {
        String odd = "a(b)<c>:\\\"/[]?{}@z%!*_+`'~.-";
        assertThat(header("Call-ID: " + odd)).isEqualTo(odd);
        assertThat(header("Call-ID: \u00e9a@h")).isEqualTo("\u00e9a@h");
        assertThat(header("Call-ID: one")).isEqualTo("one");
        assertThat(header("Call-ID: " + "x".repeat(255))).hasSize(255);
        assertThat(find("OPTIONS x\nCall-ID: lf@h\n\n")).isEqualTo("lf@h");
        assertThat(find("OPTIONS x\r\n\r\nCall-ID: body@h\r\n")).isEqualTo("body@h");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "X: y",
                "Call-ID: one@h extra",
                "Call-ID one@h",
                "Call-ID:",
                "Call-ID: @h",
                "Call-ID: a@",
                "Call-ID: a@b@c",
                "Call-ID: a;b",
                "id: one@h"
            })
    void shouldRefuseIt(String line) {
        assertThat(header(line)).isEmpty();
    }

    @Test
    void shouldRefuseWhatEndsTooEarlyOrIsTooLong() {
        assertThat(header("Call-ID: " + "x".repeat(256))).isEmpty();
        assertThat(find("OPTIONS x\r\nCall-ID: q@h")).isEmpty();
        assertThat(find("Call-ID: first@h\r\n\r\n")).isEmpty();
        assertThat(find("")).isEmpty();
        assertThat(find("garbage without anything")).isEmpty();
    }

    @Test
    void shouldNeverLookBehindTheEnd() {
        String alphabet = "iI:call-ID \t\r\n@x";
        SeededTest.run(20_000, random -> {
            StringBuilder text = new StringBuilder("\n");
            for (int i = random.nextInt(40); i > 0; i--) {
                text.append(
                        random.nextInt(4) == 0 ? "Call-ID" : alphabet.charAt(random.nextInt(alphabet.length())) + "");
            }
            String message = text.toString();
            String found = find(message);
            byte[] bytes = message.getBytes(StandardCharsets.ISO_8859_1);
            Memory.fill(memory.address(), 8192, '\r');
            Memory.copyIn(bytes, 0, memory.address(), bytes.length);
            long again = CallIds.find(memory.address(), bytes.length);
            assertThat(again < 0 ? 0 : (int) again).as(message).isEqualTo(found.length());
        });
    }

    @Test
    void shouldKeepCompareAndForget() {
        Memory.copyIn("one@htwo@h".getBytes(StandardCharsets.ISO_8859_1), 0, memory.address(), 10);
        long one = memory.address();
        long two = one + 5;
        int first = callIds.keep(one, 5);
        int second = callIds.keep(two, 5);
        assertThat(first).isNotEqualTo(second).isPositive();
        assertThat(callIds.is(first, one, 5)).isTrue();
        assertThat(callIds.is(first, two, 5)).isFalse();
        assertThat(callIds.is(first, one, 4)).isFalse();
        assertThat(callIds.text(second)).isEqualTo("two@h");
        assertThat(callIds.hash(one, 5)).isNotEqualTo(callIds.hash(two, 5));
        callIds.release(first);
        assertThat(callIds.keep(two, 5)).isEqualTo(first);
    }

    @Test
    void shouldSayWhenItIsFull() {
        for (int i = 0; i < CallIds.CAPACITY; i++) {
            assertThat(callIds.keep(memory.address(), 3)).isPositive();
        }
        assertThat(callIds.keep(memory.address(), 3)).isZero();
        callIds.release(7);
        assertThat(callIds.keep(memory.address(), 3)).isEqualTo(7);
    }
}
