package lvsd.rules;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import lvsd.rules.DestinationSpec.Tunnel;
import org.junit.jupiter.api.Test;

/** Every rule survives being written and read; no text makes the parser do anything but answer or refuse. */
class RuleRoundTripTest {
    private static final long SEED = Long.getLong("seed", 20260101L);

    private final SplittableRandom random = new SplittableRandom(SEED);

    @Test
    void shouldReadBackWhatItWrote() throws RuleSyntaxException {
        for (int i = 0; i < 20_000; i++) {
            Rule rule = rule();
            String line = RuleFormatter.line(rule);
            assertThat(RuleParser.numeric().parseLine(line))
                    .as("-Dseed=%d, %s", SEED, line)
                    .contains(rule);
        }
    }

    @Test
    void shouldOnlyAnswerOrRefuseWhateverItReads() {
        String[] words = {
            "-A",
            "-E",
            "-D",
            "-a",
            "-e",
            "-d",
            "-L",
            "-S",
            "-R",
            "-C",
            "-Z",
            "--set",
            "-t",
            "-u",
            "-f",
            "-6",
            "-p",
            "-M",
            "-r",
            "-w",
            "-x",
            "-y",
            "-b",
            "-s",
            "--start-daemon",
            "--stop-daemon",
            "master",
            "[::1]:80",
            "1.2.3.4:80",
            "::",
            "[",
            "]:",
            ":",
            "%",
            "-",
            "--",
            "---",
            "=",
            "-=",
            "--=",
            "-t=",
            "99999999999999999999",
            "-1",
            "\u0000",
            "\ud800",
            "--sysctl",
            "--add-mark",
            "--del-mark",
            "--any",
            "192.0.2.1-192.0.2.9:80-90",
            "[2001:db8::]/64:80",
            "a=b",
            "-P",
            "-Q",
            "-G",
            "-z",
            "-F",
            "--toa",
            "--sync",
            "-j",
            "auto",
            "--conn-timeout",
            ",",
            "flag-1",
            "-i",
            "--tun-type",
            "gue",
            "--tun-port",
            "--mcast-group",
            "224.0.0.1",
            "ff02::1",
            "0x",
            "1.2.3",
            "-Ln",
            "-c"
        };
        for (int i = 0; i < 100_000; i++) {
            StringBuilder line = new StringBuilder();
            for (int n = random.nextInt(8); n >= 0; n--) {
                line.append(words[random.nextInt(words.length)]).append(random.nextInt(4) == 0 ? "" : " ");
            }
            if (random.nextInt(4) == 0) {
                line.insert(random.nextInt(line.length() + 1), (char) random.nextInt(0x10000));
            }
            try {
                Optional<Rule> rule = RuleParser.numeric().parseLine(line.toString());
                if (rule.isPresent()) {
                    String again = RuleFormatter.line(rule.get());
                    assertThat(RuleParser.numeric().parseLine(again))
                            .as("-Dseed=%d, %s, %s", SEED, line, again)
                            .isPresent();
                }
            } catch (RuleSyntaxException e) {
                assertThat(e.text()).endsWith("\n");
                assertThat(e.exitCode()).isIn(2, 255);
            }
        }
    }

    @Test
    void namesCannotSmuggleASecondCommand() throws RuleSyntaxException {
        Rule rule = RuleParser.numeric().parse(List.of("-A", "-t", "192.0.2.1:80", "-s", "rr\n-C"));

        assertThat(RuleFormatter.line(rule)).isEqualTo("-A -t 192.0.2.1:80 -s rr?-C");
    }

    private Rule rule() {
        return switch (random.nextInt(22)) {
            case 0 -> new Rule.AddService(service());
            case 1 -> new Rule.EditService(service());
            case 2 -> new Rule.DeleteService(id());
            case 3 -> new Rule.AddDestination(destination());
            case 4 -> new Rule.EditDestination(destination());
            case 5 -> {
                ServiceId id = id();
                yield new Rule.DeleteDestination(id, address(id.ipv6()), random.nextInt(65536));
            }
            case 6 -> new Rule.AddLocalAddress(local());
            case 7 -> new Rule.DeleteLocalAddress(local());
            case 8 -> new Rule.GetLocalAddresses(optionalId(), random.nextBoolean());
            case 9 -> new Rule.Zero(optionalId());
            case 10 -> new Rule.SetTimeouts(random.nextInt(2678401), random.nextInt(2678401), random.nextInt(2678401));
            case 11 ->
                new Rule.StartDaemon(
                        Rule.Role.values()[random.nextInt(2)],
                        random.nextBoolean() ? "" : "eth" + random.nextInt(9),
                        maybe(0, 256),
                        maybe(1, 65508),
                        random.nextBoolean()
                                ? Optional.empty()
                                : Addresses.parse(random.nextBoolean() ? "224.0.0.9" : "ff02::9"),
                        maybe(1, 65536),
                        maybe(1, 256),
                        new Rule.Icv(
                                random.nextBoolean() ? "toto234" : "", "", random.nextBoolean() ? "hmac-md5-96" : ""));
            case 12 -> new Rule.StopDaemon(Rule.Role.values()[random.nextInt(2)], maybe(0, 256));
            case 13 ->
                new Rule.ListServices(
                        optionalId(),
                        Rule.Columns.values()[random.nextInt(6)],
                        random.nextBoolean(),
                        random.nextBoolean(),
                        random.nextBoolean());
            case 14 -> new Rule.ListConnections(random.nextBoolean(), random.nextBoolean());
            case 15 -> new Rule.Save(random.nextBoolean());
            case 16 -> new Rule.ShowSettings(random.nextBoolean() ? Optional.empty() : Optional.of("drop_entry"));
            case 17 -> new Rule.ChangeSetting("sync_threshold", "3,50=x");
            case 18 -> new Rule.AddMark(mark());
            case 19 -> new Rule.DeleteMark(mark());
            case 20 -> new Rule.SynProxies(optionalId(), random.nextBoolean());
            default ->
                List.of(
                                new Rule.Clear(),
                                new Rule.ListTimeouts(),
                                new Rule.ListDaemons(),
                                new Rule.Drops(),
                                new Rule.ListMarks(),
                                new Rule.ShowRole(),
                                new Rule.ChangeRole(DirectorRole.ACTIVE),
                                new Rule.ChangeRole(DirectorRole.STANDBY),
                                new Rule.Ports(),
                                new Rule.Workers(),
                                new Rule.Restore(),
                                new Rule.Help(),
                                new Rule.Version())
                        .get(random.nextInt(10));
        };
    }

