package lvsd.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import lvsd.control.View;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.LocalAddress;
import lvsd.dataplane.service.Service;
import lvsd.rules.Addresses;
import lvsd.rules.MarkRule;
import lvsd.rules.Rule;
import lvsd.rules.RuleFormatter;
import lvsd.rules.RuleParser;
import lvsd.rules.RuleSyntaxException;
import lvsd.rules.ServiceId;
import lvsd.rules.SynProxyMode;
import lvsd.synproxy.ProxyCounters;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

final class DirectorTest {
    private static final String VIP = "-t 192.0.2.1:80";
    private static final String RS1 = "-r 198.18.0.1:80";
    private static final String RS2 = "-r 198.18.0.2:80";

    private final FakeDataplane dataplane = new FakeDataplane();
    private final Director director = new Director(dataplane, Map.of("expire_nodest_conn", "0"), Set.of("wan", "lan"));

    private static Rule.Change rule(String line) {
        try {
            return (Rule.Change) RuleParser.numeric().parseLine(line).orElseThrow();
        } catch (RuleSyntaxException e) {
            throw new AssertionError(line + ": " + e.text(), e);
        }
    }

    /** Follows rules without publishing. */
    private void pend(String... lines) throws Refusal {
        for (String line : lines) {
            Requests.apply(director, rule(line));
        }
    }

    /** Follows rules and publishes. */
    private void follow(String... lines) throws Refusal {
        pend(lines);
        director.publish();
    }

    private void refuse(String line, String message) {
        List<String> before = rules();
        assertThatThrownBy(() -> Requests.apply(director, rule(line))).isInstanceOfSatisfying(Refusal.class, e -> {
            assertThat(e.text()).isEqualTo(message);
            assertThat(e.exitCode()).isEqualTo(255);
        });
        assertThat(director.pending()).isFalse();
        assertThat(rules()).isEqualTo(before);
    }

    private List<String> rules() {
        return director.rules().stream().map(RuleFormatter::line).toList();
    }

    private Service service() {
        return dataplane.table().services()[0];
    }

    private List<String> servers() {
        return Arrays.stream(service().destinations)
                .map(d -> d.spec.address().getHostAddress())
                .toList();
    }

    private Destination server(int place) {
        return service().destinations[place];
    }

    /** Found by asking a kernel; 127.255.255.255 is the broadcast address of this machine's own network, too. */
    @Test
    void shouldRefuseServersThatAreNoSingleHost() throws Refusal {
        follow("-A " + VIP, "-A -t [2001:db8::1]:80");
        for (String server : List.of("0.0.0.0", "224.0.0.1", "239.255.255.255", "255.255.255.255", "127.255.255.255")) {
            refuse("-a " + VIP + " -r " + server + ":80 -m", Refusal.INVALID);
        }
        for (String server : List.of("::", "ff02::1", "fe80::1", "::ffff:192.0.2.9")) {
            refuse("-a -t [2001:db8::1]:80 -r [" + server + "]:80 -m", Refusal.INVALID);
        }
        follow("-a " + VIP + " -r 0.0.0.1:80 -m", "-a " + VIP + " -r 240.0.0.1:80 -m");
        follow("-a -t [2001:db8::1]:80 -r [::1]:80 -m", "-a -t [2001:db8::1]:80 -r [fec0::1]:80 -m");
    }

    @Test
    void shouldKnowTheLastAddressOfANetwork() {
        assertThat(Addresses.format(Broadcasts.of(new byte[] {10, 1, 2, 3}, 24)))
                .isEqualTo("10.1.2.255");
        assertThat(Addresses.format(Broadcasts.of(new byte[] {10, 1, 2, 3}, 13)))
                .isEqualTo("10.7.255.255");
        assertThat(Addresses.format(Broadcasts.of(new byte[] {10, 1, 2, 3}, 30)))
                .isEqualTo("10.1.2.3");
    }

    // What the kernel refuses ---------------------------------------------------------------------------------------

