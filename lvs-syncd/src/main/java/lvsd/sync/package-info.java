/**
 * Connection synchronisation between directors: the kernel's wire formats and ours, authentication, transport, master and
 * backup. It knows neither the packet path nor the SYN proxy: a {@link lvsd.sync.SyncSource} gives it what changed, a
 * {@link lvsd.sync.SyncSink} takes what others sent.
 *
 * <p>Owner thread: everything that is not said to be for any thread belongs to the one sync thread. Invariant: no byte of
 * a datagram is read beyond its checked length, and with a key nothing of it is believed before its ICV was good. The
 * wire formats are described in docs/sync-protocol.md.
 */
@NullMarked
package lvsd.sync;

import org.jspecify.annotations.NullMarked;
