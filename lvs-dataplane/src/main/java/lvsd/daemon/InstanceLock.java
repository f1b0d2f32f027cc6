package lvsd.daemon;

import java.io.Closeable;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lvsd.config.DaemonConfig;

/**
 * Keeps a second daemon off the socket, the journal and the ports of a running one: locked files, freed by the kernel
 * whatever way the process ends. The files stay, since removing them would let two daemons lock two files of one name.
 */
final class InstanceLock implements Closeable {
    private static final Pattern INTERFACE = Pattern.compile("(?:^|,)iface=([^,]+)");
    private static final Pattern PCI = Pattern.compile("(?:[0-9a-fA-F]{4}:)?([0-9a-fA-F]{2}:[0-9a-fA-F]{2}\\.[0-7]).*");

    private final List<FileChannel> held = new ArrayList<>();

    /**
     * Takes everything that {@code config} names.
     *
     * @param directory where files for ports lie; one for the whole machine
     */
    static InstanceLock acquire(DaemonConfig config, Path directory) throws StartException {
        InstanceLock lock = new InstanceLock();
        try {
            Path socket = config.control().socket();
            createParent(socket);
            lock.take(Path.of(socket + ".lock"), "control socket " + socket);
            refuseLiveSocket(socket);
            Optional<Path> journal = config.persist().directory();
            if (journal.isPresent()) {
                Files.createDirectories(journal.get());
                lock.take(journal.get().resolve("lock"), "journal directory " + journal.get());
            }
            for (DaemonConfig.Port port : config.ports()) {
                Optional<String> name = exclusive(port.device());
                if (name.isPresent()) {
                    Files.createDirectories(directory);
                    lock.take(directory.resolve("port-" + name.get() + ".lock"), "port device " + port.device());
                }
            }
            return lock;
        } catch (StartException e) {
            lock.close();
            throw e;
        } catch (IOException e) {
            lock.close();
            throw new StartException("cannot lock: " + e, e);
        }
    }

    private static void createParent(Path file) throws IOException {
        Path parent = file.toAbsolutePath().getParent();
        if (parent != null) {
            Files.createDirectories(parent);
        }
    }

    private void take(Path file, String what) throws IOException, StartException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = null;
        try {
            lock = channel.tryLock();
        } catch (OverlappingFileLockException e) {
            // held by this very process: the same as held by another one
        }
        if (lock == null) {
            channel.close();
            throw new StartException(
                    StartException.FAILURE,
                    "another lvsd uses " + what + " (" + file + " is locked); stop it, or give this one its own");
        }
        held.add(channel);
    }

    /** A socket that answers though nobody holds its lock belongs to something we must not push aside. */
    private static void refuseLiveSocket(Path socket) throws StartException {
        if (!Files.exists(socket, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (Files.isRegularFile(socket) || Files.isDirectory(socket)) {
            throw new StartException(
                    StartException.CONFIGURATION, "control socket " + socket + ": there is a file that is no socket");
        }
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            probe.connect(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            return;
        }
        throw new StartException(
                StartException.FAILURE, "control socket " + socket + ": another process answers there; stop it first");
    }

    /**
     * What makes a device one of a kind on this machine, as part of a file name; empty for devices that any number of
     * processes may have. Kernel interfaces are told apart by network namespace.
     */
    static Optional<String> exclusive(String device) throws IOException {
        Matcher pci = PCI.matcher(device);
        if (pci.matches()) {
            return Optional.of("pci-" + pci.group(1).replace(':', '-'));
        }
        Matcher kernel = INTERFACE.matcher(device);
        if (kernel.find()) {
            Object namespace = Files.getAttribute(Path.of("/proc/self/ns/net"), "unix:ino");
            return Optional.of("net" + namespace + "-" + kernel.group(1).replace('/', '_'));
        }
        return Optional.empty();
    }

    @Override
    public void close() {
        for (FileChannel channel : held) {
            try {
                channel.close();
            } catch (IOException e) {
                // The kernel frees the lock with the process at the latest.
            }
        }
        held.clear();
    }
}
