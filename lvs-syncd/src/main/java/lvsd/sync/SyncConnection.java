package lvsd.sync;

import java.util.Arrays;

/**
 * One connection as sync messages describe it. Plain and mutable: one instance is filled again and again, so that neither
 * end allocates for an entry. Owned by whoever fills it; not for use by several threads.
 *
 * <p>Addresses are numbers in network byte order: an IPv4 address is the lower 32 bits of {@code ...Low}, unsigned, with
 * {@code ...High} zero. Ports are host numbers, 0 to 65535.
 */
public final class SyncConnection {
    /** Longest persistence-engine data, bytes. */
    public static final int MAX_ENGINE_DATA = 255;
    /** Longest name of a persistence engine, bytes. */
    public static final int MAX_ENGINE_NAME = 16;

    /** Whether the addresses are IPv6. */
    public boolean ipv6;
    /** IP protocol number; 0 in templates of firewall marks. */
    public int protocol;
    /** Flags of {@link SyncFlags}; as received, before what a backup ignores is taken away. */
    public int flags;
    /** State number of the protocol; of a template 0 (none) or 1 (assured). */
    public int state;
    /** Client port; 0 in templates. */
    public int clientPort;
    /** Port of the service. */
    public int virtualPort;
    /** Port of the real server. */
    public int serverPort;
    /** Firewall mark, 0 none. */
    public int fwmark;
    /** Seconds, unsigned; {@link #NO_TIMEOUT} in v0, which has none. */
    public int timeout;
    /** Client, upper half. */
    public long clientHigh;
    /** Client, lower half. */
    public long clientLow;
    /** VIP (mark in templates of firewall marks), upper half. */
    public long virtualHigh;
    /** VIP, lower half. */
    public long virtualLow;
    /** Real server, upper half. */
    public long serverHigh;
    /** Real server, lower half. */
    public long serverLow;

    /** {@link #timeout} of a message that has none. */
    public static final int NO_TIMEOUT = -2;

    /** Whether the sequence option is there: the six fields below. */
    public boolean sequence;
    /** Towards the server: where the shift began, the shift, the one before it. */
    public int inInitial;

    /** Shift towards the server. */
    public int inDelta;
    /** Shift towards the server before {@link #inInitial}. */
    public int inPrevious;
    /** As {@link #inInitial}, towards the client. */
    public int outInitial;
    /** Shift towards the client. */
    public int outDelta;
    /** Shift towards the client before {@link #outInitial}. */
    public int outPrevious;

    /** Persistence-engine data; {@link #engineDataLength} bytes count. */
    public final byte[] engineData = new byte[MAX_ENGINE_DATA];
    /** Bytes of {@link #engineData}, 0 none. */
    public int engineDataLength;
    /** Name of the persistence engine; {@link #engineNameLength} bytes count. */
    public final byte[] engineName = new byte[MAX_ENGINE_NAME];
    /** Bytes of {@link #engineName}, 0 none. */
    public int engineNameLength;

    /** Ours: whether the local address and port of FULLNAT are there. */
    public boolean local;
    /** Local address, upper half. */
    public long localHigh;
    /** Local address, lower half. */
    public long localLow;
    /** Local port. */
    public int localPort;
    /** Ours: the service's own timeout of established connections, seconds, 0 none. */
    public int ownTimeout;
    /** Ours: what is added to the client's TCP timestamps echoed by the server, 0 none. */
    public int timestampDelta;
    /** Ours: how the sender handles it beyond {@link #flags}; bits of {@link SyncExtras}, 0 none. */
    public int extras;
    /** Ours, with {@link SyncExtras#SYN_PROXY}: how windows are shifted, 12 bits. */
    public int windowShifts;
    /** Ours, with {@link SyncExtras#SYN_PROXY}: what is added to the server's TCP timestamps. */
    public int proxyTimestampDelta;
    /** Ours, with {@link SyncExtras#ADDRESS_PENDING}: what the server acknowledges until it has the client's data. */
    public int clientEdge;
    /** Ours, with {@link SyncExtras#ADDRESS_PENDING}: what the client acknowledges until it has the server's data. */
    public int serverEdge;
    /** Ours: the connection is gone and shall go. */
    public boolean deleted;
    /** Not on the wire by itself: it came in a bulk transfer, and may be older than what the receiver knows. */
    public boolean bulk;

    /** A connection of all zeros. */
    public SyncConnection() {}

    /** Back to all zeros (the bytes behind the engine's lengths stay). */
    public void clear() {
        ipv6 = false;
        protocol = 0;
        flags = 0;
        state = 0;
        clientPort = 0;
        virtualPort = 0;
        serverPort = 0;
        fwmark = 0;
        timeout = 0;
        clientHigh = 0;
        clientLow = 0;
        virtualHigh = 0;
        virtualLow = 0;
        serverHigh = 0;
        serverLow = 0;
        clearOptions();
    }

