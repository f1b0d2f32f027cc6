package lvsd.dataplane.net;

/** The kernel's end of one port, as the punt thread uses it: frames in and out, never blocking. */
interface Twin {
    /** Gives the kernel a frame: its length when taken, 0 when there is no room, negative on failure. */
    int write(long address, int length);

    /** The kernel's next frame, at most {@code capacity} bytes: its length, 0 when there is none, negative on failure. */
    int read(long address, int capacity);

    /** A descriptor that becomes readable with the next frame, or -1. */
    int descriptor();
}
