package lvsd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import lvsd.cli.Recording.Step;
import lvsd.control.View;
import lvsd.control.Views;
import lvsd.rules.RuleFormatter;
import org.junit.jupiter.api.Test;

/**
 * Marks and addresses from the whole range, whose sorted order goes round and begins where the kernel's table does: rules as
 * they were given to one kernel, what it listed without sorting, and what ipvsadm then saved.
 */
class ListingOrderTest {
    /** Where that kernel's table was: its first mark of 256. */
    private static final int PLACE = 0x70;

    @Test
    void shouldListInTheOrderOfTheKernelsTableAndSortAsItSortedThat() throws IOException {
        List<Step> steps = Recording.read("circle.jsonl");
        assertThat(steps).hasSize(72);
        for (int at = 0; at < steps.size(); at += 3) {
            FakeDirector director = new FakeDirector();
            Replay.run(_ -> director, Path.of("none"), steps.get(at));
            director.send("-L");
            View.Services added =
                    (View.Services) Views.read(director.receive(_ -> {}).out());
            Endpoints endpoints = Endpoints.of(true, Recording.names());
            List<View.Service> services = ListingOrder.unsorted(added.services(), PLACE);
            assertThat(saved(services, endpoints))
                    .as(steps.get(at + 1).toString())
                    .isEqualTo(listed(steps.get(at + 1).stdout()));
            ListingOrder.sort(services);
            List<String> lines = new ArrayList<>();
            for (View.Service service : services) {
                lines.add(RuleFormatter.saved(service.spec(), endpoints));
                List<View.Destination> destinations = new ArrayList<>(service.destinations());
                ListingOrder.sort(destinations, ListingOrder.DESTINATIONS);
                destinations.forEach(each -> lines.add(RuleFormatter.saved(each.spec(), endpoints)));
            }
            assertThat(String.join("\n", lines) + "\n")
                    .as(steps.get(at + 2).toString())
                    .isEqualTo(steps.get(at + 2).stdout());
        }
    }

    private static String saved(List<View.Service> services, Endpoints endpoints) {
        return services.stream()
                .map(each -> RuleFormatter.saved(each.spec(), endpoints))
                .collect(Collectors.joining("\n"));
    }

    /** The services of a listing as they would be saved. */
    private static String listed(String listing) {
        return listing.lines()
                .filter(line -> line.endsWith(" rr"))
                .map(line -> line.replaceFirst("^TCP +", "-A -t ")
                        .replaceFirst("^UDP +", "-A -u ")
                        .replaceFirst("^SCTP +", "-A --sctp-service ")
                        .replaceFirst("^FWM +", "-A -f ")
                        .replaceFirst(" IPv6 ", " -6 ")
                        .replaceFirst("rr$", "-s rr"))
                .collect(Collectors.joining("\n"));
    }
}
