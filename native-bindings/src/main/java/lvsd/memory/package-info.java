/**
 * Raw memory: the only place that turns an address into a value.
 *
 * <p>Every accessor names the object it reads from (base address and size, both validated by the caller once) and a
 * constant offset into it, so that one bounds check serves all fields of the object and no field can lie outside it.
 */
@NullMarked
package lvsd.memory;

import org.jspecify.annotations.NullMarked;
