/** lvsadm, the ipvsadm-compatible command line tool, and its list views. */
@NullMarked
package lvsd.cli;

import org.jspecify.annotations.NullMarked;
