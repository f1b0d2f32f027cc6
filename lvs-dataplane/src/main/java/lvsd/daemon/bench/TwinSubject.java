package lvsd.daemon.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Properties;

/** The C twin, {@code config/bench/twin.c}. */
record TwinSubject(Path program, Machine machine) implements Subject {
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
        return Child.run(command, raw);
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.3f", value);
    }
}
