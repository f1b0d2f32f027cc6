package lvsd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.List;
import lvsd.dataplane.DataplaneControl.TableView;
import lvsd.dataplane.DataplaneControl.WorkerView;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** One line when a table is nearly full and one when it is full, whatever the other tables hold. */
class TableWatchTest {
    private static final String NEARLY = "connection table is 90 % full";
    private static final String FULL =
            "connection table is full, new connections are refused: raise connections.%s in the daemon file";

    private final Logger logger = (Logger) LoggerFactory.getLogger(TableWatch.class);
    private final ListAppender<ILoggingEvent> said = new ListAppender<>();
    private final TableWatch watch = new TableWatch();

    @BeforeEach
    void listen() {
        logger.setLevel(Level.WARN); // tests are quieter
        said.start();
        logger.addAppender(said);
    }

    @AfterEach
    void stop() {
        logger.detachAppender(said);
        logger.setLevel(null);
    }

    @Test
    void shouldSayOnceWhenATableIsNearlyFullAndOnceWhenItIsFull() {
        for (long connections = 0; connections <= 1000; connections++) {
            look(connections, 0);
        }
        look(950, 0);
        look(1000, 0);
        assertThat(messages()).containsExactly(NEARLY, FULL.formatted("ipv4"));
    }

    @Test
    void shouldLookAtEachFamilyByItself() {
        look(10, 899);
        assertThat(messages()).isEmpty();
        look(10, 900);
        look(10, 1000);
        assertThat(messages()).containsExactly(NEARLY, FULL.formatted("ipv6"));
        assertThat(said.list.getFirst().getKeyValuePairs().toString()).contains("ipv6", "900", "1000");
    }

    @Test
    void shouldSaySoAgainAfterItWasCalm() {
        look(900, 0);
        look(850, 0);
        look(900, 0);
        assertThat(messages()).containsExactly(NEARLY);
        look(799, 0);
        look(900, 0);
        assertThat(messages()).containsExactly(NEARLY, NEARLY);
    }

    private void look(long ipv4, long ipv6) {
        List<TableView> tables =
                List.of(new TableView("ipv4", ipv4, ipv4, 1000, 1, 0), new TableView("ipv6", ipv6, ipv6, 1000, 1, 0));
        watch.look(List.of(new WorkerView(0, -1, 0, 0, 0, 0, tables, 0, 0, 0)));
    }

    private List<String> messages() {
        return said.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }
}
