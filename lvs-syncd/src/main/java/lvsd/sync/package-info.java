/** Connection synchronisation between directors: codecs, ICV, transport, master and backup. */
@NullMarked
package lvsd.sync;

import org.jspecify.annotations.NullMarked;
