package lvsd.cli;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import lvsd.rules.Addresses;
import lvsd.rules.Names;
import lvsd.rules.Protocol;
import org.jspecify.annotations.Nullable;

/** Host names from the system's resolver, service names from services(5), both ways. Nothing is read before it is asked. */
final class SystemNames implements Names {
    static final Path SERVICES = Path.of("/etc/services");

    /** Where host names come from. */
    interface Resolver {
        /** First IPv4 address of a name. */
        Optional<InetAddress> address4(String name);

        /** Name of an address, if it has one. */
        Optional<String> name(InetAddress address);
    }

    /** The resolver of the C library. */
    private static final Resolver SYSTEM = new Resolver() {
        @Override
        public Optional<InetAddress> address4(String name) {
            return PlainResolver.address4(name);
        }

        @Override
        public Optional<String> name(InetAddress address) {
            return PlainResolver.name(address);
        }
    };

    /** Knows nobody, and asks nobody. */
    static final Resolver NOBODY = new Resolver() {
        @Override
        public Optional<InetAddress> address4(String name) {
            return Optional.empty();
        }

        @Override
        public Optional<String> name(InetAddress address) {
            return Optional.empty();
        }
    };

    /** Look-ups at a time. */
    private static final int AT_ONCE = 128;
    /** Longer than an answer takes, shorter than the C library waits for one. */
    private static final Duration ANSWER = Duration.ofSeconds(4);
    /** Look-ups without an answer, one after the other, until nobody is asked any more. */
    private static final int DEAF = 64;

    private final Resolver resolver;
    private final Path servicesFile;
    private final LongSupplier nanos;
    private final Map<InetAddress, String> hosts = new HashMap<>();
    /** Look-ups since the last that was answered, be it that there is no name. */
    private final AtomicInteger unanswered = new AtomicInteger();

    private @Nullable Map<String, Integer> ports;
    private @Nullable Map<String, String> services;

    /** The names of this machine. */
    SystemNames() {
        this(SYSTEM, SERVICES);
    }

    /** Names from somewhere else. */
    SystemNames(Resolver resolver, Path servicesFile) {
        this(resolver, servicesFile, System::nanoTime);
    }

    /** With a clock of nanoseconds, which tells how long an answer took. */
    SystemNames(Resolver resolver, Path servicesFile, LongSupplier nanos) {
        this.resolver = resolver;
        this.servicesFile = servicesFile;
        this.nanos = nanos;
    }

    @Override
    public Optional<InetAddress> host4(String name) {
        return resolver.address4(name);
    }

    @Override
    public OptionalInt port(String service, Protocol protocol) {
        readServices();
        Integer port = ports == null ? null : ports.get(service + "/" + label(protocol));
        return port == null ? OptionalInt.empty() : OptionalInt.of(port);
    }

    /** Name of a host, or its address where it has none. */
    String host(InetAddress address) {
        return hosts.computeIfAbsent(address, this::look);
    }

    /** Where name servers are dead, each look-up takes seconds: after some of these, hosts have no names. */
    private String look(InetAddress address) {
        if (unanswered.get() >= DEAF) {
            return Addresses.format(address);
        }
        long start = nanos.getAsLong();
        Optional<String> name = resolver.name(address);
        if (name.isPresent() || nanos.getAsLong() - start < ANSWER.toNanos()) {
            unanswered.set(0);
        } else {
            unanswered.incrementAndGet();
        }
        return name.orElseGet(() -> Addresses.format(address));
    }

    /** Looks up hosts that will be asked for, many at a time: a resolver that answers late is waited for once, not for each. */
    void expect(Collection<InetAddress> addresses) {
        List<InetAddress> unknown = addresses.stream()
                .filter(each -> !hosts.containsKey(each))
                .distinct()
                .toList();
        if (unknown.size() < 2) {
            return;
        }
        String[] found = new String[unknown.size()];
        AtomicInteger next = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < Math.min(AT_ONCE, found.length); i++) {
            threads.add(Thread.ofPlatform().daemon().start(() -> {
                for (int at = next.getAndIncrement(); at < found.length; at = next.getAndIncrement()) {
                    found[at] = look(unknown.get(at));
                }
            }));
        }
        try {
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        }
        for (int i = 0; i < found.length; i++) {
            hosts.put(unknown.get(i), found[i]);
        }
    }

    /** Name of a service, or its number where it has none. */
    String service(int port, Protocol protocol) {
        readServices();
        String name = services == null ? null : services.get(port + "/" + label(protocol));
        return name == null ? Integer.toString(port) : name;
    }

    private static String label(Protocol protocol) {
        return switch (protocol) {
            case TCP -> "tcp";
            case UDP -> "udp";
            case SCTP -> "sctp";
        };
    }

    private void readServices() {
        if (services != null) {
            return;
        }
        Map<String, Integer> byName = new HashMap<>();
        Map<String, String> byPort = new HashMap<>();
        try {
            for (String line : Files.readAllLines(servicesFile, StandardCharsets.ISO_8859_1)) {
                readService(line, byName, byPort);
            }
        } catch (IOException e) {
            // Without the file no service has a name.
            byName.clear();
        }
        ports = byName;
        services = byPort;
    }

    /** {@code name port/protocol alias...}; the first entry of a name or port counts. */
    private static void readService(String line, Map<String, Integer> byName, Map<String, String> byPort) {
        int hash = line.indexOf('#');
        String[] words = (hash < 0 ? line : line.substring(0, hash)).strip().split("\\s+", -1);
        int slash = words.length < 2 ? -1 : words[1].indexOf('/');
        if (slash < 0) {
            return;
        }
        try {
            int port = Integer.parseInt(words[1].substring(0, slash));
            String protocol = words[1].substring(slash);
            byPort.putIfAbsent(port + protocol, words[0]);
            for (int i = 0; i < words.length; i++) {
                if (i != 1) {
                    byName.putIfAbsent(words[i] + protocol, port);
                }
            }
        } catch (NumberFormatException e) {
            // A line that is no service names none.
            return;
        }
    }
}
