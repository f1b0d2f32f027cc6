package lvsd.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lvsd.cli.Recording.Step;

/** Every way in which we may answer otherwise than the recorded ipvsadm and kernel, and why. There is no other. */
public enum AllowedDifference {
    /** The help has the same options in our own words. */
    HELP {
        @Override
        boolean explains(Step step, Replay.Result got) {
            return step.stdout().startsWith("ipvsadm v1.31")
                    && step.stdout().contains("\nUsage:\n")
                    && got.stdout().contains("\nUsage:\n")
                    && got.rc().equals(step.rc())
                    && got.stderr().equals(step.stderr());
        }
    },

    /** The version is ours; the table size in the banner would be the kernel's module parameter. */
    VERSION {
        @Override
        boolean explains(Step step, Replay.Result got) {
            return step.stdout().startsWith("ipvsadm v1.31")
                    && step.stdout().lines().count() == 1
                    && got.equals(new Replay.Result(step.rc(), got.stdout(), step.stderr()));
        }
    },

    /** Only a kernel has files under /proc and a table for each network namespace. */
    KERNEL {
        @Override
        boolean explains(Step step, Replay.Result got) {
            return onlyAKernelDoes(step);
        }
    },

    /** {@code -R} with a daemon that starts and stops hangs there; nobody can want that. */
    HANG {
        @Override
        boolean explains(Step step, Replay.Result got) {
            return step.rc().equals("timeout") && got.rc().equals("0");
        }
    },

    /** {@code -b} with nothing but commas crashes there; nobody can want that. */
    CRASH {
        @Override
        boolean explains(Step step, Replay.Result got) {
            return step.rc().equals("139") && got.equals(new Replay.Result("2", "", "invalid scheduler flag `,'\n"));
        }
    },

    /** {@code --nosort} shows services in the order of the kernel's hash there; servers keep theirs. */
    NOSORT {
        @Override
        boolean explains(Step step, Replay.Result got) {
            return step.arguments().contains("--nosort")
                    && got.rc().equals(step.rc())
                    && got.stderr().equals(step.stderr())
                    && blocks(got.stdout()).equals(blocks(step.stdout()));
        }
    },

    /** {@code -S} loses thresholds there; nobody can want that. */
    THRESHOLDS {
        @Override
        boolean explains(Step step, Replay.Result got) {
            boolean save = SAVE.matcher(String.join(" ", step.arguments())).find()
                    || SAVE.matcher(step.stdin()).find();
            boolean restored =
                    RESTORED.contains(step.scenario()) && step.arguments().contains("--thresholds");
            if (!save && !restored) {
                return false;
            }
            String lost = save
                    ? THRESHOLD_OPTIONS.matcher(got.stdout()).replaceAll("")
                    : THRESHOLD_COLUMNS.matcher(got.stdout()).replaceAll("0          0          ");
            return new Replay.Result(got.rc(), lost, got.stderr()).equals(Replay.Result.recorded(step));
        }
    },

    /**
     * There is no scheduler twos in that kernel; here it is, and answers as any other: byte for byte what was recorded of the
     * same steps with lc, with the scheduler's name in its two places.
     */
    TWOS {
        @Override
        boolean explains(Step step, Replay.Result got) {
            return step.scenario().equals("scheduler-twos")
                    && Replay.steps("ipvsadm.jsonl")
                            .filter(other -> other.scenario().equals("scheduler-lc") && other.number() == step.number())
                            .anyMatch(other -> withTwos(other).equals(step.arguments())
                                    && got.equals(new Replay.Result(
                                            other.rc(),
                                            LC.matcher(other.stdout()).replaceAll("twos"),
                                            other.stderr())));
        }
    };

    private static final Pattern KERNELS = Pattern.compile("/proc/|ip netns");
    private static final Pattern SAVE = Pattern.compile("(?m)^\\s*(ipvsadm )?(-S|--save)");
    private static final List<String> RESTORED = List.of("restore-from-save");
    /** The name in a listing's line of a service, and behind its option. */
    private static final Pattern LC = Pattern.compile("(?m)(?<=^(?:TCP|UDP|SCTP|FWM) .{1,60} |-s )lc(?=$| )");

    private static final Pattern THRESHOLD_OPTIONS = Pattern.compile(" -[xy] \\d+");
    private static final Pattern THRESHOLD_COLUMNS = Pattern.compile("(?m)(?<=^.{34})\\d+ +\\d+ +");
    private static final Pattern SERVICE = Pattern.compile("(?m)^(?=TCP|UDP|SCTP|FWM)");

    /** Whether this is why {@code got} is not what {@code step} recorded. */
    abstract boolean explains(Step step, Replay.Result got);

    /** Whether a step of a shell is about what only a kernel has. */
    public static boolean onlyAKernelDoes(Step step) {
        return KERNELS.matcher(step.command()).find();
    }

    /** The reason for a difference, if it is an allowed one. */
    public static Optional<AllowedDifference> of(Step step, Replay.Result got) {
        return Stream.of(values()).filter(each -> each.explains(step, got)).findFirst();
    }

    /** The arguments of a step with lc, with twos. */
    private static List<String> withTwos(Step step) {
        return step.arguments().stream()
                .map(each -> each.equals("lc") ? "twos" : each)
                .toList();
    }

    /** A listing as a set of services with their servers in order. */
    private static List<String> blocks(String listing) {
        return Arrays.stream(SERVICE.split(listing)).sorted().toList();
    }
}
