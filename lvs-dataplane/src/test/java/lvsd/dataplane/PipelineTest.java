package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import lvsd.config.DaemonConfig;
import org.junit.jupiter.api.AfterEach;

/** Tests of one director that is driven by packets: each has a new one, and none may lose a packet buffer. */
abstract class PipelineTest {
    TestDirector director = new TestDirector();

    @AfterEach
    final void nothingLeaks() {
        assertThat(director.outstanding()).isZero();
        director.close();
    }

    /** Another director in the place of the one there was. */
    final void restart(DaemonConfig config) {
        director.close();
        director = new TestDirector(config);
    }

    final Flow tcp(Way way, int clientPort) {
        return new Flow(director, way, true, clientPort);
    }

    final Flow udp(Way way, int clientPort) {
        return new Flow(director, way, false, clientPort);
    }
}
