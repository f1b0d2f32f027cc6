package lvsd.daemon.bench;

/**
 * One line of the report before its subjects: a case at a size.
 *
 * @param what the case
 * @param connections size, a power of two from {@link Scenario#PAIRS} to {@link Scenario#MAXIMUM}
 * @param scatter whether ports of the input are overwritten
 */
record Row(Scenario.Case what, int connections, boolean scatter) {
    Row {
        if (Integer.bitCount(connections) != 1 || connections < Scenario.PAIRS || connections > Scenario.MAXIMUM) {
            throw new IllegalArgumentException("connections must be a power of two from " + Scenario.PAIRS + " to "
                    + Scenario.MAXIMUM + ", not " + connections);
        }
    }

    /** The row as the report has it: scattered where the file does not hold every connection. */
    static Row of(Scenario.Case what, int connections) {
        return new Row(what, connections, PcapFile.needsScatter(what, connections));
    }

    /** Name for files. */
    String name() {
        return what.label + "-" + connections + (scatter ? "-scatter" : "");
    }
}
