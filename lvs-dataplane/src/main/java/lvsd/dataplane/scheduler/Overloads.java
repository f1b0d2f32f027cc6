package lvsd.dataplane.scheduler;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import lvsd.dataplane.service.Destination;

/**
 * Which destinations are overloaded: the memory that thresholds need, since between the lower and the upper one it depends
 * on the past. One for all workers, so that they agree; written, seldom, by whichever sees the sum of connections pass a
 * threshold.
 */
public final class Overloads {
    private static final VarHandle BYTES = MethodHandles.arrayElementVarHandle(byte[].class);

    private final byte[] overloaded = new byte[Destination.MAXIMUM];

    /** Nobody is overloaded. */
    public Overloads() {}

    boolean get(int destination) {
        return (byte) BYTES.getOpaque(overloaded, destination) != 0;
    }

    void set(int destination, boolean now) {
        if (get(destination) != now) {
            BYTES.setOpaque(overloaded, destination, (byte) (now ? 1 : 0));
        }
    }
}
