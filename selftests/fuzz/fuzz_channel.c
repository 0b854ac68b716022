// SPDX-License-Identifier: MIT
/*
 * fuzz_channel.c - an application that writes anything anywhere into its channel
 *
 * The input is a program: each step either scribbles over the shared memory, as
 * a hostile application does, or lets the engine do one of its calls. After
 * each step the engine's own books must balance; whatever is wrong in the
 * shared memory may at worst end the channel.
 */
#include <stdlib.h>
#include <string.h>

#include "channel/channel.h"
#include "fuzz_channel.h"
#include "input.h"

#define LIVE_MAX	64
#define RX_MAX		4

struct world {
	struct mn_channel ch;
	struct mn_txmsg *live[LIVE_MAX];	/* taken and not done */
	uint32_t n_live;
	struct mn_rxmsg rx[RX_MAX];		/* under assembly */
	uint32_t posted_bufs;			/* RX buffers in the application's hands */
};

static struct mn_ring *take_ring(struct world *w, struct input *in)
{
	struct mn_ring *rings[] = { &w->ch.tx, &w->ch.txc, &w->ch.rx, &w->ch.rxc };

	return rings[take(in, 1) % 4];
}

static void scribble(struct world *w, struct input *in)
{
	/* Everything but the buffers, whose contents nobody looks at. */
	uint64_t words = (w->ch.tx_data - (uint8_t *)w->ch.hdr) / 4;

	((uint32_t *)w->ch.hdr)[take(in, 4) % words] = take_index(in);
}

static void scribble_ring(struct world *w, struct input *in)
{
	struct mn_ring *r = take_ring(w, in);
	struct mn_desc *d = &r->slots[take_index(in) & (r->size - 1)];

	switch (take(in, 1) % 3) {
	case 0:
		r->ctl->prod = r->self + (int8_t)take(in, 1);
		break;
	case 1:
		r->ctl->cons = r->self - (int8_t)take(in, 1);
		break;
	default:
		d->type = take(in, 1) % 8;
		d->flow = take_index(in);
		d->len = take_index(in);
		d->buf = take_index(in);
	}
}

/* One more entry on TX or RXC, likely one that makes sense. */
static void app_puts(struct world *w, struct input *in)
{
	uint32_t kind = take(in, 1), buf = take_index(in);
	struct mn_ring *r = kind & 1 ? &w->ch.tx : &w->ch.rxc;
	uint32_t at = r->ctl->prod;

	r->slots[at & (r->size - 1)] = (struct mn_desc){
		1, kind & 8 ? MN_DESC_INLINE : kind & 16 ? take(in, 1) % 12 : MN_DESC_MSG,
		1 + take_index(in) % (3 * MN_SHM_BUF_SIZE), buf,
	};
	r->ctl->prod = at + 1 + (kind & 8 ? take(in, 1) : 0);
	if (kind & 6)
		w->ch.tx_links[buf % MN_SHM_BUFS_MIN] = MN_SHM_BUF_NONE;
}

/* At the end of TX a filler, one that fits there or any other, and a small message. */
static void app_wraps(struct world *w, struct input *in)
{
	struct mn_ring *r = &w->ch.tx, app = *r;
	uint32_t left = take(in, 1) % (MN_SHM_INLINE_SLOTS + 2), kind = take(in, 1);
	struct mn_desc d = { 1, MN_DESC_INLINE, 1 + take(in, 2) % MN_SHM_INLINE_MAX, 0 };

	/* The engine's index too: no ring of its own was ever used up to its end. */
	if (!(kind & 3)) {
		r->self = r->other = r->ctl->prod = r->ctl->cons = r->size - left;
		app.self = r->self;
	} else {
		app.self = r->ctl->prod;
	}
	if (kind & 4) {
		mn_ring_put_inline(&app, &d);
	} else {
		r->slots[app.self++ & (r->size - 1)] = (struct mn_desc){
			0, MN_DESC_FILL, left + (int8_t)take(in, 1) / 64, 0,
		};
		app.self += left;
	}
	r->ctl->prod = app.self - !(take(in, 1) & 7);
}

static void app_links(struct world *w, struct input *in)
{
	uint32_t *links = take(in, 1) & 1 ? w->ch.tx_links : w->ch.rx_links;
	uint32_t at = take_index(in);

	links[at % MN_SHM_BUFS_MIN] = take(in, 1) & 1 ? MN_SHM_BUF_NONE : take_index(in);
}

static int engine_takes(struct world *w, struct input *in)
{
	struct mn_txmsg *m;
	struct mn_desc d;
	uint8_t buf[MN_SHM_INLINE_MAX];
	uint32_t off, n;
	int ret;

	if (w->n_live == LIVE_MAX)
		return 0;
	ret = mn_channel_tx_peek(&w->ch, &d);
	if (ret <= 0)
		return ret;
	if (d.type == MN_DESC_CLOSE) {
		mn_channel_tx_skip(&w->ch);
		return 0;
	}
	if (mn_ring_has_bytes(&d)) {
		mn_channel_tx_read(&w->ch, &d, buf);
		mn_channel_tx_release(&w->ch);
		return 0;
	}
	if (mn_channel_tx_take(&w->ch, &d, &m))
		return -EPROTO;
	mn_channel_tx_release(&w->ch);
	w->live[w->n_live++] = m;
	for (int i = 0; i < 4; i++) {
		off = take(in, 4) % m->len;
		n = take(in, 2) % sizeof(buf);
		mn_channel_tx_copy(&w->ch, m, off, buf, n < m->len - off ? n : m->len - off, NULL);
	}
	return 0;
}

