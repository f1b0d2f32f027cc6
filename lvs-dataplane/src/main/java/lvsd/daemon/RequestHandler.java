package lvsd.daemon;

import java.util.Optional;

/** What the control server needs of whoever understands requests. Called by the control thread only. */
interface RequestHandler {
    /**
     * An answer.
     *
     * @param frames all frames of the reply
     * @param change whether the answer holds only once {@link #commit} has succeeded
     */
    record Answer(Spool frames, boolean change) {}

    /** Executes one request line. A change is on disk, and seen by the workers, only after {@link #commit}. */
    Answer execute(String line);

    /**
     * Makes all changes since the last call durable and effective, or takes all of them back.
     *
     * @return empty; or, when they were taken back, the line that tells clients why
     */
    Optional<String> commit();
}
