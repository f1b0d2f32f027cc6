/*
 * The C twin of lvsd's worker: the yardstick of config/bin/lvs-bench.
 *
 * It does, packet for packet, what lvsd.dataplane.Pipeline does with everything switched on, over the same table
 * (docs/architecture.md), on the same input, written the way a C programmer would who wants it fast: staged bursts,
 * prefetches, a SIMD signature compare, one hot line per connection. docs/performance.md lists the two side by side.
 * It balances nothing but the benchmark's scenario (Scenario.java); it is not a director and never shipped.
 *
 *   twin EAL-ARGS -- --case CASE --connections N [--scatter] [--burst B] [--warmup S] [--seconds S] [--passes P]
 *
 * prints name=value lines on standard output. Packets per second are per second of this thread's CPU time.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <immintrin.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

/* ------------------------------------------------------------------------------------------------ the scenario ---
 * As in Scenario.java. Connection (pair c, port p): client 10.64.128.0, 10.65.127.255, 10.66.127.254 ... with a constant word sum, so that
 * changing the client leaves the IP header checksum alone; client port and local port FIRST_PORT + p; RS c & 15;
 * LIP c >> 4. The port's MAC is the one net_pcap gives its first device.
 */
#define PAIRS 128
#define SERVERS 16
#define LIPS 8
#define FIRST_PORT 16384
#define VIP IP(10, 0, 0, 100)
#define SERVICE_PORT 80
#define SERVER_PORT 8080
#define IP(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define PORT_MIN 1025
#define PORT_MAX 65535
#define PORTS (PORT_MAX - PORT_MIN + 1)

static inline uint32_t client_address(uint32_t pair)
{
	uint32_t high = 0x0a40 + pair, low = 0x8000 - pair;

	return __builtin_bswap32(high << 16 | low);
}

static inline uint32_t server_address(uint32_t server) { return IP(10, 1, 1, 1 + server); }
static inline uint32_t local_address(uint32_t lip) { return IP(10, 1, 2, 1 + lip); }
static inline uint16_t be16(uint16_t v) { return __builtin_bswap16(v); }

/* synproxy-established: what the proxy leaves behind is a delta in either direction, which all this does anyhow. */
enum test_case { FULLNAT_TCP, NAT_TCP, FULLNAT_UDP, SETUP, SYNPROXY_ESTABLISHED, SYN_DROP };
static const char *const case_names[] = {"fullnat-tcp", "nat-tcp", "fullnat-udp", "setup", "synproxy-established", "syn-drop"};

#define MAX_BURST 64
static unsigned burst_size = 64;

/* ------------------------------------------------------------------------------------------------------- table --- */

struct bucket {
	uint16_t signature[10]; /* 0: empty */
	uint16_t overflow;      /* entries whose first bucket this is and that live in their second */
	uint16_t reserved;
	uint32_t reference[10]; /* bit 31: side */
} __attribute__((aligned(64)));

struct entry { /* the hot line */
	uint64_t client_addresses;
	uint64_t server_addresses;
	uint32_t client_ports;
	uint32_t server_ports;
	uint16_t flags;
	uint8_t state;
	uint8_t protocol;
	uint32_t last_seen;
	uint32_t destination;
	uint16_t delta_ip_l4[2][2]; /* towards the server, towards the client: IP header, transport */
	uint32_t seq_delta[2]; /* towards the server (ISN), towards the client (SYN proxy) */
	uint32_t hop[2]; /* towards the server, towards the client */
	uint32_t packets;
} __attribute__((aligned(64)));

struct cold {
	uint32_t next, previous, deadline, timeout, template, stamp, edge_server, edge_client, ts_delta, rate;
};

_Static_assert(sizeof(struct bucket) == 64 && sizeof(struct entry) == 64 && sizeof(struct cold) == 40, "layout");

#define FLAG_USED 1u
#define FLAG_SEQ 2u
#define FLAG_INACTIVE 4u
#define SIDE 0x80000000u

static struct bucket *buckets;
static struct entry *entries;
static struct cold *colds;
static uint32_t *free_entries;
static uint32_t free_count, capacity, bucket_count;
static uint64_t key0, key1;

static inline uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t tuple_hash(uint64_t addresses, uint32_t ports, uint32_t protocol)
{
	uint64_t h = fold(addresses ^ key0, ((uint64_t)protocol << 32 | ports) ^ key1);

	return fold(h ^ key1, key0 ^ 0x9e3779b97f4a7c15u);
}

static inline uint32_t first_bucket(uint64_t hash) { return (hash >> 32) * bucket_count >> 32; }

static inline uint32_t second_bucket(uint64_t hash)
{
	uint32_t first = first_bucket(hash), second = (uint64_t)(uint32_t)hash * bucket_count >> 32;

	return second != first ? second : second + 1 < bucket_count ? second + 1 : 0;
}

static inline uint16_t signature_of(uint64_t hash)
{
	uint16_t s = (uint16_t)(hash ^ hash >> 32);

	return s ? s : 1;
}

/* Bit 2n+1 of the answer for a match in slot n. */
static inline uint32_t matches(const struct bucket *b, uint16_t signature)
{
	__m256i line = _mm256_load_si256((const __m256i *)b);

	return _mm256_movemask_epi8(_mm256_cmpeq_epi16(line, _mm256_set1_epi16((short)signature))) & 0xaaaaau;
}

/* The two tuples, deltas and next hops of an entry lie side by side: the side is an index, never a branch, since which
 * way the next packet goes is what no predictor can know. */
static inline uint64_t addresses_of(const struct entry *e, uint32_t side) { return (&e->client_addresses)[side]; }
static inline uint32_t ports_of(const struct entry *e, uint32_t side) { return (&e->client_ports)[side]; }

static inline bool is_tuple(const struct entry *e, uint32_t side, uint64_t addresses, uint32_t ports, uint32_t protocol)
{
	return !((addresses_of(e, side) ^ addresses) | (ports_of(e, side) ^ ports) | (e->protocol ^ protocol));
}

