/**
 * The control protocol: one rule a line in, a framed reply out, listings as JSON. Records, one writer and one parser for
 * the listings, and the client side. Used by any thread; nothing here keeps state between calls but an open
 * {@link lvsd.control.ControlClient}, which belongs to the thread that opened it. Described in docs/control-protocol.md.
 */
@NullMarked
package lvsd.control;

import org.jspecify.annotations.NullMarked;
