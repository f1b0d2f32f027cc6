package lvsd.dataplane.scheduler;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The schedulers once more, as plainly as they can be said, on objects and with numbers that cannot overflow: what the
 * real ones are compared with. A model hears of every change one at a time, as a kernel does.
 */
final class Models {
    private Models() {}

    /** A real server with its connections. */
    static final class Server {
        final int index;
        /** Its address plus its port, by which {@code mh} knows it. */
        final int name;

        int weight;
        int lastWeight;
        int upper;
        int lower;
        long active;
        long inactive;
        boolean overloaded;

        Server(int index, int name, int weight) {
            this.index = index;
            this.name = name;
            this.weight = weight;
            this.lastWeight = weight;
        }

        long connections() {
            return active + inactive;
        }

        long load() {
            return 256 * active + inactive;
        }

        boolean usable() {
            return weight > 0 && !overloaded;
        }

        /** Looks at the thresholds again: after every change of them or of the connections. */
        void noteThresholds() {
            if (upper == 0) {
                overloaded = false;
            } else if (connections() >= upper) {
                overloaded = true;
            } else if (lower != 0 ? connections() < lower : connections() < 0.75 * upper) {
                overloaded = false;
            }
        }
    }

    /** A packet's addresses as numbers in host order, IPv6 folded; the client's port; when it came. */
    record Packet(int client, int clientPort, int virtual, long seconds) {}

    /** A scheduler; servers stand in the kernel's order, newest first. */
    abstract static class Model {
        final List<Server> servers = new ArrayList<>();

        void added(Server server) {
            servers.addFirst(server);
            changed();
        }

        void removed(Server server) {
            servers.remove(server);
            changed();
        }

        /** After every change of the servers, weights included. */
        void changed() {}

        abstract @Nullable Server pick(Packet packet);
    }

    static Model create(String name, boolean fallback, boolean port) {
        return switch (name) {
            case "rr" -> new RoundRobin();
            case "wrr" -> new WeightedRoundRobin();
            case "lc" -> new Least(Server::load, server -> 1, false);
            case "wlc" -> new Least(Server::load, server -> server.weight, false);
            case "sed" -> new Least(server -> server.active + 1, server -> server.weight, false);
            case "nq" -> new Least(server -> server.active + 1, server -> server.weight, true);
            case "lblc" -> new Locality(1);
            case "lblcr" -> new Locality(Integer.MAX_VALUE);
            case "fo" -> new Greatest(Long.MAX_VALUE);
            case "ovf" -> new Greatest(0);
            case "dh" -> new Dealt(false, false, false);
            case "sh" -> new Dealt(true, fallback, port);
            case "mh" -> new Maglev(fallback, port);
            default -> throw new IllegalArgumentException(name);
        };
    }

    private static final class RoundRobin extends Model {
        private @Nullable Server last;

        @Override
        void removed(Server server) {
            if (last == server) {
                int at = servers.indexOf(server);
                last = at == 0 ? null : servers.get(at - 1);
            }
            servers.remove(server);
        }

        @Override
        @Nullable
        Server pick(Packet packet) {
            List<Server> round = new ArrayList<>(servers.subList(servers.indexOf(last) + 1, servers.size()));
            round.addAll(servers);
            for (Server server : round) {
                if (server.usable()) {
                    last = server;
                    return server;
                }
            }
            return null;
        }
    }

    /** A level that falls by the divisor each turn, down to what still serves the least weight, and begins again. */
    private static final class WeightedRoundRobin extends Model {
        private int position = -1;
        private int level;
        private int top;
        private int divisor = 1;

        @Override
        void changed() {
            BigInteger common = BigInteger.ZERO;
            int greatest = 0;
            for (Server server : servers) {
                common = common.gcd(BigInteger.valueOf(server.weight));
                greatest = Math.max(greatest, server.weight);
            }
            divisor = Math.max(1, common.intValue());
            top = greatest == 0 ? 0 : greatest - divisor + 1;
            if (level == 0 || level > top) {
                level = top;
            } else if (divisor > 1) {
                level = level / divisor * divisor + 1;
            }
            position = -1;
        }

