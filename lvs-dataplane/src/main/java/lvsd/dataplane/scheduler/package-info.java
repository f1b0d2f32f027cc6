/**
 * Which real server gets a new connection: the schedulers of IPVS, and the counts by which they and the overload
 * thresholds decide.
 *
 * <p>Cursors and caches belong to one worker. Counters are written by their worker alone and summed by whoever reads.
 */
@NullMarked
package lvsd.dataplane.scheduler;

import org.jspecify.annotations.NullMarked;