    @Test
    void shouldRefuseWithTheKernelsWords() throws Refusal {
        refuse("-E " + VIP, "No such service");
        refuse("-D " + VIP, "No such service");
        refuse("-Z " + VIP, "No such service");
        refuse("-a " + VIP + " " + RS1, "Service not defined");
        refuse("-e " + VIP + " " + RS1, "Service not defined");
        refuse("-d " + VIP + " " + RS1, "Service not defined");
        refuse("-P " + VIP + " -z 198.18.0.9", "Service not defined");
        follow("-A " + VIP);
        refuse("-A " + VIP, "Service already exists");
        refuse("-A " + VIP + " -s no-such", "Service already exists");
        refuse("-A -t 192.0.2.2:80 -s no-such", "Scheduler or persistence engine not found");
        refuse("-E " + VIP + " -s no-such", "Scheduler or persistence engine not found");
        refuse("-e " + VIP + " " + RS1, "No such destination");
        refuse("-d " + VIP + " " + RS1, "No such destination");
        refuse("-a " + VIP + " " + RS1 + " -y 80", "Numerical result out of range");
        refuse("-a " + VIP + " " + RS1 + " -x 50 -y 80", "Numerical result out of range");
        follow("-a " + VIP + " " + RS1 + " -m");
        refuse("-a " + VIP + " " + RS1, "Destination already exists");
        refuse("-e " + VIP + " " + RS1 + " -x 1 -y 2", "Numerical result out of range");
        refuse("-e " + VIP + " -r 198.18.0.1:81 -m", "No such destination");
    }

    @Test
    void shouldRefuseLocalAddressesThatMakeNoSense() throws Refusal {
        follow("-A " + VIP, "-P " + VIP + " -z 198.18.0.9 -F lan");
        refuse("-P " + VIP + " -z 198.18.0.9", "Local address already exists");
        refuse("-P " + VIP + " -z 198.18.0.10 -F nosuch", "No such device");
        refuse("-Q " + VIP + " -z 198.18.0.10", "No such local address");
    }

    @Test
    void shouldRefuseServersOfAnotherFamilyWhileASyncDaemonRuns() throws Refusal {
        follow("-A " + VIP, "-a " + VIP + " -r [2001:db8::1]:80 -i");
        refuse("--start-daemon backup --mcast-interface lo", Refusal.INVALID);
        follow("-d " + VIP + " -r [2001:db8::1]:80", "--start-daemon backup --mcast-interface lo");
        refuse("-a " + VIP + " -r [2001:db8::1]:80 -i", Refusal.INVALID);
        follow("-C");
        assertThat(director.rules()).hasSize(1);
        follow("--stop-daemon backup");
        refuse("--stop-daemon backup", "No daemon is running");
    }

    // Order and definitions -----------------------------------------------------------------------------------------

    @Test
    void shouldPutANewServerAtTheHead() throws Refusal {
        follow("-A " + VIP, "-a " + VIP + " " + RS1, "-a " + VIP + " " + RS2, "-a " + VIP + " -r 198.18.0.3:80");
        assertThat(servers()).containsExactly("198.18.0.3", "198.18.0.2", "198.18.0.1");
        follow("-d " + VIP + " " + RS1, "-a " + VIP + " " + RS1);
        assertThat(servers()).containsExactly("198.18.0.1", "198.18.0.3", "198.18.0.2");
        follow("-e " + VIP + " " + RS2 + " -w 5");
        assertThat(servers()).containsExactly("198.18.0.1", "198.18.0.3", "198.18.0.2");
        assertThat(server(2).weight).isEqualTo(5);
    }

    @Test
    void shouldForgetWhatAnEditDoesNotSay() throws Refusal {
        follow("-A " + VIP + " -s rr -p 60", "-a " + VIP + " " + RS1 + " -m -w 7 -x 100 -y 50");
        follow("-E " + VIP, "-e " + VIP + " " + RS1);
        assertThat(rules()).containsExactly("-A " + VIP + " -s wlc", "-a " + VIP + " " + RS1 + " -g -w 1");
    }

    @Test
    void shouldAcceptWeightZeroAndThresholds() throws Refusal {
        follow("-A " + VIP, "-a " + VIP + " " + RS1 + " -m -w 0 -x 65535 -y 65535");
        assertThat(server(0).weight).isZero();
        assertThat(server(0).upperThreshold).isEqualTo(65535);
        assertThat(server(0).lowerThreshold).isEqualTo(65535);
    }

    @Test
    void shouldTellTheSamePortOfTwoProtocolsApart() throws Refusal {
        follow("-A -t 192.0.2.1:53", "-A -u 192.0.2.1:53", "-A -t [2001:db8::1]:53", "-A -f 1", "-A -f 1 -6");
        assertThat(dataplane.table().services()).hasSize(5);
    }

    @Test
    void shouldKeepIndexesThroughEdits() throws Refusal {
        follow("-A " + VIP, "-a " + VIP + " " + RS1 + " -m", "-a " + VIP + " " + RS2 + " -m");
        int service = service().index;
        int second = server(0).index;
        long revision = service().revision;
        follow("-E " + VIP + " -s rr", "-e " + VIP + " " + RS2 + " -b -w 9");
        assertThat(service().index).isEqualTo(service);
        assertThat(server(0).index).isEqualTo(second);
        assertThat(server(0).service).isEqualTo(service);
        assertThat(service().revision).isGreaterThan(revision);
    }