        @Override
        @Nullable
        Server pick(Packet packet) {
            if (servers.stream().noneMatch(Server::usable)) {
                return null;
            }
            while (true) {
                for (position++; position < servers.size(); position++) {
                    Server server = servers.get(position);
                    if (server.usable() && server.weight >= level) {
                        return server;
                    }
                }
                position = -1;
                level = level - divisor > 0 ? level - divisor : top;
            }
        }
    }

    /** The least of the quotients, the first of equals; or the first that is idle. */
    private static final class Least extends Model {
        private final ToLongFunction<Server> over;
        private final ToLongFunction<Server> under;
        private final boolean idleFirst;

        Least(ToLongFunction<Server> over, ToLongFunction<Server> under, boolean idleFirst) {
            this.over = over;
            this.under = under;
            this.idleFirst = idleFirst;
        }

        @Override
        @Nullable
        Server pick(Packet packet) {
            List<Server> usable = servers.stream().filter(Server::usable).toList();
            for (Server server : usable) {
                if (idleFirst && server.active == 0) {
                    return server;
                }
            }
            return usable.stream().min(this::compare).orElse(null);
        }

        private int compare(Server a, Server b) {
            BigInteger left =
                    BigInteger.valueOf(over.applyAsLong(a)).multiply(BigInteger.valueOf(under.applyAsLong(b)));
            BigInteger right =
                    BigInteger.valueOf(over.applyAsLong(b)).multiply(BigInteger.valueOf(under.applyAsLong(a)));
            return left.compareTo(right);
        }
    }

    /** Where an address goes, newest first; and when that was last used and changed. */
    private static final class Entry {
        final List<Server> servers = new ArrayList<>();
        long used;
        long changed;
    }

    private static final class Locality extends Model {
        private static final int DAY = 86_400;

        private final int most;
        private final Map<Integer, Entry> entries = new HashMap<>();
        private final Comparator<Server> byLoad = new Least(Server::load, server -> server.weight, false)::compare;

        Locality(int most) {
            this.most = most;
        }

        /** {@code lblc}, which remembers one server, does not look at its threshold again. */
        private boolean keeps(Server server) {
            return most == 1 ? server.weight > 0 : server.usable();
        }

        private boolean spills(Server server) {
            return server.active > server.weight && servers.stream().anyMatch(other -> other.active * 2 < other.weight);
        }

        @Override
        @Nullable
        Server pick(Packet packet) {
            Entry known = entries.get(packet.virtual);
            if (known != null && packet.seconds - known.used <= DAY) {
                known.used = packet.seconds;
                Server least = known.servers.stream()
                        .filter(server -> servers.contains(server) && keeps(server))
                        .min(byLoad)
                        .orElse(null);
                if (known.servers.size() > 1 && packet.seconds - known.changed > DAY) {
                    shrink(known, packet.seconds);
                }
                if (least != null && !spills(least)) {
                    return least;
                }
            } else {
                known = new Entry();
            }
            Server chosen = servers.stream().filter(Server::usable).min(byLoad).orElse(null);
            if (chosen != null && !known.servers.contains(chosen)) {
                known.servers.addFirst(chosen);
                known.changed = packet.seconds;
                while (known.servers.size() > most) {
                    known.servers.removeLast();
                }
            }
            if (chosen != null) {
                known.used = packet.seconds;
                entries.put(packet.virtual, known);
            }
            return chosen;
        }

        private void shrink(Entry entry, long seconds) {
            Server loaded = null;
            for (Server server : entry.servers) {
                boolean candidate = servers.contains(server) && server.weight > 0;
                if (candidate && (loaded == null || byLoad.compare(loaded, server) < 0)) {
                    loaded = server;
                }
            }
            if (loaded != null) {
                entry.servers.remove(loaded);
                entry.changed = seconds;
            }
        }
    }

    private static final class Greatest extends Model {
        private final long more;

        Greatest(long more) {
            this.more = more;
        }

        @Override
        @Nullable
        Server pick(Packet packet) {
            Server best = null;
            for (Server server : servers) {
                boolean full = more == 0 && server.active > server.weight;
                if (server.usable() && !full && (best == null || server.weight > best.weight)) {
                    best = server;
                }
            }
            return best;
        }
    }

