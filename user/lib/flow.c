// SPDX-License-Identifier: MIT
/* flow.c - which connection a MachnetFlow_t names */
#include <stdlib.h>

#include "lib/priv.h"

#define BUCKETS_MIN	64

/*
 * 240.0.0.0/4 belongs to no host: names an IPv6 connection, whose addresses do not fit into 32
 * bits. Both numbers together hold all of its handle, and so are never used again.
 */
#define V6_NAME		0xf0000000u
#define V6_BITS		28

static uint32_t mix(uint64_t x)
{
	x *= 0x9e3779b97f4a7c15u;
	return (x ^ (x >> 29)) * 0xbf58476d1ce4e5b9u >> 32;
}

static uint32_t hash_key(const MachnetFlow_t *k)
{
	return mix(((uint64_t)k->src_ip << 32 | k->dst_ip) ^
		   (uint64_t)mix((uint64_t)k->src_port << 16 | k->dst_port) << 17);
}

bool mnc_flow_key_equal(const MachnetFlow_t *a, const MachnetFlow_t *b)
{
	return a->src_ip == b->src_ip && a->dst_ip == b->dst_ip && a->src_port == b->src_port &&
	       a->dst_port == b->dst_port;
}

MachnetFlow_t mnc_flow_reverse(const MachnetFlow_t *key)
{
	return (MachnetFlow_t){ key->dst_ip, key->src_ip, key->dst_port, key->src_port };
}

static uint32_t handle_bucket(const struct mnc_flows *f, uint64_t handle)
{
	return mix(handle) & (f->buckets - 1);
}

static struct mnc_flow *find_handle(const struct mnc_flows *f, uint64_t handle)
{
	struct mnc_flow *e = f->buckets ? f->by_handle[handle_bucket(f, handle)] : NULL;

	while (e && e->handle != handle)
		e = e->next_handle;
	return e;
}

static struct mnc_flow *find_key(const struct mnc_flows *f, const MachnetFlow_t *key)
{
	struct mnc_flow *e = f->buckets ? f->by_key[hash_key(key) & (f->buckets - 1)] : NULL;

	while (e && !mnc_flow_key_equal(&e->key, key))
		e = e->next_key;
	return e;
}

static void link_flow(struct mnc_flow **by_key, struct mnc_flow **by_handle, uint32_t buckets,
		      struct mnc_flow *e)
{
	struct mnc_flow **k = &by_key[hash_key(&e->key) & (buckets - 1)];
	struct mnc_flow **h = &by_handle[mix(e->handle) & (buckets - 1)];

	e->next_key = *k;
	*k = e;
	e->next_handle = *h;
	*h = e;
}

static int grow(struct mnc_flows *f)
{
	uint32_t buckets = f->buckets ? 2 * f->buckets : BUCKETS_MIN;
	struct mnc_flow **by_key = calloc(buckets, sizeof(*by_key));
	struct mnc_flow **by_handle = calloc(buckets, sizeof(*by_handle));
	struct mnc_flow *e, *next;

	if (!by_key || !by_handle) {
		free(by_key);
		free(by_handle);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < f->buckets; i++)
		for (e = f->by_key[i]; e; e = next) {
			next = e->next_key;
			link_flow(by_key, by_handle, buckets, e);
		}
	free(f->by_key);
	free(f->by_handle);
	f->by_key = by_key;
	f->by_handle = by_handle;
	f->buckets = buckets;
	f->no_live_below = 0;
	return 0;
}

/* What was remembered of the table may not be true any more. */
static void changed(struct mnc_flows *f)
{
	__atomic_store_n(&f->changes, f->changes + 1, __ATOMIC_RELEASE);
}

static void remove_flow(struct mnc_flows *f, struct mnc_flow *e)
{
	struct mnc_flow **k = &f->by_key[hash_key(&e->key) & (f->buckets - 1)];
	struct mnc_flow **h = &f->by_handle[handle_bucket(f, e->handle)];

	while (*k != e)
		k = &(*k)->next_key;
	*k = e->next_key;
	while (*h != e)
		h = &(*h)->next_handle;
	*h = e->next_handle;
	changed(f);
	f->count--;
	free(e);
}

void mnc_flow_from_info(const struct mn_shm_flow *info, uint64_t handle, MachnetFlow_t *key)
{
	struct mn_addr local, remote;

	memcpy(local.b, info->local_addr, sizeof(local.b));
	memcpy(remote.b, info->remote_addr, sizeof(remote.b));
	key->src_port = info->local_port;
	key->dst_port = info->remote_port;
	if (mn_addr_is_v4(&local) && mn_addr_is_v4(&remote)) {
		key->src_ip = ntohl(mn_addr_v4(&local));
		key->dst_ip = ntohl(mn_addr_v4(&remote));
	} else {
		key->src_ip = V6_NAME | (handle & ~V6_NAME);
		key->dst_ip = V6_NAME | (handle >> V6_BITS & ~V6_NAME);
	}
}