static int engine_done(struct world *w, struct input *in)
{
	uint32_t i;

	if (!w->n_live)
		return 0;
	i = take(in, 1) % w->n_live;
	if (mn_channel_tx_done(&w->ch, w->live[i]))
		return -EPROTO;
	w->live[i] = w->live[--w->n_live];
	return 0;
}

static uint32_t bufs_of(uint32_t bytes)
{
	return (bytes + MN_SHM_BUF_SIZE - 1) / MN_SHM_BUF_SIZE;
}

static int engine_receives(struct world *w, struct input *in)
{
	static const uint8_t bytes[20000];
	struct mn_rxmsg *m = &w->rx[take(in, 1) % RX_MAX];
	uint32_t held;
	int ret = 0;

	switch (take(in, 1) % 5) {
	case 4:
		ret = mn_channel_rx_inline(&w->ch, 1, bytes, 1 + take(in, 2) % MN_SHM_INLINE_MAX);
		break;
	case 0:
		mn_channel_rx_drop(&w->ch, m);
		break;
	case 1:
		held = bufs_of(m->got);
		if (m->got)
			ret = mn_channel_rx_post(&w->ch, 1, m);
		if (!ret)
			w->posted_bufs += held;
		break;
	default:
		/* Of a length that is known, or not. */
		if (!m->got)
			m->len = take(in, 3) % (1 << 18);
		mn_channel_rx_append(&w->ch, m, bytes, take(in, 2) % sizeof(bytes));
	}
	return ret == -EAGAIN ? 0 : ret;
}

static int engine_reclaims(struct world *w)
{
	uint32_t before = w->ch.rx_free_count;
	int ret = mn_channel_rx_reclaim(&w->ch);

	w->posted_bufs -= w->ch.rx_free_count - before;
	return ret;
}

static int engine_tells(struct world *w, struct input *in)
{
	struct mn_shm_flow info = { .local_port = 1 };
	int ret;

	if (take(in, 1) & 1)
		ret = mn_channel_post_end(&w->ch, 1, 5);
	else
		ret = mn_channel_post_open(&w->ch, 1, &info);
	return ret == -EAGAIN ? 0 : ret;
}

static int engine_rests(struct world *w)
{
	mn_channel_flush(&w->ch);
	if (mn_channel_arm(&w->ch, true))
		mn_channel_disarm(&w->ch);
	return 0;
}

static int step(struct world *w, struct input *in)
{
	switch (take(in, 1) % 13) {
	case 0:
		scribble(w, in);
		return 0;
	case 1:
		scribble_ring(w, in);
		return 0;
	case 2:
	case 3:
		app_puts(w, in);
		return 0;
	case 4:
	case 5:
		app_links(w, in);
		return 0;
	case 6:
		return engine_takes(w, in);
	case 7:
		return engine_done(w, in);
	case 8:
		return engine_receives(w, in);
	case 9:
		return engine_reclaims(w);
	case 10:
		return engine_tells(w, in);
	case 11:
		app_wraps(w, in);
		return 0;
	default:
		return engine_rests(w);
	}
}

/* Each buffer is in one place, by the engine's own tables. */
static bool balanced(const struct world *w)
{
	uint32_t sent = 0, taken = 0, assembling = 0, runs = 0;

	for (uint32_t i = 0; i < w->ch.tx_bufs; i++)
		sent += w->ch.tx_state[i] != 0;
	for (uint32_t i = 0; i < w->n_live; i++)
		taken += bufs_of(w->live[i]->len);
	for (uint32_t i = 0; i < RX_MAX; i++) {
		assembling += bufs_of(w->rx[i].got);
		runs += w->rx[i].run;
	}
	return sent == taken && w->ch.rx_runs.count + runs == w->ch.rx_free_count &&
	       w->ch.rx_free_count + assembling + w->posted_bufs == w->ch.rx_bufs;
}

/* True when the application's lies have ended the channel. */
bool fuzz_channel_run(const uint8_t *data, size_t len)
{
	struct input in = { data, len };
	struct world w = { .n_live = 0 };
	int ret = 0;

	if (mn_channel_create(&w.ch, 0, MN_SHM_BUFS_MIN, MN_SHM_BUFS_MIN, 0))
		abort();
	for (uint32_t i = 0; i < RX_MAX; i++)
		w.rx[i] = (struct mn_rxmsg){ .first = MN_SHM_BUF_NONE, .cur = MN_SHM_BUF_NONE };
	while (in.len && !ret) {
		ret = step(&w, &in);
		if (ret && ret != -EPROTO)
			abort();
		if (!ret && !balanced(&w))
			abort();
	}
	mn_channel_close(&w.ch, EPROTO);
	mn_channel_destroy(&w.ch);
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_channel_run(data, len);
	return 0;
}
