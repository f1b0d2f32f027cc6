package lvsd.director;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The SYN proxy between bad networks: loss, repetition and reordering on both sides of the director, with options switched
 * off at either end so that every two settings meet at least once. What is picked and what the networks do is the seed's
 * choice, {@code -Dseed}; short of {@code -Dlong} a part of the cover is run, and with {@code -Dcase=N} its Nth case alone.
 */
@Tag("privileged")
@Timeout(600)
class SynProxyImpairedIT {
    private static final long SEED = Long.getLong("seed", System.nanoTime());
    private static final int SAMPLE = 2;
    private static final int CURLS = 200;
    private static final long BODY = 16L << 20;
    private static final List<Service> SERVICES = List.of(Service.NAT, Service.NAT6, Service.FULLNAT, Service.FULLNAT6);
    private static final List<String> OPTIONS = List.of("tcp_sack", "tcp_timestamps", "tcp_window_scaling");

    /** Levels of a case's factors: the service, then each option at the client and at the servers. */
    private static final int[] LEVELS = {4, 2, 2, 2, 2, 2, 2};

    @RegisterExtension
    static final Director director = Director.onBadNetworks(SEED);

    /**
     * One row of the cover.
     *
     * @param levels of each factor
     */
    record Case(List<Integer> levels) {
        Service service() {
            return SERVICES.get(levels.getFirst());
        }

        /** Whether an option, by its number, is on at the client (end 0) or at the servers (end 1). */
        int on(int end, int option) {
            return levels.get(1 + OPTIONS.size() * end + option);
        }

        private Set<List<Integer>> pairs() {
            Set<List<Integer>> pairs = new HashSet<>();
            for (int i = 0; i < levels.size(); i++) {
                for (int j = i + 1; j < levels.size(); j++) {
                    pairs.add(List.of(i, levels.get(i), j, levels.get(j)));
                }
            }
            return pairs;
        }

        @Override
        public String toString() {
            StringBuilder text = new StringBuilder(service().toString());
            for (int end = 0; end < 2; end++) {
                text.append(end == 0 ? ", client" : ", servers");
                for (int option = 0; option < OPTIONS.size(); option++) {
                    text.append(on(end, option) == 1 ? " +" : " -")
                            .append(OPTIONS.get(option).substring(4));
                }
            }
            return text + ", seed " + SEED;
        }
    }

    static Stream<Case> cases() {
        List<Case> cover = cover(new Random(SEED));
        Integer one = Integer.getInteger("case");
        if (one != null) {
            return Stream.of(cover.get(one - 1));
        }
        return cover.stream().limit(Director.LONG ? cover.size() : SAMPLE);
    }

    /** Rows among which every two levels of two factors meet: the best of many random ones, until none is missing. */
    static List<Case> cover(Random random) {
        Set<List<Integer>> missing = new HashSet<>();
        for (int i = 0; i < 2000; i++) {
            missing.addAll(random(random).pairs());
        }
        List<Case> rows = new ArrayList<>();
        while (!missing.isEmpty()) {
            Case best = random(random);
            long most = -1;
            for (int i = 0; i < 300; i++) {
                Case tried = random(random);
                long found = tried.pairs().stream().filter(missing::contains).count();
                if (found > most) {
                    most = found;
                    best = tried;
                }
            }
            missing.removeAll(best.pairs());
            rows.add(best);
        }
        return rows;
    }

    private static Case random(Random random) {
        return new Case(Arrays.stream(LEVELS).map(random::nextInt).boxed().toList());
    }

    @BeforeAll
    static void setRules() {
        director.rules(SERVICES.stream()
                .map(service -> service.rules("-t").replace(" -s rr", " -s rr -j enable"))
                .collect(Collectors.joining()));
    }

    @AfterAll
    static void everyDirectionWasBad() throws IOException {
        String done = director.relayed();
        assertThat(done.lines()).hasSize(4);
        for (String line : done.lines().toList()) {
            assertThat(line).matches("segments=\\d{3,} lost=[1-9]\\d* twice=[1-9]\\d* late=[1-9]\\d*");
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void everyByteArrives(Case each) {
        for (int option = 0; option < OPTIONS.size(); option++) {
            String key = "net/ipv4/" + OPTIONS.get(option);
            director.client().sysctl(key, Integer.toString(each.on(0, option)));
            for (int number = 1; number <= 2; number++) {
                director.server(number).sysctl(key, Integer.toString(each.on(1, option)));
            }
        }
        Transfers.curls(director, each.service(), CURLS, 16, Duration.ofMinutes(2));
        Transfers.download(director, each.service(), BODY);
        Transfers.upload(director, each.service(), BODY);
    }
}
