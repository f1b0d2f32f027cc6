package lvsd.cli;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.spi.InetAddressResolver;
import java.net.spi.InetAddressResolver.LookupPolicy;
import java.net.spi.InetAddressResolverProvider;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The C library's own answers, as ipvsadm gets them: {@link InetAddress} believes a name only if it leads back to the
 * address, and asks for both families at once. The JDK gives its resolver to nobody but such a provider, which it finds by the
 * jar's {@code META-INF/services} and makes at the first look-up.
 */
public final class PlainResolver extends InetAddressResolverProvider {
    private static volatile @Nullable InetAddressResolver system;

    @Override
    public InetAddressResolver get(Configuration configuration) {
        InetAddressResolver builtin = configuration.builtinResolver();
        system = builtin;
        return builtin;
    }

    @Override
    public String name() {
        return "lvsd";
    }

    private static InetAddressResolver system() throws UnknownHostException {
        InetAddressResolver present = system;
        if (present == null) {
            // Any look-up makes the JDK look for providers.
            InetAddress.getByName("localhost");
            present = system;
        }
        if (present == null) {
            throw new UnknownHostException("no resolver");
        }
        return present;
    }

    /** First IPv4 address of a name. */
    static Optional<InetAddress> address4(String name) {
        try {
            return system().lookupByName(name, LookupPolicy.of(LookupPolicy.IPV4))
                    .findFirst();
        } catch (UnknownHostException e) {
            return Optional.empty();
        }
    }

    /** Name of an address, if it has one. */
    static Optional<String> name(InetAddress address) {
        try {
            return Optional.of(system().lookupByAddress(address.getAddress()));
        } catch (UnknownHostException e) {
            return Optional.empty();
        }
    }
}
