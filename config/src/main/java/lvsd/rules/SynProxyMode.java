package lvsd.rules;

import java.util.Arrays;
import java.util.Optional;

/** Whether SYNs of a service are answered by cookies: our option {@code -j}. */
public enum SynProxyMode {
    /** Never. */
    DISABLE("disable"),
    /** Always. */
    ENABLE("enable"),
    /** While the service looks attacked. */
    AUTO("auto");

    private final String word;

    SynProxyMode(String word) {
        this.word = word;
    }

    /** The word of the command line. */
    public String word() {
        return word;
    }

    /** The mode of that word. */
    public static Optional<SynProxyMode> of(String word) {
        return Arrays.stream(values()).filter(mode -> mode.word.equals(word)).findFirst();
    }
}
