package lvsd.sync;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Datagrams of a real kernel. */
final class RecordedTest {
    @Test
    void theCapturesAreThere() {
        assertThat(Recorded.all().size()).isGreaterThan(30);
    }

    @TestFactory
    Stream<DynamicTest> everyEntryIsAConnectionThatTheMasterListed() {
        return Recorded.names().stream()
                .map(name -> DynamicTest.dynamicTest(name, () -> {
                    List<String> listed = Recorded.about("listings.txt", name);
                    for (Recorded.Datagram datagram : Recorded.datagrams(name)) {
                        for (SyncConnection connection : decode(datagram.payload())) {
                            assertThat(sides(listed)).contains(sides(Texts.row(connection)));
                        }
                    }
                }));
    }

    @TestFactory
    Stream<DynamicTest> everyDatagramIsWrittenAgainAsItWas() {
        return Recorded.names().stream()
                .map(name -> DynamicTest.dynamicTest(name, () -> {
                    for (Recorded.Datagram datagram : Recorded.datagrams(name)) {
                        assertThat(encode(datagram.payload())).isEqualTo(datagram.payload());
                    }
                }));
    }

    @TestFactory
    Stream<DynamicTest> aBackupHoldsWhatTheKernelsHeld() {
        return Recorded.names().stream()
                .map(name -> DynamicTest.dynamicTest(name, () -> {
                    KernelBackup backup = new KernelBackup();
                    for (Recorded.Datagram datagram : Recorded.datagrams(name)) {
                        backup.receive(datagram.payload(), 0);
                    }
                    List<String> held = Recorded.about("backup.txt", name);
                    if (!held.isEmpty()) {
                        assertThat(withoutSeconds(backup.rows())).isEqualTo(withoutSeconds(held));
                        assertSeconds(backup.rows(), held);
                    }
                }));
    }

    @TestFactory
    Stream<DynamicTest> craftedDatagramsAreTakenAsTheKernelTookThem() {
        return crafted("crafted.txt");
    }

    @TestFactory
    Stream<DynamicTest> moreDatagramsAreTakenAsTheKernelTookThem() {
        return crafted("asked.txt");
    }

    @TestFactory
    Stream<DynamicTest> randomDatagramsAreTakenAsTheKernelTookThem() {
        return crafted("random.txt");
    }

    static Stream<DynamicTest> crafted(String file) {
        return Recorded.crafted(file).stream()
                .map(each -> DynamicTest.dynamicTest(each.name(), () -> {
                    KernelBackup backup = new KernelBackup();
                    backup.receive(each.payload(), each.syncId());
                    assertThat(withoutSeconds(backup.rows())).isEqualTo(withoutSeconds(each.taken()));
                    assertSeconds(backup.rows(), each.taken());
                }));
    }

    /** Every entry, usable or not, of a well-formed message. */
    static List<SyncConnection> decode(byte[] payload) {
        EntryReader reader = new EntryReader();
        reader.begin(payload, 0, payload.length, 0);
        List<SyncConnection> all = new ArrayList<>();
        SyncConnection next = new SyncConnection();
        for (int verdict = reader.next(next); verdict != EntryReader.END; verdict = reader.next(next)) {
            assertThat(verdict).isEqualTo(EntryReader.ENTRY);
            all.add(next);
            next = new SyncConnection();
        }
        return all;
    }

    static byte[] encode(byte[] payload) {
        MessageWriter writer = new MessageWriter(Writers.keyless(), 0, 4096);
        Arrays.fill(writer.bytes(), (byte) 0xa5);
        writer.begin(Message.version(payload, 0, payload.length), Message.syncId(payload, 0), 1500);
        decode(payload).forEach(connection -> assertThat(writer.add(connection)).isTrue());
        return Arrays.copyOf(writer.bytes(), writer.finish());
    }

    private static List<String> sides(List<String> rows) {
        return rows.stream().map(RecordedTest::sides).toList();
    }

    /** Protocol and the three sides, without the state. */
    private static String sides(String row) {
        String[] words = row.split(" ", -1);
        return words[0] + " " + words[2] + " " + words[3] + " " + words[4];
    }

    private static Set<String> withoutSeconds(List<String> rows) {
        Set<String> all = new TreeSet<>();
        rows.forEach(row -> {
            List<String> words = new ArrayList<>(List.of(row.split(" ", -1)));
            words.remove(5);
            all.add(String.join(" ", words));
        });
        return all;
    }

    /** The kernel listed a moment after it had received, and milliseconds modulo 2^32. */
    private static void assertSeconds(List<String> ours, List<String> kernels) {
        List<String> a = new ArrayList<>(new TreeSet<>(ours));
        List<String> b = new ArrayList<>(new TreeSet<>(kernels));
        for (int i = 0; i < a.size(); i++) {
            long said = Long.parseLong(a.get(i).split(" ", -1)[5]);
            long shown = Long.parseLong(b.get(i).split(" ", -1)[5]);
            assertThat((said - shown) * 1000 & 0xffff_ffffL).as(a.get(i)).isLessThan(6_000);
        }
    }
}
