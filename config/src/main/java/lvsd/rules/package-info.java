/**
 * What an operator may say about services: immutable values, one parser and one formatter for the ipvsadm grammar that
 * the command line, the rules file and the control socket share.
 */
@NullMarked
package lvsd.rules;

import org.jspecify.annotations.NullMarked;
