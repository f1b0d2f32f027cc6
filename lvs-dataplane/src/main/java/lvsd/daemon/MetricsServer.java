package lvsd.daemon;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.handler.timeout.IdleStateHandler;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Serves {@code GET /metrics} ({@code ?prefix=node}: node_exporter's own names). Runs on the control thread, which owns
 * everything it reads. At most {@value #MAXIMUM_CLIENTS} connections, each closed after {@value #IDLE_SECONDS} s of
 * silence; more are turned away.
 */
final class MetricsServer implements AutoCloseable {
    private static final int MAXIMUM_CLIENTS = 32;
    private static final int IDLE_SECONDS = 90;
    private static final int MAXIMUM_REQUEST = 8192;

    private final MetricsText metrics;
    private final Channel channel;
    private int clients;

    private MetricsServer(EventLoop loop, MetricsText metrics, InetSocketAddress listen) {
        this.metrics = metrics;
        this.channel = new ServerBootstrap()
                .group(loop)
                .channel(NioServerSocketChannel.class)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel client) {
                        admit(client);
                    }
                })
                .bind(listen)
                .syncUninterruptibly()
                .channel();
    }

    /**
     * Listens.
     *
     * @param listen {@code host:port}; an IPv6 host in brackets, {@code *} for all addresses
     */
    static MetricsServer open(EventLoop loop, MetricsText metrics, String listen) throws StartException {
        try {
            return new MetricsServer(loop, metrics, address(listen));
        } catch (Exception e) {
            // Netty passes a BindException on without declaring it.
            throw new StartException("metrics: cannot listen on " + listen + ": " + e.getMessage(), e);
        }
    }

    private static InetSocketAddress address(String listen) {
        int colon = listen.lastIndexOf(':');
        String host = listen.substring(0, colon);
        int port = Integer.parseInt(listen.substring(colon + 1));
        return host.equals("*") ? new InetSocketAddress(port) : new InetSocketAddress(host, port);
    }

    /** Where it listens; useful when port 0 was asked for. */
    InetSocketAddress address() {
        return (InetSocketAddress) channel.localAddress();
    }

    private void admit(Channel client) {
        if (clients >= MAXIMUM_CLIENTS) {
            var _ = client.close();
            return;
        }
        clients++;
        client.closeFuture().addListener(done -> clients--);
        client.pipeline()
                .addLast(new IdleStateHandler(0, 0, IDLE_SECONDS, TimeUnit.SECONDS))
                .addLast(new HttpServerCodec())
                .addLast(new HttpObjectAggregator(MAXIMUM_REQUEST))
                .addLast(new Handler());
    }

    /** One connection. */
    private final class Handler extends SimpleChannelInboundHandler<FullHttpRequest> {
        @Override
        protected void channelRead0(ChannelHandlerContext ctx, FullHttpRequest request) {
            boolean alive = HttpUtil.isKeepAlive(request);
            QueryStringDecoder uri = new QueryStringDecoder(request.uri());
            if (!request.decoderResult().isSuccess()) {
                text(ctx, HttpResponseStatus.BAD_REQUEST, "not an HTTP request\n", false);
            } else if (!request.method().equals(HttpMethod.GET)) {
                text(ctx, HttpResponseStatus.METHOD_NOT_ALLOWED, "only GET\n", false);
            } else if (!uri.path().equals("/metrics")) {
                text(ctx, HttpResponseStatus.NOT_FOUND, "try /metrics\n", alive);
            } else {
                String prefix =
                        uri.parameters().getOrDefault("prefix", List.of("lvsd")).getFirst();
                if (prefix.equals("lvsd") || prefix.equals("node")) {
                    metrics(ctx, metrics.render(prefix), alive);
                } else {
                    text(ctx, HttpResponseStatus.BAD_REQUEST, "prefix is lvsd or node\n", alive);
                }
            }
        }

        private void text(ChannelHandlerContext ctx, HttpResponseStatus status, String text, boolean alive) {
            FullHttpResponse response = new DefaultFullHttpResponse(
                    HttpVersion.HTTP_1_1, status, Unpooled.copiedBuffer(text, StandardCharsets.UTF_8));
            response.headers()
                    .set(HttpHeaderNames.CONTENT_TYPE, "text/plain; charset=utf-8")
                    .set(HttpHeaderNames.CONTENT_LENGTH, response.content().readableBytes());
            finish(ctx.writeAndFlush(response), alive);
        }

        private void metrics(ChannelHandlerContext ctx, Spool body, boolean alive) {
            HttpResponse response = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
            response.headers()
                    .set(HttpHeaderNames.CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")
                    .set(HttpHeaderNames.CONTENT_LENGTH, body.length());
            if (!alive) {
                response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
            }
            var _ = ctx.write(response);
            var _ = ctx.write(body.message());
            finish(ctx.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT), alive);
        }

        private void finish(ChannelFuture sent, boolean alive) {
            sent.addListener(alive ? ChannelFutureListener.CLOSE_ON_FAILURE : ChannelFutureListener.CLOSE);
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
            var _ = ctx.close();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            var _ = ctx.close();
        }
    }

    /** Stops listening; open connections end with the loop. */
    @Override
    public void close() {
        channel.close().syncUninterruptibly();
    }
}
