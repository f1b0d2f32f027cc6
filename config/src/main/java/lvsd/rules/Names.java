package lvsd.rules;

import java.net.InetAddress;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Host and service names for {@link RuleParser}. Names mean what they mean where the operator sits, so only the tool
 * resolves them; the daemon uses {@link #NUMERIC}.
 */
public interface Names {
    /** Knows no name at all: addresses and ports must be numbers. */
    Names NUMERIC = new Names() {
        @Override
        public Optional<InetAddress> host4(String name) {
            return Optional.empty();
        }

        @Override
        public OptionalInt port(String service, Protocol protocol) {
            return OptionalInt.empty();
        }
    };

    /** First IPv4 address of a host name (never called with a numeric address). */
    Optional<InetAddress> host4(String name);

    /** Port of a service name such as {@code http}, 1 to 65535. */
    OptionalInt port(String service, Protocol protocol);
}