static int insert(struct mnc_flows *f, uint64_t handle, const MachnetFlow_t *key)
{
	struct mnc_flow *e;

	if (find_handle(f, handle))
		return -EPROTO;
	/* A table that cannot grow only gets slower, but there must be one. */
	if (f->count >= f->buckets && grow(f) && !f->buckets)
		return -ENOMEM;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->key = *key;
	e->handle = handle;
	link_flow(f->by_key, f->by_handle, f->buckets, e);
	changed(f);
	if (f->no_live_below > handle_bucket(f, handle))
		f->no_live_below = handle_bucket(f, handle);
	f->count++;
	return 0;
}

int mnc_flow_open(struct mnc_channel *ch, uint64_t handle, const MachnetFlow_t *key)
{
	int ret;

	pthread_mutex_lock(&ch->flow_lock);
	ret = insert(&ch->flows, handle, key);
	pthread_mutex_unlock(&ch->flow_lock);
	return ret;
}

void mnc_flow_ended(struct mnc_channel *ch, uint64_t handle)
{
	struct mnc_flow *e;

	pthread_mutex_lock(&ch->flow_lock);
	e = find_handle(&ch->flows, handle);
	if (e)
		e->ended = true;
	pthread_mutex_unlock(&ch->flow_lock);
}

void mnc_flow_remove(struct mnc_channel *ch, uint32_t epoch, uint64_t handle)
{
	struct mnc_flow *e;

	pthread_mutex_lock(&ch->flow_lock);
	e = ch->epoch == epoch ? find_handle(&ch->flows, handle) : NULL;
	if (e)
		remove_flow(&ch->flows, e);
	pthread_mutex_unlock(&ch->flow_lock);
}

int mnc_flow_handle(struct mnc_channel *ch, const MachnetFlow_t *key, uint32_t *epoch,
		    uint64_t *handle)
{
	struct mnc_flow *e;

	pthread_mutex_lock(&ch->flow_lock);
	e = find_key(&ch->flows, key);
	if (e)
		*handle = e->handle;
	*epoch = ch->epoch;
	pthread_mutex_unlock(&ch->flow_lock);
	return e ? 0 : -ENOENT;
}

static bool is_true(struct mnc_channel *ch, const struct mnc_flow_hint *h)
{
	return h->valid && h->changes == __atomic_load_n(&ch->flows.changes, __ATOMIC_ACQUIRE);
}

/* Called with flow_lock. */
static void remember(struct mnc_channel *ch, struct mnc_flow_hint *h, const struct mnc_flow *e)
{
	*h = (struct mnc_flow_hint){ e->key, e->handle, ch->flows.changes, true };
}

int mnc_flow_key_hint(struct mnc_channel *ch, struct mnc_flow_hint *h, uint64_t handle,
		      MachnetFlow_t *key)
{
	struct mnc_flow *e;

	if (!is_true(ch, h) || h->handle != handle) {
		pthread_mutex_lock(&ch->flow_lock);
		e = find_handle(&ch->flows, handle);
		h->valid = false;
		if (e)
			remember(ch, h, e);
		pthread_mutex_unlock(&ch->flow_lock);
	}
	if (h->valid)
		*key = h->key;
	return h->valid ? 0 : -ENOENT;
}

int mnc_flow_handle_hint(struct mnc_channel *ch, struct mnc_flow_hint *h,
			 const MachnetFlow_t *key, uint64_t *handle)
{
	struct mnc_flow *e;

	if (!is_true(ch, h) || !mnc_flow_key_equal(&h->key, key)) {
		pthread_mutex_lock(&ch->flow_lock);
		e = find_key(&ch->flows, key);
		h->valid = false;
		if (e)
			remember(ch, h, e);
		pthread_mutex_unlock(&ch->flow_lock);
	}
	if (h->valid)
		*handle = h->handle;
	return h->valid ? 0 : -ENOENT;
}

static struct mnc_flow *find_live(struct mnc_flows *f)
{
	struct mnc_flow *e;

	for (; f->no_live_below < f->buckets; f->no_live_below++)
		for (e = f->by_handle[f->no_live_below]; e; e = e->next_handle)
			if (!e->ended)
				return e;
	return NULL;
}

bool mnc_flow_any(struct mnc_channel *ch, uint64_t *handle)
{
	struct mnc_flow *e;

	pthread_mutex_lock(&ch->flow_lock);
	e = find_live(&ch->flows);
	if (e)
		*handle = e->handle;
	pthread_mutex_unlock(&ch->flow_lock);
	return e;
}

static void remove_all(struct mnc_flows *f)
{
	for (uint32_t i = 0; i < f->buckets; i++)
		while (f->by_key[i])
			remove_flow(f, f->by_key[i]);
	f->no_live_below = 0;
}

bool mnc_flows_clear(struct mnc_channel *ch)
{
	if (find_live(&ch->flows))
		return false;
	remove_all(&ch->flows);
	return true;
}

void mnc_flows_free(struct mnc_channel *ch)
{
	struct mnc_flows *f = &ch->flows;

	remove_all(f);
	free(f->by_key);
	free(f->by_handle);
}
