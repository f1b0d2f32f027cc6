package lvsd.rules;

import java.net.InetAddress;

/**
 * A FULLNAT local address of a service ({@code -P}, {@code -Q}).
 *
 * @param service the service
 * @param address the local address (LIP)
 * @param port name of the director port it belongs to ({@code -F}); empty: the one whose subnet holds it
 */
public record LocalAddressSpec(ServiceId service, InetAddress address, String port) {}
