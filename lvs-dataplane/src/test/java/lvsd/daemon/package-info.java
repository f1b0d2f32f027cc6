/** Tests of the daemon: no DPDK, no root, and no time but what they are given, except where a socket is the subject. */
@NullMarked
package lvsd.daemon;

import org.jspecify.annotations.NullMarked;
