package lvsd.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.simpleName;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import lvsd.dataplane.DataplaneControl;

@AnalyzeClasses(packages = "lvsd", importOptions = ImportOption.DoNotIncludeTests.class)
final class ArchitectureTest {
    private static final String[] NATIVE = {"lvsd.memory..", "lvsd.dpdk..", "lvsd.wire..", "lvsd.linux.."};
    private static final String[] CONFIG = {"lvsd.rules..", "lvsd.config..", "lvsd.control.."};
    private static final String[] OUTSIDE_NATIVE = {
        "lvsd.rules..",
        "lvsd.config..",
        "lvsd.control..",
        "lvsd.synproxy..",
        "lvsd.sync..",
        "lvsd.dataplane..",
        "lvsd.daemon..",
        "lvsd.cli.."
    };

    // Modules: the compiler holds this too as long as the poms say the same; the packages make it independent of them.

    @ArchTest
    static final ArchRule nativeBindingsKnowNothingOfOurs = noClasses()
            .that()
            .resideInAnyPackage(NATIVE)
            .should()
            .dependOnClassesThat(resideInAnyPackage(OUTSIDE_NATIVE))
            .allowEmptyShould(true);

    @ArchTest
    static final ArchRule configKnowsNothingOfOurs = noClasses()
            .that()
            .resideInAnyPackage(CONFIG)
            .should()
            .dependOnClassesThat(resideInAPackage("lvsd..").and(not(resideInAnyPackage(CONFIG))));

    @ArchTest
    static final ArchRule synproxyKnowsPacketsOnly = noClasses()
            .that()
            .resideInAPackage("lvsd.synproxy..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "lvsd.rules..",
                    "lvsd.config..",
                    "lvsd.control..",
                    "lvsd.sync..",
                    "lvsd.dataplane..",
                    "lvsd.daemon..",
                    "lvsd.cli..")
            .allowEmptyShould(true);

    @ArchTest
    static final ArchRule syncKnowsNeitherSynproxyNorDataplane = noClasses()
            .that()
            .resideInAPackage("lvsd.sync..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("lvsd.synproxy..", "lvsd.dataplane..", "lvsd.daemon..", "lvsd.cli..")
            .allowEmptyShould(true);

    @ArchTest
    static final ArchRule packetPathDoesNotKnowTheDaemon = noClasses()
            .that()
            .resideInAPackage("lvsd.dataplane..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("lvsd.daemon..", "lvsd.control..", "lvsd.cli..");

    @ArchTest
    static final ArchRule partsHaveNoCycles =
            slices().matching("lvsd.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule partsOfThePacketPathHaveNoCycles =
            slices().matching("lvsd.dataplane.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule partsOfThePacketPathKnowItsContractsOnly = noClasses()
            .that()
            .resideInAPackage("lvsd.dataplane.*..")
            .should()
            .dependOnClassesThat(resideInAPackage("lvsd.dataplane")
                    .and(not(simpleName("Packet")
                            .or(simpleName("Verdict"))
                            .or(simpleName("DropReason"))
                            .or(belongToAnyOf(DataplaneControl.class)))));

    // Memory --------------------------------------------------------------------------------------------------------

    @ArchTest
    static final ArchRule foreignMemoryIsForNativeBindings = noClasses()
            .that()
            .resideInAnyPackage(OUTSIDE_NATIVE)
            .should()
            .dependOnClassesThat()
            .resideInAPackage("java.lang.foreign..");

    @ArchTest
    static final ArchRule headersAreReadThroughMemory = noClasses()
            .that()
            .resideInAPackage("lvsd.wire..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("java.lang.foreign..")
            .allowEmptyShould(true);

    @ArchTest
    static final ArchRule nobodyUsesUnsafe =
            noClasses().should().dependOnClassesThat().resideInAnyPackage("sun..", "jdk.internal..");

    // Packet path ---------------------------------------------------------------------------------------------------

    @ArchTest
    static final ArchRule packetPathHasNoNetty = noClasses()
            .that()
            .resideInAPackage("lvsd.dataplane..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.netty..", "picocli..", "ch.qos.logback..");

    @ArchTest
    static final ArchRule headersSchedulersAndRewritingDoNotLog = noClasses()
            .that()
            .resideInAnyPackage(
                    "lvsd.wire..",
                    "lvsd.dataplane.nat..",
                    "lvsd.dataplane.scheduler..",
                    "lvsd.dataplane.connection..",
                    "lvsd.dataplane.service..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.slf4j..")
            .allowEmptyShould(true);

    @ArchTest
    static final ArchRule pipelineDoesNotLog = noClasses()
            .that(simpleName("Pipeline").or(simpleName("Burst")).or(simpleName("Parser")))
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.slf4j..")
            .allowEmptyShould(true);

    // Daemon --------------------------------------------------------------------------------------------------------

    @ArchTest
    static final ArchRule controlThreadTakesNoLocks = noClasses()
            .that(resideInAPackage("lvsd.daemon")
                    .and(simpleName("Director")
                            .or(simpleName("Requests"))
                            .or(simpleName("Journal"))
                            .or(simpleName("Model"))
                            .or(simpleName("ControlServer"))
                            .or(simpleName("ControlClientHandler"))))
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("java.util.concurrent.locks..", "java.util.concurrent.atomic..");

    @ArchTest
    static final ArchRule onlyLoggingKnowsLogback = noClasses()
            .that(not(simpleName("Logging")))
            .should()
            .dependOnClassesThat()
            .resideInAPackage("ch.qos.logback..");

    @ArchTest
    static final ArchRule daemonIsNotALibrary = classes()
            .that()
            .resideInAPackage("lvsd.daemon")
            .should()
            .onlyHaveDependentClassesThat()
            .resideInAPackage("lvsd.daemon..");
}
