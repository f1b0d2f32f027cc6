package lvsd.config;

import java.util.Collection;
import java.util.Locale;
import java.util.Optional;

/** Finds the word that was probably meant. */
public final class Suggestion {
    private Suggestion() {}

    /** {@code "; did you mean 'X'?"}, or an empty string where nothing is near. */
    public static String clause(String wrong, Collection<String> known) {
        return nearest(wrong, known)
                .map(word -> "; did you mean '" + word + "'?")
                .orElse("");
    }

    /** The nearest of {@code known}, if fewer than about a third of its letters differ. */
    public static Optional<String> nearest(String wrong, Collection<String> known) {
        String asked = wrong.toLowerCase(Locale.ROOT).replace('_', '-');
        String best = "";
        int bestDistance = Integer.MAX_VALUE;
        for (String word : known) {
            int distance = distance(asked, word.replace('_', '-'));
            if (distance < bestDistance && distance <= Math.max(1, word.length() / 3)) {
                bestDistance = distance;
                best = word;
            }
        }
        return best.isEmpty() ? Optional.empty() : Optional.of(best);
    }

    /** Levenshtein distance; words longer than 64 are far from everything. */
    private static int distance(String a, String b) {
        if (a.length() > 64 || b.length() > 64) {
            return Integer.MAX_VALUE;
        }
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replace = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replace, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.length()];
    }
}
