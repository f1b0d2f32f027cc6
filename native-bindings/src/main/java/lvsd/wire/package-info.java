/**
 * Packet headers in raw memory: Ethernet, VLAN, ARP, IPv4, IPv6, TCP and its options, UDP, SCTP, ICMP, ICMPv6, checksums
 * and sequence arithmetic. Functions over the address of a header's first byte; no objects, no state, no allocation
 * (except {@link lvsd.wire.PacketPrinter}, which makes text), so any thread may use them on memory it owns.
 *
 * <p>Two steps. {@code check} (or {@code walk}) judges lengths, once, against the bytes that are really there. After a
 * non-negative answer no accessor of that header can leave the packet, as long as nobody stores a larger length; setters
 * of length fields say so. Accessors make no judgement as to content and never throw on what a packet contains.
 *
 * <p>Negative answers of a check: {@link lvsd.wire.Check#TRUNCATED} when the bytes end before the header says,
 * {@link lvsd.wire.Check#MALFORMED} when the header contradicts itself, {@link lvsd.wire.Check#TOO_MANY} when a chain is
 * longer than we walk.
 *
 * <p><b>Wire form</b>: a value as its bytes lie in the packet, read in native byte order. Addresses, ports and checksums
 * are in wire form, so the packet path compares, copies and sums them without swapping. Lengths, sequence numbers,
 * identifiers and everything else that is counted or shown are host values (read as big-endian). {@link lvsd.wire.WireForm}
 * converts.
 */
@NullMarked
package lvsd.wire;

import org.jspecify.annotations.NullMarked;
