package lvsd.dataplane.connection;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import lvsd.dataplane.service.Wire;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ToeplitzTest {
    private final Toeplitz toeplitz = new Toeplitz(Toeplitz.defaultKey());

    private static int ports(int source, int destination) {
        return Wire.port(source) | Wire.port(destination) << 16;
    }

    /** The verification suite of the RSS specification: destination, source, hash. */
    @ParameterizedTest
    @CsvSource({
        "161.142.100.80, 1766, 66.9.149.187, 2794, 51ccc178",
        "65.69.140.83, 4739, 199.92.111.2, 14230, c626b0ea",
        "12.22.207.184, 38024, 24.19.198.95, 12898, 5c2b394a",
        "209.142.163.6, 2217, 38.27.205.30, 48228, afc7327f",
        "202.188.127.2, 1303, 153.39.163.191, 44251, 10e828a2"
    })
    void shouldHashIpv4AsTheSpecificationDoes(
            String destination, int destinationPort, String source, int sourcePort, String hash)
            throws UnknownHostException {
        long addresses = Integer.toUnsignedLong(Wire.int4(bytes(source))) | (long) Wire.int4(bytes(destination)) << 32;
        assertThat(toeplitz.hash4(addresses, ports(sourcePort, destinationPort)))
                .isEqualTo(Integer.parseUnsignedInt(hash, 16));
    }

    @ParameterizedTest
    @CsvSource({
        "3ffe:2501:200:3::1, 1766, 3ffe:2501:200:1fff::7, 2794, 40207d3d",
        "ff02::1, 4739, 3ffe:501:8::260:97ff:fe40:efab, 14230, dde51bbf",
        "fe80::200:f8ff:fe21:67cf, 38024, 3ffe:1900:4545:3:200:f8ff:fe21:67cf, 44251, 2d1feef"
    })
    void shouldHashIpv6AsTheSpecificationDoes(
            String destination, int destinationPort, String source, int sourcePort, String hash)
            throws UnknownHostException {
        byte[] from = bytes(source);
        byte[] to = bytes(destination);
        assertThat(toeplitz.hash6(
                        Wire.long8(from, 0),
                        Wire.long8(from, 8),
                        Wire.long8(to, 0),
                        Wire.long8(to, 8),
                        ports(sourcePort, destinationPort)))
                .isEqualTo(Integer.parseUnsignedInt(hash, 16));
    }

    @Test
    void shouldBeTheSumOfWhatItsPartsContribute() {
        int whole = toeplitz.hash4(0x0123456789abcdefL, ports(8080, 4321));
        int without = toeplitz.hash4(0x0123456789abcdefL, ports(8080, 0));
        assertThat(without ^ toeplitz.destinationPort(false, Wire.port(4321))).isEqualTo(whole);
    }

    private static byte[] bytes(String address) throws UnknownHostException {
        return InetAddress.getByName(address).getAddress();
    }
}