#define NONE 0xffffffffu

static uint32_t find_in(const struct bucket *b, uint64_t hash, uint64_t addresses, uint32_t ports, uint32_t protocol)
{
	uint32_t m = matches(b, signature_of(hash));

	while (m) {
		uint32_t reference = b->reference[__builtin_ctz(m) >> 1];

		if (is_tuple(&entries[reference & ~SIDE], reference >> 31, addresses, ports, protocol))
			return reference;
		m &= m - 1;
	}
	return NONE;
}

static uint32_t find(uint64_t hash, uint64_t addresses, uint32_t ports, uint32_t protocol)
{
	const struct bucket *b = &buckets[first_bucket(hash)];
	uint32_t reference = find_in(b, hash, addresses, ports, protocol);

	if (reference == NONE && b->overflow)
		reference = find_in(&buckets[second_bucket(hash)], hash, addresses, ports, protocol);
	return reference;
}

static bool place(struct bucket *b, uint16_t signature, uint32_t reference)
{
	uint32_t m = matches(b, 0);

	if (!m)
		return false;
	unsigned slot = __builtin_ctz(m) >> 1;
	b->signature[slot] = signature;
	b->reference[slot] = reference;
	return true;
}

static uint64_t hash_of(uint32_t reference)
{
	const struct entry *e = &entries[reference & ~SIDE];

	return reference & SIDE ? tuple_hash(e->server_addresses, e->server_ports, e->protocol)
				: tuple_hash(e->client_addresses, e->client_ports, e->protocol);
}

/* Moves one resident of a full bucket to its other bucket; returns whether that made room. */
static bool make_room(uint32_t full)
{
	struct bucket *b = &buckets[full];

	for (unsigned slot = 0; slot < 10; slot++) {
		uint64_t hash = hash_of(b->reference[slot]);
		uint32_t one = first_bucket(hash), two = second_bucket(hash);

		if (!place(&buckets[one == full ? two : one], b->signature[slot], b->reference[slot]))
			continue;
		buckets[one].overflow += one == full ? 1 : -1;
		b->signature[slot] = 0;
		return true;
	}
	return false;
}

static bool insert(uint64_t hash, uint32_t reference)
{
	uint32_t one = first_bucket(hash), two = second_bucket(hash);
	uint16_t signature = signature_of(hash);
	const struct entry *e = &entries[reference & ~SIDE];

	if (find(hash, addresses_of(e, reference >> 31), ports_of(e, reference >> 31), e->protocol) != NONE)
		return false;
	if (place(&buckets[one], signature, reference))
		return true;
	if (place(&buckets[two], signature, reference)) {
		buckets[one].overflow++;
		return true;
	}
	if (make_room(one))
		return place(&buckets[one], signature, reference);
	if (make_room(two) && place(&buckets[two], signature, reference)) {
		buckets[one].overflow++;
		return true;
	}
	return false;
}

static void *pages(size_t bytes)
{
	size_t length = (bytes + (2 << 20) - 1) & ~(size_t)((2 << 20) - 1);
	void *area = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE, -1, 0);

	if (area == MAP_FAILED) {
		fprintf(stderr, "twin: no hugepages for %zu MB of table, using small pages\n", length >> 20);
		area = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		if (area == MAP_FAILED) {
			perror("twin: mmap");
			exit(1);
		}
	}
	return area;
}

static void clear_table(void)
{
	memset(buckets, 0, (size_t)bucket_count * sizeof(struct bucket));
	for (uint32_t i = 0; i < capacity; i++) {
		entries[i].flags = 0;
		free_entries[i] = capacity - 1 - i;
	}
	free_count = capacity;
}

static void make_table(uint32_t connections)
{
	capacity = connections;
	bucket_count = (uint32_t)(((uint64_t)connections * 10 + 31) / 32); /* 64 % of the slots */
	buckets = pages((size_t)bucket_count * sizeof(struct bucket));
	entries = pages((size_t)capacity * sizeof(struct entry));
	colds = pages((size_t)capacity * sizeof(struct cold));
	free_entries = pages((size_t)capacity * sizeof(uint32_t));
	key0 = rte_rdtsc() * 0x9e3779b97f4a7c15u | 1;
	key1 = fold(key0, 0xd6e8feb86659fd93u) | 1;
	clear_table();
}

/* ------------------------------------------------------------------------------------------------ state machine ---
 * The kernel's numbers and transitions (facts of ip_vs_proto_tcp): rows by event, columns by old state.
 */
enum { NO, ES, SS, SR, FW, TW, CL, CW, LA, LI, SA, STATES };
enum { EV_SYN, EV_FIN, EV_ACK, EV_RST, EV_NONE, EVENTS };

static const uint8_t transitions[2][EVENTS][16] = {
	{
		{SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SR},
		{CL, CW, SS, TW, TW, TW, CL, CW, LA, LI, TW},
		{ES, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES},
		{CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, SR},
		{CL, CL, CL, CL, CL, CL, CL, CL, CL, CL, CL},
	},
	{
		{SS, ES, SS, SR, SS, SS, SS, SS, SS, LI, SR},
		{TW, FW, SS, TW, FW, TW, CL, TW, LA, LI, TW},
		{ES, ES, SS, ES, FW, TW, CL, CW, LA, ES, ES},
		{CL, CL, SS, CL, CL, TW, CL, CL, CL, CL, CL},
		{CL, CL, CL, CL, CL, CL, CL, CL, CL, CL, CL},
	},
};
static const uint16_t tcp_seconds[STATES] = {2, 900, 120, 60, 120, 120, 10, 60, 30, 120, 120};
#define UDP_SECONDS 300
#define TICKS_PER_SECOND 250
static uint8_t events[64];

