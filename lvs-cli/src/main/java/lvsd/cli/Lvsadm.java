package lvsd.cli;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.ConnectException;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lvsd.control.Control;
import lvsd.control.ControlClient;
import lvsd.control.ControlProtocol;
import lvsd.control.Reply;
import lvsd.control.View;
import lvsd.control.ViewException;
import lvsd.control.Views;
import lvsd.rules.Rule;
import lvsd.rules.RuleFormatter;
import lvsd.rules.RuleParser;
import lvsd.rules.RuleSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * The command line tool, under the names {@code lvsadm} and {@code ipvsadm}: reads the ipvsadm grammar, asks the daemon,
 * prints as ipvsadm does. Options of the tool itself: {@code --control SOCKET} and {@code --json}.
 *
 * <p>Made to start fast: no class is touched that the command does not need, no library at all.
 */
public final class Lvsadm implements AutoCloseable {
    private static final int USAGE = 2;
    private static final int FAILURE = 1;
    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    /** Requests that {@code -R} sends ahead of their replies: few enough for both socket buffers. */
    private static final int AHEAD = 128;

    /** Opens the connection to the daemon once it is needed. */
    interface Connector {
        Control connect(Path socket) throws IOException;
    }

    /** The daemon's socket. One object, so that the ahead-of-time cache has it. */
    static final Connector SOCKET = where -> new ControlClient(where, TIMEOUT);

    private final String program;
    private final Path socket;
    private final boolean json;
    private final List<String> arguments;
    private final Connector connector;
    private final InputStream in;
    private final PrintStream out;
    private final PrintStream err;
    private final SystemNames names;
    private final RuleParser parser;
    private @Nullable Control control;
    /** Pages of a listing so far. */
    private View.@Nullable Services services;

    Lvsadm(
            String program,
            List<String> arguments,
            @Nullable String variable,
            Connector connector,
            SystemNames names,
            InputStream in,
            PrintStream out,
            PrintStream err) {
        this.program = program;
        this.connector = connector;
        this.names = names;
        this.in = in;
        this.out = out;
        this.err = err;
        this.parser = new RuleParser(program, names);
        List<String> rest = new ArrayList<>(arguments.size());
        Path where = variable == null || variable.isEmpty() ? ControlProtocol.DEFAULT_SOCKET : Path.of(variable);
        boolean asJson = false;
        for (int i = 0; i < arguments.size(); i++) {
            String argument = arguments.get(i);
            if (argument.equals("--control") && i + 1 < arguments.size()) {
                where = Path.of(arguments.get(++i));
            } else if (argument.startsWith("--control=")) {
                where = Path.of(argument.substring("--control=".length()));
            } else if (argument.equals("--json")) {
                asJson = true;
            } else {
                rest.add(argument);
            }
        }
        this.arguments = rest;
        this.socket = where;
        this.json = asJson;
    }

    /** Runs the tool and ends the process with its exit code. */
    public static void main(String[] arguments) {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
        PrintStream buffered = new PrintStream(new BufferedOutputStream(out, 1 << 16), false, StandardCharsets.UTF_8);
        PrintStream err = new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
        String program = System.getProperty("lvsd.program", "lvsadm");
        @SuppressWarnings("resource") // ends with the process; to close it takes longer than a listing of some services
        Lvsadm tool = new Lvsadm(
                program.contains("ipvsadm") ? "ipvsadm" : "lvsadm",
                RawText.arguments(arguments),
                System.getenv(ControlProtocol.SOCKET_VARIABLE),
                SOCKET,
                new SystemNames(),
                System.in,
                buffered,
                err);
        int code = tool.run();
        buffered.flush();
        // Nothing to run down: no thread of ours, no file.
        Runtime.getRuntime().halt(code);
    }

    /** Runs the tool; returns its exit code, as ipvsadm's. */
    int run() {
        try {
            if (!arguments.isEmpty() && arguments.getFirst().equals("help") && !program.equals("ipvsadm")) {
                return HelpTopics.print(out, err, arguments.subList(1, arguments.size()));
            }
            return execute(parser.parse(arguments));
        } catch (RuleSyntaxException e) {
            RawText.print(err, e.text());
            return e.exitCode();
        } catch (IOException e) {
            err.print(explain(e));
            return USAGE;
        } catch (ViewException e) {
            err.print(program + ": " + e.getMessage() + "; is lvsd of another version?\n");
            return FAILURE;
        } finally {
            out.flush();
        }
    }

    private String explain(IOException e) {
        boolean nobody = e instanceof ConnectException || (e instanceof SocketException && control == null);
        if (!nobody) {
            return program + ": lvsd at " + socket + ": " + e.getMessage() + "\n";
        }
        String why = String.valueOf(e.getMessage());
        if (program.equals("ipvsadm") && why.equals("Permission denied")) {
            // To the letter, as everything under this name.
            return """
                    Can't initialize ipvs: Permission denied (you must be root)
                    Are you sure that IP Virtual Server is built in the kernel or as module?
                    """;
        }
        return program + ": cannot reach lvsd at " + socket + ": " + (Files.exists(socket) ? why : "no such socket")
                + " (is it running? another socket: --control SOCKET or " + ControlProtocol.SOCKET_VARIABLE + ")\n";
    }

    /** Closes the connection to the daemon, if there is one. */
    @Override
    public void close() {
        if (control != null) {
            try {
                control.close();
            } catch (IOException e) {
                // Everything has been said and answered.
                control = null;
            }
        }
    }

