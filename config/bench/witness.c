/*
 * Says when a CPU stood still: one thread for each CPU, of a priority above all that is measured, wants to wake every
 * 250 us; what it wakes too late is time in which that CPU ran nobody, stolen by the host or spent in the kernel. A thread
 * that is slow by its own doing is preempted by it in time. The kernel's account of stolen time lacks much of it: what a
 * hypervisor does with a CPU that it has not descheduled.
 *
 *   witness CPU...       until standard input ends; then a line for each standstill: CPU, its start on CLOCK_MONOTONIC and
 *                        its length, in nanoseconds
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MAX_CPUS 16
#define ROOM 65536
#define PERIOD 250000
#define LATE 100000 /* what a wake-up may take on a busy virtual machine */

struct standstill {
	int64_t start, nanos;
};

static struct {
	int cpu;
	unsigned count;
	struct standstill seen[ROOM];
} witnesses[MAX_CPUS];

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void *watch(void *of)
{
	int w = (int)(intptr_t)of;
	int64_t wake = now();

	for (;;) {
		wake += PERIOD;
		struct timespec at = {.tv_sec = wake / 1000000000, .tv_nsec = wake % 1000000000};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		int64_t late = now() - wake;
		if (late < LATE)
			continue;
		unsigned count = witnesses[w].count;
		if (count < ROOM) {
			witnesses[w].seen[count] = (struct standstill){wake, late};
			__atomic_store_n(&witnesses[w].count, count + 1, __ATOMIC_RELEASE);
		}
		wake += late / PERIOD * PERIOD;
	}
	return NULL;
}

static void start(int w, int cpu)
{
	pthread_t thread;
	pthread_attr_t attributes;
	struct sched_param priority = {.sched_priority = 50};
	cpu_set_t cpus;

	witnesses[w].cpu = cpu;
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	pthread_attr_init(&attributes);
	pthread_attr_setaffinity_np(&attributes, sizeof(cpus), &cpus);
	pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
	pthread_attr_setschedparam(&attributes, &priority);
	int failed = pthread_create(&thread, &attributes, watch, (void *)(intptr_t)w);
	if (failed) {
		fprintf(stderr, "witness: no thread of priority 50 on CPU %d: %s\n", cpu, strerror(failed));
		exit(1);
	}
}

int main(int argc, char **argv)
{
	char ignored;

	if (argc < 2 || argc > MAX_CPUS + 1) {
		fprintf(stderr, "witness: wants one to %d CPUs\n", MAX_CPUS);
		return 2;
	}
	if (mlockall(MCL_CURRENT | MCL_FUTURE)) {
		perror("witness: mlockall");
		return 1;
	}
	for (int w = 0; w < argc - 1; w++)
		start(w, atoi(argv[w + 1]));
	while (read(STDIN_FILENO, &ignored, 1) > 0)
		;
	for (int w = 0; w < argc - 1; w++) {
		unsigned count = __atomic_load_n(&witnesses[w].count, __ATOMIC_ACQUIRE);
		for (unsigned i = 0; i < count; i++)
			printf("%d %ld %ld\n", witnesses[w].cpu, (long)witnesses[w].seen[i].start, (long)witnesses[w].seen[i].nanos);
	}
	return 0;
}
