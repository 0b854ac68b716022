// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_ring.h>

#include "steer/owner.h"
#include "dp/engine.h"
#include "dp/frame.h"
#include "dp/sleep.h"

#define ENGINE_CMDS	1024
#define ENGINE_HANDOFF	2048
#define ENGINE_PARCELS	256
/* Of those, in one turn. */
#define PARCELS_PER_TURN	32
#define ENGINE_MAX_CONNS	16384
/* Frames under way: many small ones in each packet of some full windows. */
#define ENGINE_MAX_RECORDS	65536
/* Held for reassembly at most: the rest of the pool keeps the rings supplied. */
#define ENGINE_MAX_HELD	4096
/* Packets that one turn takes from the NIC before it looks at other things. */
#define ENGINE_RX_BURSTS	2
/* Of these at most are the kernel's in one burst to the NIC. */
#define ENGINE_EXCEPTION_BURST	8
/* After so many, or a burst, it looks again for what has come. */
#define ENGINE_TX_PACKETS	8
/* A NIC that takes nothing for so long has no link. */
#define ENGINE_TX_STUCK_US	10000
/* Turns that an engine takes after it was told to stop. */
#define ENGINE_LAST_TURNS	1000

/* To another engine, or to itself for traffic within the host. It learns where it has arrived. */
static void engine_handoff(struct dp_engine *e, unsigned int target, struct rte_mbuf *m)
{
	m->hash.usr = e->index;
	if (rte_ring_mp_enqueue(e->all[target].handoff, m)) {
		e->stats.drop_handoff_full++;
		rte_pktmbuf_free(m);
	} else if (target != e->index) {
		e->stats.handoff_sent++;
		dp_engine_kick(&e->all[target]);
	}
}

/* The engine that must get the packet: by path id, by the listener's port for the first packet. */
static unsigned int engine_target(const struct dp_engine *e, const uint8_t *payload, uint32_t len)
{
	uint16_t port;
	int target = mn_owner_of_packet(payload, len, &port);

	if (target < 0 && port)
		target = dp_ports_engine(e->ports, port);
	/* With fewer engines than before there are ids of none: the one that got it says so. */
	return target >= 0 && (unsigned int)target < e->engines ? (unsigned int)target : e->index;
}

/* To our MAC and address, for a port of ours. */
static bool engine_is_ours(const struct dp_engine *e, const struct dp_frame *f)
{
	if (memcmp(&f->dst_mac, e->mac, sizeof(f->dst_mac)) ||
	    !dp_engine_owns_addr(e, &f->tuple.local))
		return false;
	return dp_ports_serves(e->ports, f->tuple.local_port);
}

static void engine_machnet(struct dp_engine *e, struct rte_mbuf *m, struct dp_frame *f, bool handed)
{
	struct mn_pkt pkt = { &f->tuple, f->payload, f->payload_len, m,
			      handed ? m->hash.usr : e->index };
	unsigned int target = engine_target(e, f->payload, f->payload_len);

	if (target != e->index && !handed) {
		engine_handoff(e, target, m);
		return;
	}
	e->stats.rx_machnet++;
	if (!dp_frame_checksum_ok(m)) {
		e->stats.drop_bad_checksum++;
		rte_pktmbuf_free(m);
		return;
	}
	f->tuple.mtu = e->nic->mtu;
	f->tuple.local_host = dp_engine_owns_addr(e, &f->tuple.remote);
	if (!mn_stack_input(e->stack, &pkt))
		rte_pktmbuf_free(m);
}

static void engine_parse(struct rte_mbuf **pkts, uint16_t n, struct dp_frame *frames,
			 enum dp_frame_kind *kinds)
{
	for (uint16_t i = 0; i < n; i++) {
		rte_prefetch0(rte_pktmbuf_mtod(pkts[i], void *));
		rte_prefetch0(rte_pktmbuf_mtod_offset(pkts[i], void *, RTE_CACHE_LINE_SIZE));
	}
	for (uint16_t i = 0; i < n; i++)
		kinds[i] = dp_frame_parse(pkts[i], &frames[i]);
}

