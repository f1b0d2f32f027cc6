/**
 * Linux through FFM: thread placement and clocks, service notification, TAP devices, interface offloads.
 *
 * <p>Cold calls, made at start and stop, fail with {@code NativeException} (function, errno, what it was for). What a
 * thread does all the time ({@code Tap.read}, {@code Tap.write}, {@code ThreadClock}) returns values and allocates
 * nothing. Objects belong to the thread that made them unless they say otherwise.
 */
@NullMarked
package lvsd.linux;

import org.jspecify.annotations.NullMarked;
