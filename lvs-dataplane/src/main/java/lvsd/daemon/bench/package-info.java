/**
 * The benchmark behind {@code config/bin/lvs-bench}: the worker's real pipeline on traffic looped in memory, beside a C
 * twin of the same work and {@code dpdk-testpmd}. Not part of a running director.
 *
 * <p>{@link lvsd.daemon.bench.BenchMain} starts every measurement as a process of its own and collects what each prints;
 * in a director's process the main thread steers and the worker's thread alone touches packets.
 */
@NullMarked
package lvsd.daemon.bench;

import org.jspecify.annotations.NullMarked;
