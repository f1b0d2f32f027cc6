package lvsd.dataplane.scheduler;

import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;
import lvsd.dataplane.service.Service;
import lvsd.rules.ServiceId;
import org.jspecify.annotations.Nullable;

/**
 * The schedulers of one worker, by service. Owned by that worker; {@link #create} is for any thread.
 */
public final class Schedulers {
    private static final Scheduler NOBODY = new Scheduler.Stateless(Scheduler.Kind.NONE);
    private static final Map<String, Scheduler.Kind> KINDS = Arrays.stream(Scheduler.Kind.values())
            .collect(Collectors.toUnmodifiableMap(kind -> kind.label, Function.identity()));

    private final @Nullable Scheduler[] schedulers = new @Nullable Scheduler[Service.MAXIMUM];
    private final @Nullable ServiceId[] services = new @Nullable ServiceId[Service.MAXIMUM];
    private final long[] revisions = new long[Service.MAXIMUM];

    /** A scheduler by the name operators use, without any state yet; null if there is none of that name. */
    public static @Nullable Scheduler create(String name) {
        Scheduler.Kind kind = KINDS.get(name);
        return switch (kind) {
            case null -> null;
            case ROUND_ROBIN -> new RoundRobin();
            case WEIGHTED_ROUND_ROBIN -> new WeightedRoundRobin();
            case TWO_CHOICES -> new RandomChoices();
            default -> new Scheduler.Stateless(kind);
        };
    }

    /**
     * Picks a destination of {@code service} with this worker's scheduler for it, which is made anew when the service
     * has another scheduler or the index belongs to another service.
     *
     * @return index into {@link Service#destinations}, or {@link Scheduler#NONE}
     */
    public int pick(Service service, DestinationCounts counts, Flow flow) {
        return of(service).pick(service, counts, flow);
    }

    private Scheduler of(Service service) {
        Scheduler scheduler = schedulers[service.index];
        return scheduler != null && revisions[service.index] == service.revision ? scheduler : renew(service);
    }

    private Scheduler renew(Service service) {
        int index = service.index;
        revisions[index] = service.revision;
        Scheduler scheduler = schedulers[index];
        if (scheduler == null
                || !scheduler.name().equals(service.spec.scheduler())
                || !service.id().equals(services[index])) {
            scheduler = Objects.requireNonNullElse(create(service.spec.scheduler()), NOBODY);
            schedulers[index] = scheduler;
            services[index] = service.id();
        }
        return scheduler;
    }
}