/* Sorts received frames: Machnet's into the transport, the others to the kernel. */
static void engine_receive(struct dp_engine *e, struct rte_mbuf **pkts, uint16_t n, bool handed)
{
	struct rte_mbuf *others[DP_BURST];
	struct dp_frame frames[DP_BURST];
	enum dp_frame_kind kinds[DP_BURST];
	uint16_t n_others = 0;

	engine_parse(pkts, n, frames, kinds);
	for (uint16_t i = 0; i < n; i++) {
		if (kinds[i] == DP_FRAME_UDP && engine_is_ours(e, &frames[i])) {
			engine_machnet(e, pkts[i], &frames[i], handed);
		} else if (kinds[i] == DP_FRAME_BAD) {
			e->stats.drop_bad_frame++;
			rte_pktmbuf_free(pkts[i]);
		} else {
			others[n_others++] = pkts[i];
		}
	}
	if (!n_others)
		return;
	if (e->exception) {
		e->stats.rx_to_kernel += n_others;
		dp_exception_to_kernel(e->exception, others, n_others);
	} else {
		e->stats.rx_not_for_us += n_others;
		rte_pktmbuf_free_bulk(others, n_others);
	}
}

static unsigned int engine_rx(struct dp_engine *e)
{
	struct rte_mbuf *pkts[DP_BURST];
	unsigned int total = 0;
	uint16_t n = DP_BURST;

	for (int i = 0; i < ENGINE_RX_BURSTS && n == DP_BURST; i++) {
		n = dp_fault_rx_burst(&e->fault, e->nic->port, e->index, pkts, DP_BURST, e->now_us);
		if (!n)
			break;
		total += n;
		engine_receive(e, pkts, n, false);
	}
	mn_stack_rx_left(e->stack, n == DP_BURST);
	e->stats.rx_frames += total;
	return total;
}

static unsigned int engine_handoff_rx(struct dp_engine *e)
{
	struct rte_mbuf *pkts[DP_BURST];
	unsigned int n = rte_ring_sc_dequeue_burst(e->handoff, (void **)pkts, DP_BURST, NULL);

	if (n) {
		e->stats.handoff_received += n;
		engine_receive(e, pkts, n, true);
	}
	return n;
}

/* Channels that move between engines, in pieces. */
static unsigned int engine_parcels_in(struct dp_engine *e)
{
	struct mn_parcel p;
	unsigned int n = 0;

	while (n < PARCELS_PER_TURN && !rte_ring_sc_dequeue_elem(e->parcels, &p, sizeof(p))) {
		mn_stack_parcel_in(e->stack, &p);
		n++;
	}
	return n;
}

static unsigned int engine_parcels_out(struct dp_engine *e)
{
	unsigned int n = 0;

	while (n < PARCELS_PER_TURN) {
		struct mn_parcel *p = &e->parcel;

		if (!e->has_parcel && !mn_stack_parcel_out(e->stack, p))
			break;
		/* None overtakes another one. */
		e->has_parcel = rte_ring_mp_enqueue_elem(e->all[p->to].parcels, p, sizeof(*p));
		dp_engine_kick(&e->all[p->to]);
		if (e->has_parcel)
			break;
		n++;
	}
	return n;
}

/* The next packet of the transport; NULL when there is none. sum: see mn_stack_output(). */
static struct rte_mbuf *engine_next_packet(struct dp_engine *e, struct mn_tuple *tuple,
					   uint16_t *sum)
{
	struct rte_mbuf *m = e->spare;
	uint32_t len;

	if (!m)
		m = rte_pktmbuf_alloc(e->nic->pools[e->index]);
	e->spare = NULL;
	if (!m) {
		e->stats.tx_no_mbuf++;
		return NULL;
	}
	len = mn_stack_output(e->stack, rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_tailroom(m),
			      tuple, sum);
	if (!len) {
		e->spare = m;
		return NULL;
	}
	m->data_len = len;
	m->pkt_len = len;
	return m;
}

/* Fills the burst; frames for this host go by the hand-off ring and never see the NIC. */
static void engine_fill(struct dp_engine *e)
{
	uint16_t payload, *sum = e->nic->udp_offload ? NULL : &payload;
	struct rte_mbuf *m;
	struct mn_tuple tuple;

	for (int i = 0; i < DP_BURST && e->tx_count < e->nic->tx_burst; i++) {
		m = engine_next_packet(e, &tuple, sum);
		if (!m)
			return;
		if (!dp_engine_owns_addr(e, &tuple.local)) {
			/* It has gone, and may be another host's: lost, as on the wire. */
			e->stats.drop_no_address++;
			rte_pktmbuf_free(m);
		} else if (tuple.local_host) {
			unsigned int target = engine_target(e, rte_pktmbuf_mtod(m, uint8_t *),
							    m->data_len);

			memcpy(tuple.mac, e->mac, sizeof(tuple.mac));
			dp_frame_build(m, &tuple, e->mac, NULL);
			dp_frame_set_intact(m);
			e->stats.local_frames++;
			engine_handoff(e, target, m);
		} else {
			dp_frame_build(m, &tuple, e->mac, sum);
			e->tx[e->tx_count++] = m;
		}
	}
}

