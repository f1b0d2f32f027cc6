package lvsd.sync;

/** The way to a group: sockets, or a test's own. */
interface Link {
    /**
     * Sends a datagram to the group, on the port with that index. The bytes are the caller's again when this returns.
     *
     * @return false if it could not be sent now
     */
    boolean send(int port, byte[] bytes, int length);
}
