package lvsd.rules;

import java.util.ArrayList;
import java.util.List;
import lvsd.rules.Word.Argument;
import org.jspecify.annotations.Nullable;

/**
 * Cuts arguments into words and values as popt(3) does for ipvsadm: letters may be combined ({@code -Ln}), values be
 * attached ({@code -t1.2.3.4:80}, {@code -t=1.2.3.4:80}, {@code --weight=3}) or follow, a required value is taken whatever
 * it looks like, an optional one unless it begins with a dash; what is no option is kept for later.
 */
final class OptionScanner {
    private final List<String> arguments;
    private final List<String> leftovers = new ArrayList<>();
    private int at;
    /** Letters of a cluster still to be read, empty if none. */
    private String cluster = "";

    private String token = "";
    private String shown = "";
    private @Nullable String value;
    private boolean onlyLeftovers;

    OptionScanner(List<String> arguments) {
        this.arguments = arguments;
    }

    /**
     * The next word; null at the end.
     *
     * @param command the command already known, which decides about our own words
     * @throws RuleSyntaxException at an unknown word or a missing or unwanted value
     */
    @Nullable
    Word next(@Nullable Command command) throws RuleSyntaxException {
        value = null;
        if (!cluster.isEmpty()) {
            return letter(command);
        }
        while (at < arguments.size()) {
            token = arguments.get(at++);
            shown = token;
            if (onlyLeftovers || token.length() < 2 || token.charAt(0) != '-') {
                leftovers.add(token);
            } else if (token.equals("--")) {
                onlyLeftovers = true;
            } else if (token.startsWith("--")) {
                return longWord(command);
            } else {
                cluster = token.substring(1);
                return letter(command);
            }
        }
        return null;
    }

    private Word longWord(@Nullable Command command) throws RuleSyntaxException {
        int equals = token.indexOf('=');
        String name = equals < 0 ? token.substring(2) : token.substring(2, equals);
        Word word = Word.ofName(name, command);
        if (word == null) {
            throw RuleSyntaxException.badOption(token, "unknown option");
        }
        takeValue(word, equals < 0 ? null : token.substring(equals + 1));
        return word;
    }

    private Word letter(@Nullable Command command) throws RuleSyntaxException {
        char letter = cluster.charAt(0);
        String rest = cluster.substring(1);
        Word word = Word.ofLetter(letter, command);
        if (word == null) {
            throw RuleSyntaxException.badOption(token, "unknown option");
        }
        if (word == Word.SCHED_FLAGS && isFullnat(command, rest)) {
            cluster = "";
            return Word.FULLNAT;
        }
        if (word.argument() == Argument.NONE && !rest.startsWith("=")) {
            cluster = rest;
            return word;
        }
        cluster = "";
        takeValue(word, rest.isEmpty() ? null : rest.startsWith("=") ? rest.substring(1) : rest);
        return word;
    }

    /** Whether {@code -b} means FULLNAT: with a server command, and nothing follows that could be scheduler flags. */
    private boolean isFullnat(@Nullable Command command, String rest) {
        boolean serverCommand = command == Command.ADD_SERVER || command == Command.EDIT_SERVER;
        boolean followed = at < arguments.size() && !arguments.get(at).startsWith("-");
        return serverCommand && rest.isEmpty() && !followed;
    }

    private void takeValue(Word word, @Nullable String attached) throws RuleSyntaxException {
        boolean follows = at < arguments.size();
        if (word.argument() == Argument.NONE) {
            if (attached != null) {
                throw RuleSyntaxException.badOption(token, "option does not take an argument");
            }
        } else if (attached != null) {
            value = attached;
        } else if (word.argument() == Argument.REQUIRED && !follows) {
            throw RuleSyntaxException.badOption(token, "missing argument");
        } else if (follows
                && (word.argument() == Argument.REQUIRED || !arguments.get(at).startsWith("-"))) {
            value = arguments.get(at++);
            shown = value;
        }
    }

    /** Value of the last word; empty if it has none. */
    String value() {
        return value == null ? "" : value;
    }

    /** Whether the last word has a value, be it an empty one. */
    boolean hasValue() {
        return value != null;
    }

    /** The last argument that was read, for messages. */
    String shown() {
        return shown;
    }

    /** Arguments that are no options, in order; complete once {@link #next} has returned null. */
    List<String> leftovers() {
        return leftovers;
    }
}
