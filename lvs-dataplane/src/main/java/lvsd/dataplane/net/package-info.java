/**
 * The director as a host of its networks: interfaces, addresses, routes, neighbours (ARP and ND), ICMP of its own, and
 * the exception path to the kernel.
 *
 * <p>A {@code NetConfig} is immutable and made by the control thread; each worker owns one {@code Net} with its own
 * neighbour lines and never shares them. The punt thread meets workers only through rings. Invariant: every packet given
 * to {@code Net} leaves as exactly one verdict, and every held packet is transmitted, freed or handed out once.
 */
@NullMarked
package lvsd.dataplane.net;

import org.jspecify.annotations.NullMarked;
