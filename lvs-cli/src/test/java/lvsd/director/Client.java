package lvsd.director;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Load, run inside a namespace by {@code Client ADDRESS PORT PATH COUNT PARALLEL TIMEOUT-MS [SOURCE...]}: COUNT times
 * a connection of its own, one request, the whole answer. COUNT 0 goes on until standard input closes. Prints a line
 * {@code ok=... failed=... p50us=... p99us=... maxus=...}, then {@code body NAME COUNT} for each short answer, then
 * the first failures.
 */
final class Client {
    private static final int FAILURES_SHOWN = 10;
    private static final int LATENCIES = 1 << 20;

    private final InetSocketAddress target;
    private final byte[] request;
    private final int timeout;
    private final List<InetAddress> sources = new ArrayList<>();
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicLong ok = new AtomicLong();
    private final AtomicLong failed = new AtomicLong();
    private final long[] latency = new long[LATENCIES];
    private final Map<String, Long> bodies = new TreeMap<>();
    private final List<String> failures = new ArrayList<>();
    private volatile boolean stopped;

    private Client(String[] arguments) throws IOException {
        target = new InetSocketAddress(InetAddress.getByName(arguments[0]), Integer.parseInt(arguments[1]));
        request = ("GET " + arguments[2] + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").getBytes(ISO_8859_1);
        timeout = Integer.parseInt(arguments[5]);
        for (String source : Arrays.asList(arguments).subList(6, arguments.length)) {
            sources.add(InetAddress.getByName(source));
        }
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        Client client = new Client(arguments);
        int count = Integer.parseInt(arguments[3]);
        int parallel = Integer.parseInt(arguments[4]);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < parallel; i++) {
            threads.add(Thread.ofPlatform().start(() -> client.work(count == 0 ? Integer.MAX_VALUE : count)));
        }
        if (count == 0) {
            System.in.transferTo(OutputStream.nullOutputStream());
            client.stopped = true;
        }
        for (Thread thread : threads) {
            thread.join();
        }
        client.print();
    }

    private void work(int count) {
        byte[] buffer = new byte[65_536];
        for (int number = next.getAndIncrement(); number < count && !stopped; number = next.getAndIncrement()) {
            long start = System.nanoTime();
            try {
                String body = fetch(number, buffer);
                latency[(int) (ok.getAndIncrement() % LATENCIES)] = System.nanoTime() - start;
                count(body);
            } catch (IOException e) {
                failed.incrementAndGet();
                fail(number + " after " + (System.nanoTime() - start) / 1_000_000 + " ms: " + e);
            }
        }
    }

    private String fetch(int number, byte[] buffer) throws IOException {
        try (Socket socket = new Socket()) {
            if (!sources.isEmpty()) {
                socket.bind(new InetSocketAddress(sources.get(number % sources.size()), 0));
            }
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(timeout);
            socket.connect(target, timeout);
            socket.getOutputStream().write(request);
            InputStream in = new BufferedInputStream(socket.getInputStream(), 65_536);
            String status = line(in);
            if (!status.startsWith("HTTP/1.1 200")) {
                throw new IOException("status " + status);
            }
            long length = -1;
            for (String header = line(in); !header.isEmpty(); header = line(in)) {
                if (header.startsWith("Content-Length: ")) {
                    length = Long.parseLong(header.substring(16));
                }
            }
            return body(in, buffer, length);
        }
    }

    /** Reads the body up to the end of the connection; a short one as text, a pattern checked and as its length. */
    private static String body(InputStream in, byte[] buffer, long length) throws IOException {
        byte[] expected = new byte[buffer.length];
        long got = 0;
        for (int part = in.read(buffer); part >= 0; part = in.read(buffer)) {
            if (length > 1000) {
                WebServer.Pattern.fill(expected, part, got);
                int wrong = Arrays.mismatch(buffer, 0, part, expected, 0, part);
                if (wrong >= 0) {
                    throw new IOException("body differs at offset " + (got + wrong));
                }
            }
            got += part;
        }
        if (got != length) {
            throw new IOException("body of " + got + " bytes in place of " + length);
        }
        return length > 1000 ? Long.toString(length) : new String(buffer, 0, (int) length, ISO_8859_1).strip();
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int octet = in.read(); octet != '\n'; octet = in.read()) {
            if (octet < 0) {
                throw new IOException("closed before the end of the headers");
            }
            if (octet != '\r') {
                line.append((char) octet);
            }
        }
        return line.toString();
    }

    private synchronized void count(String body) {
        bodies.merge(body.replace(' ', '_'), 1L, Long::sum);
    }

    private synchronized void fail(String reason) {
        if (failures.size() < FAILURES_SHOWN) {
            failures.add(reason);
        }
    }

    private void print() {
        int samples = (int) Math.min(ok.get(), LATENCIES);
        long[] sorted = Arrays.copyOf(latency, samples);
        Arrays.sort(sorted);
        System.out.printf(
                "ok=%d failed=%d p50us=%d p99us=%d maxus=%d%n",
                ok.get(), failed.get(), quantile(sorted, 0.5), quantile(sorted, 0.99), quantile(sorted, 1));
        bodies.forEach((body, times) -> System.out.println("body " + body + " " + times));
        failures.forEach(failure -> System.out.println("failure " + failure));
    }

    private static long quantile(long[] sorted, double share) {
        return sorted.length == 0 ? 0 : sorted[(int) Math.min(sorted.length - 1, sorted.length * share)] / 1000;
    }
}
