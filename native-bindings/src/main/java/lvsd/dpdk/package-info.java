/**
 * DPDK through FFM: EAL, ports, queues, mempools and mbufs, and the layouts of its structures per ABI.
 *
 * <p>Nothing here knows what a packet means. Cold calls fail with {@code DpdkException} (function, code, text); the hot
 * ones return counts.
 */
@NullMarked
package lvsd.dpdk;

import org.jspecify.annotations.NullMarked;
