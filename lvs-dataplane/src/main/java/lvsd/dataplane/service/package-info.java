/**
 * Services and destinations as workers see them: immutable snapshots published by the control thread, and the dense
 * indexes by which counters and connections refer to them.
 */
@NullMarked
package lvsd.dataplane.service;

import org.jspecify.annotations.NullMarked;
