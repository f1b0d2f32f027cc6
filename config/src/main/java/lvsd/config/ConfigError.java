package lvsd.config;

/**
 * One thing wrong in a file.
 *
 * @param file file as it was named
 * @param line from 1
 * @param column from 1
 * @param message what is wrong and what to do
 */
public record ConfigError(String file, int line, int column, String message) {
    @Override
    public String toString() {
        return file + ":" + line + ":" + column + ": " + message;
    }
}
