/**
 * Tests of the whole director: {@code lvsd}, {@code lvsadm} and real clients and servers, each in a network namespace of
 * its own. Needs root. {@link lvsd.director.Topology} makes the wires, {@link lvsd.director.LvsdProcess} runs the
 * daemon, {@link lvsd.director.WebServer} and {@link lvsd.director.Client} are programs run inside namespaces.
 */
@NullMarked
package lvsd.director;

import org.jspecify.annotations.NullMarked;
