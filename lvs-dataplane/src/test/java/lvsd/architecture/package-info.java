/** The house rules of docs/architecture.md as tests: which module and package may know which. */
@NullMarked
package lvsd.architecture;

import org.jspecify.annotations.NullMarked;
