package lvsd.dataplane.service;

/** Arithmetic on the weights of destinations. */
public final class Weights {
    private Weights() {}

    /** The greatest common divisor of two weights, 0 or more; of a weight and 0 that weight. */
    public static int divisor(int a, int b) {
        while (b != 0) {
            int rest = a % b;
            a = b;
            b = rest;
        }
        return a;
    }
}
