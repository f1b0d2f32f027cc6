package lvsd.daemon.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/**
 * Two ways of doing the same in turns, so short that what disturbs the machine meets both: each time with, between twice
 * without. Those two against each other are the control, which would be 1 on a machine of its own. Steering thread.
 */
final class Turns {
    private final List<Double> ratios = new ArrayList<>();
    private final List<Double> controls = new ArrayList<>();

    /** Speeds of three turns in a row. */
    void add(double before, double with, double after) {
        ratios.add(with / ((before + after) / 2));
        controls.add(after / before);
    }

    int count() {
        return ratios.size();
    }

    /** With against without: median, and the quartiles. */
    String ratio() {
        return text(ratios);
    }

    /** Without against without. */
    String control() {
        return text(controls);
    }

    private static String text(List<Double> values) {
        List<Double> sorted = new ArrayList<>(values);
        Collections.sort(sorted);
        int count = sorted.size();
        return String.format(
                Locale.ROOT,
                "%.3f (%.3f-%.3f, %d turns)",
                sorted.get(count / 2),
                sorted.get(count / 4),
                sorted.get(count * 3 / 4),
                count);
    }
}
