package lvsd.daemon;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.util.concurrent.ScheduledFuture;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * The control socket. Everything here runs on the control thread, which is the one event loop it is given.
 *
 * <p>Requests are executed as they come; their answers wait until the loop has read all clients that had something to
 * say, then one commit makes the changes of all of them durable and effective, and the answers go out. So a pipelined
 * batch, and whatever other clients said meanwhile, costs one fsync and one publication.
 *
 * <p>No client can hold the daemon up: nothing waits for a client, what a client may have unread is bounded (no more of
 * its requests are executed until it reads), one that reads nothing for {@value #STALL_SECONDS} s is closed, and when all
 * {@value #MAXIMUM_CLIENTS} places are taken the longest idle one makes room.
 */
final class ControlServer implements AutoCloseable {
    /** Most clients at a time. */
    static final int MAXIMUM_CLIENTS = 1024;

    static final int STALL_SECONDS = 60;
    /** Longest path a Unix socket may have, in bytes, the suffix of its birth name included. */
    private static final int MAXIMUM_PATH = 107;

    private static final String BIRTH = ".new";

    /** An answer that waits for the commit. */
    private record Waiting(ControlClientHandler client, RequestHandler.Answer answer) {}

    private final EventLoop loop;
    private final RequestHandler requests;
    private final Path path;
    private final Channel channel;
    private final ScheduledFuture<?> stallCheck;
    /** Longest idle first. */
    private final LinkedHashSet<ControlClientHandler> clients = new LinkedHashSet<>();

    private List<Waiting> waiting = new ArrayList<>();

    private ControlServer(EventLoop loop, RequestHandler requests, Path path) throws IOException {
        this.loop = loop;
        this.requests = requests;
        this.path = path;
        this.channel = bind();
        this.stallCheck = loop.scheduleAtFixedRate(this::closeStalled, STALL_SECONDS, STALL_SECONDS, TimeUnit.SECONDS);
    }

    /**
     * Listens at {@code path}, in place of what is there; the caller owes that nobody listens there any more.
     *
     * @param group group that may connect, if not the daemon's own
     */
    static ControlServer open(EventLoop loop, RequestHandler requests, Path path, Optional<String> group)
            throws IOException {
        if (birthName(path).toString().getBytes(StandardCharsets.UTF_8).length > MAXIMUM_PATH) {
            throw new IOException(
                    "control socket " + path + ": path is longer than " + (MAXIMUM_PATH - BIRTH.length()) + " bytes");
        }
        ControlServer server = new ControlServer(loop, requests, path);
        try {
            Path socket = birthName(path);
            Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw----"));
            if (group.isPresent()) {
                changeGroup(socket, group.get());
            }
            Files.move(socket, path, StandardCopyOption.ATOMIC_MOVE);
            return server;
        } catch (IOException | RuntimeException e) {
            server.close();
            throw e;
        }
    }

    /** The socket gets its rights under this name before clients can see it under its own. */
    private static Path birthName(Path path) {
        return path.resolveSibling(path.getFileName() + BIRTH);
    }

    private static void changeGroup(Path socket, String group) throws IOException {
        GroupPrincipal principal;
        try {
            principal = FileSystems.getDefault().getUserPrincipalLookupService().lookupPrincipalByGroupName(group);
        } catch (UserPrincipalNotFoundException e) {
            throw new IOException("control.group: there is no group " + group, e);
        }
        Files.getFileAttributeView(socket, PosixFileAttributeView.class).setGroup(principal);
    }

    /** Gives the socket to another group. */
    void changeGroup(String group) throws IOException {
        changeGroup(path, group);
    }

    private Channel bind() throws IOException {
        Path socket = birthName(path);
        Files.deleteIfExists(socket);
        return new ServerBootstrap()
                .group(loop)
                .channel(NioServerDomainSocketChannel.class)
                .option(ChannelOption.SO_BACKLOG, MAXIMUM_CLIENTS)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel client) {
                        client.pipeline().addLast(new ControlClientHandler(ControlServer.this));
                    }
                })
                .bind(UnixDomainSocketAddress.of(socket))
                .syncUninterruptibly()
                .channel();
    }

    /** Takes a new client in, if need be in the place of the one that was idle longest. */
    boolean admit(ControlClientHandler client) {
        if (clients.size() >= MAXIMUM_CLIENTS) {
            Optional<ControlClientHandler> idle =
                    clients.stream().filter(ControlClientHandler::idle).findFirst();
            if (idle.isEmpty()) {
                return false;
            }
            clients.remove(idle.get());
            idle.get().close();
        }
        clients.add(client);
        return true;
    }

    /** Notes that {@code client} is the one active last. */
    void active(ControlClientHandler client) {
        if (clients.remove(client)) {
            clients.add(client);
        }
    }

    /** Forgets a closed client. */
    void gone(ControlClientHandler client) {
        clients.remove(client);
    }

    /** Executes a request of {@code client}; the first of its answer is written after the commit. */
    RequestHandler.Answer execute(ControlClientHandler client, String line) {
        RequestHandler.Answer answer = requests.execute(line);
        answer(client, answer);
        return answer;
    }

    /** Puts an answer behind those of earlier requests. */
    void answer(ControlClientHandler client, RequestHandler.Answer answer) {
        if (waiting.isEmpty()) {
            loop.execute(this::commit);
        }
        waiting.add(new Waiting(client, answer));
    }

    private void commit() {
        Optional<String> failure = requests.commit();
        List<Waiting> batch = waiting;
        waiting = new ArrayList<>();
        LinkedHashSet<ControlClientHandler> answered = new LinkedHashSet<>();
        for (Waiting one : batch) {
            Spool frames = one.answer.frames();
            if (failure.isPresent() && one.answer.change()) {
                frames.discard();
                frames = new Spool().frame(false, Refusal.KERNEL, "", failure.get() + "\n");
            }
            one.client.write(frames);
            answered.add(one.client);
        }
        answered.forEach(ControlClientHandler::flushed);
    }

    private void closeStalled() {
        for (ControlClientHandler client : List.copyOf(clients)) {
            client.closeIfStalled();
        }
    }

    /** Stops listening, closes all clients and removes the socket. From any thread but the control thread. */
    @Override
    public void close() throws IOException {
        stallCheck.cancel(false);
        channel.close().syncUninterruptibly();
        loop.submit(() -> List.copyOf(clients).forEach(ControlClientHandler::close))
                .syncUninterruptibly();
        Files.deleteIfExists(birthName(path));
        Files.deleteIfExists(path);
    }
}
