package lvsd.dpdk;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import lvsd.linux.Privilege;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Compares the layout table with the installed headers, as a C compiler sees them. */
class DpdkLayoutTest {
    /** Compiler flags that find other headers than the installed ones, or null. */
    private static final @Nullable String FLAGS = System.getProperty("dpdk.cflags");

    @Test
    void shouldFindTheLayoutOfAReleaseByItsVersionString() {
        assertThat(DpdkLayout.forVersion("DPDK 22.11.11")).isPresent();
        assertThat(DpdkLayout.forVersion("DPDK 22.11")).isPresent();
        assertThat(DpdkLayout.forVersion("DPDK 22.11-rc1")).isPresent();
        assertThat(DpdkLayout.forVersion("DPDK 22.110.0")).isEmpty();
        assertThat(DpdkLayout.forVersion("DPDK 23.07.0")).isEmpty();
        assertThat(DpdkLayout.forVersion("DPDK 25.11.0")).isEmpty();
        assertThat(DpdkLayout.forVersion("DPDK 24.11.4").orElseThrow().abi()).isEqualTo(25);
    }

    /** The recorded probes; how one is made is written in docs/development.md. */
    @ParameterizedTest
    @ValueSource(strings = {"22.11", "23.11", "24.11"})
    void shouldAgreeWithWhatACompilerSawInTheHeadersOfEveryRelease(String release) throws IOException {
        assertThat(DpdkLayout.KNOWN).extracting(DpdkLayout::release).contains(release);
        Map<String, Integer> found = new LinkedHashMap<>();
        try (InputStream recorded = getClass().getResourceAsStream("layout-" + release + ".txt")) {
            String text = new String(requireNonNull(recorded).readAllBytes(), StandardCharsets.UTF_8);
            text.lines()
                    .map(line -> line.split(" = ", -1))
                    .forEach(pair -> found.put(pair[0], Integer.valueOf(pair[1])));
        }
        assertThat(found)
                .isEqualTo(expected(DpdkLayout.forVersion("DPDK " + release).orElseThrow()));
    }

    @Test
    @Tag("privileged")
    void shouldAgreeWithTheInstalledHeaders(@TempDir Path directory) throws Exception {
        Privilege.require(Files.isExecutable(Path.of("/usr/bin/gcc")), "needs gcc");
        Privilege.require(
                FLAGS != null
                        || Files.exists(Path.of("/usr/include/dpdk/rte_ethdev.h"))
                        || Files.exists(Path.of("/usr/local/include/rte_ethdev.h")),
                "needs the headers of DPDK (libdpdk-dev)");
        String version = probe(directory, "printf(\"DPDK %d.%02d\", RTE_VER_YEAR, RTE_VER_MONTH);");
        DpdkLayout layout = DpdkLayout.forVersion(version)
                .orElseThrow(() -> new AssertionError("headers of " + version + ", which is not in the table"));

        Map<String, Integer> expected = expected(layout);
        StringBuilder body = new StringBuilder();
        for (String expression : expected.keySet()) {
            body.append("printf(\"%s = %ld\\n\", \"")
                    .append(expression)
                    .append("\", (long)(")
                    .append(expression)
                    .append("));\n");
        }
        StringBuilder lines = new StringBuilder();
        expected.forEach((expression, value) ->
                lines.append(expression).append(" = ").append(value).append('\n'));
        assertThat(probe(directory, body.toString())).isEqualTo(lines.toString());
    }

    /** What C prints. Nothing needs to be linked: the release is in the header's macros. */
    private static String probe(Path directory, String body) throws IOException, InterruptedException {
        Path source = directory.resolve("probe.c");
        Files.writeString(
                source,
                "#include <stdio.h>\n#include <stddef.h>\n#include <rte_version.h>\n#include <rte_ethdev.h>\n"
                        + "#include <rte_mbuf.h>\n#include <rte_mempool.h>\n"
                        + "static struct rte_eth_link link_up(void)\n"
                        + "{ struct rte_eth_link l = { 0 }; l.link_status = 1; return l; }\n"
                        + "int main(void) { union { struct rte_eth_link link; unsigned short words[4]; } up;\n"
                        + "up.link = link_up(); (void)up;\n" + body + "return 0; }\n");
        String program = directory.resolve("probe").toString();
        String flags = FLAGS != null
                ? FLAGS
                : Privilege.run("pkg-config", "--cflags", "libdpdk").trim();
        Privilege.run("sh", "-c", "gcc -w " + flags + " -o " + program + " " + source);
        return Privilege.run(program);
    }

