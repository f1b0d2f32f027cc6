package lvsd.dataplane.connection;

/** A tuple of either IP version as a test's key; IPv4 uses the low halves' low 32 bits. */
record Tuple(long sourceHigh, long sourceLow, long destinationHigh, long destinationLow, int ports, int protocol) {
    long addresses4() {
        return (sourceLow & 0xffff_ffffL) | (destinationLow << 32);
    }

    long hash(ConnectionTable table) {
        return table.ipv6()
                ? table.hash6(sourceHigh, sourceLow, destinationHigh, destinationLow, ports, protocol)
                : table.hash4(addresses4(), ports, protocol);
    }

    int find(ConnectionTable table) {
        return table.ipv6()
                ? table.find6(hash(table), sourceHigh, sourceLow, destinationHigh, destinationLow, ports, protocol)
                : table.find4(hash(table), addresses4(), ports, protocol);
    }

    boolean matches(ConnectionTable table, int reference) {
        return table.ipv6()
                ? table.matches6(
                        reference, hash(table), sourceHigh, sourceLow, destinationHigh, destinationLow, ports, protocol)
                : table.matches4(reference, addresses4(), ports, protocol);
    }

    void write(ConnectionTable table, int entry, int side) {
        long hot = table.hot(entry);
        if (table.ipv6()) {
            Connection.setSource6(table.addresses6(entry), side, sourceHigh, sourceLow);
            Connection.setDestination6(table.addresses6(entry), side, destinationHigh, destinationLow);
        } else {
            Connection.setAddresses(hot, side, addresses4());
        }
        Connection.setPorts(hot, side, ports);
        Connection.setProtocol(hot, protocol);
    }
}
