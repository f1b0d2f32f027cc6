package lvsd.daemon;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the control server needs of whoever understands requests. Called by the control thread only. */
interface RequestHandler {
    /**
     * An answer.
     *
     * @param frames all frames of the reply, or the first of them
     * @param change whether the answer holds only once {@link #commit} has succeeded
     * @param rest the further frames; null if there are none
     */
    record Answer(Spool frames, boolean change, @Nullable Pages rest) {
        /** An answer of which all is said. */
        Answer(Spool frames, boolean change) {
            this(frames, change, null);
        }
    }

    /** The pages of a long answer, made one at a time as the client reads them, while others get their turn. */
    interface Pages {
        /** Adds the next page, which may be nothing; false if it was the last. */
        boolean next(Spool to);
    }

    /** Executes one request line. A change is on disk, and seen by the workers, only after {@link #commit}. */
    Answer execute(String line);

    /**
     * Makes all changes since the last call durable and effective, or takes all of them back.
     *
     * @return empty; or, when they were taken back, the line that tells clients why
     */
    Optional<String> commit();
}
