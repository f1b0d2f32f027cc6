package lvsd.dataplane.net;

import java.net.InetAddress;
import java.util.List;
import lvsd.config.DaemonConfig;

/**
 * A layer 3 interface: a port's untagged traffic, or one VLAN of it. Immutable.
 *
 * @param index dense index over all interfaces
 * @param name name for operators
 * @param port DPDK port
 * @param vlanId VLAN 1 to 4094, or -1 for untagged
 * @param mac own MAC in wire form: the six bytes as they lie in a frame, read in native order into the low 48 bits
 * @param mtu largest IP packet in bytes
 * @param addresses own addresses with their prefixes
 * @param floating addresses that the active director of a pair has here
 * @param reversePath reverse-path check of packets that come in here
 */
public record Interface(
        int index,
        String name,
        int port,
        int vlanId,
        long mac,
        int mtu,
        List<DaemonConfig.Prefix> addresses,
        List<InetAddress> floating,
        DaemonConfig.ReversePath reversePath) {}
