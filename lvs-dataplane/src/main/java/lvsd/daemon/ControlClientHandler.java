package lvsd.daemon;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundBuffer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Objects;
import lvsd.control.ControlProtocol;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client of the control socket: cuts its bytes into lines, has them executed one after the other, writes the answers
 * in the same order. Control thread only.
 *
 * <p>It reads on only when everything read before has been answered and the answers have left. That bounds what a client
 * can make the daemon hold, and it lets a client shut its sending side down behind its last request, as socat and nc do:
 * Netty closes such a socket when it reads the end, which by then has nothing left to lose. A line without its end is
 * not executed, for it may be the first half of one.
 */
final class ControlClientHandler extends ChannelInboundHandlerAdapter {
    private static final Logger LOG = LoggerFactory.getLogger(ControlClientHandler.class);
    /** Bytes of answers a client may have unread before no more of its requests are executed. */
    private static final long MAXIMUM_UNREAD = 1 << 20;
    /** Requests of one client executed before others get their turn. */
    private static final int TURN = 256;

    /** A line, or null for one that was too long. */
    private record Request(@Nullable String line) {}

    private final ControlServer server;
    private final ArrayDeque<Request> queue = new ArrayDeque<>();
    private final ByteArrayOutputStream partial = new ByteArrayOutputStream(128);

    private @Nullable ChannelHandlerContext context;
    /** The rest of an answer, of which a page is made whenever the client has read what it was sent. */
    private RequestHandler.@Nullable Pages rest;

    private boolean skipping;
    private boolean ended;
    /** Whether {@link #page} is about to run. */
    private boolean paging;

    /** Answers that wait for the commit, and bytes of all that the client has not read. */
    private int waiting;

    private long unread;
    private long completed;
    private long stallMark = -1;

    ControlClientHandler(ControlServer server) {
        this.server = server;
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        context = ctx;
        if (!server.admit(this)) {
            ended = true;
            Spool refusal = new Spool();
            refusal.frame(false, 1, "", "all " + ControlServer.MAXIMUM_CLIENTS + " control connections are busy\n");
            ctx.writeAndFlush(refusal.message()).addListener(ChannelFutureListener.CLOSE);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        queue.clear();
        rest = null;
        ended = true;
        server.gone(this);
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        ByteBuf bytes = (ByteBuf) message;
        try {
            while (bytes.isReadable() && !ended) {
                int end = bytes.indexOf(bytes.readerIndex(), bytes.writerIndex(), (byte) '\n');
                take(bytes, (end < 0 ? bytes.writerIndex() : end) - bytes.readerIndex());
                if (end >= 0) {
                    bytes.skipBytes(1);
                    lineEnd();
                }
            }
        } finally {
            bytes.release();
        }
        server.active(this);
        pump();
    }

    private void take(ByteBuf bytes, int length) {
        if (skipping || partial.size() + length > ControlProtocol.MAX_REQUEST) {
            skipping = true;
            partial.reset();
            bytes.skipBytes(length);
            return;
        }
        byte[] part = new byte[length];
        bytes.readBytes(part);
        partial.writeBytes(part);
    }

    private void lineEnd() {
        queue.add(new Request(skipping ? null : partial.toString(StandardCharsets.UTF_8)));
        partial.reset();
        skipping = false;
    }

    /** Executes queued requests while the client keeps up with their answers. */
    private void pump() {
        for (int turn = 0; turn < TURN && unread < MAXIMUM_UNREAD && rest == null; turn++) {
            Request request = queue.poll();
            if (request == null) {
                break;
            }
            waiting++;
            String line = request.line();
            if (line == null) {
                Spool refusal = new Spool()
                        .frame(
                                false,
                                2,
                                "",
                                "request is longer than " + ControlProtocol.MAX_REQUEST + " bytes; send it in parts\n");
                unread += refusal.length();
                server.answer(this, new RequestHandler.Answer(refusal, false));
            } else {
                RequestHandler.Answer answer = server.execute(this, line);
                unread += answer.frames().length();
                rest = answer.rest();
            }
        }
        context().channel().config().setAutoRead(idle());
    }

    /** Sends an answer on its way. */
    void write(Spool frames) {
        if (!context().channel().isActive()) {
            frames.discard();
            return;
        }
        long length = frames.length();
        context().write(frames.message()).addListener(done -> {
            unread = Math.max(0, unread - length);
            completed++;
            if (waiting == 0 && !ended) {
                goOn();
            }
        });
    }

    /** What comes next for this client: the next page, or its next requests. */
    private void goOn() {
        if (rest == null) {
            pump();
        } else if (unread < MAXIMUM_UNREAD && !paging) {
            // Not at once: others get their turn between two pages.
            paging = true;
            context().channel().eventLoop().execute(this::page);
        }
    }

    private void page() {
        paging = false;
        RequestHandler.Pages pages = rest;
        if (pages == null || ended) {
            return;
        }
        Spool page = new Spool();
        try {
            if (!pages.next(page)) {
                rest = null;
            }
        } catch (RuntimeException e) {
            // Half an answer has gone already: the client learns by the end of the connection.
            LOG.atError().setCause(e).log("internal error in a listing");
            close();
            return;
        }
        unread += page.length();
        write(page);
        context().flush();
        goOn();
    }

    /** All answers of a commit have been given to {@link #write}. */
    void flushed() {
        waiting = 0;
        context().flush();
        if (!ended) {
            goOn();
        }
    }

    /** Whether nothing is under way for this client. */
    boolean idle() {
        return queue.isEmpty() && waiting == 0 && unread == 0 && rest == null;
    }

    /** Closes a client that has not read a byte since the last call though there was something to read. */
    void closeIfStalled() {
        ChannelOutboundBuffer buffer = context().channel().unsafe().outboundBuffer();
        if (unread == 0 || buffer == null) {
            stallMark = -1;
            return;
        }
        long mark = (completed << 40) + buffer.currentProgress();
        if (mark == stallMark) {
            close();
        }
        stallMark = mark;
    }

    /** Closes the connection. */
    void close() {
        var _ = context().close();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        var _ = ctx.close();
    }

    private ChannelHandlerContext context() {
        return Objects.requireNonNull(context);
    }
}