    @Test
    void shouldLeaveUntouchedServicesAsTheyAre() throws Refusal {
        follow("-A " + VIP, "-a " + VIP + " " + RS1);
        Service before = service();
        follow("-A -u 192.0.2.9:53");
        assertThat(service()).isSameAs(before);
    }

    // Publication ---------------------------------------------------------------------------------------------------

    @Test
    void shouldPublishABatchOnce() throws Refusal {
        pend("-A " + VIP, "-a " + VIP + " " + RS1, "-a " + VIP + " " + RS2);
        assertThat(dataplane.tables).isEmpty();
        director.publish();
        assertThat(dataplane.tables).hasSize(1);
        assertThat(dataplane.table().generation).isEqualTo(1);
        director.publish();
        assertThat(dataplane.tables).hasSize(1);
    }

    @Test
    void shouldTakeBackEverySingleKindOfChange() throws Refusal {
        follow(
                "-A " + VIP,
                "-a " + VIP + " " + RS1 + " -m",
                "-a " + VIP + " " + RS2 + " -m",
                "-P " + VIP + " -z 198.18.0.9",
                "--set 1 2 3",
                "--add-mark 1 -t 192.0.2.80",
                "--sysctl=neighbour_queue=10");
        for (String line : List.of(
                "-A -u 192.0.2.9:53",
                "-E " + VIP + " -s rr",
                "-D " + VIP,
                "-C",
                "-a " + VIP + " -r 198.18.0.3:80",
                "-e " + VIP + " " + RS1 + " -w 9",
                "-d " + VIP + " " + RS1,
                "-P " + VIP + " -z 198.18.0.10",
                "-Q " + VIP + " -z 198.18.0.9",
                "--set 100 0 0",
                "--add-mark 2 -t 192.0.2.80",
                "--del-mark 1 -t 192.0.2.80",
                "--sysctl=neighbour_queue=11",
                "--sysctl=neighbour_retries=4")) {
            List<String> before = rules();
            int asked = dataplane.asked.size();
            pend(line);
            assertThat(director.pending()).as(line).isTrue();
            assertThat(rules()).as(line).isNotEqualTo(before);
            director.rollback();
            assertThat(rules()).as(line).isEqualTo(before);
            assertThat(director.pending()).as(line).isFalse();
            director.publish();
            assertThat(dataplane.tables).as(line).hasSize(1);
            assertThat(dataplane.asked).as(line).hasSize(asked);
        }
    }

