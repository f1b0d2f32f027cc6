package lvsd.daemon.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Collectors;

/**
 * The director's worker in a JVM with the options that {@code config/bin/lvsd} gives, and those that log what the JVM does.
 *
 * @param machine CPUs and times
 * @param options JVM options
 * @param watch the look at cycles, GC and safepoints after the measurement, if there is to be one
 */
record DirectorSubject(Machine machine, List<String> options, Optional<Watch> watch) implements Subject {
    @Override
    public String name() {
        return "director";
    }

    @Override
    public Properties measure(Row row, Path input, Path raw) throws IOException {
        String logs = raw.toString().replaceFirst("\\.txt$", "");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.addAll(List.of("-XX:+UnlockDiagnosticVMOptions", "-XX:+LogVMOutput", "-XX:-DisplayVMOutput"));
        command.addAll(List.of("-XX:LogFile=" + logs + "-jit.log", "-XX:+PrintCompilation"));
        if (watch.isPresent()) {
            command.add("-Xlog:gc*,safepoint:file=" + logs + "-gc.log:uptime,level,tags");
        }
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "lvsd.daemon.bench.DirectorMain"));
        command.addAll(List.of("--case", row.what().label, "--connections", Integer.toString(row.connections())));
        command.addAll(List.of("--input", input.toString(), "--cpu", Integer.toString(machine.cpu())));
        command.addAll(List.of("--warmup", number(machine.warmupSeconds()), "--seconds", number(machine.seconds())));
        watch.ifPresent(look -> command.addAll(List.of(
                "--watch",
                Integer.toString(look.seconds()),
                "--witness",
                look.witness().toString(),
                "--witnessed",
                look.cpus().stream().map(String::valueOf).collect(Collectors.joining(",")),
                "--standstills",
                Watch.account(raw).toString())));
        if (row.scatter()) {
            command.add("--scatter");
        }
        Properties found = Child.run(command, raw);
        JitLog.read(Path.of(logs + "-jit.log")).report(found);
        if (watch.isPresent()) {
            PauseLog.read(Path.of(logs + "-gc.log")).report(found, Witness.read(Watch.account(raw)));
        }
        return found;
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.3f", value);
    }
}
