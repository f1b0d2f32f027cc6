package lvsd.rules;

import java.util.Locale;
import java.util.Optional;

/** What a director does in a pair: {@code --role}, and {@code role:} of the daemon file. */
public enum DirectorRole {
    /** Has the VIPs, local addresses and floating addresses, and forwards. */
    ACTIVE,
    /** Has none of them, forwards nothing, and takes connections by sync. */
    STANDBY;

    /** The word that users write and see. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The role of that word, if there is one. */
    public static Optional<DirectorRole> of(String label) {
        for (DirectorRole each : values()) {
            if (each.label().equals(label)) {
                return Optional.of(each);
            }
        }
        return Optional.empty();
    }
}
