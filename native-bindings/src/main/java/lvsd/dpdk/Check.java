package lvsd.dpdk;

/**
 * The outcome of one check of the machine or of DPDK.
 *
 * @param name what was checked
 * @param ok whether it is as it should be
 * @param detail what was found and, when not ok, what to do
 */
public record Check(String name, boolean ok, String detail) {
    static Check passed(String name, String detail) {
        return new Check(name, true, detail);
    }

    static Check failed(String name, String detail) {
        return new Check(name, false, detail);
    }
}
