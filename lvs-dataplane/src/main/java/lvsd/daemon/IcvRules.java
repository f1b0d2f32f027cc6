package lvsd.daemon;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Optional;
import lvsd.rules.Rule;
import lvsd.sync.IcvAlgorithm;
import lvsd.sync.IcvKeys;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How a sync daemon authenticates: one key for master and backup, no mixed mode. The second daemon that is started takes
 * over what the first has.
 */
final class IcvRules {
    /** TTL of authenticated messages. */
    static final int TTL = 255;

    private static final Logger LOG = LoggerFactory.getLogger(IcvRules.class);
    private static final IcvAlgorithm DEFAULT = IcvAlgorithm.HMAC_SHA256_128;

    private IcvRules() {}

    /** What {@code asked} authenticates with beside those that run; null: nothing. */
    static SyncRunner.@Nullable Icv of(Rule.StartDaemon asked, Collection<SyncDaemons.Running> running) throws Refusal {
        SyncRunner.Icv own = own(asked.icv());
        for (SyncDaemons.Running other : running) {
            own = beside(asked, own, other);
        }
        if (own == null && !asked.icv().algorithm().isEmpty()) {
            throw new Refusal(2, "--icv-algorithm needs a key: give --icv-key-file or --icv-key");
        }
        if (own != null && asked.ttl().orElse(TTL) != TTL) {
            throw new Refusal(
                    2,
                    "With an ICV key the TTL is " + TTL + ", not " + asked.ttl().getAsInt());
        }
        if (own != null && own.keys().anyShort()) {
            LOG.atWarn()
                    .addKeyValue("role", asked.role().label())
                    .log("an ICV key is shorter than " + IcvKeys.SHORT + " bytes");
        }
        return own;
    }

    private static SyncRunner.@Nullable Icv beside(
            Rule.StartDaemon asked, SyncRunner.@Nullable Icv own, SyncDaemons.Running other) throws Refusal {
        String role = other.view().role().label();
        SyncRunner.Icv theirs = other.icv();
        if (theirs == null) {
            if (own != null) {
                throw new Refusal(
                        2, "The " + role + " daemon runs without an ICV key: both have one or none. Stop it first");
            }
            return null;
        }
        if (own != null && !own.keys().equals(theirs.keys())) {
            throw new Refusal(2, "The " + role + " daemon uses another ICV key: both use the same one");
        }
        IcvAlgorithm said = algorithm(asked.icv()).orElse(theirs.algorithm());
        if (said != theirs.algorithm()) {
            throw new Refusal(
                    2, "The " + role + " daemon uses " + theirs.algorithm().label() + ": both use the same algorithm");
        }
        return theirs;
    }

    private static Optional<IcvAlgorithm> algorithm(Rule.Icv icv) throws Refusal {
        if (icv.algorithm().isEmpty()) {
            return Optional.empty();
        }
        Optional<IcvAlgorithm> known = IcvAlgorithm.of(icv.algorithm());
        if (known.isEmpty()) {
            throw new Refusal(2, "illegal icv-algorithm specified");
        }
        return known;
    }

    private static SyncRunner.@Nullable Icv own(Rule.Icv icv) throws Refusal {
        IcvAlgorithm algorithm = algorithm(icv).orElse(DEFAULT);
        if (!icv.keyFile().isEmpty()) {
            return new SyncRunner.Icv(algorithm, read(icv.keyFile()));
        }
        return icv.key().isEmpty()
                ? null
                : new SyncRunner.Icv(algorithm, IcvKeys.of(icv.key().getBytes(StandardCharsets.UTF_8)));
    }

    /** A name without a slash is one of systemd's credentials (systemd.exec(5), {@code LoadCredential=}). */
    static Path file(String name, @Nullable String credentials) {
        return name.indexOf('/') < 0 && credentials != null ? Path.of(credentials, name) : Path.of(name);
    }

    private static IcvKeys read(String name) throws Refusal {
        Path file = file(name, System.getenv("CREDENTIALS_DIRECTORY"));
        String content;
        try {
            content = Files.readString(file);
        } catch (IOException e) {
            throw new Refusal(2, "ICV key file " + file + " cannot be read: " + e.getMessage());
        }
        return IcvKeys.parse(content)
                .orElseThrow(() -> new Refusal(
                        2, "ICV key file " + file + " must hold one key, or the new one and the old one, a line each"));
    }

    /** What starts {@code asked} again: with the algorithm that it uses, without the key. */
    static Rule.StartDaemon kept(Rule.StartDaemon asked, SyncRunner.@Nullable Icv icv) {
        Rule.Icv kept = icv == null
                ? Rule.Icv.NONE
                : new Rule.Icv("", asked.icv().keyFile(), icv.algorithm().label());
        return new Rule.StartDaemon(
                asked.role(),
                asked.mcastInterface(),
                asked.syncId(),
                asked.maxLength(),
                asked.group(),
                asked.port(),
                asked.ttl(),
                kept);
    }
}
