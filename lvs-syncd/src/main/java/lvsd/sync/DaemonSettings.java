package lvsd.sync;

import java.net.InetAddress;
import lvsd.rules.Rule;

/**
 * One sync daemon as it was asked for, defaults put in.
 *
 * @param role master or backup
 * @param interfaceName network interface
 * @param syncId 0 to 255; a backup with 0 takes every one
 * @param maxLength most bytes of a message
 * @param group multicast group
 * @param port first UDP port
 * @param ttl TTL or hop limit of what is sent
 */
public record DaemonSettings(
        Rule.Role role, String interfaceName, int syncId, int maxLength, InetAddress group, int port, int ttl) {}
