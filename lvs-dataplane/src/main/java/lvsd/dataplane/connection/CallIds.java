package lvsd.dataplane.connection;

import java.nio.charset.StandardCharsets;
import lvsd.memory.Memory;
import lvsd.memory.OffHeap;

/**
 * Call-IDs of the persistence templates of one worker, and how one is found in a SIP message (RFC 3261). Slots of 256
 * bytes, outside the heap; memory that was never used costs nothing. Owned by the worker.
 */
public final class CallIds implements AutoCloseable {
    /** Longest Call-ID, bytes (the kernel's bound). */
    public static final int LONGEST = 255;
    /** Most Call-IDs. */
    static final int CAPACITY = 1 << 16;

    private static final int SLOT = 256;
    private static final long NAME = 0x63_61_6c_6c_2d_69_64L; // call-id
    private static final int NAME_LENGTH = 7;
    private static final int DASH = 4;
    private static final boolean[] WORD = word();

    private final OffHeap memory;
    private final long base;
    private final long seed;
    private int fresh;
    /** First free slot plus one; a free slot begins with the next. */
    private int free;

    /** Maps the memory; {@code seed} is secret, or senders can choose what collides. */
    public CallIds(long seed) {
        this.memory = OffHeap.map((long) CAPACITY * SLOT, false, false);
        this.base = memory.address();
        this.seed = seed | 1;
    }

    /** Bytes of a word of RFC 3261, and letters above ASCII as the kernel takes them. */
    private static boolean[] word() {
        boolean[] word = new boolean[256];
        for (char c : "-.!%*_+`'~()<>:\\\"/[]?{}".toCharArray()) {
            word[c] = true;
        }
        for (int c = 0; c < 256; c++) {
            boolean digit = c >= '0' && c <= '9';
            boolean letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
            word[c] |= digit || letter || (c >= 0xc0 && c != 0xd7 && c != 0xf7);
        }
        return word;
    }

    // ---- finding

    /**
     * Where the Call-ID of a SIP message is: offset times 2^32 plus length, or -1 when there is none that counts. The first
     * line is no header; names are of any case, and {@code i} is short for it; lines end with CR, LF or both.
     */
    public static long find(long message, int length) {
        int at = 0;
        while (true) {
            at = nextLine(message, length, at);
            if (at < 0) {
                return -1;
            }
            int value = value(message, length, at);
            if (value != at) {
                return value < 0 ? -1 : callId(message, length, value);
            }
        }
    }

    private static int octet(long message, int at) {
        return Memory.getByte(message + at, 1, 0);
    }

    private static boolean ends(int octet) {
        return octet == '\r' || octet == '\n';
    }

    private static boolean blank(int octet) {
        return octet == ' ' || octet == '\t';
    }

    /** Where the next line that continues none begins, or -1. */
    private static int nextLine(long message, int length, int from) {
        int at = from;
        while (true) {
            while (at < length && !ends(octet(message, at))) {
                at++;
            }
            at = lineEnd(message, length, at);
            if (at >= length) {
                return -1;
            }
            if (!blank(octet(message, at))) {
                return at;
            }
        }
    }

    /** Passes CR, LF or CR LF at {@code at}, if there is one. */
    private static int lineEnd(long message, int length, int at) {
        if (at >= length || !ends(octet(message, at))) {
            return at;
        }
        boolean both = at + 1 < length && octet(message, at) == '\r' && octet(message, at + 1) == '\n';
        return at + (both ? 2 : 1);
    }

    /** Where the value of a Call-ID header at {@code at} begins; {@code at} when it is another header, -1 when it is bad. */
    private static int value(long message, int length, int at) {
        int name = name(message, length, at);
        if (name == 0) {
            return at;
        }
        int colon = blanks(message, length, at + name);
        if (colon >= length || octet(message, colon) != ':') {
            return -1;
        }
        int value = blanks(message, length, colon + 1);
        return value < length ? value : -1;
    }

    /** Bytes of the header's name if it is the one looked for, else 0. */
    private static int name(long message, int length, int at) {
        if (length - at >= NAME_LENGTH && isName(message, at)) {
            return NAME_LENGTH;
        }
        boolean isShort = length - at >= 2 && (octet(message, at) | 0x20) == 'i';
        return isShort && !letter(octet(message, at + 1)) ? 1 : 0;
    }

    private static boolean letter(int octet) {
        int lower = octet | 0x20;
        return octet >= 0xc0 ? WORD[octet] : lower >= 'a' && lower <= 'z';
    }

    private static boolean isName(long message, int at) {
        long seen = 0;
        for (int i = 0; i < NAME_LENGTH; i++) {
            int octet = octet(message, at + i);
            seen = seen << 8 | (i == DASH ? octet : octet | 0x20);
        }
        return seen == NAME;
    }

    /** Passes blanks, and line ends before a blank. */
    private static int blanks(long message, int length, int from) {
        int at = from;
        while (at < length) {
            int octet = octet(message, at);
            if (ends(octet)) {
                int next = lineEnd(message, length, at);
                if (next >= length || !blank(octet(message, next))) {
                    return at;
                }
                at = next;
            } else if (!blank(octet)) {
                return at;
            }
            at++;
        }
        return at;
    }

    /** A word, or two with an @ between, up to the end of the line (RFC 3261, 25.1). */
    private static long callId(long message, int length, int from) {
        int end = words(message, length, from);
        if (end > from && end < length && octet(message, end) == '@') {
            int host = end + 1;
            end = words(message, length, host);
            if (end == host) {
                return -1;
            }
        }
        boolean whole = end > from && end < length && ends(octet(message, end));
        return whole && end - from <= LONGEST ? (long) from << 32 | end - from : -1;
    }

    private static int words(long message, int length, int from) {
        int at = from;
        while (at < length && WORD[octet(message, at)]) {
            at++;
        }
        return at;
    }

    // ---- keeping

    /** A hash that nobody else can tell. */
    public int hash(long address, int length) {
        long hash = seed ^ length;
        for (int i = 0; i < length; i++) {
            hash = (hash ^ octet(address, i)) * 0x9e37_79b9_7f4a_7c15L;
            hash ^= hash >>> 29;
        }
        hash *= seed;
        return (int) (hash ^ hash >>> 32);
    }

    /** Keeps a copy; its number above 0, or 0 when all slots are taken. */
    public int keep(long address, int length) {
        int slot = free;
        if (slot != 0) {
            free = Memory.getInt(at(slot), SLOT, 0);
        } else if (fresh < CAPACITY) {
            slot = ++fresh;
        } else {
            return 0;
        }
        Memory.setByte(at(slot), SLOT, 0, length);
        Memory.copy(address, at(slot) + 1, length);
        return slot;
    }

    private long at(int slot) {
        return base + (long) (slot - 1) * SLOT;
    }

    /** Whether {@code slot} keeps these bytes. */
    public boolean is(int slot, long address, int length) {
        long kept = at(slot);
        if (Memory.getByte(kept, SLOT, 0) != length) {
            return false;
        }
        for (int i = 0; i < length; i++) {
            if (octet(kept + 1, i) != octet(address, i)) {
                return false;
            }
        }
        return true;
    }

    /** Forgets a kept one. */
    public void release(int slot) {
        Memory.setInt(at(slot), SLOT, 0, free);
        free = slot;
    }

    /** A kept one as text. Not for the packet path. */
    public String text(int slot) {
        byte[] bytes = new byte[Memory.getByte(at(slot), SLOT, 0)];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) octet(at(slot) + 1, i);
        }
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    @Override
    public void close() {
        memory.close();
    }
}
