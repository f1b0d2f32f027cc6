package lvsd.daemon.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What a run of the benchmark found: collected by the orchestrating thread, printed as a table and written as JSON.
 *
 * <p>The members of a JSON row ({@code case, connections, subject, mpps_min, mpps_median, mpps_max}) are an interface
 * that others' scripts rely on.
 */
final class Report {
    private record Line(Row row, String subject, List<Double> mpps) {
        double minimum() {
            return mpps.stream().mapToDouble(Double::doubleValue).min().orElse(0);
        }

        double maximum() {
            return mpps.stream().mapToDouble(Double::doubleValue).max().orElse(0);
        }

        double median() {
            double[] sorted =
                    mpps.stream().mapToDouble(Double::doubleValue).sorted().toArray();
            int half = sorted.length / 2;
            return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
        }
    }

    private final Set<Row> planned;
    private final List<Line> lines = new ArrayList<>();
    private final Map<String, String> host = new LinkedHashMap<>();
    private final Map<String, String> findings = new LinkedHashMap<>();

    /** A report whose {@code rows} are {@code planned}; what else is measured is reported beside them. */
    Report(Collection<Row> planned) {
        this.planned = Set.copyOf(planned);
    }

    /** One measurement in packets per microsecond of CPU time. */
    void add(Row row, String subject, double mpps) {
        for (Line line : lines) {
            if (line.row.equals(row) && line.subject.equals(subject)) {
                line.mpps.add(mpps);
                return;
            }
        }
        lines.add(new Line(row, subject, new ArrayList<>(List.of(mpps))));
    }

    /** A fact about machine or versions. */
    void host(String name, String value) {
        host.put(name, value);
    }

    /** Something found beside packets per second. Numbers are written as numbers. */
    void finding(String name, String value) {
        findings.put(name, value);
    }

    /** As {@link #finding} for what is found anew in every round: keeps the largest, or what is no number. */
    void worst(String name, String value) {
        findings.merge(
                name,
                value,
                (a, b) -> !number(a) || (number(b) && Double.parseDouble(a) >= Double.parseDouble(b)) ? a : b);
    }

    private static boolean number(String value) {
        return value.matches("-?[0-9]+(\\.[0-9]+)?");
    }

    /** The median of a line, or 0 when it was not measured. */
    double median(Row row, String subject) {
        return lines.stream()
                .filter(line -> line.row.equals(row) && line.subject.equals(subject))
                .mapToDouble(Line::median)
                .findFirst()
                .orElse(0);
    }

    /** The table, and the findings below it. */
    void print(PrintStream out) {
        host.forEach((name, value) -> out.printf("%-14s %s%n", name, value));
        out.printf(
                "%n%-20s %11s %-9s %-15s %8s %8s %8s %9s%n",
                "case", "connections", "scattered", "subject", "min", "median", "max", "of twin");
        for (Line line : lines) {
            double twin = median(line.row, "c-twin");
            out.printf(
                    Locale.ROOT,
                    "%-20s %11d %-9s %-15s %8.2f %8.2f %8.2f %9s%n",
                    line.row.what().label,
                    line.row.connections(),
                    line.row.scatter() ? "yes" : "",
                    line.subject,
                    line.minimum(),
                    line.median(),
                    line.maximum(),
                    twin > 0 ? String.format(Locale.ROOT, "%.2f", line.median() / twin) : "");
        }
        out.printf(
                "(million packets, or new connections in setup and synproxy-handshake, per second of the measured thread's CPU time)%n%n");
        findings.forEach((name, value) -> out.printf("%-36s %s%n", name, value));
    }

    /** Writes the JSON file. */
    void write(Path file) throws IOException {
        StringBuilder json = new StringBuilder("{\n \"host\": ");
        object(json, host);
        rows(json, "rows", true);
        rows(json, "other_rows", false);
        json.append(",\n \"findings\": ");
        object(json, findings);
        Files.writeString(file, json.append("\n}\n"));
    }

    private void rows(StringBuilder json, String name, boolean ofPlan) {
        json.append(",\n \"").append(name).append("\": [");
        String separator = "\n  ";
        for (Line line : lines) {
            if (planned.contains(line.row) == ofPlan) {
                json.append(separator);
                row(json, line);
                separator = ",\n  ";
            }
        }
        json.append("\n ]");
    }

    private static void row(StringBuilder json, Line line) {
        json.append(String.format(
                Locale.ROOT,
                "{\"case\": \"%s\", \"connections\": %d, \"subject\": \"%s\","
                        + " \"mpps_min\": %.3f, \"mpps_median\": %.3f, \"mpps_max\": %.3f, \"mpps\": %s,"
                        + " \"scattered\": %s}",
                line.row.what().label,
                line.row.connections(),
                line.subject,
                line.minimum(),
                line.median(),
                line.maximum(),
                line.mpps,
                line.row.scatter()));
    }

    private static void object(StringBuilder json, Map<String, String> members) {
        String separator = "{\n  ";
        for (Map.Entry<String, String> member : members.entrySet()) {
            json.append(separator).append('"').append(member.getKey()).append("\": ");
            String value = member.getValue();
            json.append(
                    number(value) ? value : '"' + value.replace("\\", "\\\\").replace("\"", "\\\"") + '"');
            separator = ",\n  ";
        }
        json.append(members.isEmpty() ? "{}" : "\n }");
    }
}
