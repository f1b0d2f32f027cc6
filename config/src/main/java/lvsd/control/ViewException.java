package lvsd.control;

import java.io.Serial;

/** A reply that is not what the protocol says; unchecked, since only a daemon of another version can cause it. */
public final class ViewException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1;

    /** Says what is wrong and where. */
    public ViewException(String message) {
        super(message);
    }
}
