package lvsd.dataplane;

import lvsd.synproxy.AutoSwitch;
import lvsd.synproxy.ProxyCounters;
import lvsd.synproxy.Secrets;
import org.jspecify.annotations.Nullable;

/**
 * What a worker's SYN proxy starts with.
 *
 * @param secrets what cookies are keyed with, the same for all workers
 * @param counters its counters, which others read
 * @param switches which services in mode {@code auto} are proxied now, the same for all workers
 * @param auto what switches them, on the one worker that does
 */
record ProxyParts(
        Secrets secrets,
        ProxyCounters counters,
        AutoSwitch switches,
        @Nullable AutoProxy auto) {}
