package lvsd.dataplane.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import lvsd.rules.DestinationSpec;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Protocol;
import lvsd.rules.ServiceId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HashTableTest {
    private static InetAddress address(int number) {
        try {
            return InetAddress.getByAddress(new byte[] {10, 1, (byte) (number >> 8), (byte) number});
        } catch (UnknownHostException impossible) {
            throw new AssertionError(impossible);
        }
    }

    private static Destination server(int number, int weight, int lastWeight) {
        ServiceId id = new ServiceId.Vip(Protocol.TCP, address(0), 80);
        DestinationSpec spec = new DestinationSpec(
                id, address(number), 8080, ForwardingMethod.NAT, weight, 0, 0, DestinationSpec.Tunnel.IPIP);
        return new Destination(number, 0, spec, lastWeight);
    }

    private static List<Destination> servers(int count) {
        List<Destination> servers = new ArrayList<>();
        for (int number = 1; number <= count; number++) {
            servers.addFirst(server(number, 1, 1));
        }
        return servers;
    }

    /** The server of each slot. */
    private static int[] owners(String scheduler, List<Destination> servers) {
        Destination[] array = servers.toArray(Destination[]::new);
        HashTable table = Objects.requireNonNull(HashTable.of(scheduler, array));
        int[] owners = new int[table.size()];
        Arrays.setAll(owners, slot -> array[table.place(slot)].index);
        return owners;
    }

    private static int[] shares(int[] owners, int servers) {
        int[] shares = new int[servers + 1];
        for (int owner : owners) {
            shares[owner]++;
        }
        return Arrays.copyOfRange(shares, 1, servers + 1);
    }

    /** The figures of docs/schedulers.md: clients that change server without need when one of {@code servers} goes. */
    @ParameterizedTest
    @CsvSource({"3, 0.10", "10, 0.06", "30, 0.06", "100, 0.06"})
    void shouldMoveFewClientsWhenAServerLeavesMaglev(int count, double bound) {
        List<Destination> all = servers(count);
        int[] before = owners("mh", all);
        int[] shares = shares(before, count);
        assertThat(Arrays.stream(shares).max().orElse(0)
                        - Arrays.stream(shares).min().orElse(0))
                .as("slots of the fullest less those of the emptiest")
                .isLessThanOrEqualTo(1);
        double sum = 0;
        double worst = 0;
        for (int leaving = 1; leaving <= count; leaving++) {
            int number = leaving;
            int[] after = owners(
                    "mh", all.stream().filter(server -> server.index != number).toList());
            int moved = 0;
            for (int slot = 0; slot < after.length; slot++) {
                moved += before[slot] != leaving && before[slot] != after[slot] ? 1 : 0;
            }
            double share = (double) moved / (after.length - shares[leaving - 1]);
            sum += share;
            worst = Math.max(worst, share);
        }
        System.out.printf(
                "mh with %d servers: %.1f %% of the others' clients move when one leaves, %.1f %% at worst%n",
                count, 100 * sum / count, 100 * worst);
        assertThat(worst).isLessThan(bound);
    }

    @Test
    void shouldShareSlotsByWeight() {
        int[] weights = {10, 20, 30, 40};
        List<Destination> servers = new ArrayList<>();
        for (int number = 1; number <= weights.length; number++) {
            servers.addFirst(server(number, weights[number - 1], weights[number - 1]));
        }
        for (String scheduler : new String[] {"mh", "sh"}) {
            int[] shares = shares(owners(scheduler, servers), weights.length);
            int slots = Arrays.stream(shares).sum();
            for (int at = 0; at < weights.length; at++) {
                assertThat((double) shares[at] / slots)
                        .as(scheduler)
                        .isBetween(weights[at] / 100.0 - 0.1, weights[at] / 100.0 + 0.1);
            }
            System.out.printf(
                    "%s with weights %s: slots %s%n", scheduler, Arrays.toString(weights), Arrays.toString(shares));
        }
    }

    @Test
    void shouldKeepMaglevsSlotsOfAServerTakenOutByWeight() {
        List<Destination> servers = servers(5);
        int[] before = owners("mh", servers);
        servers.set(2, server(servers.get(2).index, 0, 1));
        assertThat(owners("mh", servers)).isEqualTo(before);
        servers.addFirst(server(6, 0, 0));
        assertThat(owners("mh", servers)).as("a new one without weight").isEqualTo(before);
    }

    @Test
    void shouldHaveNoTableWhereThereIsNobody() {
        assertThat(HashTable.of("mh", new Destination[0])).isNull();
        assertThat(HashTable.of("sh", new Destination[0])).isNull();
        assertThat(HashTable.of("wlc", new Destination[] {server(1, 1, 1)})).isNull();
        assertThat(HashTable.of("mh", new Destination[] {server(1, 0, 0)})).isNull();
    }

    @Test
    void shouldFillATableWithMoreServersThanSlots() {
        int[] owners = owners("mh", servers(HashTable.SLOTS + 100));
        assertThat(Arrays.stream(owners).distinct()).hasSize(HashTable.SLOTS);
    }

    @Test
    void shouldTakeTheGreatestWeights() {
        List<Destination> servers =
                List.of(server(1, Integer.MAX_VALUE, Integer.MAX_VALUE), server(2, 1, 1), server(3, 1 << 30, 1 << 30));
        int[] shares = shares(owners("mh", servers), 3);
        assertThat(shares[0]).isGreaterThan(shares[2]).isPositive();
        assertThat(shares[1]).as("the least still has a turn").isPositive();
        assertThat(shares(owners("sh", servers), 3)[0]).isEqualTo(HashTable.BUCKETS);
    }
}