static void make_events(void)
{
	for (unsigned flags = 0; flags < 64; flags++)
		events[flags] = flags & 4 ? EV_RST : flags & 2 ? EV_SYN : flags & 1 ? EV_FIN : flags & 16 ? EV_ACK : EV_NONE;
}

/* ------------------------------------------------------------------------------------------------- timing wheel ---
 * Four levels of 256 slots, ticks of 4 ms, lists linked through the cold parts. A packet only stores last_seen.
 */
#define LEVELS 4
#define SLOTS 256
static uint32_t wheel[LEVELS][SLOTS];
static uint32_t wheel_now;

static void wheel_reset(uint32_t now)
{
	memset(wheel, 0xff, sizeof(wheel));
	wheel_now = now;
}

static void arm(uint32_t index, uint32_t deadline)
{
	uint32_t ahead = deadline - wheel_now, level = 0;

	while (level < LEVELS - 1 && ahead >= 1u << 8 * (level + 1))
		level++;
	uint32_t *head = &wheel[level][deadline >> 8 * level & (SLOTS - 1)];
	struct cold *c = &colds[index];
	c->deadline = deadline;
	c->next = *head;
	c->previous = NONE;
	if (*head != NONE)
		colds[*head].previous = index;
	*head = index;
}

static void expire(uint32_t index, uint32_t now)
{
	struct entry *e = &entries[index];
	uint32_t due = e->last_seen + colds[index].timeout;

	/* Nothing of the scenario lives long enough to go; what was seen since is armed again. */
	arm(index, (int32_t)(due - now) > 0 ? due : now + TICKS_PER_SECOND);
}

static __attribute__((noinline)) void advance(uint32_t now)
{
	while ((int32_t)(now - wheel_now) > 0) {
		wheel_now++;
		for (unsigned level = 0; level < LEVELS; level++) {
			uint32_t *head = &wheel[level][wheel_now >> 8 * level & (SLOTS - 1)];
			uint32_t index = *head;

			*head = NONE;
			while (index != NONE) {
				uint32_t next = colds[index].next;

				if ((int32_t)(colds[index].deadline - wheel_now) > 0)
					arm(index, colds[index].deadline);
				else
					expire(index, wheel_now);
				index = next;
			}
			if (wheel_now & ((1u << 8 * (level + 1)) - 1))
				break;
		}
	}
}

/* --------------------------------------------------------------------------------- what a director knows besides --- */

struct adjacency { /* one line per next hop */
	uint8_t macs[12]; /* destination, source */
	uint16_t ether_type;
	uint16_t mtu;
	uint16_t port;
	uint16_t resolved;
	uint8_t rest[44];
} __attribute__((aligned(64)));

struct counters { /* one line per destination */
	struct {
		uint64_t packets, bytes;
	} way[2]; /* from the client, from the server */
	uint64_t connections, active, inactive, spare;
} __attribute__((aligned(64)));

struct destination {
	uint32_t index, address, hop;
	uint16_t port;
	int weight;
	uint32_t upper;
};

struct service {
	uint32_t address;
	uint16_t port;
	uint8_t protocol, nat;
	unsigned destinations, cursor, lips, lip_cursor;
	uint16_t seq_random;
};

static struct adjacency hops[64];
static struct counters counts[64];
static struct destination dests[SERVERS];
static struct service services[4];
static int32_t service_slots[16];
static uint16_t (*free_ports)[65536]; /* per (LIP, RS): a ring, longest free first */
static uint32_t port_head[LIPS * SERVERS], port_left[LIPS * SERVERS];
static uint64_t drops[32];
static uint32_t tick;
static uint64_t cycle_clock, icmp_tokens = 1000;
static uint64_t our_mac;

enum reason { MULTI_SEGMENT, TRUNCATED, NOT_OUR_MAC, UNKNOWN_ETHERTYPE, BAD_IP_HEADER, BAD_IP_CHECKSUM, FRAGMENT_, BAD_TRANSPORT,
	      MARTIAN, TTL, TOO_BIG, NEIGHBOUR, NO_CONNECTION, NO_DESTINATION, DESTINATION_GONE, NO_SERVICE, TABLE_FULL, PORTS_EXHAUSTED, TX_FULL };
static const char *const reasons[] = {"multi-segment", "truncated", "not-our-mac", "unknown-ethertype", "bad-ip-header",
				      "bad-ip-checksum", "fragment", "bad-transport-header", "martian-source", "ttl-exceeded",
				      "too-big", "neighbour-failed", "no-connection", "no-destination", "destination-gone", "no-service",
				      "table-full", "local-ports-exhausted", "tx-full"};

#define HOP_GATEWAY 0
#define HOP_SERVER(n) (1 + (n))

static unsigned service_hash(uint32_t address, uint16_t port, uint8_t protocol)
{
	return (uint32_t)(((uint64_t)address ^ (uint64_t)protocol << 32 ^ port) * 0xd6e8feb86659fd93u >> 32) & 15;
}

static struct service *find_service(uint32_t address, uint16_t port, uint8_t protocol)
{
	for (unsigned slot = service_hash(address, port, protocol);; slot = (slot + 1) & 15) {
		if (service_slots[slot] < 0)
			return NULL;
		struct service *s = &services[service_slots[slot]];

		if (s->address == address && s->port == port && s->protocol == protocol)
			return s;
	}
}

