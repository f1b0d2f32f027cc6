package lvsd.control;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Client side of the control protocol. Requests may be pipelined: {@link #send} several, then {@link #receive} as many
 * replies in the same order; what is sent is buffered until the first receive. For one thread.
 */
public final class ControlClient implements Control {
    private static final int BUFFER = 1 << 16;

    private final SocketChannel channel;
    private final Selector selector;
    private final long timeoutMillis;
    private final ByteBuffer in = ByteBuffer.allocate(BUFFER).flip();
    private final ByteBuffer out = ByteBuffer.allocate(BUFFER);

    /**
     * Connects.
     *
     * @param timeout longest silence of the daemon before an exception
     * @throws IOException where nobody listens at {@code socket} or it may not be opened
     */
    public ControlClient(Path socket, Duration timeout) throws IOException {
        channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.connect(UnixDomainSocketAddress.of(socket));
            channel.configureBlocking(false);
            selector = Selector.open();
            channel.register(selector, SelectionKey.OP_READ);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
        timeoutMillis = Math.max(1, timeout.toMillis());
    }

    /** One request, one reply; for queries that may be answered in pages see the other form. */
    public Reply request(String line) throws IOException {
        send(line);
        return receive(page -> {});
    }

    /** One request; {@code page} gets the out part of every frame but the last. */
    public Reply request(String line, Consumer<String> page) throws IOException {
        send(line);
        return receive(page);
    }

    /** Queues a request; it leaves at the latest with the next {@link #receive}. */
    @Override
    public void send(String line) throws IOException {
        byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > ControlProtocol.MAX_REQUEST) {
            throw new IOException(
                    "request of " + bytes.length + " bytes is longer than " + ControlProtocol.MAX_REQUEST);
        }
        put(bytes);
        put(new byte[] {'\n'});
    }

    private void put(byte[] bytes) throws IOException {
        int at = 0;
        while (at < bytes.length) {
            if (!out.hasRemaining()) {
                flush();
            }
            int length = Math.min(bytes.length - at, out.remaining());
            out.put(bytes, at, length);
            at += length;
        }
    }

    /** Sends what is queued. */
    public void flush() throws IOException {
        out.flip();
        while (out.hasRemaining()) {
            if (channel.write(out) == 0) {
                await(SelectionKey.OP_WRITE);
            }
        }
        out.clear();
    }

    /** The reply to the oldest request not yet answered; {@code page} gets the out part of every frame but the last. */
    @Override
    public Reply receive(Consumer<String> page) throws IOException {
        flush();
        while (true) {
            String[] header = header().split(" ", -1);
            if (header.length != 3) {
                throw new IOException("the daemon's reply has a bad header");
            }
            int outBytes = size(header[1]);
            int errBytes = size(header[2]);
            String outText = text(outBytes);
            String errText = text(errBytes);
            if (!header[0].equals("+")) {
                return new Reply(size(header[0]), outText, errText);
            }
            page.accept(outText);
        }
    }

    private static int size(String field) throws IOException {
        try {
            int size = Integer.parseInt(field);
            if (size >= 0 && size <= ControlProtocol.MAX_PART) {
                return size;
            }
        } catch (NumberFormatException e) {
            throw new IOException("the daemon's reply has a bad header", e);
        }
        throw new IOException("the daemon's reply is too long: " + field + " bytes");
    }

    private String header() throws IOException {
        StringBuilder header = new StringBuilder();
        while (true) {
            fill();
            char c = (char) in.get();
            if (c == '\n') {
                return header.toString();
            }
            if (header.length() == ControlProtocol.MAX_HEADER) {
                throw new IOException("the daemon's reply has a bad header");
            }
            header.append(c);
        }
    }

    private String text(int length) throws IOException {
        byte[] bytes = new byte[length];
        int at = 0;
        while (at < length) {
            fill();
            int part = Math.min(length - at, in.remaining());
            in.get(bytes, at, part);
            at += part;
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** Makes sure that at least one byte is there. */
    private void fill() throws IOException {
        if (in.hasRemaining()) {
            return;
        }
        in.clear();
        int count = channel.read(in);
        while (count == 0) {
            await(SelectionKey.OP_READ);
            count = channel.read(in);
        }
        in.flip();
        if (count < 0) {
            throw new EOFException("the daemon closed the connection");
        }
    }

    private void await(int operation) throws IOException {
        for (SelectionKey key : selector.keys()) {
            key.interestOps(operation);
        }
        if (selector.select(timeoutMillis) == 0) {
            throw new SocketTimeoutException("the daemon did not answer within " + timeoutMillis / 1000.0 + " s");
        }
        selector.selectedKeys().clear();
    }

    @Override
    public void close() throws IOException {
        try (selector) {
            channel.close();
        }
    }
}
