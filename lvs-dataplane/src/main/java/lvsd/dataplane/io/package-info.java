/** Where packets come from and go to: DPDK ports, or plain memory in tests. */
@NullMarked
package lvsd.dataplane.io;

import org.jspecify.annotations.NullMarked;
