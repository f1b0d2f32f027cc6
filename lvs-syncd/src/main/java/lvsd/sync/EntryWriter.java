package lvsd.sync;

/** Writes connections as entries of v1 and v0 messages. Stateless; the caller has made sure of the room. */
final class EntryWriter {
    private EntryWriter() {}

    /** Bytes that {@code connection} takes as an entry, padding not included. */
    static int size(SyncConnection connection, int version) {
        if (version == 0) {
            boolean sequence = (connection.flags & SyncFlags.SEQUENCE) != 0;
            return Message.V0_ENTRY + (sequence ? Option.SEQUENCE_SIZE : 0);
        }
        int size = connection.ipv6 ? Message.V1_ENTRY6 : Message.V1_ENTRY4;
        if (connection.sequence && !isShort(connection)) {
            size += Option.HEADER + Option.SEQUENCE_SIZE;
        }
        if (connection.engineDataLength > 0) {
            size += Option.HEADER + connection.engineDataLength;
        }
        if (connection.engineNameLength > 0) {
            size += Option.HEADER + connection.engineNameLength;
        }
        return size + extensions(connection);
    }

    private static int extensions(SyncConnection connection) {
        int size = 0;
        if (connection.local) {
            size += Option.HEADER + localSize(connection);
        }
        if (connection.ownTimeout != 0) {
            size += Option.HEADER + 4;
        }
        if (connection.extras != 0 || connection.timestampDelta != 0) {
            size += Option.HEADER + extrasSize(connection);
        }
        if ((connection.extras & SyncExtras.HANDSHAKE) != 0) {
            size += Option.HEADER + Option.HANDSHAKE_SIZE;
        }
        if (connection.deleted) {
            size += Option.HEADER + 1;
        }
        return size;
    }

    /** Whether of the sequence data only the shift towards the server matters, which goes with the extras. */
    private static boolean isShort(SyncConnection c) {
        return (c.extras | c.timestampDelta) != 0
                && (c.inInitial | c.inPrevious | c.outInitial | c.outDelta | c.outPrevious) == 0;
    }

    private static int extrasSize(SyncConnection c) {
        return c.sequence && isShort(c) ? Option.EXTRAS_AND_SHIFT_SIZE : Option.EXTRAS_SIZE;
    }

    private static int localSize(SyncConnection c) {
        int address = c.localHigh == c.serverHigh ? 8 : 16;
        return 2 + (c.ipv6 ? address : 4);
    }

    /** Writes an entry and returns the offset behind it. */
    static int write(SyncConnection connection, int version, byte[] to, int at) {
        return version == 0 ? write0(connection, to, at) : write1(connection, to, at);
    }

    private static int write1(SyncConnection c, byte[] to, int at) {
        Bytes.put1(to, at, c.ipv6 ? 1 : 0);
        Bytes.put1(to, at + 1, c.protocol);
        Bytes.put4(to, at + 4, c.flags);
        Bytes.put2(to, at + 8, c.state);
        Bytes.put2(to, at + 10, c.clientPort);
        Bytes.put2(to, at + 12, c.virtualPort);
        Bytes.put2(to, at + 14, c.serverPort);
        Bytes.put4(to, at + 16, c.fwmark);
        Bytes.put4(to, at + 20, c.timeout);
        int end;
        if (c.ipv6) {
            Bytes.put8(to, at + 24, c.clientHigh);
            Bytes.put8(to, at + 32, c.clientLow);
            Bytes.put8(to, at + 40, c.virtualHigh);
            Bytes.put8(to, at + 48, c.virtualLow);
            Bytes.put8(to, at + 56, c.serverHigh);
            Bytes.put8(to, at + 64, c.serverLow);
            end = at + Message.V1_ENTRY6;
        } else {
            Bytes.put4(to, at + 24, (int) c.clientLow);
            Bytes.put4(to, at + 28, (int) c.virtualLow);
            Bytes.put4(to, at + 32, (int) c.serverLow);
            end = at + Message.V1_ENTRY4;
        }
        end = extensions(c, to, options(c, to, end));
        Bytes.put2(to, at + 2, end - at);
        return end;
    }

    private static int options(SyncConnection c, byte[] to, int at) {
        int end = at;
        if (c.sequence && !isShort(c)) {
            end = header(to, end, Option.SEQUENCE, Option.SEQUENCE_SIZE);
            end = sequence(c, to, end);
        }
        if (c.engineDataLength > 0) {
            end = header(to, end, Option.ENGINE_DATA, c.engineDataLength);
            System.arraycopy(c.engineData, 0, to, end, c.engineDataLength);
            end += c.engineDataLength;
        }
        if (c.engineNameLength > 0) {
            end = header(to, end, Option.ENGINE_NAME, c.engineNameLength);
            System.arraycopy(c.engineName, 0, to, end, c.engineNameLength);
            end += c.engineNameLength;
        }
        return end;
    }

