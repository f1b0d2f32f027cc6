package lvsd.dataplane.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.random.RandomGenerator;
import lvsd.dataplane.service.Wire;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Longest-prefix match against the plainest model there is: look at every route, bit by bit. */
class RouteTableTest {
    private static final class Plain {
        final byte[] network;
        final int length;

        Plain(byte[] network, int length) {
            this.network = network;
            this.length = length;
        }

        boolean matches(byte[] address) {
            int shift = address.length * 8 - length;
            BigInteger mine = new BigInteger(1, network).shiftRight(shift);
            return mine.equals(new BigInteger(1, address).shiftRight(shift));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldFindWhatTheModelFinds(boolean ipv6) {
        SeededTest.run(150, random -> {
            List<Plain> model = new ArrayList<>();
            List<RouteTable.Route> routes = new ArrayList<>();
            int count = random.nextInt(60);
            for (int i = 0; i < count; i++) {
                Plain plain = new Plain(address(random, ipv6), random.nextInt(ipv6 ? 129 : 33));
                model.add(plain);
                routes.add(route(plain.network, plain.length, i));
            }
            RouteTable table = new RouteTable(ipv6, routes);
            for (int i = 0; i < 300; i++) {
                byte[] address = i < count ? model.get(i).network : address(random, ipv6);
                int found = table.find(high(address), ipv6 ? Wire.long8(address, 8) : 0);
                assertThat(found == RouteTable.NONE ? -1 : table.route(found).iface())
                        .as(HexFormat.of().formatHex(address))
                        .isEqualTo(best(model, address));
            }
        });
    }

    /** The longest match; of equals the first. */
    private static int best(List<Plain> model, byte[] address) {
        int best = -1;
        for (int i = 0; i < model.size(); i++) {
            boolean longer = best < 0 || model.get(i).length > model.get(best).length;
            if (longer && model.get(i).matches(address)) {
                best = i;
            }
        }
        return best;
    }

    /** Addresses from a small world, so that prefixes nest and collide. */
    private static byte[] address(RandomGenerator random, boolean ipv6) {
        byte[] bytes = new byte[ipv6 ? 16 : 4];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (random.nextInt(4) == 0 ? random.nextInt(256) : random.nextInt(2) * 0xc0);
        }
        return bytes;
    }

    private static long high(byte[] address) {
        return address.length == 16 ? Wire.long8(address, 0) : Integer.toUnsignedLong(Wire.int4(address));
    }

    private static RouteTable.Route route(byte[] network, int length, int iface) {
        long low = network.length == 16 ? Wire.long8(network, 8) : 0;
        return new RouteTable.Route(high(network), low, length, iface, false, 0, 0);
    }

    @Test
    void shouldFindNothingInAnEmptyTable() {
        assertThat(new RouteTable(false, List.of()).find(1, 0)).isEqualTo(RouteTable.NONE);
    }
}