static void make_director(enum test_case c)
{
	struct rte_ether_addr mac;

	rte_eth_macaddr_get(0, &mac);
	memcpy(&our_mac, &mac, 6);
	memset(service_slots, 0xff, sizeof(service_slots));
	uint8_t protocols[] = {6, 17};
	for (unsigned i = 0; i < 2; i++) {
		services[i] = (struct service){VIP, be16(SERVICE_PORT), protocols[i], c == NAT_TCP, SERVERS, 0, LIPS, 0, 1};
		if (c == SYN_DROP)
			services[i].destinations = 0;
		unsigned slot = service_hash(VIP, be16(SERVICE_PORT), protocols[i]);
		while (service_slots[slot] >= 0)
			slot = (slot + 1) & 15;
		service_slots[slot] = i;
	}
	for (unsigned i = 0; i < 1 + SERVERS; i++) {
		uint8_t peer[6] = {2, 0, 0, 0, 1, (uint8_t)i};

		memcpy(hops[i].macs, peer, 6);
		memcpy(hops[i].macs + 6, &mac, 6);
		hops[i].ether_type = be16(0x0800);
		hops[i].mtu = 1500;
		hops[i].resolved = 1;
	}
	for (unsigned i = 0; i < SERVERS; i++)
		dests[i] = (struct destination){i, server_address(i), HOP_SERVER(i), be16(SERVER_PORT), 1, 0};
}

static void reset_ports(void)
{
	uint64_t x = key1;

	if (!free_ports)
		free_ports = pages(sizeof(*free_ports) * LIPS * SERVERS);
	for (unsigned q = 0; q < LIPS * SERVERS; q++) {
		uint16_t *ring = free_ports[q];

		for (uint32_t i = 0; i < PORTS; i++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			uint32_t j = (uint32_t)((x >> 32) * (i + 1) >> 32);
			ring[i] = ring[j];
			ring[j] = (uint16_t)(PORT_MIN + i);
		}
		port_head[q] = 0;
		port_left[q] = PORTS;
	}
}

/* -------------------------------------------------------------------------------------------- a new connection --- */

static inline uint32_t sum16(uint64_t v)
{
	v = (v & 0xffffffff) + (v >> 32);
	v = (v & 0xffff) + (v >> 16 & 0xffff) + (v >> 32);
	v = (v & 0xffff) + (v >> 16);
	return (uint32_t)((v & 0xffff) + (v >> 16));
}

static inline uint64_t swap_addresses(uint64_t a) { return a << 32 | a >> 32; }
static inline uint32_t swap_ports(uint32_t p) { return p << 16 | p >> 16; }

/* One's complement of what replacing "from" by "to" adds to a sum. */
static inline uint32_t minus(uint32_t to, uint32_t from) { return sum16((uint64_t)to + (0xffff - from)); }

#define TTL_DELTA (uint32_t)be16(0xfeff) /* minus one in the high byte of its word */

static void fill(struct entry *e, uint32_t seq)
{
	uint32_t client_ip = sum16(e->client_addresses), server_ip = sum16(e->server_addresses);
	uint32_t client_l4 = sum16((uint64_t)client_ip + e->client_ports), server_l4 = sum16((uint64_t)server_ip + e->server_ports);

	e->delta_ip_l4[0][0] = (uint16_t)sum16(minus(server_ip, client_ip) + TTL_DELTA);
	e->delta_ip_l4[0][1] = (uint16_t)minus(server_l4, client_l4);
	e->delta_ip_l4[1][0] = (uint16_t)sum16(minus(client_ip, server_ip) + TTL_DELTA);
	e->delta_ip_l4[1][1] = (uint16_t)minus(client_l4, server_l4);
	e->seq_delta[0] = seq;
	e->seq_delta[1] = 0;
	e->last_seen = tick;
	e->packets = 0;
}

static uint32_t new_entry(uint64_t client_a, uint32_t client_p, uint64_t server_a, uint32_t server_p, uint8_t protocol,
			  const struct destination *d, uint8_t state, uint32_t timeout, uint32_t seq, uint32_t proxied)
{
	if (!free_count)
		return NONE;
	uint32_t index = free_entries[--free_count];
	struct entry *e = &entries[index];

	e->client_addresses = client_a;
	e->client_ports = client_p;
	e->server_addresses = server_a;
	e->server_ports = server_p;
	e->protocol = protocol;
	e->state = state;
	e->flags = FLAG_USED | (seq ? FLAG_SEQ : 0) | (state == ES ? 0 : FLAG_INACTIVE);
	e->destination = d->index;
	e->hop[0] = d->hop;
	e->hop[1] = HOP_GATEWAY;
	fill(e, seq);
	e->seq_delta[1] = proxied;
	struct cold *c = &colds[index];
	c->timeout = timeout * TICKS_PER_SECOND;
	c->template = c->stamp = c->edge_server = c->edge_client = c->ts_delta = c->rate = 0;
	if (!insert(tuple_hash(client_a, client_p, protocol), index) ||
	    !insert(tuple_hash(server_a, server_p, protocol), index | SIDE)) {
		fprintf(stderr, "twin: table insert failed at %u entries\n", capacity - free_count);
		exit(1);
	}
	arm(index, tick + c->timeout);
	struct counters *n = &counts[d->index];
	n->connections++;
	if (state == ES)
		n->active++;
	else
		n->inactive++;
	return index;
}

static const struct destination *schedule(struct service *s)
{
	for (unsigned tried = 0; tried < s->destinations; tried++) {
		s->cursor = s->cursor + 1 < s->destinations ? s->cursor + 1 : 0;
		const struct destination *d = &dests[s->cursor];

		if (d->weight > 0 && (!d->upper || counts[d->index].active + counts[d->index].inactive < d->upper))
			return d;
	}
	return NULL;
}

static bool local_port(struct service *s, const struct destination *d, uint32_t *address, uint16_t *port)
{
	for (unsigned tried = 0; tried < s->lips; tried++) {
		s->lip_cursor = s->lip_cursor + 1 < s->lips ? s->lip_cursor + 1 : 0;
		unsigned q = s->lip_cursor * SERVERS + d->index;

		if (!port_left[q])
			continue;
		*port = be16(free_ports[q][port_head[q]]);
		port_head[q] = port_head[q] + 1 < PORTS ? port_head[q] + 1 : 0;
		port_left[q]--;
		*address = local_address(s->lip_cursor);
		return true;
	}
	return false;
}

