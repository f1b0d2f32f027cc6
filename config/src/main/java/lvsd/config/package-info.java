/** The daemon file: records that say what the machine is, and the loader that names line and column of every error. */
@NullMarked
package lvsd.config;

import org.jspecify.annotations.NullMarked;
