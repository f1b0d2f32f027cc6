package lvsd.control;

import java.io.IOException;
import java.util.function.Consumer;

/** An open control connection: requests go out in order, replies come back in the same order. For one thread. */
public interface Control extends AutoCloseable {
    /** Queues a request; it leaves at the latest with the next {@link #receive}. */
    void send(String line) throws IOException;

    /** The reply to the oldest request not yet answered; {@code page} gets the out part of every frame but the last. */
    Reply receive(Consumer<String> page) throws IOException;

    @Override
    void close() throws IOException;
}