static inline uint64_t pair_addresses(uint32_t source, uint32_t destination) { return source | (uint64_t)destination << 32; }
static inline uint32_t pair_ports(uint16_t source, uint16_t destination) { return source | (uint32_t)destination << 16; }

/* First packet of a connection; its entry, or NONE with the reason in *why. */
static __attribute__((noinline)) uint32_t open_connection(const uint8_t *ip, const uint8_t *l4, enum reason *why)
{
	uint64_t addresses = *(const uint64_t *)(ip + 12);
	uint32_t ports = *(const uint32_t *)l4;
	uint8_t protocol = ip[9];
	struct service *s = find_service((uint32_t)(addresses >> 32), (uint16_t)(ports >> 16), protocol);

	if (!s) {
		*why = NO_SERVICE;
		return NONE;
	}
	if (protocol == 6 && (l4[13] & 0x17) != 2) {
		*why = NO_CONNECTION;
		return NONE;
	}
	if (ip[12] == 127 || ip[12] == 0 || ip[12] >= 224) {
		*why = MARTIAN;
		return NONE;
	}
	const struct destination *d = schedule(s);
	if (!d) {
		*why = NO_DESTINATION;
		if (icmp_tokens)
			icmp_tokens--;
		return NONE;
	}
	uint32_t local = (uint32_t)addresses;
	uint16_t port = (uint16_t)ports;
	if (!free_count) {
		*why = TABLE_FULL;
		return NONE;
	}
	if (!s->nat && !local_port(s, d, &local, &port)) {
		*why = PORTS_EXHAUSTED;
		return NONE;
	}
	uint64_t server_a = pair_addresses(d->address, local);
	uint32_t server_p = pair_ports(d->port, port);
	uint32_t seq = 0;
	if (protocol == 6 && !s->nat)
		seq = (uint32_t)fold(server_a ^ key1, server_p ^ key0) + tick * 1000 - __builtin_bswap32(*(const uint32_t *)(l4 + 4));
	return new_entry(addresses, ports, server_a, server_p, protocol, d, protocol == 6 ? NO : ES,
			 protocol == 6 ? tcp_seconds[NO] : UDP_SECONDS, seq, 0);
}

static __attribute__((noinline)) void change_state(struct entry *e, uint32_t index, uint8_t to)
{
	struct counters *n = &counts[e->destination];

	if (to == ES && e->flags & FLAG_INACTIVE) {
		e->flags &= ~FLAG_INACTIVE;
		n->active++;
		n->inactive--;
	} else if (to != ES && !(e->flags & FLAG_INACTIVE)) {
		e->flags |= FLAG_INACTIVE;
		n->active--;
		n->inactive++;
	}
	e->state = to;
	colds[index].timeout = tcp_seconds[to] * TICKS_PER_SECOND;
}

/* ------------------------------------------------------------------------------------------------ the packet path --- */

struct burst {
	struct rte_mbuf *mbuf[MAX_BURST];
	uint8_t *frame[MAX_BURST];
	uint64_t addresses[MAX_BURST];
	uint64_t hash[MAX_BURST];
	uint32_t ports[MAX_BURST];
	uint32_t meta[MAX_BURST]; /* protocol, offset of the transport header << 8, IP bytes << 16 */
	uint32_t reference[MAX_BURST];
};

static struct rte_mbuf *tx_queue[2 * MAX_BURST];
static struct rte_mbuf *drop_queue[MAX_BURST];
static unsigned tx_count, drop_count;

static inline void drop(struct rte_mbuf *m, enum reason why)
{
	drops[why]++;
	drop_queue[drop_count++] = m;
}

static inline uint32_t header_sum(const uint8_t *ip, unsigned words)
{
	uint64_t sum = *(const uint64_t *)ip;
	uint64_t more = *(const uint64_t *)(ip + 8);

	sum += more;
	sum += sum < more;
	uint64_t tail = *(const uint32_t *)(ip + 16);
	for (unsigned i = 5; unlikely(i < words); i++)
		tail += *(const uint32_t *)(ip + 4 * i);
	sum += tail;
	sum += sum < tail;
	return sum16(sum);
}

/* Checks every length and header once; fills column n, or drops and returns false. */
static inline bool parse(struct burst *b, unsigned n, struct rte_mbuf *m)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	unsigned length = m->data_len;

	if (unlikely(m->nb_segs != 1))
		return drop(m, MULTI_SEGMENT), false;
	if (unlikely(length < 14 + 20 + 8))
		return drop(m, TRUNCATED), false;
	if (unlikely((*(const uint64_t *)frame & 0xffffffffffffu) != our_mac))
		return drop(m, NOT_OUR_MAC), false;
	if (unlikely(*(const uint16_t *)(frame + 12) != be16(0x0800)))
		return drop(m, UNKNOWN_ETHERTYPE), false;
	const uint8_t *ip = frame + 14;
	unsigned header = (ip[0] & 15) * 4, total = be16(*(const uint16_t *)(ip + 2));
	if (unlikely(ip[0] >> 4 != 4 || header < 20 || total < header + 8 || total > length - 14))
		return drop(m, BAD_IP_HEADER), false;
	if (unlikely(header_sum(ip, header / 4) != 0xffff))
		return drop(m, BAD_IP_CHECKSUM), false;
	if (unlikely(*(const uint16_t *)(ip + 6) & be16(0x3fff)))
		return drop(m, FRAGMENT_), false;
	const uint8_t *l4 = ip + header;
	unsigned protocol = ip[9], rest = total - header;
	if (protocol == 6) {
		if (unlikely(rest < 20))
			return drop(m, TRUNCATED), false;
		unsigned offset = (l4[12] >> 4) * 4;
		if (unlikely(offset < 20 || offset > rest))
			return drop(m, BAD_TRANSPORT), false;
	} else if (protocol == 17) {
		unsigned datagram = be16(*(const uint16_t *)(l4 + 4));
		if (unlikely(datagram < 8 || datagram > rest))
			return drop(m, BAD_TRANSPORT), false;
	} else
		return drop(m, NO_SERVICE), false;
	uint64_t addresses = *(const uint64_t *)(ip + 12);
	uint32_t ports = *(const uint32_t *)l4;
	uint64_t hash = tuple_hash(addresses, ports, protocol);
	b->mbuf[n] = m;
	b->frame[n] = frame;
	b->addresses[n] = addresses;
	b->ports[n] = ports;
	b->meta[n] = protocol | (14 + header) << 8 | total << 16;
	b->hash[n] = hash;
	rte_prefetch0(&buckets[first_bucket(hash)]);
	return true;
}

