package lvsd.sync;

/**
 * Reads the entries of one message, each into the same {@link SyncConnection}. Accepts and refuses, entry by entry, as the
 * kernel does; never throws and never looks beyond the message, whatever it says.
 *
 * <p>Use: {@link #begin}, then {@link #next} until it returns {@link #END} or {@link #BROKEN}.
 */
public final class EntryReader {
    /** {@link #next}: no entry left. */
    public static final int END = 0;
    /** {@link #next}: an entry was read and may be used. */
    public static final int ENTRY = 1;
    /** {@link #next}: an entry was passed over; the next may be good. */
    public static final int SKIPPED = 2;
    /** {@link #next}: the rest of the message cannot be read. */
    public static final int BROKEN = 3;

    private static final long MARK = 0xffff_ffff_0000_0000L;

    private byte[] bytes = new byte[0];
    private int at;
    private int end;
    private int left;
    private int version;
    /** Options seen in the present entry, a bit each. */
    private int seen;

    /** A reader of no message. */
    public EntryReader() {}

    /**
     * Begins a message whose header has been checked: {@code length} is its size, at least that of its headers.
     *
     * @param message its bytes
     * @param offset where it begins
     * @param length its length
     * @param icv bytes of the ICV header
     */
    void begin(byte[] message, int offset, int length, int icv) {
        bytes = message;
        version = Message.version(message, offset, length);
        at = offset + Message.header(version) + icv;
        end = offset + length;
        left = Message.count(message, offset, version);
    }

    /** 0 or 1, of the message begun last. */
    public int version() {
        return version;
    }

    /** Reads the next entry into {@code into}, whose content means something only after {@link #ENTRY}. */
    public int next(SyncConnection into) {
        if (left == 0) {
            return END;
        }
        left--;
        return version == 0 ? next0(into) : next1(into);
    }

    private int broken() {
        left = 0;
        return BROKEN;
    }

    private int next1(SyncConnection into) {
        if (at + Message.V1_ENTRY4 > end) {
            return broken();
        }
        int type = Bytes.get1(bytes, at);
        int size = Bytes.get2(bytes, at + 2) & 0x0fff;
        int entryEnd = at + size;
        int fixed = (type & 1) != 0 ? Message.V1_ENTRY6 : Message.V1_ENTRY4;
        // As the kernel: with bit 0 an entry is of IPv6 whatever the other bits say, without it all must be 0.
        boolean known = (type & 1) != 0 || type == 0;
        if (entryEnd > end || Bytes.get2(bytes, at + 2) >>> 12 != 0 || !known || size < fixed) {
            return broken();
        }
        into.ipv6 = (type & 1) != 0;
        fixed1(into);
        into.clearOptions();
        int verdict = options(into, at + fixed, entryEnd);
        if (verdict == BROKEN) {
            return broken();
        }
        // Entries begin at multiples of four from the first; behind the last there is no padding.
        at += Bytes.align4(size);
        return verdict == ENTRY && EntryRules.acceptable(into) ? ENTRY : SKIPPED;
    }

    private void fixed1(SyncConnection into) {
        into.protocol = Bytes.get1(bytes, at + 1);
        into.flags = Bytes.get4(bytes, at + 4);
        into.state = Bytes.get2(bytes, at + 8);
        into.clientPort = Bytes.get2(bytes, at + 10);
        into.virtualPort = Bytes.get2(bytes, at + 12);
        into.serverPort = Bytes.get2(bytes, at + 14);
        into.fwmark = Bytes.get4(bytes, at + 16);
        into.timeout = Bytes.get4(bytes, at + 20);
        if (into.ipv6) {
            into.clientHigh = Bytes.get8(bytes, at + 24);
            into.clientLow = Bytes.get8(bytes, at + 32);
            // In a template of a firewall mark four bytes stand for the address, as the kernel keeps it.
            boolean mark = into.protocol == 0;
            into.virtualHigh = Bytes.get8(bytes, at + 40) & (mark ? MARK : -1);
            into.virtualLow = mark ? 0 : Bytes.get8(bytes, at + 48);
            into.serverHigh = Bytes.get8(bytes, at + 56);
            into.serverLow = Bytes.get8(bytes, at + 64);
        } else {
            addresses4(into, at + 24);
        }
    }

    private void addresses4(SyncConnection into, int from) {
        into.clientHigh = 0;
        into.clientLow = Integer.toUnsignedLong(Bytes.get4(bytes, from));
        into.virtualHigh = 0;
        into.virtualLow = Integer.toUnsignedLong(Bytes.get4(bytes, from + 4));
        into.serverHigh = 0;
        into.serverLow = Integer.toUnsignedLong(Bytes.get4(bytes, from + 8));
    }

    private int options(SyncConnection into, int from, int entryEnd) {
        seen = 0;
        int p = from;
        while (p < entryEnd) {
            if (p + Option.HEADER > entryEnd) {
                return BROKEN;
            }
            int type = Bytes.get1(bytes, p);
            int length = Bytes.get1(bytes, p + 1);
            p += Option.HEADER;
            if (length == 0 || p + length > entryEnd) {
                return BROKEN;
            }
            int verdict = option(into, type, p, length);
            if (verdict != ENTRY) {
                return verdict; // what is behind an option that may not be skipped is not looked at
            }
            p += length;
        }
        return ENTRY;
    }