    @Test
    void shouldTakeBackWholeBatchesOfRandomChanges() {
        long seed = Long.getLong("seed", System.nanoTime());
        Random random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            randomChanges(random, 12);
            director.publish();
            director.reclaim();
            Set<String> before = new TreeSet<>(rules());
            int buried = director.buried();
            randomChanges(random, 12);
            director.rollback();
            assertThat(new TreeSet<>(rules()))
                    .as("seed %d round %d", seed, round)
                    .isEqualTo(before);
            assertThat(director.buried()).as("seed %d round %d", seed, round).isEqualTo(buried);
            checkIndexes("seed " + seed + " round " + round);
        }
    }

    private void randomChanges(Random random, int count) {
        for (int i = 0; i < count; i++) {
            String vip = "-t 192.0.2." + random.nextInt(1, 4) + ":80";
            String rs = "-r 198.18.0." + random.nextInt(1, 5) + ":80";
            String laddr = "-z 198.18.1." + random.nextInt(1, 3);
            String line = switch (random.nextInt(10)) {
                case 0, 1 -> "-A " + vip;
                case 2 -> "-D " + vip;
                case 3, 4, 5 -> "-a " + vip + " " + rs + " -m -w " + random.nextInt(9);
                case 6 -> "-e " + vip + " " + rs + " -b";
                case 7 -> "-d " + vip + " " + rs;
                case 8 -> "-P " + vip + " " + laddr;
                default -> "-Q " + vip + " " + laddr;
            };
            dataplane.count(random.nextInt(16), 1, 1, random.nextInt(2), 0);
            try {
                pend(line);
            } catch (Refusal e) {
                assertThat(e.text()).isNotEmpty();
            }
        }
    }

    private void checkIndexes(String description) {
        Set<Integer> seen = new TreeSet<>();
        Set<Integer> services = new TreeSet<>();
        for (Service service : dataplane.table().services()) {
            assertThat(services.add(service.index)).as(description).isTrue();
            for (Destination destination : service.destinations) {
                assertThat(seen.add(destination.index)).as(description).isTrue();
                assertThat(destination.service).as(description).isEqualTo(service.index);
            }
        }
    }

    // The graveyard -------------------------------------------------------------------------------------------------

    @Test
    void shouldReviveARemovedServerWithItsIndexAndCounters() throws Refusal {
        follow("-A " + VIP, "-a " + VIP + " " + RS1 + " -m", "-a " + VIP + " " + RS2 + " -m");
        int index = server(1).index;
        dataplane.count(index, 5, 50, 1, 0);
        follow("-d " + VIP + " " + RS1);
        assertThat(dataplane.table().destination(index)).isNull();
        director.reclaim();
        assertThat(director.buried()).isEqualTo(1);
        follow("-a " + VIP + " " + RS1 + " -m -w 3");
        assertThat(server(0).index).isEqualTo(index);
        assertThat(server(0).weight).isEqualTo(3);
        assertThat(director.buried()).isZero();
        assertThat(dataplane.asked).isEmpty();
        assertThat(view().destinations().getFirst().stats().connections()).isEqualTo(5);
    }

    @Test
    void shouldReviveAServerForASuccessorOfItsServiceWithoutCounters() throws Refusal {
        follow("-A " + VIP, "-a " + VIP + " " + RS1 + " -m");
        int index = server(0).index;
        dataplane.count(index, 5, 50, 1, 2);
        follow("-D " + VIP);
        follow("-A " + VIP, "-a " + VIP + " " + RS1 + " -m");
        assertThat(server(0).index).isEqualTo(index);
        assertThat(dataplane.asked).containsExactly("zero " + index);
        assertThat(view().stats()).isEqualTo(View.Stats.ZERO);
        assertThat(director.grandTotal().connections()).isEqualTo(5);
    }

    @Test
    void shouldReuseAnIndexOnlyWhenNobodyCanHoldIt() throws Refusal {
        dataplane.prompt = false;
        follow("-A " + VIP, "-a " + VIP + " " + RS1 + " -m");
        int index = server(0).index;
        dataplane.count(index, 1, 1, 0, 1);
        follow("-d " + VIP + " " + RS1);
        director.reclaim();
        follow("-a " + VIP + " " + RS2 + " -m");
        assertThat(server(0).index).as("connections are there").isNotEqualTo(index);

        dataplane.count(index, 1, 1, 0, 0);
        director.reclaim();
        follow("-a " + VIP + " -r 198.18.0.3:80 -m");
        assertThat(server(0).index).as("a worker may still schedule to it").isNotEqualTo(index);

        dataplane.acknowledged = dataplane.table().generation;
        director.reclaim();
        assertThat(dataplane.asked).containsExactly("zero " + index);
        follow("-a " + VIP + " -r 198.18.0.4:80 -m");
        assertThat(server(0).index).isEqualTo(index);
    }

    @Test
    void shouldReuseServiceIndexesOnlyWhenAcknowledged() throws Refusal {
        dataplane.prompt = false;
        follow("-A " + VIP);
        follow("-D " + VIP);
        follow("-A " + VIP);
        assertThat(service().index).isEqualTo(1);
        follow("-D " + VIP);
        dataplane.acknowledged = dataplane.table().generation;
        director.reclaim();
        follow("-A " + VIP);
        assertThat(service().index).isZero();
    }

    @Test
    void shouldEndConnectionsOfARemovedServerOnlyIfAsked() throws Refusal {
        follow("-A " + VIP, "-a " + VIP + " " + RS1 + " -m");
        int index = server(0).index;
        dataplane.count(index, 1, 1, 1, 0);
        follow("-d " + VIP + " " + RS1);
        assertThat(dataplane.asked).isEmpty();
        follow("-a " + VIP + " " + RS1 + " -m", "--sysctl=expire_nodest_conn=1");
        follow("-d " + VIP + " " + RS1);
        assertThat(dataplane.asked).containsExactly("setting expire_nodest_conn=1", "expire " + index);
    }

    // Local addresses -----------------------------------------------------------------------------------------------

    @Test
    void shouldShareALocalAddressBetweenServices() throws Refusal {
        follow(
                "-A " + VIP,
                "-A -u 192.0.2.9:53",
                "-P " + VIP + " -z 198.18.0.9",
                "-P -u 192.0.2.9:53 -z 198.18.0.9",
                "-P " + VIP + " -z 198.18.0.10");
        LocalAddress[] first = dataplane.table().services()[0].localAddresses;
        LocalAddress[] second = dataplane.table().services()[1].localAddresses;
        assertThat(first).hasSize(2);
        assertThat(second[0].index).isEqualTo(first[0].index);
        assertThat(first[1].index).isNotEqualTo(first[0].index);
    }

    @Test
    void shouldReuseALocalIndexOnlyWhenItsConnectionsAreGone() throws Refusal {
        follow("-A " + VIP, "-P " + VIP + " -z 198.18.0.9");
        int index = service().localAddresses[0].index;
        dataplane.localConnections.put(index, 4L);
        follow("-Q " + VIP + " -z 198.18.0.9");
        director.reclaim();
        follow("-P " + VIP + " -z 198.18.0.10");
        assertThat(service().localAddresses[0].index).isNotEqualTo(index);
        follow("-P " + VIP + " -z 198.18.0.9");
        assertThat(service().localAddresses[1].index)
                .as("the same address comes back")
                .isEqualTo(index);
        follow("-Q " + VIP + " -z 198.18.0.9");
        dataplane.localConnections.put(index, 0L);
        director.reclaim();
        follow("-P " + VIP + " -z 198.18.0.11");
        assertThat(service().localAddresses[1].index).isEqualTo(index);
    }

    @Test
    void shouldListLocalAddressesWithTheirUse() throws Refusal {
        follow("-A " + VIP, "-P " + VIP + " -z 198.18.0.9 -F lan");
        dataplane.localConnections.put(0, 4L);
        View.LocalAddress row =
                director.localAddresses(Optional.empty()).localAddresses().getFirst();
        assertThat(row.port()).isEqualTo("lan");
        assertThat(row.connections()).isEqualTo(4);
        assertThat(row.exhausted()).isEqualTo(3);
    }

    // Counters ------------------------------------------------------------------------------------------------------

    private View.Service view() throws Refusal {
        return director.services(Optional.empty()).services().getFirst();
    }

    @Test
    void shouldCountAServiceOnAfterItsServersAreGone() throws Refusal {
        follow("-A " + VIP, "-a " + VIP + " " + RS1 + " -m", "-a " + VIP + " " + RS2 + " -m");
        dataplane.count(server(0).index, 1, 10, 0, 0);
        dataplane.count(server(1).index, 2, 20, 0, 0);
        assertThat(view().stats().connections()).isEqualTo(3);
        follow("-d " + VIP + " " + RS1);
        assertThat(view().stats().connections()).isEqualTo(3);
        director.reclaim();
        assertThat(view().stats()).isEqualTo(new View.Stats(3, 30, 30, 3000, 30000));
        assertThat(director.grandTotal()).isEqualTo(view().stats());
        follow("-D " + VIP);
        director.reclaim();
        assertThat(director.grandTotal().connections()).isEqualTo(3);
    }

    @Test
    void shouldZeroOneServiceOrAll() throws Refusal {
        follow("-A " + VIP, "-a " + VIP + " " + RS1, "-A -u 192.0.2.9:53", "-a -u 192.0.2.9:53 " + RS1);
        dataplane.count(0, 1, 10, 0, 3);
        dataplane.count(1, 2, 20, 0, 0);
        follow("-Z " + VIP);
        assertThat(view().stats()).isEqualTo(View.Stats.ZERO);
        assertThat(view().destinations().getFirst().inactive()).isEqualTo(3);
        assertThat(director.grandTotal().connections()).isEqualTo(3);
        follow("-Z");
        assertThat(director.grandTotal()).isEqualTo(View.Stats.ZERO);
        assertThat(dataplane.asked).containsExactly("zero 0", "zero 0", "zero 1");
    }

    @Test
    void shouldEstimateRatesOfServersAndServices() throws Refusal {
        follow("-A " + VIP, "-a " + VIP + " " + RS1, "-a " + VIP + " " + RS2);
        for (int period = 1; period < 60; period++) {
            dataplane.count(0, period * 20L, period * 200L, 0, 0);
            dataplane.count(1, period * 2L, period * 20L, 0, 0);
            director.estimate();
        }
        assertThat(view().rates().connections()).isEqualTo(11);
        assertThat(view().destinations().get(0).rates().inPackets()).isEqualTo(10);
        assertThat(view().destinations().get(1).rates().inPackets()).isEqualTo(100);
    }

    // Timeouts, settings, limits ------------------------------------------------------------------------------------

    @Test
    void shouldKeepATimeoutWhereTheRuleSaysZero() throws Refusal {
        follow("--set 100 20 30");
        follow("--set 0 5 0");
        assertThat(director.timeouts()).isEqualTo(new Director.Timeouts(100, 5, 30));
        assertThat(dataplane.settings)
                .containsAllEntriesOf(
                        Map.of("timeout_established", "100", "timeout_finwait", "5", "timeout_udp", "30"));
        follow("--sysctl=timeout_udp=31");
        assertThat(director.timeouts()).isEqualTo(new Director.Timeouts(100, 5, 31));
        follow("-C");
        assertThat(rules())
                .containsExactly(
                        "--sysctl=timeout_established=100", "--sysctl=timeout_finwait=5", "--sysctl=timeout_udp=31");
    }

    @Test
    void shouldSayWhatIsWrongWithASetting() {
        assertThatThrownBy(() -> pend("--sysctl=drop_entry=4")).isInstanceOfSatisfying(Refusal.class, e -> {
            assertThat(e.exitCode()).isEqualTo(2);
            assertThat(e.text()).isEqualTo("setting 'drop_entry' must be 0 to 3, not '4'");
        });
    }

    /** As the kernel: 2 is 1 at work, and nobody sets it. */
    @Test
    void shouldShowDefencesThatAreAtWork() throws Refusal {
        follow("--sysctl=drop_entry=1", "--sysctl=drop_packet=2", "--sysctl=secure_tcp=3");
        assertThat(director.settings()).containsEntry("drop_entry", "1").containsEntry("drop_packet", "1");
        dataplane.memoryShort = true;
        director.watchDefences();
        assertThat(director.settings())
                .containsEntry("drop_entry", "2")
                .containsEntry("drop_packet", "2")
                .containsEntry("secure_tcp", "3");
        follow("--sysctl=drop_packet=0");
        assertThat(director.settings()).containsEntry("drop_packet", "0");
        assertThat(rules()).containsExactly("--sysctl=drop_entry=1", "--sysctl=drop_packet=0", "--sysctl=secure_tcp=3");
        dataplane.memoryShort = false;
        director.watchDefences();
        assertThat(director.settings()).containsEntry("drop_entry", "1");
    }

    @Test
    void shouldForwardNothingOfClientsAsABackupOnly() throws Refusal {
        follow("-A " + VIP, "--sysctl=backup_only=1");
        assertThat(dataplane.table().backupOnly).isFalse();
        follow("--start-daemon backup --mcast-interface lo");
        assertThat(dataplane.table().backupOnly).isTrue();
        follow("--start-daemon master --mcast-interface lo", "--stop-daemon backup");
        assertThat(dataplane.table().backupOnly).isFalse();
        follow("--start-daemon backup --mcast-interface lo", "--sysctl=backup_only=0");
        assertThat(dataplane.table().backupOnly).isFalse();
    }

    @Test
    void shouldKeepWhatASettingDoesNotSay() throws Refusal {
        follow("--sysctl=net.ipv4.vs.sync_threshold=2");
        assertThat(director.settings()).containsEntry("sync_threshold", "2 50");
        follow("--sysctl=sync_threshold=0,0", "--sysctl=net/ipv4/vs/sync_threshold=70");
        assertThat(director.settings()).containsEntry("sync_threshold", "70 0");
        assertThat(rules()).containsExactly("--sysctl=sync_threshold=70,0");
    }

    @Test
    void shouldPublishSettingsOfOneBatchTogether() throws Refusal {
        director.baseSetting("fullnat_lport_min", "3000");
        director.baseSetting("fullnat_lport_max", "4000");
        director.publish();
        director.baseSetting("fullnat_lport_min", "5000");
        director.baseSetting("fullnat_lport_max", "6000");
        director.publish();
        assertThat(dataplane.published).isEqualTo(2);
    }

    @Test
    void shouldLetEstimatesStandStillWhenAsked() throws Refusal {
        follow("-A " + VIP, "-a " + VIP + " " + RS1, "--sysctl=run_estimation=0");
        dataplane.count(0, 200, 200, 0, 0);
        director.estimate();
        assertThat(view().rates().connections()).isZero();
    }

    @Test
    void shouldStopAtTheLimits() throws Refusal {
        for (int i = 0; i < Service.MAXIMUM; i++) {
            pend("-A -f " + (i + 1));
        }
        director.publish();
        assertThatThrownBy(() -> pend("-A " + VIP)).hasMessageContaining("Too many services");
        for (int i = 0; i < Destination.NOWHERE; i++) {
            pend("-a -f 1 -r 10." + (i >> 16) + "." + (i >> 8 & 255) + "." + (i & 255));
        }
        director.publish();
        assertThatThrownBy(() -> pend("-a -f 1 " + RS1)).hasMessageContaining("Too many real servers");
        follow("-C");
        director.reclaim();
        follow("-A " + VIP, "-a " + VIP + " " + RS1);
        assertThat(server(0).index).isZero();
    }

    @Test
    void shouldPublishEveryWeightAsZeroWhenQuiesced() throws Refusal {
        follow("-A " + VIP, "-a " + VIP + " " + RS1 + " -m -w 5");
        dataplane.count(0, 1, 1, 2, 3);
        director.quiesce();
        assertThat(server(0).weight).isZero();
        assertThat(director.connections()).isEqualTo(5);
    }

    // Firewall marks -------------------------------------------------------------------------------------------------

    @Test
    void shouldTryTheFilesMarkRulesFirst() throws Refusal {
        follow("--add-mark 1 -t 192.0.2.80", "--add-mark 2 -t 192.0.2.80");
        director.baseMarks(List.of(mark("3 -t 192.0.2.80"), mark("2 -t 192.0.2.80")));
        director.publish();
        assertThat(director.marks().marks().stream().map(each -> each.mark() + (each.file() ? " file" : "")))
                .containsExactly("3 file", "2 file", "1");
        assertThat(rules()).containsExactly("--add-mark 1 -t 192.0.2.80");
        assertThat(dataplane.table().marks.find4(6, 0x500200c0, 0x5000, "wan")).isEqualTo(3);
        refuse("--add-mark 1 -t 192.0.2.80", "Mark rule already exists");
        refuse("--add-mark 2 -t 192.0.2.80", "Mark rule already exists");
        refuse("--del-mark 2 -t 192.0.2.80", "The daemon file has this mark rule, change it there");
        refuse("--del-mark 4 -t 192.0.2.80", "No such mark rule");
        refuse("--add-mark 4 -t 192.0.2.80 -F nowhere", "No such device");
        director.baseMarks(List.of());
        director.rollback();
        assertThat(director.marks().marks()).hasSize(3);
        follow("-C", "--del-mark 1 -t 192.0.2.80");
        assertThat(rules()).isEmpty();
    }

    private static MarkRule mark(String packets) {
        return ((Rule.AddMark) rule("--add-mark " + packets)).mark();
    }

    /** Nobody could translate the numbers of segments that do not come this way. */
    @Test
    void shouldRefuseServersThatTheSynProxyCannotHave() throws Refusal {
        String needs = "SYN proxy needs -m or -b: server 198.18.0.7:80 has ";
        String server = VIP + " -r 198.18.0.7:80 ";
        for (String mode : List.of("enable", "auto")) {
            follow("-A " + VIP + " -j " + mode);
            refuse("-a " + server + "-g", needs + "-g");
            refuse("-a " + server + "-i", needs + "-i");
            follow("-a " + server + "-m");
            refuse("-e " + server + "-g", needs + "-g");
            follow("-e " + server + "-b", "-E " + VIP + " -j disable", "-e " + server + "-g");
            refuse("-E " + VIP + " -j " + mode, needs + "-g");
            follow("-e " + server + "-i");
            refuse("-E " + VIP + " -j " + mode, needs + "-i");
            assertThat(service().synProxy).isEqualTo(SynProxyMode.DISABLE);
            follow("-D " + VIP);
        }
    }

    @Test
    void shouldTellWhatTheSynProxyHasDone() throws Refusal {
        follow("-A " + VIP, "-a " + VIP + " " + RS1 + " -m", "-A -t 192.0.2.99:80 -j auto", "-A -t 192.0.2.98:80");
        assertThat(director.synProxies(Optional.empty()).map(View.SynProxy::mode))
                .containsExactly("auto");

        long[] counts = new long[ProxyCounters.steps()];
        counts[ProxyCounters.Counter.GOOD.ordinal()] = 7;
        dataplane.steps.put(0, counts);
        View.SynProxy first = director.synProxies(Optional.empty()).findFirst().orElseThrow();
        assertThat(first.mode()).isEqualTo("disable");
        assertThat(first.level()).isZero();
        assertThat(first.steps())
                .hasSize(counts.length)
                .contains(new View.ProxyStep("cookies-good", 7, ProxyCounters.Counter.GOOD.help()));
        assertThat(first.servers()).hasSize(1);

        follow("-Z " + VIP);
        assertThat(director.synProxies(Optional.of(first.service()))
                        .findFirst()
                        .orElseThrow()
                        .steps())
                .allMatch(step -> step.count() == 0);
        follow("-E " + VIP + " -j enable");
        assertThat(director.synProxies(Optional.empty()).map(View.SynProxy::level))
                .containsExactly(2, 0);
        assertThatThrownBy(() -> director.synProxies(Optional.of(new ServiceId.Fwmark(4, false))))
                .isInstanceOfSatisfying(Refusal.class, e -> assertThat(e.text()).contains("No such service"));
    }

    @Test
    void shouldTellTheDefenceLevelOfAServiceInModeAuto() throws Refusal {
        follow("-A " + VIP + " -j auto");
        long[] counts = new long[ProxyCounters.steps()];
        counts[ProxyCounters.Counter.SWITCHED_ON.ordinal()] = 1;
        dataplane.steps.put(0, counts);
        director.watchProxies();
        assertThat(director.synProxies(Optional.empty()).map(View.SynProxy::level))
                .containsExactly(1);
        counts[ProxyCounters.Counter.SWITCHED_OFF.ordinal()] = 1;
        director.watchProxies();
        assertThat(director.synProxies(Optional.empty()).map(View.SynProxy::level))
                .containsExactly(0);
    }

    // What is journalled --------------------------------------------------------------------------------------------

    @Test
    void shouldBeRebuiltByItsOwnRules() throws Refusal {
        follow(
                "-A " + VIP + " -s wrr -p 60 -M 255.255.255.0",
                "-a " + VIP + " " + RS1 + " -m -w 5 -x 100 -y 50",
                "-a " + VIP + " " + RS2 + " -b -w 0",
                "-P " + VIP + " -z 198.18.0.9 -F lan",
                "-P " + VIP + " -z 198.18.0.10",
                "-A -f 7 -6 -s sh -b sh-fallback,sh-port",
                "-A -u [2001:db8::1]:53 -o",
                "-a -u [2001:db8::1]:53 -r [2001:db8::2]:53 -i",
                "--set 1 2 3",
                "--add-mark 7 -t 2001:db8:1::/64",
                "--add-mark 8 -u 192.0.2.1-192.0.2.9:53 -F lan",
                "--add-mark 7 --any 2001:db8::/32",
                "--sysctl=neighbour_queue=10");
        FakeDataplane other = new FakeDataplane();
        Director copy = new Director(other, Map.of(), Set.of("wan", "lan"));
        for (String line : rules()) {
            Requests.apply(copy, rule(line));
        }
        copy.publish();
        assertThat(copy.rules()).isEqualTo(director.rules());
        assertThat(Arrays.stream(other.table().services()[0].destinations).map(d -> d.spec))
                .isEqualTo(
                        Arrays.stream(service().destinations).map(d -> d.spec).toList());
        assertThat(other.asked).contains("setting timeout_finwait=2", "setting neighbour_queue=10");
    }

    @Test
    void shouldLogAsMuchAsIsSet() throws Refusal {
        Logger log = LoggerFactory.getLogger(Requests.class);
        Logging.level("info");
        for (String level : List.of("1", "9", "2147483647", "10")) {
            follow("--sysctl debug_level=" + level);
            assertThat(log.isDebugEnabled()).as(level).isTrue();
            assertThat(log.isTraceEnabled()).as(level).isEqualTo(level.length() > 1);
        }
        for (String level : List.of("0", "-1")) {
            follow("--sysctl debug_level=" + level);
            assertThat(log.isInfoEnabled()).as(level).isTrue();
            assertThat(log.isDebugEnabled()).as(level).isFalse();
        }
    }

    @Test
    void shouldChangeTheSecretOfCookiesAfterTheTimeThatIsSet() throws Refusal {
        long[] clock = new long[1];
        CookieKeys keys = new CookieKeys(dataplane, () -> clock[0], () -> clock[0]);
        follow("--sysctl synproxy_secret_lifetime=60");
        clock[0] = 59_000_000_000L;
        keys.tick(director.secretLifetime());
        assertThat(dataplane.asked).doesNotContain("random secrets");
        clock[0] = 60_000_000_000L;
        keys.tick(director.secretLifetime());
        assertThat(dataplane.asked).containsOnlyOnce("random secrets");
        follow("--sysctl synproxy_secret_lifetime=3600");
        clock[0] = 3_659_000_000_000L;
        keys.tick(director.secretLifetime());
        assertThat(dataplane.asked).containsOnlyOnce("random secrets");
    }
}
