package lvsd.daemon.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.TimeUnit;

/**
 * {@code dpdk-testpmd} swapping addresses and ports: as much as the machine and the input can give. It is asked for its
 * counters through its prompt; the CPU time of its forwarding thread is the scheduler's.
 */
record TestpmdSubject(Path program, Machine machine) implements Subject {
    @Override
    public String name() {
        return "testpmd-5tswap";
    }

    @Override
    public Properties measure(Row row, Path input, Path raw) throws IOException {
        // Line by line: into a pipe it would answer only when its buffer is full.
        List<String> command = new ArrayList<>(List.of("stdbuf", "-oL"));
        command.add(program.toString());
        command.addAll(Machine.eal(machine.otherCpu() + "," + machine.cpu(), input.toString()));
        command.addAll(List.of("--main-lcore", Integer.toString(machine.otherCpu()), "--"));
        command.addAll(List.of("-i", "--forward-mode=5tswap", "--nb-cores=1"));
        command.add("--total-num-mbufs=" + Machine.MBUFS);
        command.add("--mbuf-size=" + (Machine.MBUF_DATA + 128));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
                Writer in = process.outputWriter(StandardCharsets.UTF_8);
                OutputStream log = Files.newOutputStream(raw)) {
            return converse(process, new Prompt(in, out, log, raw));
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while " + program + " ran", interrupted);
        } finally {
            process.destroyForcibly();
        }
    }

    private Properties converse(Process process, Prompt prompt) throws IOException, InterruptedException {
        prompt.say("start");
        prompt.packets();
        Thread.sleep((long) (machine.warmupSeconds() * 1000));
        Path schedule = forwardingThread(process.pid());
        long packets = prompt.packets();
        long nanos = onCpu(schedule);
        Thread.sleep((long) (machine.seconds() * 1000));
        packets = prompt.packets() - packets;
        nanos = onCpu(schedule) - nanos;
        prompt.say("stop");
        prompt.say("quit");
        prompt.drain();
        process.waitFor(10, TimeUnit.SECONDS);
        Properties found = new Properties();
        found.setProperty("packets", Long.toString(packets));
        found.setProperty("cpu_seconds", Double.toString(nanos * 1e-9));
        found.setProperty("mpps", Double.toString(packets * 1e3 / nanos));
        return found;
    }

    private static Path forwardingThread(long pid) throws IOException {
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(Path.of("/proc", Long.toString(pid), "task"))) {
            for (Path task : tasks) {
                if (Files.readString(task.resolve("comm")).contains("worker")) {
                    return task.resolve("schedstat");
                }
            }
        }
        throw new IOException("testpmd has no thread called worker");
    }

    private static long onCpu(Path schedule) throws IOException {
        String text = Files.readString(schedule);
        return Long.parseLong(text.substring(0, text.indexOf(' ')));
    }

    /** The conversation: commands in, all that comes out also to a file. */
    private record Prompt(Writer in, BufferedReader out, OutputStream log, Path raw) {
        void say(String command) throws IOException {
            in.write(command + "\n");
            in.flush();
        }

        /** Packets received so far. */
        long packets() throws IOException {
            say("show port stats 0");
            while (true) {
                String line = line();
                int from = line.indexOf("RX-packets:");
                int to = line.indexOf("RX-missed:");
                if (from >= 0 && to > from) {
                    return Long.parseLong(
                            line.substring(from + "RX-packets:".length(), to).strip());
                }
            }
        }

        void drain() throws IOException {
            String line = out.readLine();
            while (line != null) {
                keep(line);
                line = out.readLine();
            }
        }

        private String line() throws IOException {
            String line = out.readLine();
            if (line == null) {
                throw new IOException("dpdk-testpmd ended early; see " + raw);
            }
            keep(line);
            return line;
        }

        private void keep(String line) throws IOException {
            log.write((line + "\n").getBytes(StandardCharsets.UTF_8));
        }
    }
}