    /** The kernel finds the options that it knows by all bits but {@link Option#SKIPPABLE}; so do we. */
    private int option(SyncConnection into, int type, int from, int length) {
        return switch (type & ~Option.SKIPPABLE) {
            case Option.SEQUENCE -> once(1) && length == Option.SEQUENCE_SIZE ? sequence1(into, from) : BROKEN;
            case Option.ENGINE_DATA -> once(2) ? engineData(into, from, length) : BROKEN;
            case Option.ENGINE_NAME ->
                once(4) && length <= SyncConnection.MAX_ENGINE_NAME ? engineName(into, from, length) : BROKEN;
            default -> (type & Option.SKIPPABLE) == 0 ? SKIPPED : extension(into, type, from, length);
        };
    }

    private boolean once(int bit) {
        boolean first = (seen & bit) == 0;
        seen |= bit;
        return first;
    }

    private int sequence1(SyncConnection into, int from) {
        into.sequence = true;
        into.inInitial = Bytes.get4(bytes, from);
        into.inDelta = Bytes.get4(bytes, from + 4);
        into.inPrevious = Bytes.get4(bytes, from + 8);
        into.outInitial = Bytes.get4(bytes, from + 12);
        into.outDelta = Bytes.get4(bytes, from + 16);
        into.outPrevious = Bytes.get4(bytes, from + 20);
        return ENTRY;
    }

    private int engineData(SyncConnection into, int from, int length) {
        System.arraycopy(bytes, from, into.engineData, 0, length);
        into.engineDataLength = length;
        return ENTRY;
    }

    private int engineName(SyncConnection into, int from, int length) {
        System.arraycopy(bytes, from, into.engineName, 0, length);
        into.engineNameLength = length;
        return ENTRY;
    }

    /** Ours; of a length that we do not know it is somebody else's and skipped like any other. */
    private int extension(SyncConnection into, int type, int from, int length) {
        switch (type) {
            case Option.LOCAL -> local(into, from, length);
            case Option.OWN_TIMEOUT -> {
                if (length == 4) {
                    into.ownTimeout = Bytes.get4(bytes, from);
                }
            }
            case Option.EXTRAS -> {
                if (length == Option.EXTRAS_AND_SHIFT_SIZE) {
                    into.sequence = true;
                    into.inDelta = Bytes.get4(bytes, from + 6);
                }
                if (length == Option.EXTRAS_SIZE || length == Option.EXTRAS_AND_SHIFT_SIZE) {
                    into.extras = Bytes.get2(bytes, from);
                    into.timestampDelta = Bytes.get4(bytes, from + 2);
                }
            }
            case Option.HANDSHAKE -> {
                if (length == Option.HANDSHAKE_SIZE) {
                    into.clientEdge = Bytes.get4(bytes, from);
                    into.serverEdge = Bytes.get4(bytes, from + 4);
                    into.proxyTimestampDelta = Bytes.get4(bytes, from + 8);
                    into.windowShifts = Bytes.get2(bytes, from + 12);
                }
            }
            case Option.DELETED -> into.deleted = length == 1 && Bytes.get1(bytes, from) == 1;
            default -> {
                // Somebody else's.
            }
        }
        return ENTRY;
    }

    private void local(SyncConnection into, int from, int length) {
        if (length != (into.ipv6 ? 18 : 6) && !(into.ipv6 && length == 10)) {
            return;
        }
        into.local = true;
        into.localPort = Bytes.get2(bytes, from);
        if (into.ipv6) {
            into.localHigh = length == 10 ? into.serverHigh : Bytes.get8(bytes, from + 2);
            into.localLow = Bytes.get8(bytes, from + length - 8);
        } else {
            into.localLow = Integer.toUnsignedLong(Bytes.get4(bytes, from + 2));
        }
    }

    private int next0(SyncConnection into) {
        if (at + Message.V0_ENTRY > end) {
            return broken();
        }
        into.ipv6 = false;
        into.clearOptions();
        into.protocol = Bytes.get1(bytes, at + 1);
        into.clientPort = Bytes.get2(bytes, at + 2);
        into.virtualPort = Bytes.get2(bytes, at + 4);
        into.serverPort = Bytes.get2(bytes, at + 6);
        addresses4(into, at + 8);
        into.flags = Bytes.get2(bytes, at + 20);
        into.state = Bytes.get2(bytes, at + 22);
        into.fwmark = 0;
        into.timeout = SyncConnection.NO_TIMEOUT;
        at += Message.V0_ENTRY;
        if ((into.flags & SyncFlags.SEQUENCE) != 0) {
            if (at + Option.SEQUENCE_SIZE > end) {
                return broken();
            }
            sequence0(into);
            at += Option.SEQUENCE_SIZE;
        }
        return EntryRules.acceptable(into) ? ENTRY : SKIPPED;
    }

    private void sequence0(SyncConnection into) {
        into.sequence = true;
        into.inInitial = Integer.reverseBytes(Bytes.get4(bytes, at));
        into.inDelta = Integer.reverseBytes(Bytes.get4(bytes, at + 4));
        into.inPrevious = Integer.reverseBytes(Bytes.get4(bytes, at + 8));
        into.outInitial = Integer.reverseBytes(Bytes.get4(bytes, at + 12));
        into.outDelta = Integer.reverseBytes(Bytes.get4(bytes, at + 16));
        into.outPrevious = Integer.reverseBytes(Bytes.get4(bytes, at + 20));
    }
}
