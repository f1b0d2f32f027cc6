package lvsd.daemon.bench;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import lvsd.daemon.bench.Scenario.Case;
import lvsd.daemon.bench.Scenario.Told;
import lvsd.dataplane.Dataplane;
import lvsd.dataplane.SyncedConnection;
import lvsd.dataplane.Worker;
import lvsd.dataplane.connection.TcpStates;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.LocalAddress;
import lvsd.dataplane.service.Service;
import lvsd.dataplane.service.ServiceTable;
import lvsd.rules.DestinationSpec;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Protocol;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.rules.SynProxyMode;

/**
 * Puts the scenario into a director: its service, and its connections by the command with which sync hands them over.
 * Steering thread.
 */
final class Installation {
    /** Connections that one command carries; about what a sync message does. */
    private static final int BATCH = 64;

    /** How long an established connection may be silent: default of {@code timeout_established}. */
    private static final int LONGEST_SECONDS = 900;
    /** Connections were last told to others within this time: half of them are due again, as ever while a director runs. */
    private static final int SPREAD_SECONDS = 120;

    private final Case what;
    private final InetAddress[] clients = new InetAddress[Scenario.PAIRS];
    private final InetAddress[] servers = new InetAddress[Scenario.SERVERS];
    private final InetAddress[] locals = new InetAddress[Scenario.LOCALS];
    private final InetAddress vip = Scenario.inet(Scenario.vip());

    Installation(Case what) {
        this.what = what;
        for (int i = 0; i < clients.length; i++) {
            clients[i] = Scenario.inet(Scenario.client(i));
        }
        for (int i = 0; i < servers.length; i++) {
            servers[i] = Scenario.inet(Scenario.server(i));
        }
        for (int i = 0; i < locals.length; i++) {
            locals[i] = Scenario.inet(Scenario.local(i));
        }
    }

    /** The service of the scenario, {@code rr} over all servers; without any where SYNs shall be dropped. */
    ServiceTable services() {
        Protocol protocol = what.protocol == 6 ? Protocol.TCP : Protocol.UDP;
        ServiceId id = new ServiceId.Vip(protocol, vip, Scenario.SERVICE_PORT);
        ServiceSpec spec = new ServiceSpec(
                        id, "rr", Set.of(), OptionalInt.empty(), -1, "", false, true, OptionalInt.empty())
                .withSynProxy(what.proxied() ? SynProxyMode.ENABLE : SynProxyMode.DISABLE);
        List<Destination> destinations = new ArrayList<>();
        List<LocalAddress> addresses = new ArrayList<>();
        ForwardingMethod method = what.nat ? ForwardingMethod.NAT : ForwardingMethod.FULLNAT;
        for (int i = 0; i < servers.length && what != Case.SYN_DROP; i++) {
            DestinationSpec destination = new DestinationSpec(
                    id, servers[i], Scenario.SERVER_PORT, method, 1, 0, 0, DestinationSpec.Tunnel.IPIP);
            destinations.add(new Destination(i, 0, destination));
        }
        for (int i = 0; i < locals.length && !what.nat; i++) {
            addresses.add(new LocalAddress(i, locals[i]));
        }
        return new ServiceTable(1, List.of(new Service(0, spec, destinations, addresses, 1)));
    }

    /**
     * Hands {@code count} connections to {@code worker}.
     *
     * @throws IllegalStateException if it does not take all
     */
    void connections(Dataplane dataplane, Worker worker, int count) throws InterruptedException {
        AtomicInteger refused = new AtomicInteger();
        CountDownLatch done = new CountDownLatch((count + BATCH - 1) / BATCH);
        for (int from = 0; from < count; from += BATCH) {
            SyncedConnection[] batch = new SyncedConnection[Math.min(BATCH, count - from)];
            for (int i = 0; i < batch.length; i++) {
                batch[i] = connection(from + i);
            }
            dataplane.send(worker, w -> {
                for (SyncedConnection each : batch) {
                    if (!w.adopt(each)) {
                        refused.incrementAndGet();
                    }
                }
                done.countDown();
            });
        }
        done.await();
        if (refused.get() > 0) {
            throw new IllegalStateException(refused + " of " + count + " connections were refused");
        }
    }

    private SyncedConnection connection(int i) {
        int pair = Scenario.pair(i);
        boolean tcp = what.protocol == 6;
        return new SyncedConnection(
                what.protocol,
                clients[pair],
                Scenario.portOf(i),
                vip,
                Scenario.SERVICE_PORT,
                what.nat ? clients[pair] : locals[Scenario.localOf(i)],
                Scenario.portOf(i),
                servers[Scenario.serverOf(i)],
                Scenario.SERVER_PORT,
                tcp ? TcpStates.ESTABLISHED : 0,
                tcp && !what.nat ? i * 0x9e3779b1 | 1 : 0,
                what.proxied() ? i * 0x85ebca6b | 1 : 0,
                what.told == Told.NOBODY ? 0 : LONGEST_SECONDS - i % SPREAD_SECONDS);
    }
}
