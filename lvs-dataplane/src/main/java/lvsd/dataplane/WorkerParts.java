package lvsd.dataplane;

import java.util.BitSet;
import lvsd.dataplane.connection.CallIds;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.LocalPorts;
import lvsd.dataplane.connection.Timeouts;
import lvsd.dataplane.connection.TimerWheel;
import lvsd.dataplane.net.Net;
import lvsd.dataplane.scheduler.DestinationCounters;
import lvsd.dataplane.scheduler.DestinationCounts;
import lvsd.dataplane.scheduler.Schedulers;

/**
 * What a worker is put together from. All of it is owned by that worker.
 *
 * @param table4 IPv4 connections
 * @param table6 IPv6 connections
 * @param timers4 their timers
 * @param timers6 likewise
 * @param timeouts timeouts by protocol and state
 * @param counters per-destination counters of this worker
 * @param counts connections of destinations over all workers, as its schedulers see them
 * @param schedulers schedulers by service
 * @param ports local ports of FULLNAT
 * @param net layers 2 and 3
 * @param ownership which worker owns which connection
 * @param post rings by which workers talk about persistence templates
 * @param callIds Call-IDs of its persistence templates
 * @param partialChecksums ports whose packets may have partial transport checksums
 * @param proxy what the SYN proxy starts with
 * @param seed0 first half of the tables' hash key
 * @param seed1 second half
 */
record WorkerParts(
        ConnectionTable table4,
        ConnectionTable table6,
        TimerWheel timers4,
        TimerWheel timers6,
        Timeouts timeouts,
        DestinationCounters counters,
        DestinationCounts counts,
        Schedulers schedulers,
        LocalPorts ports,
        Net net,
        Ownership ownership,
        TemplateMail.Post post,
        CallIds callIds,
        BitSet partialChecksums,
        ProxyParts proxy,
        long seed0,
        long seed1) {}