    private static final class Dealt extends Model {
        private final boolean source;
        private final boolean fallback;
        private final boolean port;
        private final List<Server> buckets = new ArrayList<>();

        Dealt(boolean source, boolean fallback, boolean port) {
            this.source = source;
            this.fallback = fallback;
            this.port = port;
        }

        @Override
        void changed() {
            buckets.clear();
            while (buckets.size() < 256 && !servers.isEmpty()) {
                for (Server server : servers) {
                    for (int i = 0; i < (source ? Math.clamp(server.weight, 1, 256) : 1); i++) {
                        buckets.add(server);
                    }
                }
            }
        }

        @Override
        @Nullable
        Server pick(Packet packet) {
            if (buckets.isEmpty()) {
                return null;
            }
            long number = source ? packet.client + (port ? packet.clientPort : 0) : packet.virtual;
            long product = (number & 0xffff_ffffL) * 0x61c8_8647L % (1L << 32);
            int bucket = (int) (product / (1 << 24));
            Server found = buckets.get(bucket);
            for (int tries = 0; fallback && tries < 256 && !found.usable(); tries++) {
                found = buckets.get((bucket + bucket + tries) % 256);
            }
            return found.usable() ? found : null;
        }
    }

    private static final class Maglev extends Model {
        private static final int SLOTS = 4093;

        private final boolean fallback;
        private final boolean port;
        private final @Nullable Server[] table = new @Nullable Server[SLOTS];
        private boolean filled;

        Maglev(boolean fallback, boolean port) {
            this.fallback = fallback;
            this.port = port;
        }

        private int turns(Server server) {
            int divisor = servers.stream()
                    .map(each -> BigInteger.valueOf(each.lastWeight))
                    .reduce(BigInteger.ZERO, BigInteger::gcd)
                    .intValue();
            int greatest = servers.stream()
                    .mapToInt(each -> each.lastWeight / divisor)
                    .max()
                    .orElse(0);
            int turns = server.lastWeight / divisor;
            for (; greatest > 63; greatest /= 2) {
                turns /= 2;
            }
            return server.lastWeight == 0 ? 0 : Math.max(1, turns);
        }

        @Override
        void changed() {
            Arrays.fill(table, null);
            filled = servers.stream().anyMatch(server -> server.lastWeight > 0);
            int[] tried = new int[servers.size()];
            int[] turns = filled ? servers.stream().mapToInt(this::turns).toArray() : tried;
            int taken = 0;
            while (filled && taken < SLOTS) {
                for (int at = 0; at < servers.size(); at++) {
                    for (int turn = 0; turn < turns[at] && taken < SLOTS; turn++) {
                        int slot;
                        do {
                            slot = preference(servers.get(at), tried[at]++);
                        } while (table[slot] != null);
                        table[slot] = servers.get(at);
                        taken++;
                    }
                }
            }
        }

        /** The slot that a server likes best but for {@code better} others. */
        private static int preference(Server server, int better) {
            long offset = hash(server.name, 2_654_435_761L) % SLOTS;
            long skip = hash(server.name, 2_654_446_892L) % (SLOTS - 1) + 1;
            return (int) ((offset + better * skip) % SLOTS);
        }

        private static long hash(int value, long key) {
            byte[] bytes = {(byte) value, (byte) (value >> 8), (byte) (value >> 16), (byte) (value >> 24)};
            return SipHash.hash(1, 3, key, key, bytes) & 0xffff_ffffL;
        }

        @Override
        @Nullable
        Server pick(Packet packet) {
            if (!filled) {
                return null;
            }
            int client = packet.client + (port ? packet.clientPort : 0);
            int first = (int) (hash(client, 2_654_435_761L) % SLOTS);
            Server found = table[first];
            for (int tries = 0; fallback && tries < SLOTS && found != null && !found.usable(); tries++) {
                found = table[(int) (hash(client + (first + tries) % SLOTS, 2_654_435_761L) % SLOTS)];
            }
            return found != null && found.usable() ? found : null;
        }
    }
}
