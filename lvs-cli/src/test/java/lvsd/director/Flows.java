package lvsd.director;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Connections that live until told to end, run inside a namespace by {@code Flows PAUSE
 * VIP,SOURCE,ECHOES,DOWNLOADS,UPLOADS...}: so many of each kind to each VIP, each of which
 * says something every PAUSE milliseconds. Every byte is checked. {@code report} on standard input prints
 * {@code flows=... up=... failed=... stallms=... moved=...}: how many there are, how many have had an answer, how many
 * have failed, the longest that one had to wait since the last report, and how many have got on since the last
 * {@code mark}, which reports too; then the first failures. A connection that fails before {@code begun}, which reports
 * too, is too young to have been synced: it is made again. {@code stop} ends all of them in order, reports, and ends.
 */
final class Flows {
    private static final int PORT = 80;
    private static final int TIMEOUT_MILLIS = 60_000;
    private static final int FAILURES_SHOWN = 8;
    private static final int AGAIN_MILLIS = 100;

    /** Whether a failure counts. */
    private static volatile boolean begun;

    /** What a flow does. */
    private enum Kind {
        /** Eight bytes there and back, then a pause. */
        ECHO("/echo"),
        /** The server sends as it likes. */
        DOWNLOAD("/stream/"),
        /** The client does; the server counts. */
        UPLOAD("/verify");

        private final String path;

        Kind(String path) {
            this.path = path;
        }
    }

    /** One connection. */
    private static final class Flow implements Runnable {
        private final Kind kind;
        private final InetSocketAddress target;
        private final InetSocketAddress source;
        private final int pause;
        private volatile boolean up;
        private volatile boolean stop;
        private volatile String failure = "";
        /** When it began to wait for what it waits for; 0: it does not. */
        private volatile long waits;

        private volatile long longest;
        private volatile boolean moved;
        private long offset;

        Flow(Kind kind, String vip, String source, int pause) throws IOException {
            this.kind = kind;
            this.pause = pause;
            this.target = new InetSocketAddress(InetAddress.getByName(vip), PORT);
            this.source = new InetSocketAddress(InetAddress.getByName(source), 0);
        }

        @Override
        public void run() {
            try {
                while (!once()) {
                    TimeUnit.MILLISECONDS.sleep(AGAIN_MILLIS);
                }
            } catch (InterruptedException e) {
                failure = e.toString();
            }
        }

        /** One connection to its end; false: it failed, and is to be made again. */
        private boolean once() throws InterruptedException {
            up = false;
            offset = 0;
            try (Socket socket = new Socket()) {
                socket.bind(source);
                socket.setTcpNoDelay(true);
                socket.setSoTimeout(TIMEOUT_MILLIS);
                socket.connect(target, TIMEOUT_MILLIS);
                OutputStream out = socket.getOutputStream();
                out.write(("GET " + kind.path + (kind == Kind.DOWNLOAD ? pause : "") + " HTTP/1.1\r\n\r\n")
                        .getBytes(ISO_8859_1));
                InputStream in = socket.getInputStream();
                if (in.read() != 'A') {
                    throw new IOException("no answer");
                }
                up = true;
                switch (kind) {
                    case ECHO -> echo(in, out);
                    case DOWNLOAD -> download(in, out);
                    case UPLOAD -> upload(socket, in, out);
                }
                return true;
            } catch (IOException e) {
                if (!begun) {
                    waits = 0;
                    return false;
                }
                failure = kind + " " + source.getAddress().getHostAddress() + " to "
                        + target.getAddress().getHostAddress() + (up ? "" : " (new)") + " at " + offset + ": " + e;
                return true;
            }
        }

        private void begins() {
            waits = System.nanoTime();
        }

        private void got() {
            longest = Math.max(longest, System.nanoTime() - waits);
            waits = 0;
            moved = true;
        }

        /** Longest wait since this was asked last, nanoseconds. */
        long stall() {
            long since = waits;
            long stall = Math.max(longest, since == 0 ? 0 : System.nanoTime() - since);
            longest = 0;
            return stall;
        }

        private void echo(InputStream in, OutputStream out) throws IOException, InterruptedException {
            byte[] sent = new byte[8];
            while (!stop) {
                WebServer.Pattern.fill(sent, sent.length, offset);
                begins();
                out.write(sent);
                byte[] back = in.readNBytes(sent.length);
                got();
                if (!Arrays.equals(sent, back)) {
                    throw new IOException(back.length < sent.length ? "closed" : "other bytes came back");
                }
                offset += sent.length;
                TimeUnit.MILLISECONDS.sleep(pause);
            }
        }

        private void download(InputStream in, OutputStream out) throws IOException {
            byte[] buffer = new byte[16_384];
            byte[] expected = new byte[buffer.length];
            boolean asked = false;
            while (true) {
                begins();
                int part = in.read(buffer);
                got();
                if (part < 0) {
                    break;
                }
                WebServer.Pattern.fill(expected, part, offset);
                if (Arrays.mismatch(buffer, 0, part, expected, 0, part) >= 0) {
                    throw new IOException("the body differs");
                }
                offset += part;
                if (stop && !asked) {
                    asked = true;
                    out.write('q');
                }
            }
            if (!asked) {
                throw new IOException("closed");
            }
        }

        private void upload(Socket socket, InputStream in, OutputStream out) throws IOException, InterruptedException {
            byte[] buffer = new byte[8192];
            while (!stop) {
                WebServer.Pattern.fill(buffer, buffer.length, offset);
                begins();
                out.write(buffer);
                got();
                offset += buffer.length;
                TimeUnit.MILLISECONDS.sleep(pause);
            }
            socket.shutdownOutput();
            String answer = new String(in.readAllBytes(), ISO_8859_1);
            if (!answer.equals(Long.toString(offset))) {
                throw new IOException("the server answers " + answer);
            }
        }
    }

    private Flows() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        List<Flow> flows = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        int pause = Integer.parseInt(arguments[0]);
        for (String argument : Arrays.asList(arguments).subList(1, arguments.length)) {
            String[] parts = argument.split(",", -1);
            for (Kind kind : Kind.values()) {
                int count = Integer.parseInt(parts[2 + kind.ordinal()]);
                for (int i = 0; i < count; i++) {
                    Flow flow = new Flow(kind, parts[0], parts[1], pause);
                    flows.add(flow);
                    threads.add(Thread.startVirtualThread(flow));
                }
            }
        }
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, ISO_8859_1));
        for (String line = in.readLine(); line != null && !line.equals("stop"); line = in.readLine()) {
            begun |= line.equals("begun");
            report(flows);
            if (line.equals("mark")) {
                flows.forEach(flow -> flow.moved = false);
            }
        }
        flows.forEach(flow -> flow.stop = true);
        for (Thread thread : threads) {
            thread.join();
        }
        report(flows);
    }

    private static void report(List<Flow> flows) {
        long stall = 0;
        for (Flow flow : flows) {
            stall = Math.max(stall, flow.stall());
        }
        List<String> failures = flows.stream()
                .map(flow -> flow.failure)
                .filter(text -> !text.isEmpty())
                .toList();
        StringBuilder line = new StringBuilder("flows=" + flows.size() + " up="
                + flows.stream().filter(flow -> flow.up).count() + " failed=" + failures.size() + " stallms="
                + stall / 1_000_000 + " moved="
                + flows.stream().filter(flow -> flow.moved).count());
        failures.stream()
                .limit(FAILURES_SHOWN)
                .forEach(text -> line.append("; ").append(text));
        System.out.println(line);
    }
}
