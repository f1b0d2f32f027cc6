package lvsd.cli;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.spi.InetAddressResolver;
import java.net.spi.InetAddressResolverProvider;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The C library's own answer to what an address is called: {@link InetAddress} believes a name only if it leads back to the
 * address, ipvsadm prints any. The JDK gives its resolver to nobody but such a provider, which it finds by the jar's
 * {@code META-INF/services} and makes at the first look-up.
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

    /** Name of an address, if it has one. */
    static Optional<String> name(InetAddress address) {
        InetAddressResolver resolver = system;
        try {
            if (resolver == null) {
                // Any look-up makes the JDK look for providers.
                InetAddress.getByName("localhost");
                resolver = system;
            }
            return resolver == null ? Optional.empty() : Optional.of(resolver.lookupByAddress(address.getAddress()));
        } catch (UnknownHostException e) {
            return Optional.empty();
        }
    }
}
