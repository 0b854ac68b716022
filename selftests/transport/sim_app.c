// SPDX-License-Identifier: MIT
/* sim_app.c - applications of the simulation: they send patterns and check what they receive */
#include <stdlib.h>

#include "sim.h"

#define BUF	MN_SHM_BUF_SIZE

void sim_app_init(struct sim_app *app, uint32_t id)
{
	struct mn_ring *rings[] = { &app->tx, &app->txc, &app->rx, &app->rxc };

	if (mn_channel_create(&app->ch, id, MN_SHM_BUFS_MIN, MN_SHM_BUFS_MIN, 0))
		abort();
	for (int i = 0; i < MN_SHM_RINGS; i++)
		mn_ring_init(rings[i], (uint8_t *)app->ch.hdr + app->ch.hdr->ring_off[i],
			     app->ch.hdr->ring_slots[i]);
	app->free = calloc(app->ch.tx_bufs, sizeof(*app->free));
	app->kept = calloc(app->ch.rx_bufs, sizeof(*app->kept));
	while (app->n_free < app->ch.tx_bufs) {
		app->free[app->n_free] = app->n_free;
		app->n_free++;
	}
	app->reads = true;
	app->returns = true;
}

struct sim_flow *sim_flow(struct sim_app *app, uint64_t handle)
{
	for (uint32_t i = 0; i < app->n_flows; i++)
		if (app->flows[i].handle == handle)
			return &app->flows[i];
	if (app->n_flows == SIM_FLOWS)
		app->n_flows = 0;
	app->flows[app->n_flows] = (struct sim_flow){ .handle = handle };
	return &app->flows[app->n_flows++];
}

uint8_t sim_pattern(uint32_t n, uint32_t i)
{
	return n * 101 + i * 31 + (i >> 8) * 7 + (i >> 16);
}

void sim_app_take_back(struct sim_app *app)
{
	struct mn_desc d;

	while (mn_ring_avail(&app->txc) > 0) {
		mn_ring_get(&app->txc, &d);
		for (uint32_t b = d.buf; b != MN_SHM_BUF_NONE; b = app->ch.tx_links[b])
			app->free[app->n_free++] = b;
		mn_ring_release(&app->txc);
	}
}

static bool send_inline(struct sim_app *app, uint64_t flow, uint32_t len, uint32_t n)
{
	struct mn_desc d = { flow, MN_DESC_INLINE, len, 0 };
	uint8_t data[MN_SHM_INLINE_MAX];
	uint32_t slots = mn_ring_need(&app->tx, len);

	if (mn_ring_free(&app->tx, slots) < (int64_t)slots)
		return false;
	for (uint32_t i = 0; i < len; i++)
		data[i] = sim_pattern(n, i);
	memcpy(mn_ring_put_inline(&app->tx, &d), data, len);
	mn_ring_publish(&app->tx);
	return true;
}

bool sim_send(struct sim_app *app, uint64_t flow, uint32_t len)
{
	uint32_t bufs = (len + BUF - 1) / BUF, first = MN_SHM_BUF_NONE;
	uint32_t n = sim_flow(app, flow)->sent;
	struct mn_desc d = { flow, MN_DESC_MSG, len, 0 };

	sim_app_take_back(app);
	if (len <= MN_SHM_INLINE_MAX) {
		if (!send_inline(app, flow, len, n))
			return false;
		sim_flow(app, flow)->sent++;
		return true;
	}
	if (app->n_free < bufs || mn_ring_free(&app->tx, 1) < 1)
		return false;
	for (uint32_t k = bufs; k-- > 0;) {
		uint32_t b = app->free[--app->n_free];
		uint8_t *data = app->ch.tx_data + (size_t)b * BUF;

		for (uint32_t i = 0; i < BUF && k * BUF + i < len; i++)
			data[i] = sim_pattern(n, k * BUF + i);
		app->ch.tx_links[b] = first;
		first = b;
	}
	d.buf = first;
	mn_ring_put(&app->tx, &d);
	mn_ring_publish(&app->tx);
	sim_flow(app, flow)->sent++;
	return true;
}

bool sim_open(struct sim_app *app, const struct mn_tuple *to, uint64_t request)
{
	const struct mn_desc d = { request, MN_DESC_CONNECT, sizeof(struct mn_shm_connect), 0 };
	struct mn_shm_connect want = { .remote_port = to->remote_port };
	uint32_t slots = mn_ring_need(&app->tx, d.len);

	if (mn_ring_free(&app->tx, slots) < (int64_t)slots)
		return false;
	memcpy(want.local_addr, to->local.b, sizeof(want.local_addr));
	memcpy(want.remote_addr, to->remote.b, sizeof(want.remote_addr));
	memcpy(mn_ring_put_inline(&app->tx, &d), &want, sizeof(want));
	mn_ring_publish(&app->tx);
	return true;
}

