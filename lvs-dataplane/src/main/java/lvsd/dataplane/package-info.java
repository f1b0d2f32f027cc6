/**
 * The packet path: one {@code Worker} per core runs the {@code Pipeline} over bursts of mbufs.
 *
 * <p>A worker owns everything it writes; what others publish to it is immutable.
 */
@NullMarked
package lvsd.dataplane;

import org.jspecify.annotations.NullMarked;
