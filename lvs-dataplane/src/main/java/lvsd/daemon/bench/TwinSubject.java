package lvsd.daemon.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Properties;

/**
 * The C twin, {@code config/bench/twin.c}.
 *
 * @param program the built twin
 * @param machine CPUs and times
 * @param watch the look at its cycles while it is measured, if there is to be one
 */
record TwinSubject(Path program, Machine machine, Optional<Watch> watch) implements Subject {
    @Override
    public String name() {
        return "c-twin";
    }

    @Override
    public Properties measure(Row row, Path input, Path raw) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(program.toString());
        command.addAll(Machine.eal(Integer.toString(machine.cpu()), input.toString()));
        command.add("--log-level=error");
        command.add("--");
        command.addAll(List.of("--case", row.what().label, "--connections", Integer.toString(row.connections())));
        command.addAll(List.of("--warmup", number(machine.warmupSeconds()), "--seconds", number(machine.seconds())));
        if (row.scatter()) {
            command.add("--scatter");
        }
        if (watch.isEmpty()) {
            return Child.run(command, raw);
        }
        Path account = Watch.account(raw);
        Properties found;
        try (Witness _ = Witness.start(watch.get().witness(), watch.get().cpus(), account)) {
            found = Child.run(command, raw);
        }
        unexplained(found, Witness.read(account));
        return found;
    }

    /** Adds {@code cycles_over_1ms_unexplained}: those in which the CPU did not stand still. */
    private void unexplained(Properties found, List<Standstill> seen) {
        int count = 0;
        for (String name : found.stringPropertyNames()) {
            if (name.startsWith("cycle.")) {
                String[] cycle = found.getProperty(name).split(" ", -1);
                long ended = Long.parseLong(cycle[0]);
                long nanos = Long.parseLong(cycle[1]);
                long stoodStill = Standstill.within(seen, machine.cpu(), ended - nanos, ended);
                count += Standstill.accounts(stoodStill, nanos) ? 0 : 1;
            }
        }
        found.setProperty("cycles_over_1ms_unexplained", Integer.toString(count));
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.3f", value);
    }
}
