/** SYN cookies, the six-way handshake and sequence rewriting: functions over packet memory, no state of their own. */
@NullMarked
package lvsd.synproxy;

import org.jspecify.annotations.NullMarked;
