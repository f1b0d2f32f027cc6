package lvsd.cli;

import java.net.InetAddress;
import java.util.Collection;
import java.util.function.Supplier;
import lvsd.rules.Addresses;
import lvsd.rules.Protocol;
import lvsd.rules.RuleFormatter;
import lvsd.rules.ServiceId;
import org.jspecify.annotations.Nullable;

/** Prints {@code host:port}, as numbers or as names. */
final class Endpoints implements RuleFormatter.Endpoints {
    private final @Nullable SystemNames names;

    private Endpoints(@Nullable SystemNames names) {
        this.names = names;
    }

    /** Numbers with {@code -n}, else names. */
    static Endpoints of(boolean numeric, SystemNames names) {
        return new Endpoints(numeric ? null : names);
    }

    /** Says which hosts will be printed, so that their names are looked up together. */
    void expect(Supplier<Collection<InetAddress>> addresses) {
        if (names != null) {
            names.expect(addresses.get());
        }
    }

    /** Whether numbers are printed. */
    boolean numeric() {
        return names == null;
    }

    @Override
    public String text(InetAddress address, int port, ServiceId service) {
        // What a firewall mark stands for has no protocol, so its ports have no names.
        return text(address, port, service instanceof ServiceId.Vip vip ? vip.protocol() : null);
    }

    /** The same where only the protocol is known; null if there is none. */
    String text(InetAddress address, int port, @Nullable Protocol protocol) {
        String host = names == null ? Addresses.format(address) : names.host(address);
        String service =
                names == null || protocol == null || port == 0 ? Integer.toString(port) : names.service(port, protocol);
        return (address.getAddress().length == 16 ? "[" + host + "]" : host) + ":" + service;
    }
}
