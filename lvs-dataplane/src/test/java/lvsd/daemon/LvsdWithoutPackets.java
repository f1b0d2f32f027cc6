package lvsd.daemon;

/** The daemon's main on a packet path without packets, for tests of everything else about its process. */
final class LvsdWithoutPackets {
    private LvsdWithoutPackets() {}

    public static void main(String[] args) {
        System.exit(Lvsd.run(new NullDataplaneFactory(), args));
    }
}
