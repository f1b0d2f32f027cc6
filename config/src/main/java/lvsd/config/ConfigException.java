package lvsd.config;

import java.io.Serial;
import java.util.List;
import java.util.stream.Collectors;

/** A daemon file that cannot be used. {@link #getMessage} has one line per error, {@code file:line:column: what}. */
public final class ConfigException extends Exception {
    @Serial
    private static final long serialVersionUID = 1;

    private final transient List<ConfigError> errors;

    /** Carries at least one error, in the order of the file. */
    public ConfigException(List<ConfigError> errors) {
        super(errors.stream().map(ConfigError::toString).collect(Collectors.joining("\n")));
        this.errors = List.copyOf(errors);
    }

    /** The errors in the order of the file. */
    public List<ConfigError> errors() {
        return errors;
    }
}
