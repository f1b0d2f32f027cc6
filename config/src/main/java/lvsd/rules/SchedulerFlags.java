package lvsd.rules;

import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Set;

/** Flag words of {@code -b}: each scheduler gives the three flags names of its own, others are called by number. */
final class SchedulerFlags {
    private static final int COUNT = 3;

    private SchedulerFlags() {}

    /**
     * Reads a list separated by commas, where empty words count for nothing, into the words that the scheduler prints, in
     * the order of the flags.
     *
     * @throws RuleSyntaxException at a word that is no flag of the scheduler, or if there are commas only (ipvsadm crashes)
     */
    static Set<String> parse(String scheduler, String list) throws RuleSyntaxException {
        boolean[] flags = new boolean[COUNT];
        for (String word : list.split(",", -1)) {
            if (!word.isEmpty()) {
                flags[number(scheduler, word) - 1] = true;
            }
        }
        Set<String> words = new LinkedHashSet<>();
        for (int number = 1; number <= COUNT; number++) {
            if (flags[number - 1]) {
                words.add(word(scheduler, number));
            }
        }
        if (words.isEmpty() && !list.isEmpty()) {
            throw invalid(list);
        }
        return Collections.unmodifiableSet(words);
    }

    private static int number(String scheduler, String word) throws RuleSyntaxException {
        return switch (word) {
            case "flag-1" -> 1;
            case "flag-2" -> 2;
            case "flag-3" -> 3;
            case "sh-fallback", "sh-port", "mh-fallback", "mh-port" -> {
                if (!word.substring(0, 2).equals(scheduler)) {
                    throw RuleSyntaxException.fail("incompatible scheduler flag `" + word + "'");
                }
                yield word.endsWith("fallback") ? 1 : 2;
            }
            default -> throw invalid(word);
        };
    }

    private static RuleSyntaxException invalid(String word) {
        return RuleSyntaxException.fail("invalid scheduler flag `" + word + "'");
    }

    private static String word(String scheduler, int number) {
        boolean named = scheduler.equals("sh") || scheduler.equals("mh");
        return switch (number) {
            case 1 -> named ? scheduler + "-fallback" : "flag-1";
            case 2 -> named ? scheduler + "-port" : "flag-2";
            default -> "flag-3";
        };
    }

    /** The words as listings show them: sh and mh have no name for the third flag and print nothing for it. */
    static String text(ServiceSpec service) {
        boolean named = service.scheduler().equals("sh") || service.scheduler().equals("mh");
        StringBuilder text = new StringBuilder();
        for (String word : service.schedulerFlags()) {
            if (!(named && word.equals("flag-3"))) {
                text.append(text.isEmpty() ? "" : ",").append(word);
            }
        }
        return text.toString();
    }
}
