package lvsd.synproxy;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Whether the SYN proxy of a service in mode {@code auto} is on, as a table of states and events. One thread samples; any
 * thread reads {@link #on}.
 *
 * <p>It is the automatic half of the defence levels that IPVS was given: level 0 lets SYNs pass, an attack leads to level 1,
 * and calm back to 0. Level 2, always on, is mode {@code enable} and has no state. On comes at once; off only after a time
 * of calm, whose threshold is lower, so that an attack just at the threshold does not make it flutter.
 */
public final class AutoSwitch {
    // States.

    /** SYNs go to servers. */
    public static final int OFF = 0;
    /** SYNs are answered by cookies. */
    public static final int ON = 1;
    /** As {@link #ON}; it has been calm for a while. */
    public static final int WANING = 2;

    private static final int STATES = 3;

    // Events.

    /** Below the lower thresholds. */
    public static final int CALM = 0;
    /** Below them for as long as it takes. */
    public static final int QUIET = 1;
    /** Neither calm nor an attack. */
    public static final int BUSY = 2;
    /** A threshold is reached. */
    public static final int ATTACK = 3;

    private static final int EVENTS = 4;

    private static final byte[] NEXT = new byte[STATES * EVENTS];

    static {
        set(OFF, OFF, OFF, OFF, ON);
        set(ON, WANING, WANING, ON, ON);
        set(WANING, WANING, OFF, ON, ON);
    }

    private static void set(int state, int calm, int quiet, int busy, int attack) {
        NEXT[state * EVENTS + CALM] = (byte) calm;
        NEXT[state * EVENTS + QUIET] = (byte) quiet;
        NEXT[state * EVENTS + BUSY] = (byte) busy;
        NEXT[state * EVENTS + ATTACK] = (byte) attack;
    }

    /** Samples of a second. */
    private static final int SAMPLES = 10;
    /** Milliseconds between two samples of a service. */
    public static final int SAMPLE_MILLIS = 1000 / SAMPLES;

    private static final VarHandle STATE = MethodHandles.arrayElementVarHandle(byte[].class);

    private final byte[] states;
    /** Sums of SYNs at the last {@link #SAMPLES} samples, by service. */
    private final long[] sums;
    /** Samples taken, by service; 0: none yet. */
    private final int[] taken;
    /** When it became calm, by service. */
    private final int[] since;

    /** A switch for each of {@code services} services, all off. */
    public AutoSwitch(int services) {
        states = new byte[services];
        sums = new long[services * SAMPLES];
        taken = new int[services];
        since = new int[services];
    }

    /** The state after an event. */
    public static int next(int state, int event) {
        return NEXT[state * EVENTS + event];
    }

    /** Whether SYNs of the service are answered by cookies. Any thread. */
    public boolean on(int service) {
        return state(service) != OFF;
    }

    /** Its state. Any thread. */
    public int state(int service) {
        return (byte) STATE.getOpaque(states, service);
    }

    /** The service is no longer switched automatically, or is another. */
    public void reset(int service) {
        STATE.setOpaque(states, service, (byte) OFF);
        taken[service] = 0;
    }

    /**
     * Looks at a service, every {@link #SAMPLE_MILLIS} or less often.
     *
     * @param syns how many SYNs it ever had
     * @param halfOpen its connections whose handshake is not over
     * @param connections all of its connections
     * @param now the time; it may wrap around
     * @return 1 if that switched it on, -1 if off, else 0
     */
    public int sample(int service, long syns, long halfOpen, long connections, int now, AutoSettings settings) {
        int at = service * SAMPLES;
        int number = taken[service];
        int slot = at + number % SAMPLES;
        // The oldest sum is a second old; before there is one, the first counts.
        long before = number == 0 ? syns : sums[number < SAMPLES ? at : slot];
        sums[slot] = syns;
        taken[service] = number == Integer.MAX_VALUE ? SAMPLES + number % SAMPLES : number + 1;
        int state = state(service);
        int event = event(syns - before, halfOpen, connections, settings);
        if (event == CALM && state == WANING && now - since[service] >= settings.hold()) {
            event = QUIET;
        }
        int next = next(state, event);
        if (next == WANING && state != WANING) {
            since[service] = now;
        }
        STATE.setOpaque(states, service, (byte) next);
        return Boolean.compare(next != OFF, state != OFF);
    }

    /** What a sample means, time aside: {@link #CALM}, {@link #BUSY} or {@link #ATTACK}. */
    public static int event(long rate, long halfOpen, long connections, AutoSettings settings) {
        if (reaches(rate, halfOpen, connections, settings, 100)) {
            return ATTACK;
        }
        return reaches(rate, halfOpen, connections, settings, settings.calm()) ? BUSY : CALM;
    }

    private static boolean reaches(long rate, long halfOpen, long connections, AutoSettings settings, int percent) {
        if (settings.synRate() != 0 && rate * 100 >= (long) settings.synRate() * percent) {
            return true;
        }
        return settings.halfOpenShare() != 0
                && halfOpen > 0
                && halfOpen * 100 >= (long) settings.halfOpenLeast() * percent
                && halfOpen * 10_000 >= connections * settings.halfOpenShare() * percent;
    }
}