bool sim_close(struct sim_app *app, uint64_t flow)
{
	const struct mn_desc d = { flow, MN_DESC_CLOSE, 0, 0 };

	if (mn_ring_free(&app->tx, 1) < 1)
		return false;
	mn_ring_put(&app->tx, &d);
	mn_ring_publish(&app->tx);
	return true;
}

static void app_return(struct sim_app *app, uint32_t buf)
{
	struct mn_desc d = { 0, MN_DESC_MSG, 0, buf };

	mn_ring_put(&app->rxc, &d);
	mn_ring_publish(&app->rxc);
}

static void app_done_with(struct sim_app *app, uint32_t buf)
{
	if (app->returns)
		app_return(app, buf);
	else
		app->kept[app->n_kept++] = buf;
}

void sim_return_kept(struct sim_app *app)
{
	while (app->n_kept)
		app_return(app, app->kept[--app->n_kept]);
}

static void app_check(struct sim *sim, struct sim_app *app, const struct mn_desc *d, uint32_t n)
{
	uint32_t b = d->buf;

	for (uint32_t at = 0; at < d->len; at += BUF) {
		const uint8_t *data = app->ch.rx_data + (size_t)b * BUF;

		for (uint32_t i = 0; i < BUF && at + i < d->len; i++) {
			if (data[i] != sim_pattern(n, at + i)) {
				sim->errors++;
				return;
			}
		}
		b = app->ch.rx_links[b];
	}
	if (b != MN_SHM_BUF_NONE)
		sim->errors++;
}

static void app_check_inline(struct sim *sim, struct sim_app *app, uint32_t len, uint32_t n)
{
	const uint8_t *data = mn_ring_here(&app->rx);

	app->rx.self += mn_ring_slots(len);
	for (uint32_t i = 0; i < len; i++) {
		if (data[i] != sim_pattern(n, i)) {
			sim->errors++;
			return;
		}
	}
}

/* Applications know connections by their addresses and ports: one at a time may have them. */
static void app_open(struct sim *sim, struct sim_app *app, struct sim_flow *f)
{
	memcpy(&f->path, mn_ring_here(&app->rx), sizeof(f->path));
	app->rx.self += mn_ring_slots(sizeof(f->path));
	/* A number of its own, of which none is equal. */
	f->path.request = 0;
	for (uint32_t i = 0; i < app->n_flows; i++) {
		const struct sim_flow *o = &app->flows[i];

		if (o->open && !o->ended && !memcmp(&o->path, &f->path, sizeof(f->path)))
			sim->errors++;
	}
	sim->errors += f->open;
	f->open = true;
}

void sim_app_read(struct sim *sim, struct sim_app *app)
{
	struct mn_desc d;

	while (app->reads && mn_ring_avail(&app->rx) > 0) {
		struct sim_flow *f;

		mn_ring_get(&app->rx, &d);
		sim->errors += mn_ring_extra(&app->rx, &d) < 0;
		if (d.type == MN_DESC_FILL) {
			app->rx.self += d.len - 1;
			mn_ring_release(&app->rx);
			continue;
		}
		if (d.type == MN_DESC_FAILED) {
			app->n_failed++;
			app->failed = d.flow;
			app->failed_error = d.len;
			mn_ring_release(&app->rx);
			continue;
		}
		f = sim_flow(app, d.flow);
		switch (d.type) {
		case MN_DESC_OPEN:
			app_open(sim, app, f);
			break;
		case MN_DESC_INLINE:
		case MN_DESC_MSG:
			sim->errors += !f->open || f->ended;
			if (d.type == MN_DESC_INLINE) {
				app_check_inline(sim, app, d.len, f->received);
			} else {
				app_check(sim, app, &d, f->received);
				app_done_with(app, d.buf);
			}
			f->received++;
			f->bytes += d.len;
			((uint32_t *)app->ch.rx_done)[d.flow & (app->ch.flows - 1)] += d.len;
			break;
		case MN_DESC_END:
			sim->errors += !f->open || f->ended;
			f->ended = true;
			f->error = d.len;
			break;
		default:
			sim->errors++;
		}
		mn_ring_release(&app->rx);
	}
}
