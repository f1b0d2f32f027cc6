package lvsd.sync;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.Test;

/** The ICVs, byte by byte, and what is thrown at them. */
final class IcvTest {
    private static final String ENTRIES = "000600240000000000019c4000501f900000000000000384c6120a02c000020ac6121404"
            + "000600240000000000019c4100501f900000000000000384c6120a02c000020ac6121404";
    static final String MD5_V1 = "009600600201000032323232f9aed5b8393313f2c5a9a5e1" + ENTRIES;
    static final String MD5_V0 =
            "0196002c323232347d7a0463a2e389978c4c758800069c4000501f90c6120a02c000020ac612140400000001";
    static final String SHA256_KEY = "7f8b5c3da6d85982b27b4d80f40d7da3f56ca97884b7f623380be4027a660496";
    static final String SHA256 =
            "0096007802010000a2fff000000000001a1fdfcca8c000001122334455667788f978cf46b191f36453b417f0dc8efd7b"
                    + ENTRIES;

    private static final String KEY = "0123456789abcdef0123456789abcdef";
    private static final String OTHER = "fedcba9876543210fedcba9876543210";
    private static final long NOW = 1_795_262_565_004L;
    private static final long SENDER = 0x1122_3344_5566_7788L;

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    private static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex);
    }

    /** Signs with the given number first. */
    private static Signer md5(long first) {
        KeyRing ring = Writers.ring(IcvAlgorithm.HMAC_MD5_96, 4, "toto234");
        Sequencer[] sequencers = Signer.sequencers(IcvAlgorithm.HMAC_MD5_96, 4, 0);
        for (Sequencer each : sequencers) {
            each.skip(first - 1);
        }
        return new Signer(ring, 150, 0, sequencers);
    }

    private static Signer sha(String... keys) {
        return Writers.signer(Writers.ring(IcvAlgorithm.HMAC_SHA256_128, 4, keys), 150, SENDER, NOW);
    }

    private static Verifier shaVerifier(int syncId, String... keys) {
        return new Verifier(Writers.ring(IcvAlgorithm.HMAC_SHA256_128, 4, keys), syncId, 99, 4);
    }

    private static Verifier md5Verifier() {
        return new Verifier(Writers.ring(IcvAlgorithm.HMAC_MD5_96, 4, "toto234"), 150, 99, 4);
    }

    private static byte[] message(Signer signer, int port) {
        return Writers.message(signer, 1, 150, port, Writers.connection(40000), Writers.connection(40001));
    }

    @Test
    void md5IsTheDocumentBitForBit() {
        assertThat(hex(message(md5(0x3232_3232L), 0))).isEqualTo(MD5_V1);
    }

    @Test
    void md5OverV0BeginsTheFirstEntryAtByte20() {
        byte[] message = Writers.message(md5(0x3232_3234L), 0, 1, 0, Writers.connection(40000));
        message[1] = (byte) 150;
        byte[] whole = Writers.message(md5(0x3232_3234L), 0, 150, 0, Writers.connection(40000));
        assertThat(hex(whole)).isEqualTo(MD5_V0);
        assertThat(hex(message)).as("the message header is covered").isNotEqualTo(MD5_V0);
    }

    @Test
    void sha256IsAsDocumented() {
        byte[] info = Hkdf.info("icv", 150, Writers.GROUP, Writers.PORT);
        assertThat(hex(Hkdf.derive(KEY.getBytes(StandardCharsets.US_ASCII), info, 32)))
                .isEqualTo(SHA256_KEY);
        assertThat(hex(message(sha(KEY), 0))).isEqualTo(SHA256);
    }

    @Test
    void theReceiverTakesTheWorkedMessages() {
        assertThat(md5Verifier().check(bytes(MD5_V1), bytes(MD5_V1).length, 0, NOW))
                .isNull();
        assertThat(md5Verifier().check(bytes(MD5_V0), bytes(MD5_V0).length, 0, NOW))
                .isNull();
        assertThat(shaVerifier(150, KEY).check(bytes(SHA256), bytes(SHA256).length, 0, NOW))
                .isNull();
    }

    @Test
    void everyBitIsCovered() {
        for (String hex : List.of(MD5_V1, MD5_V0, SHA256)) {
            byte[] good = bytes(hex);
            Verifier verifier = hex.equals(SHA256) ? shaVerifier(0, KEY) : md5Verifier();
            for (int bit = 0; bit < good.length * 8; bit++) {
                byte[] bad = good.clone();
                bad[bit / 8] ^= (byte) (1 << bit % 8);
                assertThat(verifier.check(bad, bad.length, 0, NOW))
                        .as("bit %d of %s", bit, hex)
                        .isNotNull();
            }
        }
    }

    @Test
    void paddingIsCovered() {
        SyncConnection odd = Writers.connection(1);
        odd.deleted = true;
        byte[] message = Writers.message(sha(KEY), 1, 150, 0, odd, Writers.connection(2));
        int padding = 8 + 40 + 36 + 3;
        assertThat(message[padding]).isZero();
        assertThat(shaVerifier(150, KEY).check(message, message.length, 0, NOW)).isNull();
        message[padding] = 1;
        assertThat(shaVerifier(150, KEY).check(message, message.length, 0, NOW)).isEqualTo(SyncDrop.ICV);
    }

    @Test
    void damagedMessagesAreRefusedWhateverTheDamage() {
        Verifier sha = shaVerifier(0, KEY);
        Verifier md5 = md5Verifier();
        SeededTest.run(20_000, random -> {
            boolean first = random.nextBoolean();
            byte[] good = bytes(first ? SHA256 : MD5_V1);
            byte[] bad = EntryFuzzTest.damage(good.clone(), random);
            if (!Arrays.equals(bad, good)) {
                assertThat((first ? sha : md5).check(bad, bad.length, 0, NOW)).isNotNull();
            }
        });
    }

    @Test
    void md5TakesStrictlyGreaterNumbersOnly() {
        Verifier verifier = md5Verifier();
        Signer signer = md5(100);
        byte[] first = message(signer, 0);
        byte[] second = message(signer, 0);
        byte[] third = message(signer, 0);
        assertThat(verifier.check(second, second.length, 0, NOW)).isNull();
        assertThat(verifier.check(first, first.length, 0, NOW)).isEqualTo(SyncDrop.REPLAY);
        assertThat(verifier.check(second, second.length, 0, NOW)).isEqualTo(SyncDrop.REPLAY);
        assertThat(verifier.check(third, third.length, 0, NOW)).isNull();
    }

    @Test
    void aForgedHighNumberDoesNotShutTheMasterOut() {
        Verifier verifier = md5Verifier();
        byte[] forged = message(md5(0xfeff_fff0L), 0);
        forged[30] ^= 1;
        assertThat(verifier.check(forged, forged.length, 0, NOW)).isEqualTo(SyncDrop.ICV);
        byte[] good = message(md5(100), 0);
        assertThat(verifier.check(good, good.length, 0, NOW)).isNull();

        Verifier sha = shaVerifier(150, KEY);
        Signer signer = sha(KEY);
        sha.confirm(SENDER, signer.sequencer(0).last(), NOW);
        byte[] far = message(signer, 0);
        Bytes.put8(far, 8 + IcvHeader.SEQUENCE, -1);
        assertThat(sha.check(far, far.length, 0, NOW)).isEqualTo(SyncDrop.ICV);
        byte[] next = message(signer, 0);
        assertThat(sha.check(next, next.length, 0, NOW)).isNull();
    }

    @Test
    void md5NumbersEndAndDoNotBeginAgain() {
        Signer signer = md5(0xfeff_ffffL);
        assertThat(signer.exhausted(0)).isFalse();
        message(signer, 0);
        assertThat(signer.exhausted(0)).isTrue();
    }

    @Test
    void numbersOfAMasterThatStartsAgainAreHigher() {
        Sequencer before = Sequencer.starting(IcvAlgorithm.HMAC_SHA256_128, NOW);
        long last = 0;
        for (int i = 0; i < 1_000_000; i++) {
            last = before.next();
        }
        Sequencer after = Sequencer.starting(IcvAlgorithm.HMAC_SHA256_128, NOW + 1000);
        assertThat(Long.compareUnsigned(after.next(), last)).isPositive();
        assertThat(Sequencer.starting(IcvAlgorithm.HMAC_MD5_96, 0).next())
                .as("nothing that a kernel could take for an entry")
                .isGreaterThanOrEqualTo(1L << 25);
    }

    @Test
    void aSecondKeyIsAcceptedAndTheFirstIsUsed() {
        byte[] old = message(sha(KEY), 0);
        byte[] both = message(sha(OTHER, KEY), 0);
        assertThat(shaVerifier(150, OTHER).check(old, old.length, 0, NOW)).isIn(SyncDrop.KEY, SyncDrop.ICV);
        assertThat(shaVerifier(150, OTHER, KEY).check(old, old.length, 0, NOW)).isNull();
        assertThat(shaVerifier(150, OTHER).check(both, both.length, 0, NOW)).isNull();
        Verifier md5 = new Verifier(Writers.ring(IcvAlgorithm.HMAC_MD5_96, 4, OTHER, "toto234"), 150, 99, 4);
        assertThat(md5.check(bytes(MD5_V1), bytes(MD5_V1).length, 0, NOW)).isNull();
    }

    @Test
    void aMessageForAnotherSyncidGroupOrPortFails() {
        byte[] message = message(sha(KEY), 0);
        assertThat(shaVerifier(7, KEY).check(message, message.length, 0, NOW)).isEqualTo(SyncDrop.SYNCID);
        byte[] renamed = message.clone();
        renamed[1] = 7;
        assertThat(shaVerifier(7, KEY).check(renamed, renamed.length, 0, NOW)).isEqualTo(SyncDrop.ICV);
        assertThat(shaVerifier(150, KEY).check(message, message.length, 1, NOW)).isEqualTo(SyncDrop.ICV);
        KeyRing elsewhere = new KeyRing(
                IcvAlgorithm.HMAC_SHA256_128, Writers.keys(KEY), new byte[] {(byte) 224, 0, 0, 82}, 8848, 4);
        assertThat(new Verifier(elsewhere, 150, 99, 4).check(message, message.length, 0, NOW))
                .isEqualTo(SyncDrop.ICV);
    }

    @Test
    void messagesWithoutAKeyAndOfTheOtherAlgorithmAreRefused() {
        byte[] keyless = message(Writers.keyless(), 0);
        assertThat(shaVerifier(150, KEY).check(keyless, keyless.length, 0, NOW)).isEqualTo(SyncDrop.HEADER);
        assertThat(md5Verifier().check(keyless, keyless.length, 0, NOW)).isIn(SyncDrop.ICV, SyncDrop.REPLAY);
        byte[] sha = bytes(SHA256);
        assertThat(md5Verifier().check(sha, sha.length, 0, NOW)).isEqualTo(SyncDrop.ICV);
        byte[] md5 = bytes(MD5_V1);
        assertThat(shaVerifier(150, KEY).check(md5, md5.length, 0, NOW)).isEqualTo(SyncDrop.HEADER);
    }

    @Test
    void senderTableIsBoundedAndGivesWayOnlyToSilence() {
        Verifier verifier = shaVerifier(150, KEY);
        for (int i = 0; i < Verifier.MOST_SENDERS; i++) {
            assertThat(verifier.confirm(i + 1, 0, NOW)).isNotNull();
        }
        assertThat(verifier.confirm(1000, 0, NOW + 1000)).isNull();
        assertThat(verifier.confirm(1000, 0, NOW + 6000)).isNotNull();
        assertThat(verifier.find(1000)).isNotNull();
    }

    @Test
    void ownMessagesAreNotTaken() {
        Verifier verifier = new Verifier(Writers.ring(IcvAlgorithm.HMAC_SHA256_128, 4, KEY), 150, SENDER, 4);
        byte[] message = message(sha(KEY), 0);
        assertThat(verifier.check(message, message.length, 0, NOW)).isEqualTo(SyncDrop.REPLAY);
    }

    @Test
    void theWindowTakesEachNumberOnceInAnyOrder() {
        SeededTest.run(100, random -> {
            long floor = random.nextLong() >>> 2;
            ReplayWindow window = new ReplayWindow(floor);
            Set<Long> seen = new HashSet<>();
            long highest = floor;
            for (int i = 0; i < 3_000; i++) {
                long sequence = highest + random.nextInt(-40, 60);
                boolean expected =
                        sequence > floor && !seen.contains(sequence) && highest - sequence < ReplayWindow.SIZE;
                assertThat(window.isNew(sequence)).isEqualTo(expected);
                if (expected) {
                    window.see(sequence);
                    seen.add(sequence);
                    highest = Math.max(highest, sequence);
                }
            }
        });
    }

    @Test
    void theWindowForgetsNothingOnALongJump() {
        ReplayWindow window = new ReplayWindow(0);
        window.see(5);
        window.see(5 + 10L * ReplayWindow.SIZE);
        assertThat(window.isNew(5)).isFalse();
        assertThat(window.isNew(4 + 10L * ReplayWindow.SIZE)).isTrue();
        assertThat(window.isNew(5 + 9L * ReplayWindow.SIZE)).isFalse();
        window.see(-1L);
        assertThat(window.isNew(-1L)).isFalse();
        assertThat(window.isNew(5 + 10L * ReplayWindow.SIZE)).isFalse();
    }

    @Test
    void keysAreNeverPrinted() {
        assertThat(Writers.keys("toto234").toString()).doesNotContain("toto");
        assertThat(Writers.keys("toto234").fingerprint()).hasSize(8);
    }

    @Test
    void aKeyFileHoldsOneOrTwoKeys() {
        assertThat(IcvKeys.parse("# new\nfirst\n\n  second \n")).contains(Writers.keys("first", "second"));
        assertThat(IcvKeys.parse("\n#\n")).isEmpty();
        assertThat(IcvKeys.parse("a\nb\nc\n")).isEmpty();
    }
}
