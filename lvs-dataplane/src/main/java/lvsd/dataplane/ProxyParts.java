package lvsd.dataplane;

import lvsd.synproxy.ProxyCounters;
import lvsd.synproxy.Secrets;

/**
 * What a worker's SYN proxy starts with.
 *
 * @param secrets what cookies are keyed with, the same for all workers
 * @param counters its counters, which others read
 */
record ProxyParts(Secrets secrets, ProxyCounters counters) {}
