package lvsd.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class MarkRuleTest {
    private static Rule parse(String line) throws RuleSyntaxException {
        return RuleParser.numeric().parseLine(line).orElseThrow();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "-t 192.0.2.1|-t 192.0.2.1",
                "-t 192.0.2.1:80|-t 192.0.2.1:80",
                "-u 192.0.2.1-192.0.2.9:80-443|-u 192.0.2.1-192.0.2.9:80-443",
                "--any 192.0.2.77/24|--any 192.0.2.0-192.0.2.255",
                "--any 192.0.2.77/32:53|--any 192.0.2.77:53",
                "-t 0.0.0.0/0:80|-t 0.0.0.0-255.255.255.255:80",
                "--sctp-service 2001:db8::1|--sctp-service [2001:db8::1]",
                "-t [2001:db8::1]:80|-t [2001:db8::1]:80",
                "-t 2001:db8::1:80|-t [2001:db8::1:80]",
                "-t [2001:db8::1]-[2001:db8::9]:80-81 -F lan0|-t [2001:db8::1]-[2001:db8::9]:80-81 -F lan0",
                "-t 2001:db8::/120|-t [2001:db8::]-[2001:db8::ff]",
                "-t [2001:db8::]/120:443|-t [2001:db8::]-[2001:db8::ff]:443",
                "-t 2001:db8::1-2001:db8::2|-t [2001:db8::1]-[2001:db8::2]"
            })
    void shouldReadPacketsAndWriteThemTheOneWay(String packets, String line) throws RuleSyntaxException {
        assertThat(RuleFormatter.line(parse("--add-mark 4294967295 " + packets)))
                .isEqualTo("--add-mark 4294967295 " + line);
        assertThat(RuleFormatter.line(parse("--del-mark 1 " + packets))).isEqualTo("--del-mark 1 " + line);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "192.0.2.9-192.0.2.1",
                "192.0.2.1-2001:db8::1",
                "192.0.2.1/33",
                "192.0.2.1:0",
                "192.0.2.1:9-8",
                "192.0.2.1:65536",
                "192.0.2.1:",
                "192.0.2",
                "[2001:db8::1",
                "[192.0.2.1]:80",
                "2001:db8::/129",
                "host",
                "-"
            })
    void shouldRefuseWhatIsNoRange(String packets) {
        assertThatThrownBy(() -> parse("--add-mark 1 -t " + packets))
                .isInstanceOfSatisfying(
                        RuleSyntaxException.class, e -> assertThat(e.text()).contains("illegal addresses or ports"));
    }

    @Test
    void shouldSayWhatIsMissing() {
        assertThatThrownBy(() -> parse("--add-mark 1"))
                .isInstanceOfSatisfying(
                        RuleSyntaxException.class,
                        e -> assertThat(e.text())
                                .contains(
                                        "You need to supply the 'service-address' option for the 'add-mark' command"));
        assertThatThrownBy(() -> parse("--add-mark 0 -t 192.0.2.1"))
                .isInstanceOfSatisfying(
                        RuleSyntaxException.class, e -> assertThat(e.text()).contains("invalid fwmark value"));
        assertThatThrownBy(() -> parse("--add-mark 1 -f 2"))
                .isInstanceOfSatisfying(
                        RuleSyntaxException.class,
                        e -> assertThat(e.text()).contains("the mark stands behind --add-mark"));
        assertThatThrownBy(() -> parse("--marks -t 192.0.2.1"))
                .isInstanceOfSatisfying(
                        RuleSyntaxException.class,
                        e -> assertThat(e.text())
                                .contains("Illegal 'service-address' option with the 'marks' command"));
        assertThatThrownBy(() -> parse("-A --any 192.0.2.1")).isInstanceOf(RuleSyntaxException.class);
    }
}