/* The reference most likely to be the packet's, by signature alone, and a prefetch of its line. */
static inline void probe(struct burst *b, unsigned n)
{
	const struct bucket *k = &buckets[first_bucket(b->hash[n])];
	uint32_t m = matches(k, signature_of(b->hash[n]));

	if (unlikely(!m) && k->overflow) {
		k = &buckets[second_bucket(b->hash[n])];
		m = matches(k, signature_of(b->hash[n]));
	}
	if (unlikely(!m)) {
		b->reference[n] = NONE;
		return;
	}
	b->reference[n] = k->reference[__builtin_ctz(m) >> 1];
	rte_prefetch0(&entries[b->reference[n] & ~SIDE]);
}

/* Adds delta to the 32-bit field and answers what that adds to a checksum of 16-bit words. */
static inline uint32_t add_sequence(uint8_t *field, uint32_t delta)
{
	uint32_t before = *(uint32_t *)field, after = __builtin_bswap32(__builtin_bswap32(before) + delta);

	*(uint32_t *)field = after;
	return (after & 0xffff) + (after >> 16) + (~before & 0xffff) + (~before >> 16 & 0xffff);
}

/* SACK blocks of a segment to the client carry the server's view of the client's sequence. */
static __attribute__((noinline)) uint32_t rewrite_sack(uint8_t *l4, unsigned offset, uint32_t delta)
{
	uint32_t sum = 0;

	for (unsigned at = 20; at < offset;) {
		unsigned kind = l4[at];

		if (kind == 0)
			break;
		if (kind == 1) {
			at++;
			continue;
		}
		if (at + 1 >= offset || l4[at + 1] < 2 || at + l4[at + 1] > offset)
			break;
		if (kind == 5)
			for (unsigned edge = at + 2; edge + 4 <= at + l4[at + 1]; edge += 4) {
				uint32_t change = add_sequence(l4 + edge, delta);

				sum += edge & 1 ? __builtin_bswap16((uint16_t)sum16(change)) : change;
			}
		at += l4[at + 1];
	}
	return sum;
}

static inline void add_checksum(uint8_t *field, uint32_t delta)
{
	uint32_t sum = (uint16_t)~*(uint16_t *)field + delta;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	*(uint16_t *)field = (uint16_t)~sum;
}

static inline void forward(struct burst *b, unsigned n, uint32_t reference)
{
	struct entry *e = &entries[reference & ~SIDE];
	uint8_t *frame = b->frame[n], *ip = frame + 14, *l4 = frame + (b->meta[n] >> 8 & 0xff);
	unsigned protocol = b->meta[n] & 0xff, total = b->meta[n] >> 16;
	uint32_t side = reference >> 31; /* 0: from the client, 1: from the server */
	struct counters *count = &counts[e->destination];
	const struct adjacency *hop = &hops[e->hop[side]];

	if (unlikely(dests[e->destination].address == 0))
		return drop(b->mbuf[n], DESTINATION_GONE);
	if (unlikely(ip[8] <= 1))
		return drop(b->mbuf[n], TTL);
	if (unlikely(total > hop->mtu))
		return drop(b->mbuf[n], TOO_BIG);
	if (unlikely(!hop->resolved))
		return drop(b->mbuf[n], NEIGHBOUR);
	uint32_t l4_delta = e->delta_ip_l4[side][1];
	uint32_t ip_delta = e->delta_ip_l4[side][0];

	if (likely(protocol == 6)) {
		uint8_t to = transitions[side][events[l4[13] & 63]][e->state];

		if (unlikely(to != e->state))
			change_state(e, reference & ~SIDE, to);
		if (e->flags & FLAG_SEQ) {
			/* sequence plus this side's delta, acknowledgement and SACK minus the other's */
			uint32_t back = -e->seq_delta[!side];

			l4_delta += add_sequence(l4 + 4, e->seq_delta[side]);
			if (l4[13] & 16)
				l4_delta += add_sequence(l4 + 8, back);
			if (unlikely(l4[12] >> 4 > 5 && back))
				l4_delta += rewrite_sack(l4, (l4[12] >> 4) * 4, back);
		}
		add_checksum(l4 + 16, l4_delta);
	} else if (*(uint16_t *)(l4 + 6)) {
		add_checksum(l4 + 6, l4_delta);
		if (unlikely(!*(uint16_t *)(l4 + 6)))
			*(uint16_t *)(l4 + 6) = 0xffff;
	}
	/* addresses and ports: the other side's tuple, swapped */
	*(uint64_t *)(ip + 12) = swap_addresses(addresses_of(e, !side));
	*(uint32_t *)l4 = swap_ports(ports_of(e, !side));
	ip[8]--;
	add_checksum(ip + 10, ip_delta);

	e->last_seen = tick;
	e->packets += !side;
	count->way[side].packets++;
	count->way[side].bytes += total;
	memcpy(frame, hop->macs, 8);
	memcpy(frame + 8, hop->macs + 8, 4);
	tx_queue[tx_count++] = b->mbuf[n];
}