    private Control control() throws IOException {
        Control open = control;
        if (open == null) {
            open = connector.connect(socket);
            control = open;
        }
        return open;
    }

    // Chains of instanceof here and in what a listing needs: a switch over patterns costs several milliseconds of
    // linking
    // at its first use, which is most of what this process lives.

    private int execute(Rule rule) throws IOException {
        if (rule instanceof Rule.Query query) {
            return query(query);
        }
        if (rule instanceof Rule.Change) {
            control().send(RuleFormatter.line(rule));
            return print(control().receive(page -> {}));
        }
        if (rule instanceof Rule.Restore) {
            return restore();
        }
        if (rule instanceof Rule.Version) {
            HelpText.version(out, program);
        } else {
            HelpText.print(out, program);
        }
        return 0;
    }

    private int print(Reply reply) {
        out.print(reply.out());
        err.print(reply.err());
        return reply.exitCode();
    }

    private int query(Rule.Query query) throws IOException {
        Control open = control();
        open.send(RuleFormatter.line(query));
        if (query instanceof Rule.ListConnections list && !json) {
            OtherListings.connectionTitles(out, list.persistent());
        }
        Reply reply = open.receive(page -> show(query, page, false));
        if (reply.exitCode() != 0) {
            return print(reply);
        }
        show(query, reply.out(), true);
        err.print(reply.err());
        return 0;
    }

    private void show(Rule.Query query, String document, boolean last) {
        if (json) {
            out.print(document);
            out.print('\n');
            return;
        }
        View view = Views.read(document, counters(query));
        if (view instanceof View.Services page) {
            // They are sorted, so none can be shown before all are there.
            View.Services before = services;
            View.Services all = before == null ? page : before.plus(page);
            services = last ? null : all;
            if (!last) {
                return;
            }
            view = all;
        }
        render(query, view);
    }

    private static boolean counters(Rule.Query query) {
        return query instanceof Rule.ListServices list
                && (list.columns() == Rule.Columns.STATS || list.columns() == Rule.Columns.RATE);
    }

    private void render(Rule.Query query, View view) {
        if (query instanceof Rule.ListServices rule && view instanceof View.Services services) {
            ServiceListing.list(out, rule, Endpoints.of(rule.numeric(), names), services);
        } else if (query instanceof Rule.Save rule && view instanceof View.Services services) {
            ServiceListing.save(out, Endpoints.of(rule.numeric(), names), services);
        } else if (query instanceof Rule.ListConnections rule && view instanceof View.Connections connections) {
            OtherListings.connections(out, rule.persistent(), Endpoints.of(rule.numeric(), names), connections);
        } else {
            renderOther(query, view);
        }
    }

    private void renderOther(Rule.Query query, View view) {
        switch (view) {
            case View.LocalAddresses locals
            when query instanceof Rule.GetLocalAddresses rule ->
                OtherListings.localAddresses(out, Endpoints.of(rule.numeric(), names), locals);
            case View.SynProxies proxies
            when query instanceof Rule.SynProxies rule ->
                OtherListings.synProxies(out, Endpoints.of(rule.numeric(), names), proxies);
            case View.Timeouts timeouts -> OtherListings.timeouts(out, timeouts);
            case View.Daemons daemons ->
                OtherListings.daemons(out, query instanceof Rule.ListDaemons(var stats) && stats, daemons);
            case View.Drops drops -> OtherListings.drops(out, drops);
            case View.Ports ports -> OtherListings.ports(out, ports);
            case View.Workers workers -> OtherListings.workers(out, workers);
            case View.Marks marks -> OtherListings.marks(out, marks);
            case View.Role role -> out.print(role.role().label() + "\n");
            case View.Settings settings -> OtherListings.settings(out, settings);
            default -> throw new ViewException("bad reply: the answer is not to the question");
        }
    }

    // -R ------------------------------------------------------------------------------------------------------------

    /**
     * Rules from standard input. As with ipvsadm, a line that is wrong by itself ends it, one that the director refuses
     * does not, and the exit code is that of the last command.
     */
    private int restore() throws IOException {
        Restore run = new Restore();
        RestoreLines lines = new RestoreLines(in);
        for (String line = lines.next(); line != null && !run.ended; line = lines.next()) {
            run.line(line);
        }
        run.drain();
        return run.exitCode;
    }

    private final class Restore {
        private int waiting;
        private int exitCode;
        private boolean ended;

        void line(String line) throws IOException {
            Optional<Rule> rule;
            try {
                rule = parser.parseLine(line);
                if (rule.isPresent() && rule.get() instanceof Rule.Restore) {
                    rule = Optional.of(parser.parse(List.of("-")));
                }
            } catch (RuleSyntaxException e) {
                drain();
                RawText.print(err, e.text());
                exitCode = e.exitCode();
                ended = e.endsRestore();
                return;
            }
            if (rule.isPresent()) {
                rule(rule.get());
            }
        }

        private void rule(Rule rule) throws IOException {
            if (rule instanceof Rule.Change) {
                control().send(RuleFormatter.line(rule));
                if (++waiting >= AHEAD) {
                    drain();
                }
                return;
            }
            drain();
            exitCode = execute(rule);
            // Looking at what is not there ends ipvsadm at once, and so do help and version.
            ended = rule instanceof Rule.Local || exitCode == FAILURE;
        }

        void drain() throws IOException {
            while (waiting > 0) {
                waiting--;
                exitCode = print(control().receive(page -> {}));
            }
        }
    }
}
