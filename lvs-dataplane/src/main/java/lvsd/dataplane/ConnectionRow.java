package lvsd.dataplane;

import java.net.InetAddress;

/**
 * One connection as listings show it.
 *
 * @param worker worker that owns it
 * @param protocol IP protocol number
 * @param client client address
 * @param clientPort client port
 * @param virtual VIP
 * @param virtualPort port of the service
 * @param local local address towards the server: the LIP with FULLNAT, else the client's
 * @param localPort its port
 * @param server server address
 * @param serverPort server port
 * @param method forwarding method number
 * @param state state name as ipvsadm prints it
 * @param expiresMillis milliseconds until it expires
 * @param packets packets from the client
 * @param engine persistence engine of a template, empty if none
 * @param engineData what that went by
 */
public record ConnectionRow(
        int worker,
        int protocol,
        InetAddress client,
        int clientPort,
        InetAddress virtual,
        int virtualPort,
        InetAddress local,
        int localPort,
        InetAddress server,
        int serverPort,
        int method,
        String state,
        long expiresMillis,
        long packets,
        String engine,
        String engineData) {}