static __attribute__((noinline)) void miss(struct burst *b, unsigned n)
{
	uint8_t *frame = b->frame[n];
	uint32_t reference = find(b->hash[n], b->addresses[n], b->ports[n], b->meta[n] & 0xff);

	if (reference == NONE) {
		enum reason why = NO_SERVICE;

		reference = open_connection(frame + 14, frame + (b->meta[n] >> 8 & 0xff), &why);
		if (reference == NONE)
			return drop(b->mbuf[n], why);
	}
	forward(b, n, reference);
}

static inline void decide(struct burst *b, unsigned n)
{
	uint32_t reference = b->reference[n];

	if (likely(reference != NONE) && likely(is_tuple(&entries[reference & ~SIDE], reference >> 31, b->addresses[n],
							 b->ports[n], b->meta[n] & 0xff)))
		forward(b, n, reference);
	else
		miss(b, n);
}

static void process(struct burst *b, struct rte_mbuf **packets, unsigned received)
{
	unsigned n = 0;

	for (unsigned i = 0; i < received; i++)
		n += parse(b, n, packets[i]);
	for (unsigned i = 0; i < n; i++)
		probe(b, i);
	for (unsigned i = 0; i < n; i++)
		decide(b, i);
	if (tx_count) {
		unsigned sent = rte_eth_tx_burst(0, 0, tx_queue, (uint16_t)tx_count);

		if (unlikely(sent < tx_count)) {
			drops[TX_FULL] += tx_count - sent;
			rte_pktmbuf_free_bulk(tx_queue + sent, tx_count - sent);
		}
		tx_count = 0;
	}
	if (drop_count) {
		rte_pktmbuf_free_bulk(drop_queue, drop_count);
		drop_count = 0;
	}
}

/* ------------------------------------------------------------------------------------------------------ the input ---
 * As ScatterIo.java. Data frames: the free port (client's towards the VIP, local port towards the LIP) is overwritten
 * from a generator, so that a small file reaches every connection. SYNs: the n-th has the n-th tuple of a permutation.
 */
static uint64_t lcg = 1;
static bool scatter;
static uint32_t port_mask, syn_next, syn_limit;

static void scatter_ports(struct rte_mbuf **packets, unsigned received)
{
	for (unsigned i = 0; i < received; i++) {
		uint8_t *frame = rte_pktmbuf_mtod(packets[i], uint8_t *);

		lcg = lcg * 6364136223846793005u + 1442695040888963407u;
		uint32_t port = be16((uint16_t)(FIRST_PORT + (lcg >> 40 & port_mask)));
		unsigned shift = *(const uint32_t *)(frame + 30) == VIP ? 0 : 16;
		uint32_t ports = *(const uint32_t *)(frame + 34);
		*(uint32_t *)(frame + 34) = (ports & ~(0xffffu << shift)) | port << shift;
	}
}