    private static Map<String, Integer> expected(DpdkLayout layout) {
        Map<String, Integer> at = new LinkedHashMap<>();
        at.put("RTE_PKTMBUF_HEADROOM", Mempool.HEADROOM);
        mbuf(at);
        conf(at, layout);
        info(at, layout.info());
        statsAndLink(at, layout);
        at.put("sizeof(struct rte_eth_fp_ops)", layout.ops().stride());
        at.put("offsetof(struct rte_eth_fp_ops, rx_pkt_burst)", layout.ops().rxBurst());
        at.put("offsetof(struct rte_eth_fp_ops, rxq.data)", layout.ops().rxQueues());
        at.put("offsetof(struct rte_eth_fp_ops, tx_pkt_burst)", layout.ops().txBurst());
        at.put("offsetof(struct rte_eth_fp_ops, txq.data)", layout.ops().txQueues());
        at.put("sizeof(struct rte_mempool)", layout.pool().size());
        at.put("offsetof(struct rte_mempool, size)", layout.pool().population());
        at.put("offsetof(struct rte_mempool, ops_index)", layout.pool().opsIndex());
        at.put("offsetof(struct rte_mempool_ops_table, num_ops)", layout.pool().opsCount());
        at.put("offsetof(struct rte_mempool_ops_table, ops)", layout.pool().opsTable());
        at.put("sizeof(struct rte_mempool_ops)", layout.pool().opsStride());
        at.put("offsetof(struct rte_mempool_ops, dequeue)", layout.pool().dequeue());
        return at;
    }

    private static void mbuf(Map<String, Integer> at) {
        at.put("sizeof(struct rte_mbuf)", Mbuf.SIZE);
        at.put("offsetof(struct rte_mbuf, buf_addr)", Mbuf.BUF_ADDR);
        at.put("offsetof(struct rte_mbuf, data_off)", Mbuf.DATA_OFF);
        at.put("offsetof(struct rte_mbuf, refcnt)", Mbuf.REFCNT);
        at.put("offsetof(struct rte_mbuf, nb_segs)", Mbuf.NB_SEGS);
        at.put("offsetof(struct rte_mbuf, port)", Mbuf.PORT);
        at.put("offsetof(struct rte_mbuf, ol_flags)", Mbuf.OL_FLAGS);
        at.put("offsetof(struct rte_mbuf, packet_type)", Mbuf.PACKET_TYPE);
        at.put("offsetof(struct rte_mbuf, pkt_len)", Mbuf.PKT_LEN);
        at.put("offsetof(struct rte_mbuf, data_len)", Mbuf.DATA_LEN);
        at.put("offsetof(struct rte_mbuf, vlan_tci)", Mbuf.VLAN_TCI);
        at.put("offsetof(struct rte_mbuf, hash.rss)", Mbuf.RSS_HASH);
        at.put("offsetof(struct rte_mbuf, vlan_tci_outer)", Mbuf.VLAN_TCI_OUTER);
        at.put("offsetof(struct rte_mbuf, buf_len)", Mbuf.BUF_LEN);
        at.put("offsetof(struct rte_mbuf, pool)", Mbuf.POOL);
        at.put("offsetof(struct rte_mbuf, next)", Mbuf.NEXT);
        at.put("offsetof(struct rte_mbuf, tx_offload)", Mbuf.TX_OFFLOAD);
    }