/* What the kernel sends, by one engine; a full ring of our own must not keep it from ARP. */
static void engine_fill_exception(struct dp_engine *e)
{
	unsigned int room = RTE_MIN(DP_BURST - e->tx_count, ENGINE_EXCEPTION_BURST);

	if (e->exception && e->index == 0 && room)
		e->tx_count += rte_ring_sc_dequeue_burst(
			e->exception->to_nic, (void **)&e->tx[e->tx_count], room, NULL);
}

/* Whoever waits on the other side of a link that is down wants none of what is old by now. */
static void engine_drop_stuck(struct dp_engine *e)
{
	if (!e->tx_stuck_since_us) {
		e->tx_stuck_since_us = e->now_us;
		return;
	}
	if (e->now_us - e->tx_stuck_since_us < ENGINE_TX_STUCK_US)
		return;
	e->stats.drop_tx_stuck += e->tx_count;
	rte_pktmbuf_free_bulk(e->tx, e->tx_count);
	e->tx_count = 0;
}

static unsigned int engine_tx_burst(struct dp_engine *e)
{
	uint16_t sent, want;

	engine_fill(e);
	want = e->tx_count;
	if (!want)
		return 0;
	sent = dp_fault_tx_burst(&e->fault, e->nic->port, e->index, e->tx, want, e->now_us);
	e->stats.tx_frames += sent;
	if (sent < want) {
		e->stats.tx_ring_full++;
		memmove(e->tx, e->tx + sent, (want - sent) * sizeof(e->tx[0]));
	}
	e->tx_count = want - sent;
	if (sent)
		e->tx_stuck_since_us = 0;
	else
		engine_drop_stuck(e);
	return sent;
}

static unsigned int engine_tx(struct dp_engine *e)
{
	unsigned int sent = 0, n;

	engine_fill_exception(e);
	do {
		n = engine_tx_burst(e);
		sent += n;
	} while (n >= e->nic->tx_burst && sent < ENGINE_TX_PACKETS);
	return sent;
}

void dp_engine_wake_control(struct dp_engine *e)
{
	uint64_t one = 1;

	if (!e->event_due_us)
		return;
	e->event_due_us = 0;
	/* Many turns may have events before the control thread runs: it is woken once. */
	if (__atomic_exchange_n(&e->told, 1, __ATOMIC_SEQ_CST))
		return;
	if (write(e->control_efd, &one, sizeof(one)) < 0)
		return;	/* EAGAIN: readable already */
}

/* What the engine did not get to do meanwhile includes what the scheduler took from it. */
static void engine_time_turn(struct dp_engine *e)
{
	uint64_t took_us = dp_clock_us() - e->now_us;

	if (took_us > e->stats.longest_turn_us)
		e->stats.longest_turn_us = took_us;
}

/* One turn of the loop; returns how much there was to do. */
static unsigned int engine_turn(struct dp_engine *e)
{
	unsigned int work, sent;

	e->stats.loops++;
	dp_engine_clock(e);
	work = dp_engine_commands(e);
	if (rte_ring_free_count(e->events) < e->events_reserve) {
		dp_engine_wake_control(e);
	} else {
		mn_stack_advance(e->stack, e->now_us);
		work += engine_rx(e);
		work += engine_handoff_rx(e);
		work += engine_parcels_in(e);
		work += mn_stack_poll_channels(e->stack);
	}
	work += engine_parcels_out(e);
	sent = engine_tx(e);
	work += sent;
	if (mn_stack_flush(e->stack))
		e->waits_for = DP_WAIT_APP;
	else if (sent)
		e->waits_for = DP_WAIT_NET;
	work += dp_engine_snapshot(e);
	if (e->event_due_us <= e->now_us)
		dp_engine_wake_control(e);
	if (work)
		engine_time_turn(e);
	return work;
}

int dp_engine_main(void *engine)
{
	struct dp_engine *e = engine;

	while (!__atomic_load_n(&e->stop, __ATOMIC_RELAXED)) {
		if (engine_turn(e)) {
			dp_engine_busy(e);
		} else if (e->poll == MACHNET_DP_POLL_BUSY) {
			rte_pause();
		} else {
			dp_engine_idle(e);
		}
	}
	/* What the transport still has to say, the resets of its connections above all. */
	for (int i = 0; i < ENGINE_LAST_TURNS && engine_turn(e); i++)
		;
	dp_engine_wake_control(e);
	return 0;
}

