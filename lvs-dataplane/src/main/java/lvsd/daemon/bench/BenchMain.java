package lvsd.daemon.bench;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import lvsd.daemon.bench.Scenario.Case;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Plans the measurements, runs the subjects in turn, and reports. {@code config/bin/lvs-bench} prepares the machine and
 * starts this.
 *
 * <p>Rounds go around all subjects of a row, each in a process of its own, so that what else the machine does falls on
 * all alike; only figures of one run are fit to be compared.
 */
@Command(
        name = "lvs-bench",
        mixinStandardHelpOptions = true,
        description = "Measures the director's worker beside a C twin of its work and dpdk-testpmd, on looped traffic.")
public final class BenchMain implements Callable<Integer> {
    private static final int EXIT_FAILED = 1;
    private static final List<Integer> SIZES = List.of(1024, 65536, 1048576, 4194304);
    private static final List<Integer> SYNC_SIZES = List.of(1048576, 4194304);
    private static final List<String> SUBJECTS = List.of("director", "c-twin", "testpmd-5tswap");
    /** Both directions of so many connections fit into the file. */
    private static final int UNSCATTERED = PcapFile.FRAMES / 2;

    private static final Row PLAIN = new Row(Case.FULLNAT_TCP, UNSCATTERED, false);
    private static final Row SCATTERED = new Row(Case.FULLNAT_TCP, UNSCATTERED, true);
    /** After so long a quick run begins nothing that is not needed: what is begun ends within the ten minutes. */
    private static final long QUICK_NANOS = 480_000_000_000L;

    private final PrintStream out;

    @Option(names = "--quick", description = "fewer rows and rounds, at most 10 minutes")
    private boolean quick;

    @Option(names = "--json", paramLabel = "FILE", description = "write the result there, too")
    private @Nullable Path json;

    @Option(names = "--cases", split = ",", paramLabel = "CASE", description = "only these cases")
    private List<String> cases = List.of();

    @Option(names = "--connections", split = ",", paramLabel = "N", description = "only these sizes")
    private List<Integer> sizes = List.of();

    @Option(
            names = {"--subjects", "--subject"},
            split = ",",
            paramLabel = "SUBJECT",
            description = "only these of director, c-twin, testpmd-5tswap")
    private List<String> wanted = SUBJECTS;

    @Option(names = "--rounds", description = "measurements of every subject in a row (3 with --quick, else 5)")
    private int rounds;

    @Option(names = "--seconds", description = "seconds counted in a measurement (default: ${DEFAULT-VALUE})")
    private double seconds = 2;

    @Option(names = "--watch", description = "seconds to watch cycles, GC and safepoints (60; 0 with --quick)")
    private int watch = -1;

    @Option(names = "--no-extras", description = "rows only: neither the cost of the scatter nor the watch")
    private boolean noExtras;

    @Option(names = "--sync", description = "connection sync alone: its messages, and taking in what is in them")
    private boolean sync;

    @Option(names = "--raw", required = true, paramLabel = "DIR", description = "what the subjects printed goes there")
    private Path raw = Path.of("");

    @Option(names = "--twin", required = true, paramLabel = "FILE", description = "the built C twin", hidden = true)
    private Path twin = Path.of("");

    @Option(names = "--witness", required = true, paramLabel = "FILE", description = "the built witness", hidden = true)
    private Path witness = Path.of("");

    @Option(names = "--testpmd", paramLabel = "FILE", description = "dpdk-testpmd", hidden = true)
    private Path testpmd = Path.of("dpdk-testpmd");

    @Option(names = "--cpu", description = "CPU of the measured thread (default: the last)")
    private int cpu = Runtime.getRuntime().availableProcessors() - 1;

    @Option(names = "--fact", hidden = true, description = "NAME=VALUE for the report")
    private Map<String, String> facts = new TreeMap<>();

    @Option(
            names = "--java-option",
            paramLabel = "OPTION",
            hidden = true,
            description = "option for the director's JVM")
    private List<String> javaOptions = List.of();

    private Report report = new Report(List.of());
    private final long start = System.nanoTime();

    private BenchMain(PrintStream out) {
        this.out = out;
    }

    /** Runs the benchmark; exits 0 when every measurement succeeded. */
    public static void main(String[] arguments) {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        int status = new CommandLine(new BenchMain(out))
                .setExecutionExceptionHandler((failure, command, parsed) -> {
                    command.getErr().println("lvs-bench: " + failure.getMessage());
                    return EXIT_FAILED;
                })
                .execute(arguments);
        out.flush();
        System.exit(status);
    }

