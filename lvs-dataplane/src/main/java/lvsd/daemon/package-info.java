/**
 * The daemon: main, life cycle, the director's mutable model, control and metrics servers, journal.
 *
 * <p>Owned by one control thread: whatever is not immutable here is read and written by it alone, from the first rule to
 * the last reply. It knows the packet path only as {@link lvsd.dataplane.DataplaneControl}; the packet path knows nothing
 * of it. Invariant: a change is answered only after it is in the journal and published to the workers.
 */
@NullMarked
package lvsd.daemon;

import org.jspecify.annotations.NullMarked;
