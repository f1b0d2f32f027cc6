package lvsd.cli;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/**
 * The lines that {@code -R} reads, as ipvsadm takes them: a carriage return ends a word, but no line, and a word that is
 * longer than a buffer goes on as the next one.
 */
final class RestoreLines {
    /** Bytes of a word; seen. */
    private static final int LONGEST_WORD = 4096;

    private final InputStream in;

    RestoreLines(InputStream in) {
        this.in = new BufferedInputStream(in);
    }

    /** The next line, without its end; null where there is none. */
    @Nullable
    String next() throws IOException {
        int each = in.read();
        if (each < 0) {
            return null;
        }
        ByteArrayOutputStream line = new ByteArrayOutputStream(128);
        int word = 0;
        for (; each >= 0 && each != '\n'; each = in.read()) {
            boolean blank = each == ' ' || each == '\t' || each == '\r';
            if (!blank && word == LONGEST_WORD) {
                line.write(' ');
                word = 0;
            }
            word = blank ? 0 : word + 1;
            line.write(blank ? ' ' : each);
        }
        return RawText.decode(line.toByteArray());
    }
}