    @Override
    public Integer call() throws IOException {
        Files.createDirectories(raw);
        Machine machine = new Machine(cpu, cpu == 0 ? 1 : 0, 1, seconds);
        if (Runtime.getRuntime().availableProcessors() < 2) {
            throw new IOException("needs two CPUs: one for the measured thread, one for everything else");
        }
        List<Subject> subjects = subjects(machine);
        List<Row> rows = sync ? List.of() : plan();
        report = new Report(rows);
        describeHost();
        int count = rounds > 0 ? rounds : quick ? 3 : 5;
        for (int round = 1; round <= count && !late(); round++) {
            for (Row row : rows) {
                if (round == 1 || !late()) {
                    measure(row, subjects, round);
                }
            }
            if (!noExtras && !sync) {
                scatterCost(subjects, round);
            }
        }
        if (sync) {
            synchronisation();
        } else if (!noExtras) {
            extras(subjects, machine);
        }
        out.println();
        report.print(out);
        if (json != null) {
            report.write(json);
        }
        return 0;
    }

    private List<Subject> subjects(Machine machine) {
        List<Subject> subjects = new ArrayList<>();
        for (String name : wanted) {
            subjects.add(
                    switch (name) {
                        case "director" -> new DirectorSubject(machine, javaOptions, Optional.empty());
                        case "c-twin" -> new TwinSubject(twin, machine, Optional.empty());
                        case "testpmd-5tswap" -> new TestpmdSubject(testpmd, machine);
                        default ->
                            throw new IllegalArgumentException(
                                    "no subject " + name + "; there are " + String.join(", ", SUBJECTS));
                    });
        }
        return subjects;
    }

    private List<Row> plan() {
        List<Row> rows = new ArrayList<>();
        if (quick && cases.isEmpty() && sizes.isEmpty()) {
            rows.add(Row.of(Case.FULLNAT_TCP, 1024));
            rows.add(Row.of(Case.FULLNAT_TCP, 65536));
            rows.add(Row.of(Case.FULLNAT_TCP, 4194304));
            rows.add(Row.of(Case.NAT_TCP, 65536));
            rows.add(Row.of(Case.FULLNAT_UDP, 65536));
            rows.add(Row.of(Case.SETUP, 65536));
            rows.add(Row.of(Case.SYN_DROP, 1024));
            rows.add(Row.of(Case.SYNPROXY_SYN, 65536));
            rows.add(Row.of(Case.SYNPROXY_BAD_ACK, 65536));
            rows.add(Row.of(Case.SYNPROXY_HANDSHAKE, 1048576));
            rows.add(Row.of(Case.SYNPROXY_ESTABLISHED, 65536));
            return rows;
        }
        List<Case> chosen = cases.isEmpty()
                ? List.of(Case.values())
                : cases.stream().map(Case::of).toList();
        for (Case what : chosen) {
            for (int connections : sizes.isEmpty() ? SIZES : sizes) {
                rows.add(Row.of(what, connections));
            }
        }
        return rows;
    }

    /** What each step of connection sync does with a second of CPU: million connections, least / median / most. */
    private void synchronisation() throws IOException {
        for (int connections : sizes.isEmpty() ? SYNC_SIZES : sizes) {
            List<String> command = new ArrayList<>();
            command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            command.addAll(javaOptions);
            command.addAll(List.of("-cp", System.getProperty("java.class.path"), SyncMain.class.getName()));
            command.addAll(List.of("--connections", Integer.toString(connections), "--cpu", Integer.toString(cpu)));
            if (rounds > 0) {
                command.addAll(List.of("--rounds", Integer.toString(rounds)));
            }
            Properties found = Child.runAny(command, raw.resolve("sync-" + connections + ".txt"));
            for (String name : new TreeSet<>(found.stringPropertyNames())) {
                report.finding("sync." + connections + "." + name, found.getProperty(name));
            }
        }
    }

    /** Whether a quick run has used up its time. */
    private boolean late() {
        return quick && System.nanoTime() - start > QUICK_NANOS;
    }