    private OptionalInt maybe(int from, int to) {
        return random.nextBoolean() ? OptionalInt.empty() : OptionalInt.of(random.nextInt(from, to));
    }

    private InetAddress address(boolean ipv6) {
        byte[] bytes = new byte[ipv6 ? 16 : 4];
        random.nextBytes(bytes);
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = random.nextInt(3) == 0 ? 0 : bytes[i];
        }
        return Addresses.address(bytes);
    }

    private Optional<ServiceId> optionalId() {
        return random.nextBoolean() ? Optional.empty() : Optional.of(id());
    }

    private ServiceId id() {
        boolean ipv6 = random.nextBoolean();
        if (random.nextInt(4) == 0) {
            int mark = random.nextInt();
            return new ServiceId.Fwmark(mark == 0 ? 1 : mark, ipv6);
        }
        return new ServiceId.Vip(Protocol.values()[random.nextInt(3)], address(ipv6), random.nextInt(1, 65536));
    }

    private ServiceSpec service() {
        ServiceId id = id();
        OptionalInt persistence = maybe(1, 2678401);
        int mask = id.ipv6() ? random.nextInt(1, 128) : random.nextInt();
        String[] schedulers = {"rr", "wlc", "sh", "mh"};
        String scheduler = schedulers[random.nextInt(schedulers.length)];
        boolean named = scheduler.endsWith("h");
        Set<String> flags = random.nextBoolean() ? Set.of() : Set.of(named ? scheduler + "-port" : "flag-2", "flag-3");
        boolean udp = !(id instanceof ServiceId.Vip vip) || vip.protocol() == Protocol.UDP;
        return new ServiceSpec(
                id,
                scheduler,
                flags,
                persistence,
                persistence.isPresent() && random.nextBoolean() ? mask : -1,
                random.nextBoolean() ? "" : "sip",
                udp && random.nextBoolean(),
                random.nextBoolean(),
                maybe(1, 8589934),
                id instanceof ServiceId.Vip tcp && tcp.protocol() == Protocol.TCP
                        ? SynProxyMode.values()[random.nextInt(3)]
                        : SynProxyMode.DISABLE,
                random.nextBoolean());
    }

    private DestinationSpec destination() {
        ServiceId id = id();
        ForwardingMethod[] methods = {
            ForwardingMethod.NAT, ForwardingMethod.ROUTE, ForwardingMethod.TUNNEL, ForwardingMethod.FULLNAT
        };
        ForwardingMethod method = methods[random.nextInt(methods.length)];
        boolean tunnel = method == ForwardingMethod.TUNNEL;
        boolean samePort = tunnel || method == ForwardingMethod.ROUTE;
        Tunnel[] tunnels = {Tunnel.IPIP, new Tunnel("gre", 0, "csum"), new Tunnel("gue", 6080, "remcsum")};
        return new DestinationSpec(
                id,
                address(tunnel ? random.nextBoolean() : id.ipv6()),
                samePort && id instanceof ServiceId.Vip vip ? vip.port() : random.nextInt(65536),
                method,
                random.nextInt(0, Integer.MAX_VALUE),
                random.nextInt(1000),
                random.nextInt(1000),
                tunnel ? tunnels[random.nextInt(3)] : Tunnel.IPIP);
    }

    private LocalAddressSpec local() {
        ServiceId id = id();
        return new LocalAddressSpec(id, address(id.ipv6()), random.nextBoolean() ? "" : "lan0");
    }

    private MarkRule mark() {
        boolean ipv6 = random.nextBoolean();
        byte[] low = address(ipv6).getAddress();
        byte[] high = low.clone();
        if (random.nextBoolean()) {
            high[random.nextInt(high.length)] = (byte) 0xff;
        }
        int port = random.nextInt(1, 65536);
        boolean every = random.nextInt(3) == 0;
        int number = random.nextInt();
        return new MarkRule(
                number == 0 ? 1 : number,
                random.nextInt(4) == 0 ? Optional.empty() : Optional.of(Protocol.values()[random.nextInt(3)]),
                Addresses.address(low),
                Addresses.address(high),
                every ? 0 : port,
                every ? 65535 : random.nextInt(port, 65536),
                random.nextBoolean() ? "" : "lan0.100");
    }
}