static unsigned scatter_syns(struct rte_mbuf **packets, unsigned received)
{
	unsigned used = RTE_MIN(received, syn_limit - syn_next);

	for (unsigned i = 0; i < used; i++, syn_next++) {
		uint8_t *frame = rte_pktmbuf_mtod(packets[i], uint8_t *);
		uint32_t connection = syn_next * 0x9e3779b1u & (syn_limit - 1);

		*(uint64_t *)(frame + 26) = pair_addresses(client_address(connection & (PAIRS - 1)), VIP);
		*(uint32_t *)(frame + 34) = pair_ports(be16((uint16_t)(FIRST_PORT + connection / PAIRS)), be16(SERVICE_PORT));
	}
	if (used < received)
		rte_pktmbuf_free_bulk(packets + used, received - used);
	return used;
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t packets_seen, longest_cycle, long_cycles;
#define NOTED_CYCLES 4096
static struct {
	int64_t ended; /* on CLOCK_MONOTONIC, nanoseconds */
	uint64_t took; /* ticks of the TSC */
} noted[NOTED_CYCLES];
static uint64_t millisecond; /* in ticks of the TSC */
static double tsc_hz;

/* One duty cycle, as Worker.doWork: clock, timers, receive, process. */
static unsigned cycle(struct burst *b, bool syns)
{
	struct rte_mbuf *packets[MAX_BURST];
	uint64_t now = rte_rdtsc(), took = now - cycle_clock;

	if (took > longest_cycle)
		longest_cycle = took;
	if (took > millisecond) {
		struct timespec t;

		clock_gettime(CLOCK_MONOTONIC, &t);
		if (long_cycles < NOTED_CYCLES) {
			noted[long_cycles].ended = t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
			noted[long_cycles].took = took;
		}
		long_cycles++;
	}
	cycle_clock = now;
	uint32_t to = (uint32_t)(now >> 23); /* about 3 to 4 ms */
	if (to != tick) {
		tick = to;
		advance(to);
	}
	unsigned received = rte_eth_rx_burst(0, 0, packets, (uint16_t)burst_size);
	if (syns)
		received = scatter_syns(packets, received);
	else if (scatter)
		scatter_ports(packets, received);
	if (received)
		process(b, packets, received);
	packets_seen += received;
	return received;
}

static void install(enum test_case c, uint32_t connections)
{
	for (uint32_t i = 0; i < connections; i++) {
		uint32_t pair = i & (PAIRS - 1), server = pair & (SERVERS - 1), lip = pair / SERVERS;
		uint16_t port = be16((uint16_t)(FIRST_PORT + i / PAIRS));
		uint32_t client = client_address(pair);
		uint32_t local = c == NAT_TCP ? client : local_address(lip);
		uint8_t protocol = c == FULLNAT_UDP ? 17 : 6;

		new_entry(pair_addresses(client, VIP), pair_ports(port, be16(SERVICE_PORT)),
			  pair_addresses(server_address(server), local), pair_ports(be16(SERVER_PORT), port), protocol,
			  &dests[server], ES, protocol == 6 ? tcp_seconds[ES] : UDP_SECONDS,
			  c == FULLNAT_TCP || c == SYNPROXY_ESTABLISHED ? (uint32_t)fold(i ^ key0, key1) | 1 : 0,
			  c == SYNPROXY_ESTABLISHED ? (uint32_t)fold(i ^ key1, key0) | 1 : 0);
	}
}

static void run_cycles(struct burst *b, double seconds)
{
	uint64_t end = rte_rdtsc() + (uint64_t)(seconds * tsc_hz);

	while (rte_rdtsc() < end)
		for (unsigned i = 0; i < 256; i++)
			cycle(b, false);
}

static void print_drops(void)
{
	for (unsigned i = 0; i < RTE_DIM(reasons); i++)
		if (drops[i])
			printf("drop.%s=%lu\n", reasons[i], (unsigned long)drops[i]);
}

static void steady(struct burst *b, double warmup, double seconds)
{
	cycle_clock = rte_rdtsc();
	run_cycles(b, warmup);
	packets_seen = longest_cycle = long_cycles = 0;
	memset(drops, 0, sizeof(drops));
	double cpu = cpu_seconds(), wall = (double)rte_rdtsc();
	run_cycles(b, seconds);
	cpu = cpu_seconds() - cpu;
	wall = ((double)rte_rdtsc() - wall) / tsc_hz;
	printf("mpps=%.3f\npackets=%lu\ncpu_seconds=%.4f\nwall_seconds=%.4f\nlongest_cycle_us=%.1f\n"
	       "cycles_over_1ms=%lu\n",
	       packets_seen / cpu / 1e6, (unsigned long)packets_seen, cpu, wall, longest_cycle / tsc_hz * 1e6,
	       (unsigned long)long_cycles);
	for (uint64_t i = 0; i < RTE_MIN(long_cycles, (uint64_t)NOTED_CYCLES); i++)
		printf("cycle.%lu=%ld %.0f\n", (unsigned long)i, (long)noted[i].ended, noted[i].took / tsc_hz * 1e9);
}

static void setup(struct burst *b, uint32_t connections, unsigned passes)
{
	double best = 0, sum = 0;

	/* At least 2 Mi connections in all, so that the small sizes measure something; the first pass warms up. */
	passes = RTE_MAX(passes, (2u << 20) / connections);
	for (unsigned pass = 0; pass <= passes; pass++) {
		clear_table();
		wheel_reset(tick);
		reset_ports();
		syn_next = 0;
		syn_limit = connections;
		double cpu = cpu_seconds();
		while (syn_next < syn_limit)
			cycle(b, true);
		cpu = cpu_seconds() - cpu;
		if (pass) {
			sum += cpu;
			best = RTE_MAX(best, connections / cpu);
		}
	}
	printf("mpps=%.3f\npackets=%lu\ncpu_seconds=%.4f\nbest_pass=%.3f\n", (double)passes * connections / sum / 1e6,
	       (unsigned long)passes * connections, sum, best / 1e6);
}

static void open_port(void)
{
	struct rte_eth_conf conf = {0};
	struct rte_mempool *pool = rte_pktmbuf_pool_create("twin", 32767, 256, 0, RTE_PKTMBUF_HEADROOM + 2048, rte_socket_id());

	if (!pool || rte_eth_dev_configure(0, 1, 1, &conf) || rte_eth_rx_queue_setup(0, 0, 512, rte_socket_id(), NULL, pool) ||
	    rte_eth_tx_queue_setup(0, 0, 512, rte_socket_id(), NULL) || rte_eth_dev_start(0)) {
		fprintf(stderr, "twin: cannot open port 0: %s\n", rte_strerror(rte_errno));
		exit(1);
	}
}

int main(int argc, char **argv)
{
	enum test_case c = FULLNAT_TCP;
	uint32_t connections = 1024;
	unsigned passes = 3;
	double warmup = 0.5, seconds = 2;
	int eal = rte_eal_init(argc, argv);

	if (eal < 0)
		return 1;
	for (int i = eal + 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (!strcmp(argv[i], "--scatter")) {
			scatter = true;
			continue;
		}
		if (!strcmp(argv[i], "--case")) {
			for (c = FULLNAT_TCP; c < SYN_DROP && strcmp(value, case_names[c]);)
				c++;
		} else if (!strcmp(argv[i], "--connections"))
			connections = (uint32_t)strtoul(value, NULL, 10);
		else if (!strcmp(argv[i], "--burst"))
			burst_size = RTE_MIN((unsigned)strtoul(value, NULL, 10), (unsigned)MAX_BURST);
		else if (!strcmp(argv[i], "--warmup"))
			warmup = strtod(value, NULL);
		else if (!strcmp(argv[i], "--seconds"))
			seconds = strtod(value, NULL);
		else if (!strcmp(argv[i], "--passes"))
			passes = (unsigned)strtoul(value, NULL, 10);
		else {
			fprintf(stderr, "twin: unknown argument %s\n", argv[i]);
			return 2;
		}
		i++;
	}
	if (connections < PAIRS || connections & (connections - 1) || connections > PAIRS * 32768) {
		fprintf(stderr, "twin: --connections takes a power of two from %d to %d\n", PAIRS, PAIRS * 32768);
		return 2;
	}
	static struct burst burst;
	tsc_hz = (double)rte_get_tsc_hz();
	millisecond = rte_get_tsc_hz() / 1000;
	port_mask = connections / PAIRS - 1;
	make_events();
	open_port();
	make_table(connections);
	make_director(c);
	tick = (uint32_t)(rte_rdtsc() >> 23);
	wheel_reset(tick);
	if (c == SETUP)
		setup(&burst, connections, passes);
	else {
		if (c != SYN_DROP)
			install(c, connections);
		steady(&burst, warmup, seconds);
	}
	print_drops();
	printf("bytes_per_connection=%.1f\n",
	       ((double)bucket_count * sizeof(struct bucket) + (double)capacity * (sizeof(struct entry) + sizeof(struct cold))) / capacity);
	fflush(stdout);
	rte_eth_dev_stop(0);
	rte_eal_cleanup();
	return 0;
}
