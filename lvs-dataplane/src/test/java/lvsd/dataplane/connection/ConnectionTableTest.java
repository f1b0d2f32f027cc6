package lvsd.dataplane.connection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConnectionTableTest {
    private static final int TCP = 6;
    private static final int UDP = 17;

    private final long seed = Long.getLong("seed", SeededTest.base());
    private final String replay = "replay with -Dseed=" + seed;
    private final RandomGenerator random = SeededTest.random(seed);

    private ConnectionTable table(boolean ipv6, int capacity) {
        return new ConnectionTable(ipv6, capacity, random.nextLong(), random.nextLong(), false);
    }

    /** One of {@code clients} x {@code ports} x 2 tuples: small numbers make conflicts. */
    private Tuple tuple(int clients, int ports) {
        int client = random.nextInt(clients);
        return new Tuple(
                0x20010db8L,
                0x0a000000L + client,
                0x20010db9L,
                0xc0000201L,
                (random.nextInt(ports) + 1) | (80 << 16),
                random.nextBoolean() ? TCP : UDP);
    }

    private static Tuple distinct(int number) {
        return new Tuple(number, number, 1, 2, 0x5000_0000 | (number & 0xffff), TCP);
    }

    @ParameterizedTest
    @CsvSource({"false,7,40", "false,100,30", "false,5000,150", "true,7,40", "true,100,30", "true,5000,150"})
    void shouldAgreeWithAHashMapUnderRandomChanges(boolean ipv6, int capacity, int universe) {
        try (ConnectionTable table = table(ipv6, capacity)) {
            Map<Tuple, Integer> model = new HashMap<>();
            Map<Integer, List<Tuple>> entries = new HashMap<>();
            for (int step = 0; step < 30_000; step++) {
                if (random.nextInt(100) < 55) {
                    insertRandom(table, universe, model, entries);
                } else if (!entries.isEmpty()) {
                    removeRandom(table, model, entries);
                }
                Tuple probe = tuple(universe, universe);
                assertThat(probe.find(table))
                        .as("step %d, %s", step, replay)
                        .isEqualTo(model.getOrDefault(probe, ConnectionTable.NONE));
                assertThat(table.used()).as(replay).isEqualTo(entries.size());
            }
            checkAll(table, model, entries);
        }
    }

    private void insertRandom(
            ConnectionTable table, int universe, Map<Tuple, Integer> model, Map<Integer, List<Tuple>> entries) {
        int entry = table.allocate();
        if (entry == ConnectionTable.NONE) {
            assertThat(entries).as(replay).hasSize(table.capacity());
            return;
        }
        assertThat(entries).as(replay).doesNotContainKey(entry);
        Tuple client = tuple(universe, universe);
        Tuple server =
                new Tuple(7, tuple(universe, universe).sourceLow(), 8, 9, random.nextInt(universe), client.protocol());
        client.write(table, entry, Connection.CLIENT_SIDE);
        server.write(table, entry, Connection.SERVER_SIDE);
        int result = random.nextBoolean()
                ? table.insert(entry, client.hash(table), server.hash(table))
                : table.insert(entry);
        int expected = model.containsKey(client)
                ? ConnectionTable.CLIENT_EXISTS
                : model.containsKey(server) ? ConnectionTable.SERVER_EXISTS : ConnectionTable.INSERTED;
        assertThat(result).as(replay).isEqualTo(expected);
        if (result == ConnectionTable.INSERTED) {
            model.put(client, entry);
            model.put(server, entry | Integer.MIN_VALUE);
            entries.put(entry, List.of(client, server));
        } else {
            table.remove(entry);
        }
    }

    private void removeRandom(ConnectionTable table, Map<Tuple, Integer> model, Map<Integer, List<Tuple>> entries) {
        int entry = entries.keySet().stream()
                .skip(random.nextInt(entries.size()))
                .findFirst()
                .orElseThrow();
        table.remove(entry);
        entries.getOrDefault(entry, List.of()).forEach(model::remove);
        entries.remove(entry);
    }

    private void checkAll(ConnectionTable table, Map<Tuple, Integer> model, Map<Integer, List<Tuple>> entries) {
        model.forEach(
                (tuple, reference) -> assertThat(tuple.find(table)).as(replay).isEqualTo(reference));
        List<Integer> walked = new ArrayList<>();
        for (int entry = 0; entry < table.limit(); entry++) {
            if (table.isUsed(entry)) {
                walked.add(entry);
            }
        }
        assertThat(walked).as(replay).containsExactlyInAnyOrderElementsOf(entries.keySet());
        List.copyOf(entries.keySet()).forEach(table::remove);
        model.keySet().forEach(tuple -> assertThat(tuple.find(table)).isEqualTo(ConnectionTable.NONE));
        assertThat(table.used()).isZero();
    }

    private static void fill(ConnectionTable table, IntFunction<Tuple> client, IntFunction<Tuple> server) {
        for (int number = 0; number < table.capacity(); number++) {
            int entry = table.allocate();
            client.apply(number).write(table, entry, Connection.CLIENT_SIDE);
            server.apply(number).write(table, entry, Connection.SERVER_SIDE);
            assertThat(table.insert(entry)).as("entry %d", number).isEqualTo(ConnectionTable.INSERTED);
        }
    }

    private static Tuple reply(int number) {
        return new Tuple(3, 4, number, number, 0x1f90 | (number << 16), TCP);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldHoldAsManyConnectionsAsItsCapacityAndFindEachFromBothSides(boolean ipv6) {
        try (ConnectionTable table = table(ipv6, 100_000)) {
            fill(table, ConnectionTableTest::distinct, ConnectionTableTest::reply);

            assertThat(table.allocate()).isEqualTo(ConnectionTable.NONE);
            assertThat(table.used()).isEqualTo(100_000);
            assertThat(table.highWater()).isEqualTo(100_000);
            for (int number = 0; number < 100_000; number++) {
                assertThat(distinct(number).find(table)).isEqualTo(number);
                assertThat(reply(number).find(table)).isEqualTo(number | Integer.MIN_VALUE);
            }
            assertThat(table.displacements()).isPositive();
            assertThat(table.longestProbe()).isLessThan(12);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldNotFindTuplesThatAreNotThere(boolean ipv6) {
        try (ConnectionTable table = table(ipv6, 50_000)) {
            fill(table, ConnectionTableTest::distinct, ConnectionTableTest::reply);
            for (int number = 0; number < 400_000; number++) {
                Tuple like = distinct(number % 50_000);
                Tuple other = new Tuple(
                        like.sourceHigh(), like.sourceLow(), 1, 3 + number / 50_000, like.ports(), like.protocol());
                assertThat(other.find(table)).as(replay).isEqualTo(ConnectionTable.NONE);
            }
            Tuple udp = new Tuple(5, 5, 1, 2, 0x5000_0005, UDP);
            assertThat(udp.find(table)).isEqualTo(ConnectionTable.NONE);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldGiveTheSameAnswerInStagesForNearlyAll(boolean ipv6) {
        try (ConnectionTable table = table(ipv6, 100_000)) {
            fill(table, ConnectionTableTest::distinct, ConnectionTableTest::reply);
            int direct = 0;
            for (int number = 0; number < 100_000; number++) {
                Tuple tuple = distinct(number);
                long hash = tuple.hash(table);
                int candidate = ConnectionTable.candidate(table.bucket(hash), hash);
                if (candidate != ConnectionTable.NONE && tuple.matches(table, candidate)) {
                    assertThat(candidate).isEqualTo(number);
                    direct++;
                }
            }
            assertThat(direct).as("found in the first bucket, " + replay).isGreaterThan(95_000);
        }
    }

    @Test
    void shouldTellWhichTupleIsTakenAndInsertNothingThen() {
        try (ConnectionTable table = table(false, 10)) {
            fillOne(table, distinct(1), reply(1));
            int second = table.allocate();
            distinct(1).write(table, second, Connection.CLIENT_SIDE);
            reply(2).write(table, second, Connection.SERVER_SIDE);
            assertThat(table.insert(second)).isEqualTo(ConnectionTable.CLIENT_EXISTS);
            assertThat(reply(2).find(table)).isEqualTo(ConnectionTable.NONE);

            distinct(2).write(table, second, Connection.CLIENT_SIDE);
            reply(1).write(table, second, Connection.SERVER_SIDE);
            assertThat(table.insert(second)).isEqualTo(ConnectionTable.SERVER_EXISTS);
            assertThat(distinct(2).find(table)).isEqualTo(ConnectionTable.NONE);
            assertThat(reply(1).find(table)).isEqualTo(Integer.MIN_VALUE);

            reply(2).write(table, second, Connection.SERVER_SIDE);
            assertThat(table.insert(second)).isEqualTo(ConnectionTable.INSERTED);
        }
    }

    @Test
    void shouldRefuseAnEntryWhoseTwoTuplesAreTheSame() {
        try (ConnectionTable table = table(false, 10)) {
            int entry = table.allocate();
            distinct(1).write(table, entry, Connection.CLIENT_SIDE);
            distinct(1).write(table, entry, Connection.SERVER_SIDE);
            assertThat(table.insert(entry)).isEqualTo(ConnectionTable.SERVER_EXISTS);
            assertThat(distinct(1).find(table)).isEqualTo(ConnectionTable.NONE);
        }
    }

    private static int fillOne(ConnectionTable table, Tuple client, Tuple server) {
        int entry = table.allocate();
        client.write(table, entry, Connection.CLIENT_SIDE);
        server.write(table, entry, Connection.SERVER_SIDE);
        assertThat(table.insert(entry)).isEqualTo(ConnectionTable.INSERTED);
        return entry;
    }

    @Test
    void shouldLinkTheClientsTupleAloneWhereAsked() {
        try (ConnectionTable table = table(true, 10)) {
            int entry = table.allocate();
            distinct(3).write(table, entry, Connection.CLIENT_SIDE);
            reply(3).write(table, entry, Connection.SERVER_SIDE);
            assertThat(table.insertClient(entry)).isEqualTo(ConnectionTable.INSERTED);
            assertThat(distinct(3).find(table)).isEqualTo(entry);
            assertThat(reply(3).find(table)).isEqualTo(ConnectionTable.NONE);
            table.remove(entry);
            assertThat(distinct(3).find(table)).isEqualTo(ConnectionTable.NONE);
        }
    }

    @Test
    void shouldRefuseWhenBothBucketsAreFullAndNobodyCanMove() {
        try (ConnectionTable table = table(false, 100)) {
            List<Tuple> crowd = sameBuckets(table, 2 * ConnectionTable.SLOTS + 1);
            Tuple last = crowd.removeLast();
            for (Tuple tuple : crowd) {
                int entry = table.allocate();
                tuple.write(table, entry, Connection.CLIENT_SIDE);
                assertThat(table.insertClient(entry)).isEqualTo(ConnectionTable.INSERTED);
            }
            int refused = table.allocate();
            last.write(table, refused, Connection.CLIENT_SIDE);
            assertThat(table.insertClient(refused)).as(replay).isEqualTo(ConnectionTable.FULL);
            assertThat(last.find(table)).isEqualTo(ConnectionTable.NONE);
            crowd.forEach(tuple -> assertThat(tuple.find(table)).isNotEqualTo(ConnectionTable.NONE));

            table.remove(crowd.get(random.nextInt(crowd.size())).find(table));
            assertThat(table.insertClient(refused)).isEqualTo(ConnectionTable.INSERTED);
            assertThat(last.find(table)).isEqualTo(refused);
        }
    }

    /** Tuples that all have the same two buckets, either one first. */
    private static List<Tuple> sameBuckets(ConnectionTable table, int count) {
        List<Tuple> found = new ArrayList<>();
        long one = table.bucket(0);
        long other = table.bucket(-1L);
        for (int number = 0; found.size() < count; number++) {
            long hash = distinct(number).hash(table);
            long first = table.bucket(hash);
            long second = table.secondBucket(hash);
            if ((first == one && second == other) || (first == other && second == one)) {
                found.add(distinct(number));
            }
        }
        return found;
    }

    /** Tuples as attackers and load generators make them: hashes must spread them like random ones. */
    @ParameterizedTest
    @ValueSource(strings = {"ports", "clients", "clients in steps of 256", "both", "server ports"})
    void shouldSpreadRegularTuplesEvenly(String kind) {
        IntFunction<Tuple> maker = switch (kind) {
            case "ports" -> n -> new Tuple(0, 1 + (n >>> 16), 0, 2, 0x5000_0000 | (n & 0xffff), TCP);
            case "clients" -> n -> new Tuple(n, n, 0, 2, 0x5000_1111, TCP);
            case "clients in steps of 256" -> n -> new Tuple((long) n << 40, n * 256L, 0, 2, 0x5000_1111, TCP);
            case "both" -> n -> new Tuple(n & 0xff, n & 0xff, 0, 2, 0x5000_0000 | (n >>> 8), TCP);
            default -> n -> new Tuple(0, 1, n >>> 16, n >>> 16, (n << 16) | 0x1111, TCP);
        };
        for (boolean ipv6 : new boolean[] {false, true}) {
            try (ConnectionTable table = table(ipv6, 50_000)) {
                fill(table, maker, ConnectionTableTest::reply);
                int inFirst = 0;
                for (int number = 0; number < table.capacity(); number++) {
                    Tuple tuple = maker.apply(number);
                    long hash = tuple.hash(table);
                    inFirst += ConnectionTable.candidate(table.bucket(hash), hash) == number ? 1 : 0;
                }
                assertThat(inFirst).as("in the first bucket, " + replay).isGreaterThan(47_000);
            }
        }
    }

    @Test
    void shouldNeedAtMost128BytesForAnIpv4ConnectionAnd192ForIpv6() {
        for (int capacity : new int[] {1000, 65_536, 4_194_304}) {
            try (ConnectionTable four = table(false, capacity);
                    ConnectionTable six = table(true, capacity)) {
                assertThat((double) four.bytes() / capacity).isLessThanOrEqualTo(128.0);
                assertThat((double) six.bytes() / capacity).isLessThanOrEqualTo(192.0);
            }
        }
    }

    @Test
    void shouldReuseTheEntryFreedLastAndHandItOutZeroed() {
        try (ConnectionTable table = table(true, 4)) {
            int first = fillOne(table, distinct(1), reply(1));
            int second = fillOne(table, distinct(2), reply(2));
            Connection.setOwnTimeout(table.cold(first), 77);
            table.remove(second);
            table.remove(first);
            assertThat(table.allocate()).isEqualTo(first);
            assertThat(Connection.ownTimeout(table.cold(first))).isZero();
            assertThat(Connection.state(table.hot(first))).isZero();
            assertThat(Connection.sourceLow(table.addresses6(first), Connection.CLIENT_SIDE))
                    .isZero();
            assertThat(table.allocate()).isEqualTo(second);
            assertThat(table.highWater()).isEqualTo(2);
        }
    }

    @Test
    void shouldRefuseACapacityItCannotHave() {
        assertThatThrownBy(() -> table(false, 0)).hasMessageContaining("capacity must be 1 to");
    }
}
