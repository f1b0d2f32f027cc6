package lvsd.control;

/** Writes the little JSON (RFC 8259) that views need. Not for reuse: one instance, one document. */
final class JsonWriter {
    private final StringBuilder out;
    private boolean comma;

    JsonWriter(int expectedChars) {
        out = new StringBuilder(expectedChars);
    }

    JsonWriter beginObject() {
        separate();
        out.append('{');
        comma = false;
        return this;
    }

    JsonWriter endObject() {
        out.append('}');
        comma = true;
        return this;
    }

    JsonWriter beginArray() {
        separate();
        out.append('[');
        comma = false;
        return this;
    }

    JsonWriter endArray() {
        out.append(']');
        comma = true;
        return this;
    }

    /** A member name: must be plain ASCII without anything to escape. */
    JsonWriter name(String name) {
        separate();
        out.append('"').append(name).append("\":");
        comma = false;
        return this;
    }

    JsonWriter member(String name, long value) {
        name(name);
        out.append(value);
        comma = true;
        return this;
    }

    JsonWriter member(String name, boolean value) {
        name(name);
        out.append(value);
        comma = true;
        return this;
    }

    JsonWriter member(String name, String value) {
        name(name);
        string(value);
        return this;
    }

    JsonWriter value(String value) {
        separate();
        string(value);
        return this;
    }

    private void string(String value) {
        out.append('"');
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < 0x20 || c == 0x7f || Character.isSurrogate(c)) {
                escape(c);
            } else {
                out.append(c);
            }
        }
        out.append('"');
        comma = true;
    }

    private void escape(char c) {
        out.append("\\u");
        for (int shift = 12; shift >= 0; shift -= 4) {
            out.append(Character.forDigit(c >> shift & 15, 16));
        }
    }

    private void separate() {
        if (comma) {
            out.append(',');
        }
    }

    @Override
    public String toString() {
        return out.toString();
    }
}
