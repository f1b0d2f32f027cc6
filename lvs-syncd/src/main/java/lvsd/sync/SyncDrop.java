package lvsd.sync;

/** Why a backup did not take a datagram, an entry or a connection; in the order of the checks. */
public enum SyncDrop {
    /** TTL or hop limit is not 255: dropped by the socket's filter, never read. Or the socket's buffer was full. */
    TTL("ttl", "datagrams that the socket dropped: TTL not 255, or its buffer full"),
    /** There was no room in the socket's buffer. With a key the kernel counts these together with {@link #TTL}. */
    BUFFER("buffer", "datagrams that the socket dropped: its buffer full"),
    /** Shorter than its headers, or its size field says another length. */
    LENGTH("length", "datagrams of a length that does not fit"),
    /** Meant for another syncid. */
    SYNCID("syncid", "datagrams for another syncid"),
    /** The ICV header is not of the configured kind. */
    HEADER("header", "datagrams without the ICV header that is configured"),
    /** Made with a key that is not known here. */
    KEY("key", "datagrams made with a key that is not configured"),
    /** Its sequence number was there before, or is too old. */
    REPLAY("replay", "datagrams whose sequence number was seen or is too old"),
    /** The ICV is wrong. */
    ICV("icv", "datagrams whose ICV is wrong"),
    /** Authentic, but its sender has not yet shown that it is alive now. */
    SENDER("sender", "authentic datagrams of senders not yet known to be alive"),
    /** Authentic, but as many senders as there may be are known. */
    SENDERS("senders", "authentic datagrams of more senders than are allowed"),
    /** The rest of a message could not be read. */
    BROKEN("broken", "messages whose rest could not be read"),
    /** An entry cannot be used: protocol, state, option or engine. */
    ENTRY("entry", "entries that cannot be used"),
    /** The table did not take a connection. */
    REFUSED("refused", "connections that the table did not take");

    private final String label;
    private final String text;

    SyncDrop(String label, String text) {
        this.label = label;
        this.text = text;
    }

    /** Its name in listings and metrics. */
    public String label() {
        return label;
    }

    /** What it counts. */
    public String text() {
        return text;
    }
}