    private static void conf(Map<String, Integer> at, DpdkLayout layout) {
        DpdkLayout.Conf conf = layout.conf();
        at.put("sizeof(struct rte_eth_conf)", conf.size());
        at.put("offsetof(struct rte_eth_conf, rxmode.mq_mode)", conf.rxMultiQueue());
        at.put("offsetof(struct rte_eth_conf, rxmode.mtu)", conf.rxMtu());
        at.put("offsetof(struct rte_eth_conf, txmode.offloads)", conf.txOffloads());
        at.put("offsetof(struct rte_eth_conf, rx_adv_conf.rss_conf.rss_key)", conf.rssKey());
        at.put("offsetof(struct rte_eth_conf, rx_adv_conf.rss_conf.rss_key_len)", conf.rssKeyLength());
        at.put("offsetof(struct rte_eth_conf, rx_adv_conf.rss_conf.rss_hf)", conf.rssFlows());
        at.put("sizeof(struct rte_eth_rxconf)", layout.queue().rxSize());
        at.put("offsetof(struct rte_eth_rxconf, offloads)", layout.queue().rxOffloads());
        at.put("sizeof(struct rte_eth_txconf)", layout.queue().txSize());
        at.put("offsetof(struct rte_eth_txconf, offloads)", layout.queue().txOffloads());
        at.put("sizeof(struct rte_eth_rss_reta_entry64)", layout.reta().size());
        at.put("offsetof(struct rte_eth_rss_reta_entry64, mask)", layout.reta().mask());
        at.put("offsetof(struct rte_eth_rss_reta_entry64, reta)", layout.reta().queues());
        at.put("RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE", (int) EthPort.TX_FAST_FREE);
        at.put("RTE_ETH_MQ_RX_RSS", EthPort.MQ_RSS);
        at.put("RTE_ETH_RSS_IP & ~RTE_ETH_RSS_IPV6_EX", (int) EthPort.RSS_ADDRESSES);
        at.put("(RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP) & ~(RTE_ETH_RSS_IPV6_TCP_EX | RTE_ETH_RSS_IPV6_UDP_EX)", (int)
                EthPort.RSS_PORTS);
    }

    private static void info(Map<String, Integer> at, DpdkLayout.Info info) {
        at.put("sizeof(struct rte_eth_dev_info)", info.size());
        at.put("offsetof(struct rte_eth_dev_info, driver_name)", info.driverName());
        at.put("offsetof(struct rte_eth_dev_info, if_index)", info.ifIndex());
        at.put("offsetof(struct rte_eth_dev_info, min_mtu)", info.minMtu());
        at.put("offsetof(struct rte_eth_dev_info, max_mtu)", info.maxMtu());
        at.put("offsetof(struct rte_eth_dev_info, max_rx_pktlen)", info.maxRxPacket());
        at.put("offsetof(struct rte_eth_dev_info, max_rx_queues)", info.maxRxQueues());
        at.put("offsetof(struct rte_eth_dev_info, max_tx_queues)", info.maxTxQueues());
        at.put("offsetof(struct rte_eth_dev_info, tx_offload_capa)", info.txOffloads());
        at.put("offsetof(struct rte_eth_dev_info, reta_size)", info.retaSize());
        at.put("offsetof(struct rte_eth_dev_info, hash_key_size)", info.hashKeySize());
        at.put("offsetof(struct rte_eth_dev_info, flow_type_rss_offloads)", info.rssFlows());
        at.put("offsetof(struct rte_eth_dev_info, default_rxconf)", info.defaultRxConf());
        at.put("offsetof(struct rte_eth_dev_info, default_txconf)", info.defaultTxConf());
        at.put("offsetof(struct rte_eth_dev_info, nb_rx_queues)", info.rxQueues());
        at.put("offsetof(struct rte_eth_dev_info, nb_tx_queues)", info.txQueues());
    }

    private static void statsAndLink(Map<String, Integer> at, DpdkLayout layout) {
        DpdkLayout.Stats stats = layout.stats();
        at.put("sizeof(struct rte_eth_stats)", stats.size());
        at.put("offsetof(struct rte_eth_stats, ipackets)", stats.inPackets());
        at.put("offsetof(struct rte_eth_stats, opackets)", stats.outPackets());
        at.put("offsetof(struct rte_eth_stats, ibytes)", stats.inBytes());
        at.put("offsetof(struct rte_eth_stats, obytes)", stats.outBytes());
        at.put("offsetof(struct rte_eth_stats, imissed)", stats.missed());
        at.put("offsetof(struct rte_eth_stats, ierrors)", stats.inErrors());
        at.put("offsetof(struct rte_eth_stats, oerrors)", stats.outErrors());
        at.put("offsetof(struct rte_eth_stats, rx_nombuf)", stats.noMbuf());
        DpdkLayout.Link link = layout.link();
        at.put("sizeof(struct rte_eth_link)", link.size());
        at.put("offsetof(struct rte_eth_link, link_speed)", link.speed());
        at.put("up.words[" + link.flags() / 2 + "]", link.upMask());
    }
}
