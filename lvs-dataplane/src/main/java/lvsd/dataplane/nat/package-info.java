/**
 * Forwarding methods: what NAT and FULLNAT change in a packet. Static methods over packet memory and the few fields of a
 * connection; the calling worker owns both.
 */
@NullMarked
package lvsd.dataplane.nat;

import org.jspecify.annotations.NullMarked;
