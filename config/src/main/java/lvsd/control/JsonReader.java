package lvsd.control;

/**
 * Reads JSON (RFC 8259) as a stream of what is expected next, without a tree: the tool's start-up time is spent here
 * when a director has ten thousand servers. Everything that does not fit is a {@link ViewException} with its offset.
 */
final class JsonReader {
    private static final int MAX_DEPTH = 32;

    private final String text;
    private final boolean counters;
    private int at;
    private int depth;

    JsonReader(String text) {
        this(text, true);
    }

    /** A reader whose user wants to know whether {@code counters} are of interest. */
    JsonReader(String text, boolean counters) {
        this.text = text;
        this.counters = counters;
    }

    /** Whether the counters in the text are of interest. */
    boolean counters() {
        return counters;
    }

    /** Enters an object; then call {@link #nextName} until it returns an empty string. */
    void beginObject() {
        open('{');
    }

    /** Enters an array; then call {@link #nextElement} until it returns false. */
    void beginArray() {
        open('[');
    }

    private void open(char bracket) {
        if (++depth > MAX_DEPTH) {
            throw wrong("nested too deeply");
        }
        skipSpace();
        expect(bracket);
    }

    /** Name of the next member, or an empty string after the last, which leaves the object. */
    String nextName() {
        if (!next('}')) {
            return "";
        }
        skipSpace();
        String name = string();
        if (name.isEmpty()) {
            throw wrong("empty member name");
        }
        skipSpace();
        expect(':');
        return name;
    }

    /** Whether another element follows; false leaves the array. */
    boolean nextElement() {
        return next(']');
    }

    private boolean next(char close) {
        skipSpace();
        char c = peek();
        if (c == close) {
            at++;
            depth--;
            return false;
        }
        int back = at - 1;
        while (back > 0 && isSpace(text.charAt(back))) {
            back--;
        }
        char before = text.charAt(back);
        boolean first = before == '{' || before == '[';
        if (!first) {
            expect(',');
            skipSpace();
        }
        return true;
    }

    long number() {
        skipSpace();
        int start = at;
        boolean negative = peek() == '-';
        if (negative) {
            at++;
        }
        int digits = at;
        long value = 0;
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
            int digit = text.charAt(at++) - '0';
            if (value > (Long.MAX_VALUE - digit) / 10) {
                throw wrong("number too large");
            }
            value = value * 10 + digit;
        }
        if (at == digits) {
            at = start;
            throw wrong("number expected");
        }
        return negative ? -value : value;
    }

    int integer() {
        long value = number();
        if (value != (int) value) {
            throw wrong("number too large");
        }
        return (int) value;
    }

    boolean bool() {
        skipSpace();
        if (text.startsWith("true", at)) {
            at += 4;
            return true;
        }
        if (text.startsWith("false", at)) {
            at += 5;
            return false;
        }
        throw wrong("true or false expected");
    }

    String string() {
        skipSpace();
        expect('"');
        int end = text.indexOf('"', at);
        int escape = end < 0 ? at : text.indexOf('\\', at, end);
        if (end >= 0 && escape < 0) {
            String plain = text.substring(at, end);
            at = end + 1;
            return plain;
        }
        return escaped();
    }

    private String escaped() {
        StringBuilder value = new StringBuilder();
        while (true) {
            char c = peek();
            at++;
            if (c == '"') {
                return value.toString();
            }
            value.append(c == '\\' ? unescape() : c);
        }
    }

    private char unescape() {
        char c = peek();
        at++;
        return switch (c) {
            case '"', '\\', '/' -> c;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> hex();
            default -> throw wrong("unknown escape");
        };
    }

    private char hex() {
        if (at + 4 > text.length()) {
            throw wrong("text ends inside an escape");
        }
        int value = 0;
        for (int i = 0; i < 4; i++) {
            int digit = text.charAt(at) < 128 ? Character.digit(text.charAt(at), 16) : -1;
            if (digit < 0) {
                throw wrong("hexadecimal digit expected");
            }
            value = value << 4 | digit;
            at++;
        }
        return (char) value;
    }

    /** Passes over a value of any kind: members that a newer daemon added. */
    void skip() {
        skipSpace();
        switch (peek()) {
            case '{' -> {
                beginObject();
                while (!nextName().isEmpty()) {
                    skip();
                }
            }
            case '[' -> {
                beginArray();
                while (nextElement()) {
                    skip();
                }
            }
            case '"' -> string();
            case 't', 'f' -> bool();
            case 'n' -> {
                if (!text.startsWith("null", at)) {
                    throw wrong("null expected");
                }
                at += 4;
            }
            default -> skipNumber();
        }
    }

    /** Passes over an object of numbers, as far as its end, without looking at them. */
    void skipNumbers() {
        skipSpace();
        int end = text.indexOf('}', at);
        if (peek() != '{' || end < 0) {
            throw wrong("object expected");
        }
        at = end + 1;
    }

    private void skipNumber() {
        int start = at;
        while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        if (at == start) {
            throw wrong("value expected");
        }
    }

    /** Nothing but white space may follow. */
    void end() {
        skipSpace();
        if (at != text.length()) {
            throw wrong("end expected");
        }
    }

    ViewException wrong(String what) {
        return new ViewException("bad reply: " + what + " at character " + at);
    }

    private void expect(char c) {
        if (peek() != c) {
            throw wrong("'" + c + "' expected");
        }
        at++;
    }

    private char peek() {
        if (at >= text.length()) {
            throw wrong("text ends too soon");
        }
        return text.charAt(at);
    }

    private void skipSpace() {
        while (at < text.length() && isSpace(text.charAt(at))) {
            at++;
        }
    }

    private static boolean isSpace(char c) {
        return c == ' ' || c == '\n' || c == '\t' || c == '\r';
    }
}
