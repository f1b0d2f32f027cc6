package lvsd.daemon;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandleProxies;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * Signal handlers. The JDK's only way is {@code sun.misc.Signal} of the module jdk.unsupported, which javac warns of
 * without a means to silence it; so it is reached by name.
 */
final class Signals {
    private Signals() {}

    /**
     * Runs {@code action} on a thread of the JVM whenever the process gets the signal.
     *
     * @param name without SIG, for example {@code HUP}
     * @throws IllegalStateException where the JVM keeps the signal to itself ({@code -Xrs})
     */
    static void handle(String name, Runnable action) {
        try {
            MethodHandles.Lookup lookup = MethodHandles.publicLookup();
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            MethodHandle run = MethodHandles.lookup()
                    .findVirtual(Runnable.class, "run", MethodType.methodType(void.class))
                    .bindTo(action);
            Object proxy =
                    MethodHandleProxies.asInterfaceInstance(handler, MethodHandles.dropArguments(run, 0, signal));
            Object instance = lookup.findConstructor(signal, MethodType.methodType(void.class, String.class))
                    .invoke(name);
            var _ = lookup.findStatic(signal, "handle", MethodType.methodType(handler, signal, handler))
                    .invoke(instance, proxy);
        } catch (Throwable e) {
            throw new IllegalStateException("cannot handle signal " + name, e);
        }
    }
}
