package lvsd.dataplane.io;

import java.util.List;
import lvsd.config.ConfigException;
import lvsd.config.ConfigLoader;
import lvsd.config.DaemonConfig;

/** Daemon files for tests of the ports: ports p0, p1, ... over the given devices. */
final class Configs {
    private Configs() {}

    static DaemonConfig daemon(int workers, boolean hugepages, List<String> arguments, String... devices) {
        return daemon(
                "hugepages: " + hugepages + "\n  memory: 64\n  arguments: " + quoted(arguments), workers, devices);
    }

    /**
     * A daemon file.
     *
     * @param eal first lines of its section {@code eal}, indented by two
     */
    static DaemonConfig daemon(String eal, int workers, String... devices) {
        StringBuilder text = new StringBuilder("eal:\n  file-prefix: lvsd-test-ports\n  mbufs: 2047\n  ");
        text.append(eal).append("\nworkers: ").append(workers).append("\npersist: none\nports:\n");
        for (int i = 0; i < devices.length; i++) {
            text.append("  - name: p").append(i).append("\n    twin: false\n    device: '");
            text.append(devices[i]).append("'\n");
        }
        try {
            return ConfigLoader.parse("test.yaml", text.toString());
        } catch (ConfigException wrong) {
            throw new AssertionError(text + "\n" + wrong.getMessage(), wrong);
        }
    }

    private static String quoted(List<String> arguments) {
        return arguments.stream().map(argument -> "'" + argument + "'").toList().toString();
    }
}
