package lvsd.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class JournalTest {
    private static final List<List<String>> BATCHES = List.of(
            List.of("-A -t 192.0.2.1:80 -s wlc"),
            List.of("-a -t 192.0.2.1:80 -r 198.18.0.1:80 -m -w 1", "-a -t 192.0.2.1:80 -r 198.18.0.2:80 -m -w 1"),
            List.of("-d -t 192.0.2.1:80 -r 198.18.0.1:80"));

    @TempDir
    private Path directory = Path.of("");

    private Path file() {
        return directory.resolve(Journal.NAME);
    }

    private List<String> replay() throws IOException {
        return Journal.read(directory).rules();
    }

    /** Writes all batches and notes the length of the file after each: what is shorter was never acknowledged. */
    private List<Long> write() throws IOException {
        List<Long> ends = new ArrayList<>();
        try (Journal journal = Journal.create(directory, List.of("--set 900 120 300"))) {
            ends.add(Files.size(file()));
            for (List<String> batch : BATCHES) {
                journal.append(batch);
                ends.add(Files.size(file()));
            }
        }
        return ends;
    }

    private static List<String> expected(int batches) {
        List<String> rules = new ArrayList<>(List.of("--set 900 120 300"));
        BATCHES.subList(0, batches).forEach(rules::addAll);
        return rules;
    }

    @Test
    void shouldReplayWhatWasAppended() throws IOException {
        write();
        assertThat(replay()).isEqualTo(expected(3));
        assertThat(Journal.read(directory).torn()).isZero();
    }

    @Test
    void shouldKeepAcknowledgedBatchesWhereverTheFileIsCut() throws IOException {
        List<Long> ends = write();
        byte[] whole = Files.readAllBytes(file());
        for (int length = Math.toIntExact(ends.getFirst()); length <= whole.length; length++) {
            Files.write(file(), Arrays.copyOf(whole, length));
            int batches = 0;
            while (batches + 1 < ends.size() && ends.get(batches + 1) <= length) {
                batches++;
            }
            assertThat(replay()).as("cut at byte %d", length).isEqualTo(expected(batches));
        }
    }

    @Test
    void shouldLeaveOutALastBatchWithAnyByteDamaged() throws IOException {
        List<Long> ends = write();
        byte[] whole = Files.readAllBytes(file());
        for (int at = Math.toIntExact(ends.get(2)); at < whole.length; at++) {
            byte[] damaged = whole.clone();
            damaged[at] ^= 0x20;
            Files.write(file(), damaged);
            assertThat(replay()).as("byte %d damaged", at).isEqualTo(expected(2));
        }
    }

    @Test
    void shouldLeaveOutATailOfZeros() throws IOException {
        write();
        byte[] whole = Files.readAllBytes(file());
        Files.write(file(), Arrays.copyOf(whole, whole.length + 5000));
        assertThat(replay()).isEqualTo(expected(3));
        assertThat(Journal.read(directory).torn()).isEqualTo(5000);
    }

    @Test
    void shouldRefuseDamageInFrontOfSoundBatches() throws IOException {
        List<Long> ends = write();
        byte[] whole = Files.readAllBytes(file());
        for (int at = 0; at < ends.get(2); at++) {
            byte[] damaged = whole.clone();
            damaged[at] ^= 0x01;
            Files.write(file(), damaged);
            assertThatThrownBy(this::replay)
                    .as("byte %d damaged", at)
                    .isInstanceOf(Journal.DamagedException.class)
                    .hasMessageContaining(file().toString())
                    .hasMessageContaining("--restore");
        }
    }

    @Test
    void shouldBeEmptyWithoutAFile() throws IOException {
        assertThat(Journal.exists(directory)).isFalse();
        assertThat(replay()).isEmpty();
    }

    @Test
    void shouldReplaceEverythingByTheStateWhenCompacted() throws IOException {
        try (Journal journal = Journal.create(directory, List.of())) {
            journal.append(BATCHES.get(0));
            journal.compact(List.of("-A -u 192.0.2.9:53 -s rr"));
            assertThat(replay()).containsExactly("-A -u 192.0.2.9:53 -s rr");
            journal.append(BATCHES.get(2));
            assertThat(replay())
                    .containsExactly("-A -u 192.0.2.9:53 -s rr", BATCHES.get(2).getFirst());
        }
    }

    @Test
    void shouldIgnoreACompactionThatWasKilledBeforeItsRename() throws IOException {
        write();
        byte[] whole = Files.readAllBytes(file());
        for (int length = 0; length <= whole.length; length++) {
            Files.write(directory.resolve(Journal.NAME + ".new"), Arrays.copyOf(whole, length));
            assertThat(replay()).isEqualTo(expected(3));
        }
        Journal.create(directory, List.of("-C")).close();
        assertThat(replay()).containsExactly("-C");
        assertThat(directory.resolve(Journal.NAME + ".new")).doesNotExist();
    }

    @Test
    void shouldWantCompactionOnlyOnceItPays() throws IOException {
        try (Journal journal = Journal.create(directory, List.of())) {
            assertThat(journal.wantsCompaction()).isFalse();
            List<String> large = Collections.nCopies(20_000, "-A -t 192.0.2.1:80 -s wlc");
            journal.append(large);
            assertThat(journal.wantsCompaction()).isFalse();
            journal.append(large);
            journal.append(large);
            assertThat(journal.wantsCompaction()).isTrue();
            journal.compact(List.of());
            assertThat(journal.wantsCompaction()).isFalse();
        }
    }

    @Test
    void shouldKeepTheRulesFileAsItWasApplied() throws IOException {
        assertThat(Journal.base(directory)).isNull();
        Journal.keepBase(directory, List.of("# mine", "-A -t 192.0.2.1:80"));
        assertThat(Journal.base(directory)).containsExactly("# mine", "-A -t 192.0.2.1:80");
    }

    @Test
    void shouldSayWhereItIsInAMessageAboutDamage() throws IOException {
        Files.writeString(file(), "-A -t 192.0.2.1:80\n#batch 0 00000000\n", StandardCharsets.US_ASCII);
        assertThatThrownBy(this::replay).hasMessageContaining("byte 0");
    }
}
