package lvsd.daemon;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import lvsd.dataplane.DataplaneControl;
import lvsd.synproxy.Secrets;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The secrets that SYN cookies are made with: those of a key file, which other directors share, or random ones, of which a
 * new one takes over every {@code synproxy_secret_lifetime}. Control thread only.
 *
 * <p>Epochs of shared secrets are counted by the time of day, so its distance from the workers' clock is looked at every
 * second: the one is steered, the other is not.
 */
final class CookieKeys {
    private static final Logger LOG = LoggerFactory.getLogger(CookieKeys.class);
    /** Nanoseconds by which the two clocks may have gone apart; a cookie's epoch is 69 s. */
    private static final long TOLERANCE = TimeUnit.MILLISECONDS.toNanos(100);

    private static final Set<PosixFilePermission> OTHERS = Set.of(
            PosixFilePermission.GROUP_READ,
            PosixFilePermission.GROUP_WRITE,
            PosixFilePermission.OTHERS_READ,
            PosixFilePermission.OTHERS_WRITE);

    private final DataplaneControl dataplane;
    private final LongSupplier clock;
    private final LongSupplier timeOfDay;
    private Secrets secrets = Secrets.random();
    private long offset;
    private long rotated;

    /**
     * @param clock the workers' clock, nanoseconds
     * @param timeOfDay nanoseconds since 1970
     */
    CookieKeys(DataplaneControl dataplane, LongSupplier clock, LongSupplier timeOfDay) {
        this.dataplane = dataplane;
        this.clock = clock;
        this.timeOfDay = timeOfDay;
        this.rotated = clock.getAsLong();
    }

    /** On the clocks of this machine. */
    CookieKeys(DataplaneControl dataplane) {
        this(dataplane, System::nanoTime, () -> TimeUnit.MILLISECONDS.toNanos(System.currentTimeMillis()));
    }

    /**
     * Takes over the secrets of a key file; without one, random ones if there were others.
     *
     * @throws StartException if the file is not as it should be; the secrets stay as they were
     */
    void use(Optional<Path> file) throws StartException {
        if (file.isPresent()) {
            offset = timeOfDay.getAsLong() - clock.getAsLong();
            publish(read(file.get(), offset));
        } else if (secrets.shared()) {
            rotated = clock.getAsLong();
            publish(Secrets.random());
        }
    }

    private void publish(Secrets newer) {
        secrets = newer;
        dataplane.secrets(newer);
    }

    /**
     * The secrets of a key file.
     *
     * @param offset what added to the workers' clock gives the time of day, nanoseconds
     */
    static Secrets read(Path file, long offset) throws StartException {
        try {
            if (Files.getPosixFilePermissions(file).stream().anyMatch(OTHERS::contains)) {
                throw wrong(file, "others than its owner may read or write it; say chmod 600 " + file);
            }
            return Secrets.parse(Files.readString(file, StandardCharsets.UTF_8), offset);
        } catch (NoSuchFileException e) {
            throw wrong(file, "no such file; head -c 16 /dev/urandom | xxd -p makes a secret");
        } catch (IOException e) {
            throw wrong(file, "cannot be read: " + e.getMessage());
        } catch (IllegalArgumentException e) {
            throw wrong(file, String.valueOf(e.getMessage()));
        }
    }

    private static StartException wrong(Path file, String why) {
        return new StartException(StartException.CONFIGURATION, "synproxy.key-file " + file + ": " + why);
    }

    /**
     * Once a second.
     *
     * @param lifetime seconds after which a random secret gives way to another
     */
    void tick(int lifetime) {
        long now = clock.getAsLong();
        if (secrets.shared()) {
            long distance = timeOfDay.getAsLong() - now;
            if (Math.abs(distance - offset) > TOLERANCE) {
                offset = distance;
                publish(secrets.withOffset(distance));
            }
        } else if (now - rotated >= TimeUnit.SECONDS.toNanos(lifetime)) {
            rotated = now;
            publish(secrets.rotated(now));
            LOG.atDebug().log("new secret of SYN cookies");
        }
    }
}
