/**
 * Connections of one worker: the off-heap table, the fields of an entry, protocol states, timers, and the local ports of
 * FULLNAT.
 *
 * <p>Everything here belongs to the worker that made it; no method may be called by another thread unless it says so. No
 * method on the way of a packet allocates, locks or throws, and all work per call is bounded: an attacker who chooses
 * addresses and ports cannot make a look-up read more than two bucket lines, nor a timer cycle move more entries than
 * its budget.
 */
@NullMarked
package lvsd.dataplane.connection;

import org.jspecify.annotations.NullMarked;