    /** Takes the options away. */
    void clearOptions() {
        sequence = false;
        inInitial = 0;
        inDelta = 0;
        inPrevious = 0;
        outInitial = 0;
        outDelta = 0;
        outPrevious = 0;
        engineDataLength = 0;
        engineNameLength = 0;
        local = false;
        localHigh = 0;
        localLow = 0;
        localPort = 0;
        ownTimeout = 0;
        timestampDelta = 0;
        extras = 0;
        windowShifts = 0;
        proxyTimestampDelta = 0;
        clientEdge = 0;
        serverEdge = 0;
        deleted = false;
        bulk = false;
    }

    /** Whether it is a persistence template. */
    public boolean template() {
        return (flags & SyncFlags.TEMPLATE) != 0;
    }

    /** Whether {@code other} has the same protocol, client and virtual side: is the same connection. */
    public boolean sameTuple(SyncConnection other) {
        return ipv6 == other.ipv6
                && protocol == other.protocol
                && clientPort == other.clientPort
                && virtualPort == other.virtualPort
                && clientHigh == other.clientHigh
                && clientLow == other.clientLow
                && virtualHigh == other.virtualHigh
                && virtualLow == other.virtualLow;
    }

    /** Becomes equal to {@code other}. */
    public void copy(SyncConnection other) {
        ipv6 = other.ipv6;
        protocol = other.protocol;
        flags = other.flags;
        state = other.state;
        clientPort = other.clientPort;
        virtualPort = other.virtualPort;
        serverPort = other.serverPort;
        fwmark = other.fwmark;
        timeout = other.timeout;
        clientHigh = other.clientHigh;
        clientLow = other.clientLow;
        virtualHigh = other.virtualHigh;
        virtualLow = other.virtualLow;
        serverHigh = other.serverHigh;
        serverLow = other.serverLow;
        copyOptions(other);
    }

    private void copyOptions(SyncConnection other) {
        sequence = other.sequence;
        inInitial = other.inInitial;
        inDelta = other.inDelta;
        inPrevious = other.inPrevious;
        outInitial = other.outInitial;
        outDelta = other.outDelta;
        outPrevious = other.outPrevious;
        engineDataLength = other.engineDataLength;
        engineNameLength = other.engineNameLength;
        if ((engineDataLength | engineNameLength) != 0) { // hardly ever: their lines are left alone
            System.arraycopy(other.engineData, 0, engineData, 0, engineDataLength);
            System.arraycopy(other.engineName, 0, engineName, 0, engineNameLength);
        }
        local = other.local;
        localHigh = other.localHigh;
        localLow = other.localLow;
        localPort = other.localPort;
        ownTimeout = other.ownTimeout;
        timestampDelta = other.timestampDelta;
        extras = other.extras;
        windowShifts = other.windowShifts;
        proxyTimestampDelta = other.proxyTimestampDelta;
        clientEdge = other.clientEdge;
        serverEdge = other.serverEdge;
        deleted = other.deleted;
        bulk = other.bulk;
    }

    /** Whether all that counts is the same. */
    public boolean same(SyncConnection other) {
        return sameTuple(other)
                && flags == other.flags
                && state == other.state
                && serverPort == other.serverPort
                && fwmark == other.fwmark
                && timeout == other.timeout
                && serverHigh == other.serverHigh
                && serverLow == other.serverLow
                && sameOptions(other);
    }

    private boolean sameOptions(SyncConnection other) {
        return sequence == other.sequence
                && inInitial == other.inInitial
                && inDelta == other.inDelta
                && inPrevious == other.inPrevious
                && outInitial == other.outInitial
                && outDelta == other.outDelta
                && outPrevious == other.outPrevious
                && Arrays.equals(engineData, 0, engineDataLength, other.engineData, 0, other.engineDataLength)
                && Arrays.equals(engineName, 0, engineNameLength, other.engineName, 0, other.engineNameLength)
                && sameExtensions(other);
    }

    private boolean sameExtensions(SyncConnection other) {
        return local == other.local
                && localHigh == other.localHigh
                && localLow == other.localLow
                && localPort == other.localPort
                && ownTimeout == other.ownTimeout
                && timestampDelta == other.timestampDelta
                && extras == other.extras
                && windowShifts == other.windowShifts
                && proxyTimestampDelta == other.proxyTimestampDelta
                && clientEdge == other.clientEdge
                && serverEdge == other.serverEdge
                && deleted == other.deleted;
    }
}
