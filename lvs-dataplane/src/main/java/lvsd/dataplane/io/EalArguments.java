package lvsd.dataplane.io;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import lvsd.config.DaemonConfig;

/**
 * EAL's arguments for a daemon file. What the operator gives verbatim comes last and replaces defaults chosen here; the
 * loader of the daemon file refuses arguments that have a setting of their own.
 */
final class EalArguments {
    private static final String PCI = "([0-9a-fA-F]{4}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\\.[0-7]";

    private final DaemonConfig config;
    private final List<String> given;
    private final List<String> arguments = new ArrayList<>();

    private EalArguments(DaemonConfig config) {
        this.config = config;
        this.given = config.eal().arguments();
    }

    /**
     * The arguments, program name not included.
     *
     * @param cpus CPUs that the process may use; EAL's own thread is bound to none of them in particular
     */
    static List<String> of(DaemonConfig config, BitSet cpus) {
        EalArguments made = new EalArguments(config);
        made.memory();
        made.environment(cpus);
        made.devices();
        made.arguments.addAll(made.given);
        return List.copyOf(made.arguments);
    }

    private void memory() {
        DaemonConfig.Eal eal = config.eal();
        if (!eal.hugepages()) {
            arguments.addAll(List.of("--no-huge", "--no-shconf"));
        } else if (!has("--in-memory", "--huge-dir", "--huge-unlink", "--legacy-mem", "--proc-type")) {
            // No files in hugetlbfs to be left behind, no thread for secondary processes.
            arguments.add("--in-memory");
            if (config.ports().stream().anyMatch(port -> port.device().startsWith("net_virtio_user"))) {
                arguments.add("--single-file-segments"); // vhost-user takes few memory regions
            }
        }
        arguments.addAll(List.of("-m", Integer.toString(eal.memoryMegabytes())));
        arguments.addAll(List.of("--file-prefix", eal.filePrefix()));
    }

    private void environment(BitSet cpus) {
        String all = cpus.stream().mapToObj(Integer::toString).collect(Collectors.joining(","));
        arguments.add("--lcores=0@(" + all + ")");
        if (!has("--telemetry", "--no-telemetry")) {
            arguments.add("--no-telemetry");
        }
        if (!has("--log-level")) {
            arguments.add("--log-level=warning");
        }
        config.eal().pluginPath().ifPresent(path -> arguments.addAll(List.of("-d", path)));
    }

    private void devices() {
        boolean pci = config.ports().stream().anyMatch(port -> isPci(port.device()));
        if (!pci && !has("-a", "--allow", "-b", "--block", "--no-pci")) {
            arguments.add("--no-pci");
        }
        for (DaemonConfig.Port port : config.ports()) {
            String device = device(port, config.workers().count());
            if (isPci(device)) {
                arguments.addAll(List.of("-a", device));
            } else if (!givenAsVdev(deviceName(device))) {
                arguments.add("--vdev=" + device);
            }
        }
    }

    /** The device with its arguments; net_af_packet gets a queue for each worker unless the operator says otherwise. */
    private static String device(DaemonConfig.Port port, int workers) {
        String device = port.device();
        boolean bare = device.startsWith("net_af_packet") && !device.contains("qpairs=");
        return bare && workers > 1 ? device + ",qpairs=" + workers : device;
    }

    private boolean givenAsVdev(String name) {
        return given.stream()
                .anyMatch(argument ->
                        deviceName(argument.replaceFirst("^--vdev=", "")).equals(name));
    }

    private boolean has(String... options) {
        return given.stream()
                .anyMatch(argument -> List.of(options).contains(argument.split("=", 2)[0])
                        || List.of(options).contains(argument.substring(0, Math.min(2, argument.length()))));
    }

    /** Whether the device is a PCI address, with or without arguments. */
    static boolean isPci(String device) {
        return device.split(",", 2)[0].matches(PCI);
    }

    /** The device's name in DPDK: without arguments; a PCI address in full. */
    static String deviceName(String device) {
        String name = device.split(",", 2)[0];
        if (!name.matches(PCI)) {
            return name;
        }
        String full = name.indexOf(':') == name.lastIndexOf(':') ? "0000:" + name : name;
        return full.toLowerCase(Locale.ROOT);
    }

    /** The kernel interface that a vdev takes over: {@code iface=} of net_af_packet and net_af_xdp. */
    static Optional<String> kernelInterface(String device) {
        boolean takesOver = device.startsWith("net_af_packet") || device.startsWith("net_af_xdp");
        return takesOver
                ? Arrays.stream(device.split(",", -1))
                        .filter(argument -> argument.startsWith("iface="))
                        .map(argument -> argument.substring("iface=".length()))
                        .findFirst()
                : Optional.empty();
    }
}
