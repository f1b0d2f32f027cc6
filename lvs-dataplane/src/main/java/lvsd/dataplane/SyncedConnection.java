package lvsd.dataplane;

import java.net.InetAddress;

/**
 * A connection made elsewhere, as sync and tests hand it to the worker that shall own it.
 *
 * @param protocol IP protocol number
 * @param client client address
 * @param clientPort client port
 * @param virtual VIP
 * @param virtualPort port of the service
 * @param local local address towards the server: the LIP with FULLNAT, else the client's
 * @param localPort its port
 * @param server server address
 * @param serverPort server port
 * @param state protocol state
 * @param sequenceDelta what is added to the client's sequence numbers; 0 none
 * @param proxyDelta what the SYN proxy adds to the server's; 0: it did not open the connection
 * @param timeout seconds that it may be silent from now on; 0: as long as any in its state
 */
public record SyncedConnection(
        int protocol,
        InetAddress client,
        int clientPort,
        InetAddress virtual,
        int virtualPort,
        InetAddress local,
        int localPort,
        InetAddress server,
        int serverPort,
        int state,
        int sequenceDelta,
        int proxyDelta,
        int timeout) {}
