package lvsd.config;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/**
 * A mapping of the daemon file while it is read: every key asked for becomes a known one, {@link #finish} refuses the
 * others. A wrong value is put on the list of errors and replaced by the default, so that one run finds all errors.
 */
final class Section {
    private final Problems problems;
    private final String path;
    private final Map<String, Node> values = new LinkedHashMap<>();
    private final Map<String, Node> keys = new LinkedHashMap<>();
    private final Set<String> known = new LinkedHashSet<>();

    /** Errors found so far, all of one file. */
    static final class Problems {
        private final String file;
        private final List<ConfigError> errors = new ArrayList<>();

        Problems(String file) {
            this.file = file;
        }

        void add(Node node, String message) {
            add(node.getStartMark(), message);
        }

        void add(Optional<Mark> mark, String message) {
            int line = mark.map(Mark::getLine).orElse(0) + 1;
            int column = mark.map(Mark::getColumn).orElse(0) + 1;
            errors.add(new ConfigError(file, line, column, message));
        }

        List<ConfigError> errors() {
            return errors;
        }
    }

    /** The content of a node; a node that is no mapping is an error and counts as empty. */
    Section(Problems problems, String path, Optional<Node> node) {
        this.problems = problems;
        this.path = path;
        if (node.isPresent() && !isNothing(node.get())) {
            read(node.get());
        }
    }

    private void read(Node node) {
        if (!(node instanceof MappingNode mapping)) {
            problems.add(
                    node, (path.isEmpty() ? "the file" : "'" + path + "'") + " must be a mapping of names to values");
            return;
        }
        for (NodeTuple tuple : mapping.getValue()) {
            if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
                problems.add(tuple.getKeyNode(), "a name must be a plain word");
            } else if (values.putIfAbsent(key.getValue(), tuple.getValueNode()) != null) {
                problems.add(key, "'" + key.getValue() + "' is given twice");
            } else {
                keys.put(key.getValue(), key);
            }
        }
    }

    static boolean isNothing(Node node) {
        return node instanceof ScalarNode scalar
                && scalar.isPlain()
                && (scalar.getValue().isEmpty()
                        || scalar.getValue().equals("~")
                        || scalar.getValue().equals("null"));
    }

    private String full(String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    /** The value's node, if there is a value. */
    Optional<Node> node(String key) {
        known.add(key);
        return Optional.ofNullable(values.get(key)).filter(node -> !isNothing(node));
    }

    /** Where to point for an error about {@code key}: its value, or the first key of the section. */
    void error(String key, String message) {
        Node at = values.getOrDefault(
                key, keys.isEmpty() ? null : keys.values().iterator().next());
        if (at == null) {
            problems.add(Optional.empty(), message);
        } else {
            problems.add(at, message);
        }
    }

    /** A scalar's text. */
    Optional<String> text(String key) {
        Optional<Node> node = node(key);
        if (node.isPresent() && !(node.get() instanceof ScalarNode)) {
            problems.add(node.get(), "'" + full(key) + "' must be a single value");
            return Optional.empty();
        }
        return node.map(value -> ((ScalarNode) value).getValue());
    }

    String text(String key, String fallback) {
        return text(key).orElse(fallback);
    }

    /** A text that must be there. */
    String required(String key) {
        Optional<String> text = text(key);
        if (text.isEmpty() && node(key).isEmpty()) {
            error(key, "'" + full(key) + "' is missing");
        }
        return text.orElse("");
    }

    /** A whole number; underscores may group digits. */
    int integer(String key, int fallback, int min, int max) {
        Optional<String> text = text(key);
        if (text.isEmpty()) {
            return fallback;
        }
        Optional<Integer> number = number(text.get());
        if (number.isEmpty() || number.get() < min || number.get() > max) {
            error(
                    key,
                    "'" + full(key) + "' must be a whole number from " + min + " to " + max + ", not '" + text.get()
                            + "'");
            return fallback;
        }
        return number.get();
    }

    static Optional<Integer> number(String text) {
        try {
            return Optional.of(Integer.parseInt(text.replace("_", "")));
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    /** A switch: true, false, on, off, yes or no. */
    boolean flag(String key, boolean fallback) {
        Optional<String> text = text(key);
        if (text.isEmpty()) {
            return fallback;
        }
        String word = text.get().toLowerCase(Locale.ROOT);
        boolean yes = word.equals("true") || word.equals("on") || word.equals("yes");
        boolean no = word.equals("false") || word.equals("off") || word.equals("no");
        if (!yes && !no) {
            error(key, "'" + full(key) + "' must be on or off, not '" + text.get() + "'");
            return fallback;
        }
        return yes;
    }

    /** One of some words. */
    String word(String key, String fallback, Collection<String> words) {
        String text = text(key, fallback);
        if (words.contains(text)) {
            return text;
        }
        error(
                key,
                "'" + full(key) + "' must be one of " + String.join(", ", words) + ", not '" + text + "'"
                        + Suggestion.clause(text, words));
        return fallback;
    }

    /** Elements of a list; a single value counts as a list of one. */
    List<Node> list(String key) {
        Optional<Node> node = node(key);
        if (node.isEmpty()) {
            return List.of();
        }
        return node.get() instanceof SequenceNode sequence ? sequence.getValue() : List.of(node.get());
    }

    /** Texts of a list. */
    List<String> texts(String key) {
        List<String> texts = new ArrayList<>();
        for (Node node : list(key)) {
            if (node instanceof ScalarNode scalar) {
                texts.add(scalar.getValue());
            } else {
                problems.add(node, "'" + full(key) + "' must be a list of single values");
            }
        }
        return texts;
    }

    /** A part that is a mapping; empty if absent. */
    Section section(String key) {
        return new Section(problems, full(key), node(key));
    }

    /** Names in this section, in the order of the file. */
    Collection<String> names() {
        return keys.keySet();
    }

    /** Refuses every key that nobody asked for. */
    void finish() {
        for (Map.Entry<String, Node> entry : keys.entrySet()) {
            if (!known.contains(entry.getKey())) {
                problems.add(
                        entry.getValue(),
                        "unknown name '" + full(entry.getKey()) + "'" + Suggestion.clause(entry.getKey(), known));
            }
        }
    }
}
