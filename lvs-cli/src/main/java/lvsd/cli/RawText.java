package lvsd.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Words of the user as text, and back, without a byte being lost: UTF-8, where a byte that is not UTF-8 becomes one of the
 * code units U+DC80 to U+DCFF, which no text has alone. ipvsadm gives in its messages the bytes back that it was given.
 */
final class RawText {
    private static final char ESCAPE = '\udc00';
    /** What the JVM makes of an argument that is not UTF-8. */
    private static final char REPLACEMENT = '\ufffd';

    private static final Path COMMAND_LINE = Path.of("/proc/self/cmdline");

    private RawText() {}

    /** Bytes as text. */
    static String decode(byte[] bytes) {
        CharsetDecoder decoder = UTF_8.newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        ByteBuffer in = ByteBuffer.wrap(bytes);
        CharBuffer out = CharBuffer.allocate(bytes.length);
        while (in.hasRemaining()) {
            CoderResult result = decoder.decode(in, out, true);
            if (result.isError()) {
                out.put((char) (ESCAPE | (in.get() & 0xff)));
                decoder.reset();
            }
        }
        return out.flip().toString();
    }

    /** Text of {@link #decode} as bytes. */
    static byte[] encode(String text) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(text.length());
        int from = 0;
        for (int at = 0; at < text.length(); at++) {
            char unit = text.charAt(at);
            if (Character.isHighSurrogate(unit)) {
                at++;
            } else if (Character.isLowSurrogate(unit)) {
                bytes.writeBytes(text.substring(from, at).getBytes(UTF_8));
                bytes.write(unit & 0xff);
                from = at + 1;
            }
        }
        bytes.writeBytes(text.substring(from).getBytes(UTF_8));
        return bytes.toByteArray();
    }

    /** Prints text of {@link #decode}. */
    static void print(PrintStream out, String text) {
        byte[] bytes = encode(text);
        out.write(bytes, 0, bytes.length);
        out.flush();
    }

    private static boolean whole(List<String> arguments) {
        for (String argument : arguments) {
            if (argument.indexOf(REPLACEMENT) >= 0) {
                return false;
            }
        }
        return true;
    }

    /** The arguments of this process as they are, of which the JVM gives {@code decoded}. */
    static List<String> arguments(String... decoded) {
        List<String> arguments = List.of(decoded);
        if (whole(arguments)) {
            return arguments;
        }
        byte[] line;
        try {
            line = Files.readAllBytes(COMMAND_LINE);
        } catch (IOException e) {
            return arguments;
        }
        List<String> all = new ArrayList<>();
        ByteArrayOutputStream word = new ByteArrayOutputStream();
        for (byte each : line) {
            if (each == 0) {
                all.add(decode(word.toByteArray()));
                word.reset();
            } else {
                word.write(each);
            }
        }
        return all.size() < decoded.length ? arguments : all.subList(all.size() - decoded.length, all.size());
    }
}