    private static int extensions(SyncConnection c, byte[] to, int at) {
        int end = at;
        if (c.local) {
            end = local(c, to, end);
        }
        if (c.ownTimeout != 0) {
            end = header(to, end, Option.OWN_TIMEOUT, 4);
            Bytes.put4(to, end, c.ownTimeout);
            end += 4;
        }
        if (c.extras != 0 || c.timestampDelta != 0) {
            int size = extrasSize(c);
            end = header(to, end, Option.EXTRAS, size);
            Bytes.put2(to, end, c.extras);
            Bytes.put4(to, end + 2, c.timestampDelta);
            if (size == Option.EXTRAS_AND_SHIFT_SIZE) {
                Bytes.put4(to, end + 6, c.inDelta);
            }
            end += size;
        }
        if ((c.extras & SyncExtras.HANDSHAKE) != 0) {
            end = header(to, end, Option.HANDSHAKE, Option.HANDSHAKE_SIZE);
            Bytes.put4(to, end, c.clientEdge);
            Bytes.put4(to, end + 4, c.serverEdge);
            Bytes.put4(to, end + 8, c.proxyTimestampDelta);
            Bytes.put2(to, end + 12, c.windowShifts);
            Bytes.put2(to, end + 14, 0);
            end += Option.HANDSHAKE_SIZE;
        }
        if (c.deleted) {
            end = header(to, end, Option.DELETED, 1);
            Bytes.put1(to, end, 1);
            end++;
        }
        return end;
    }

    private static int local(SyncConnection c, byte[] to, int at) {
        int size = localSize(c);
        int end = header(to, at, Option.LOCAL, size);
        Bytes.put2(to, end, c.localPort);
        if (!c.ipv6) {
            Bytes.put4(to, end + 2, (int) c.localLow);
            return end + 6;
        }
        if (size == 18) {
            Bytes.put8(to, end + 2, c.localHigh);
        }
        Bytes.put8(to, end + size - 8, c.localLow);
        return end + size;
    }

    private static int header(byte[] to, int at, int type, int length) {
        Bytes.put1(to, at, type);
        Bytes.put1(to, at + 1, length);
        return at + Option.HEADER;
    }

    private static int sequence(SyncConnection c, byte[] to, int at) {
        Bytes.put4(to, at, c.inInitial);
        Bytes.put4(to, at + 4, c.inDelta);
        Bytes.put4(to, at + 8, c.inPrevious);
        Bytes.put4(to, at + 12, c.outInitial);
        Bytes.put4(to, at + 16, c.outDelta);
        Bytes.put4(to, at + 20, c.outPrevious);
        return at + Option.SEQUENCE_SIZE;
    }

    /** v0 has neither IPv6 nor options nor timeouts; flags that it cannot hold are cut off. */
    private static int write0(SyncConnection c, byte[] to, int at) {
        Bytes.put1(to, at, 0);
        Bytes.put1(to, at + 1, c.protocol);
        Bytes.put2(to, at + 2, c.clientPort);
        Bytes.put2(to, at + 4, c.virtualPort);
        Bytes.put2(to, at + 6, c.serverPort);
        Bytes.put4(to, at + 8, (int) c.clientLow);
        Bytes.put4(to, at + 12, (int) c.virtualLow);
        Bytes.put4(to, at + 16, (int) c.serverLow);
        Bytes.put2(to, at + 20, c.flags);
        Bytes.put2(to, at + 22, c.state);
        int end = at + Message.V0_ENTRY;
        if ((c.flags & SyncFlags.SEQUENCE) != 0) {
            sequence0(c, to, end);
            end += Option.SEQUENCE_SIZE;
        }
        return end;
    }

    /** In the byte order of the sender's machine, as the kernel does it; ours are little-endian. */
    private static void sequence0(SyncConnection c, byte[] to, int at) {
        Bytes.put4(to, at, Integer.reverseBytes(c.inInitial));
        Bytes.put4(to, at + 4, Integer.reverseBytes(c.inDelta));
        Bytes.put4(to, at + 8, Integer.reverseBytes(c.inPrevious));
        Bytes.put4(to, at + 12, Integer.reverseBytes(c.outInitial));
        Bytes.put4(to, at + 16, Integer.reverseBytes(c.outDelta));
        Bytes.put4(to, at + 20, Integer.reverseBytes(c.outPrevious));
    }
}
