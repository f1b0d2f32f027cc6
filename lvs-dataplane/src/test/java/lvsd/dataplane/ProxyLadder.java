package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;

/** What the ladders of the SYN proxy climb on: a director on virtual time, in which nothing may be left at the end. */
abstract class ProxyLadder {
    TestDirector director = new TestDirector();

    @AfterEach
    void nothingIsLost() {
        director.advance(1_000_000);
        assertThat(director.connections()).isEmpty();
        assertThat(director.outstanding()).as("packets lost").isZero();
        director.close();
    }

    /** Another director, with these settings: names and values in turn. */
    void with(String... settings) {
        director.close();
        Map<String, String> map = new HashMap<>();
        for (int i = 0; i < settings.length; i += 2) {
            map.put(settings[i], settings[i + 1]);
        }
        director = new TestDirector(1, map);
    }
}
