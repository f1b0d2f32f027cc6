package lvsd.linux;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import lvsd.memory.NativeException;

/**
 * Makes a kernel interface fit for a socket that owns it, as net_af_packet's or net_af_xdp's, and puts it back at the end:
 *
 * <ul>
 *   <li>it is up;
 *   <li>the kernel's own stack does not handle its frames too (else both would answer, and a forwarding kernel would
 *       send every packet on a second time): a program behind the packet sockets drops them. Linux 6.6;
 *   <li>a veth's peer, in whatever namespace, stops sending frames larger than the MTU (segmentation offload): it may
 *       only while there is no XDP program on our side, so one that lets everything pass is attached. Our side does not
 *       merge frames (GRO) either.
 * </ul>
 *
 * <p>What cannot be done is a line in {@link #warnings}, with the remedy. Made and closed by one thread, in the
 * interface's network namespace. The programs go with the process, however it ends.
 */
public final class InterfaceGuard implements AutoCloseable {
    private static final long CARRIER_NANOS = 500_000_000L;
    private static final long CARRIER_POLL_NANOS = 1_000_000L;

    private final String name;
    private final List<String> warnings = new ArrayList<>();
    private final List<Runnable> undo = new ArrayList<>();

    private InterfaceGuard(String name) {
        this.name = name;
    }

    /**
     * Prepares an interface.
     *
     * @param name interface
     * @param silence whether the kernel's stack must not see its frames
     * @param xdp whether the driver will attach an XDP program of its own, which stops segmentation as ours would and
     *     for which ours would be in the way
     * @throws NativeException if there is no such interface, or it cannot be set up
     */
    public static InterfaceGuard take(String name, boolean silence, boolean xdp) {
        InterfaceGuard guard = new InterfaceGuard(name);
        try {
            guard.keepMtu();
            guard.bringUp();
            if (silence) {
                guard.silence();
            }
            if (!xdp && Ethtool.driver(name).equals("veth")) {
                guard.stopSegmentation();
            }
        } catch (RuntimeException failure) {
            guard.close();
            throw failure;
        }
        return guard;
    }

    /** DPDK's driver sets the interface's MTU to the port's. */
    private void keepMtu() {
        int mtu = Interfaces.mtu(name);
        undo.add(() -> Interfaces.mtu(name, mtu));
    }

    private void bringUp() {
        if (!Interfaces.up(name)) {
            Interfaces.up(name, true);
            undo.add(() -> Interfaces.up(name, false));
            awaitCarrier();
        }
    }

    /** Until the kernel has acted on the carrier it drops what is sent, and the first frames announce addresses. */
    private void awaitCarrier() {
        long deadline = System.nanoTime() + CARRIER_NANOS;
        do {
            LockSupport.parkNanos(CARRIER_POLL_NANOS);
        } while (!Ethtool.link(name) && System.nanoTime() < deadline);
    }

    private void silence() {
        try {
            int link = Bpf.attach(Bpf.Program.INGRESS_DROP, name);
            undo.add(() -> Bpf.detach(link));
        } catch (NativeException refused) {
            warnings.add("the kernel's own stack still handles frames of " + name + " (" + refused.getMessage()
                    + "); before Linux 6.6: tc qdisc add dev " + name + " clsact; tc filter add dev " + name
                    + " ingress matchall action drop");
        }
    }

    private void stopSegmentation() {
        boolean merging = Ethtool.get(name, Ethtool.Feature.GRO);
        try {
            int link = Bpf.attach(Bpf.Program.XDP_PASS, name);
            undo.add(() -> Bpf.detach(link));
        } catch (NativeException refused) {
            warnings.add("the other end of " + name + " may send frames larger than the MTU (" + refused.getMessage()
                    + "); there: ethtool -K INTERFACE tso off");
        }
        // Attaching XDP to a veth switches GRO on.
        Ethtool.set(name, Ethtool.Feature.GRO, false);
        if (merging) {
            undo.addFirst(() -> Ethtool.set(name, Ethtool.Feature.GRO, true));
        }
    }

    /** What could not be done, a line each. */
    public List<String> warnings() {
        return List.copyOf(warnings);
    }

    /**
     * Puts the interface back, as far as it can be. An interface that is gone is no error. Closing twice does nothing.
     *
     * @throws NativeException the first failure, after everything was tried
     */
    @Override
    public void close() {
        NativeException first = null;
        for (Runnable step : undo.reversed()) {
            try {
                step.run();
            } catch (NativeException failure) {
                first = first != null || failure.errno() == Errno.ENODEV ? first : failure;
            }
        }
        undo.clear();
        if (first != null) {
            throw first;
        }
    }
}