void dp_engine_kick(struct dp_engine *e)
{
	uint64_t one = 1;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&e->sleeps, __ATOMIC_RELAXED) ||
	    !__atomic_exchange_n(&e->sleeps, 0, __ATOMIC_SEQ_CST))
		return;
	if (write(e->efd, &one, sizeof(one)) < 0)
		return;	/* EAGAIN: readable already */
}

static struct rte_ring *engine_ring(const char *what, unsigned int index, unsigned int esize,
				    unsigned int count, unsigned int flags)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "%s%u", what, index);
	return rte_ring_create_elem(name, esize, count, SOCKET_ID_ANY, flags);
}

static int engine_rings(struct dp_engine *e, uint32_t max_conns)
{
	/*
	 * In one turn each connection may come up and end, each packet may be one that a peer is
	 * heard by or that opens a path, each path may move and end, and each channel may have its
	 * two events when it is left.
	 */
	unsigned int turn = 2 * max_conns + 2 * (ENGINE_RX_BURSTS + 1) * DP_BURST +
			    2 * DP_ENGINE_PATHS + 2 * MACHNET_DP_CHANNEL_IDS + 16;
	/* All of them may while the control thread is away. */
	unsigned int events = rte_align32pow2(2 * turn);

	e->events_reserve = turn;
	e->cmds = engine_ring("cmds", e->index, sizeof(struct dp_cmd), ENGINE_CMDS,
			      RING_F_SP_ENQ | RING_F_SC_DEQ);
	e->events = engine_ring("events", e->index, sizeof(struct machnet_dp_event), events,
				RING_F_SP_ENQ | RING_F_SC_DEQ);
	e->handoff =
		engine_ring("handoff", e->index, sizeof(void *), ENGINE_HANDOFF, RING_F_SC_DEQ);
	e->parcels = engine_ring("parcels", e->index, sizeof(struct mn_parcel), ENGINE_PARCELS,
				 RING_F_SC_DEQ);
	return e->cmds && e->events && e->handoff && e->parcels ? 0 : -rte_errno;
}

int dp_engine_init(struct dp_engine *e, unsigned int index, const struct machnet_dp_config *cfg)
{
	struct mn_stack_config sc = {
		.engine = index,
		.engines = e->engines,
		.instance = e->instance,
		.port_first = e->ports->path_first,
		.port_count = e->ports->path_count,
		.contact_port = MACHNET_DP_PATH_PORT_FIRST,
		.rx_ring = e->nic->rx_desc,
		.paths = cfg->paths ? cfg->paths : 1,
		.max_conns = cfg->max_conns ? cfg->max_conns : ENGINE_MAX_CONNS,
		.max_paths = DP_ENGINE_PATHS,
		.max_held = ENGINE_MAX_HELD,
		.max_records = ENGINE_MAX_RECORDS,
		.steer = e->steer,
		.ops = &dp_engine_ops,
		.ops_ctx = e,
	};
	int ret;

	e->index = index;
	memcpy(e->mac, e->nic->mac, sizeof(e->mac));
	e->max_conns = sc.max_conns;
	e->poll = cfg->poll;
	e->efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	e->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (e->efd < 0 || e->epfd < 0)
		return -errno;
	ret = dp_engine_watch(e, e->efd);
	if (!ret)
		ret = engine_rings(e, sc.max_conns);
	if (!ret)
		ret = dp_fault_init(&e->fault, &cfg->fault, index);
	if (ret)
		return ret;
	e->now_us = dp_clock_us();
	e->stack = mn_stack_create(&sc, e->now_us);
	return e->stack ? 0 : -ENOMEM;
}

void dp_engine_fini(struct dp_engine *e)
{
	if (e->stack)
		mn_stack_destroy(e->stack);
	rte_pktmbuf_free(e->spare);
	rte_pktmbuf_free_bulk(e->tx, e->tx_count);
	dp_ring_drain(e->handoff);
	dp_fault_fini(&e->fault);
	rte_ring_free(e->cmds);
	rte_ring_free(e->events);
	rte_ring_free(e->handoff);
	rte_ring_free(e->parcels);
	if (e->epfd >= 0)
		close(e->epfd);
	if (e->efd >= 0)
		close(e->efd);
}
