package lvsd.daemon;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.DefaultFileRegion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import lvsd.control.ControlProtocol;
import org.jspecify.annotations.Nullable;

/**
 * Bytes of a reply on their way out: in memory while they are few, in a nameless file beyond {@value #MEMORY} bytes, so
 * that a listing of millions of connections to a slow reader does not fill the heap. Control thread only.
 */
final class Spool {
    private static final int MEMORY = 1 << 20;

    private final ByteBuf memory = Unpooled.buffer(256);
    private @Nullable FileChannel file;
    private long fileLength;

    /** Adds text as UTF-8. */
    void add(String text) {
        add(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Adds bytes. */
    void add(byte[] bytes) {
        memory.writeBytes(bytes);
        if (memory.readableBytes() > MEMORY) {
            spill();
        }
    }

    private void spill() {
        try {
            FileChannel channel = file;
            if (channel == null) {
                Path path = Files.createTempFile("lvsd-reply", ".spool");
                channel = FileChannel.open(
                        path, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE);
                file = channel;
            }
            ByteBuffer bytes = memory.nioBuffer();
            while (bytes.hasRemaining()) {
                fileLength += channel.write(bytes);
            }
            memory.clear();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Adds one frame of a reply; see {@link ControlProtocol#header}. */
    Spool frame(boolean more, int exitCode, String out, String err) {
        byte[] outBytes = out.getBytes(StandardCharsets.UTF_8);
        byte[] errBytes = err.getBytes(StandardCharsets.UTF_8);
        add(ControlProtocol.header(more, exitCode, outBytes.length, errBytes.length));
        add(outBytes);
        add(errBytes);
        return this;
    }

    /** Bytes in it. */
    long length() {
        return fileLength + memory.readableBytes();
    }

    /** What Netty writes: a buffer or a file region; it is then Netty's to release. */
    Object message() {
        FileChannel channel = file;
        if (channel == null) {
            return memory;
        }
        spill();
        memory.release();
        return new DefaultFileRegion(channel, 0, fileLength);
    }

    /** Releases what was not handed to Netty. */
    void discard() {
        memory.release();
        FileChannel channel = file;
        if (channel != null) {
            try {
                channel.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
