package lvsd.sync;

import org.jspecify.annotations.Nullable;

/** The checks before any entry of a message without authentication is read. Stateless. */
final class Keyless {
    private Keyless() {}

    /**
     * What is wrong with a datagram; null if nothing.
     *
     * @param syncId of the backup; 0 takes messages of every syncid
     */
    static @Nullable SyncDrop check(byte[] bytes, int length, int syncId) {
        if (length < Message.V0_HEADER || Message.size(bytes, 0) != length) {
            return SyncDrop.LENGTH;
        }
        return syncId != 0 && Message.syncId(bytes, 0) != syncId ? SyncDrop.SYNCID : null;
    }
}