    private void measure(Row row, List<Subject> subjects, int round) throws IOException {
        Path input = input(row);
        for (Subject subject : subjects) {
            if (!(row.what().comparable() || subject instanceof DirectorSubject)) {
                continue;
            }
            String name = row.name() + "-" + subject.name() + "-" + round + ".txt";
            Properties found = subject.measure(row, input, raw.resolve(name));
            double mpps = Double.parseDouble(found.getProperty("mpps"));
            report.add(row, subject.name(), mpps);
            for (String each : List.of("told_against_untold", "untold_against_untold")) {
                String ratio = found.getProperty(each);
                if (ratio != null) {
                    report.finding(each + "." + row.name() + "." + round, ratio);
                }
            }
            checkDrops(row, subject, found);
            collect(row, subject, found);
            out.printf("%-24s round %d %-15s %7.2f Mpps%n", row.name(), round, subject.name(), mpps);
        }
    }

    private Path input(Row row) throws IOException {
        Path input = raw.resolve(row.name() + ".pcap");
        PcapFile.write(input, row.what(), row.connections());
        return input.toAbsolutePath();
    }

    /** A subject that drops what it should forward would look fast. */
    private static void checkDrops(Row row, Subject subject, Properties found) throws IOException {
        long packets = Long.parseLong(found.getProperty("packets", "0"));
        for (String name : found.stringPropertyNames()) {
            boolean expected = row.what().drops();
            long dropped = name.startsWith("drop.") ? Long.parseLong(found.getProperty(name)) : 0;
            if (!expected && dropped > packets / 10_000) {
                throw new IOException(subject.name() + " dropped " + dropped + " of " + packets + " packets ("
                        + name.substring("drop.".length()) + ") in " + row.name() + ": not a measurement");
            }
        }
    }

    private void collect(Row row, Subject subject, Properties found) {
        String bytes = found.getProperty("bytes_per_connection");
        if (bytes != null && row.connections() >= SIZES.get(1)) {
            report.finding("bytes_per_connection." + subject.name(), bytes);
        }
        for (String name : List.of("start_to_full_speed_seconds", "allocated_bytes", "compile_skipped")) {
            String value = found.getProperty(name);
            if (value != null) {
                report.worst(name + "." + row.name(), value);
            }
        }
    }

    private static List<Subject> scattering(List<Subject> subjects) {
        return subjects.stream().filter(s -> !(s instanceof TestpmdSubject)).toList();
    }

    /** The same connections with and without the scatter. */
    private void scatterCost(List<Subject> subjects, int round) throws IOException {
        for (Row row : List.of(PLAIN, SCATTERED)) {
            if (round == 1 || !late()) {
                measure(row, scattering(subjects), round);
            }
        }
    }

    /** What the scatter costs, and the long look at one director. */
    private void extras(List<Subject> subjects, Machine machine) throws IOException {
        for (Subject subject : scattering(subjects)) {
            double nanos = 1e3 / report.median(SCATTERED, subject.name()) - 1e3 / report.median(PLAIN, subject.name());
            report.finding("scatter_ns_per_packet." + subject.name(), String.format(Locale.ROOT, "%.2f", nanos));
        }
        int watched = watch >= 0 ? watch : quick ? 0 : 60;
        if (watched > 0 && wanted.contains("director")) {
            Row row = Row.of(Case.FULLNAT_TCP, SIZES.get(1));
            Optional<Watch> look = Optional.of(new Watch(watched, witness, List.of(machine.cpu(), machine.otherCpu())));
            Subject director = new DirectorSubject(machine, javaOptions, look);
            Properties found = director.measure(row, input(row), raw.resolve("watch.txt"));
            for (String name : new TreeSet<>(found.stringPropertyNames())) {
                report.finding("watch." + name, found.getProperty(name));
            }
            if (wanted.contains("c-twin")) {
                // Without a JVM: what the machine does to a thread that only polls.
                Machine longer = new Machine(machine.cpu(), machine.otherCpu(), machine.warmupSeconds(), watched);
                Properties twins =
                        new TwinSubject(twin, longer, look).measure(row, input(row), raw.resolve("watch-twin.txt"));
                for (String name : List.of("longest_cycle_us", "cycles_over_1ms", "cycles_over_1ms_unexplained")) {
                    report.finding("watch.c-twin." + name, twins.getProperty(name));
                }
            }
        }
    }

    private void describeHost() throws IOException {
        report.host("cpu", cpuModel());
        report.host("cpus", Integer.toString(Runtime.getRuntime().availableProcessors()));
        report.host("kernel", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        report.host("java", System.getProperty("java.vm.name") + " " + System.getProperty("java.runtime.version"));
        facts.forEach(report::host);
    }

    private static String cpuModel() throws IOException {
        return Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
                .filter(line -> line.startsWith("model name"))
                .map(line -> line.substring(line.indexOf(':') + 1).strip())
                .findFirst()
                .orElse(System.getProperty("os.arch"));
    }
}
