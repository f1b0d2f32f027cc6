package lvsd.dataplane.net;

/** Where {@code Net} sends packets besides the one it returns a verdict for. Implemented by the worker. */
@FunctionalInterface
public interface Emitter {
    /** Takes over {@code mbuf}, a complete frame, to be sent on {@code port} (or counted and freed). Worker thread. */
    void emit(long mbuf, int port);
}
