/**
 * The SYN proxy: cookies, answers to SYNs, and the handshake towards the real server.
 *
 * <p>Functions over packet memory, and small tables that a worker owns and lends them; nothing here knows of services,
 * connections or ports. Called by the worker's thread alone, but for {@link lvsd.synproxy.Secrets} and settings, which are
 * immutable and made by the control thread. No client gets an entry of any table before it has proved, by acknowledging a
 * cookie, that it receives at the address it sends from.
 */
@NullMarked
package lvsd.synproxy;

import org.jspecify.annotations.NullMarked;
