// SPDX-License-Identifier: MIT
/* Peers by their addresses, and where their listeners were found. */
#include <arpa/inet.h>

#include <machnet/wire.h>

#include <kselftest_harness.h>

#include "random.h"
#include "transport/peer.h"

#define MAX	50u

FIXTURE(peer)
{
	struct mn_peers ps;
};

FIXTURE_SETUP(peer)
{
	static const uint64_t seed[2] = { 1, 2 };

	ASSERT_EQ(0, mn_peers_init(&self->ps, MAX, seed));
}

FIXTURE_TEARDOWN(peer)
{
	mn_peers_fini(&self->ps);
}

static struct mn_tuple route(uint32_t local, uint32_t remote)
{
	return (struct mn_tuple){
		.local = mn_addr_from_v4(htonl(local)),
		.remote = mn_addr_from_v4(htonl(remote)),
		.mtu = 1500 + remote,
	};
}

static struct mn_peer *find(const struct mn_peers *ps, uint32_t local, uint32_t remote)
{
	struct mn_tuple r = route(local, remote);

	return mn_peer_find(ps, &r.local, &r.remote);
}

static struct mn_peer *get(struct mn_peers *ps, uint32_t local, uint32_t remote)
{
	struct mn_tuple r = route(local, remote);

	return mn_peer_get(ps, &r);
}

/* Both addresses name it, in this order. */
TEST_F(peer, get__one_for_each_pair)
{
	struct mn_peer *a = get(&self->ps, 1, 2), *b = get(&self->ps, 2, 1);
	struct mn_peer *c = get(&self->ps, 1, 3), *d = get(&self->ps, 4, 2);

	ASSERT_NE(NULL, a);
	EXPECT_NE(a, b);
	EXPECT_NE(a, c);
	EXPECT_NE(a, d);
	EXPECT_EQ(4, self->ps.by_address.used);
	EXPECT_EQ(a, get(&self->ps, 1, 2));
	EXPECT_EQ(4, self->ps.by_address.used);
	EXPECT_EQ(1502, a->route.mtu);
	EXPECT_EQ(b, find(&self->ps, 2, 1));
	EXPECT_EQ(NULL, find(&self->ps, 2, 2));
}

TEST_F(peer, get__no_room)
{
	for (uint32_t i = 0; i < MAX; i++)
		ASSERT_NE(NULL, get(&self->ps, 1, i));
	EXPECT_EQ(NULL, get(&self->ps, 1, MAX));
	/* Those that there are can be had. */
	EXPECT_NE(NULL, get(&self->ps, 1, 7));
	mn_peer_put(&self->ps, find(&self->ps, 1, 7));
	EXPECT_EQ(NULL, find(&self->ps, 1, 7));
	EXPECT_NE(NULL, get(&self->ps, 1, MAX));
	EXPECT_EQ(NULL, get(&self->ps, 1, 7));
}

TEST_F(peer, put__not_while_it_is_in_use)
{
	struct mn_peer *p = get(&self->ps, 1, 2);
	struct mn_list path;

	p->n_conns = 1;
	mn_peer_put(&self->ps, p);
	ASSERT_EQ(p, find(&self->ps, 1, 2));
	p->n_conns = 0;
	mn_list_add_tail(&p->paths, &path);
	mn_peer_put(&self->ps, p);
	ASSERT_EQ(p, find(&self->ps, 1, 2));
	mn_list_del(&path);
	mn_peer_put(&self->ps, p);
	EXPECT_EQ(NULL, find(&self->ps, 1, 2));
	EXPECT_EQ(0, self->ps.by_address.used);
}

/* They come and go: all that are there are found, as often as slots are used anew. */
TEST_F(peer, random__come_and_go)
{
	bool there[2 * MAX] = { false };
	uint64_t rng = 0x70656572;
	uint32_t n = 0;

	for (uint32_t round = 0; round < 20000; round++) {
		uint32_t i = random_below(&rng, 2 * MAX);
		struct mn_peer *p = find(&self->ps, 1, i);

		ASSERT_EQ(there[i], p != NULL);
		if (p) {
			ASSERT_EQ(1500 + i, p->route.mtu);
			mn_peer_put(&self->ps, p);
			there[i] = false;
			n--;
		} else {
			p = get(&self->ps, 1, i);
			ASSERT_EQ(n < MAX, p != NULL);
			there[i] = p;
			n += there[i];
		}
		ASSERT_EQ(n, self->ps.by_address.used);
	}
}

TEST_F(peer, engine__of_a_port)
{
	struct mn_peer *p = get(&self->ps, 1, 2);

	EXPECT_EQ(MN_WIRE_ENGINE_ANY, mn_peer_engine(p, 80));
	mn_peer_set_engine(p, 80, 3);
	mn_peer_set_engine(p, 81, 4);
	EXPECT_EQ(3, mn_peer_engine(p, 80));
	EXPECT_EQ(4, mn_peer_engine(p, 81));
	/* Another port in the same place. */
	EXPECT_EQ(MN_WIRE_ENGINE_ANY, mn_peer_engine(p, 80 + MN_PEER_PORTS));
	mn_peer_set_engine(p, 80 + MN_PEER_PORTS, 5);
	EXPECT_EQ(5, mn_peer_engine(p, 80 + MN_PEER_PORTS));
	EXPECT_EQ(MN_WIRE_ENGINE_ANY, mn_peer_engine(p, 80));
	mn_peer_set_engine(p, 81, 6);
	EXPECT_EQ(6, mn_peer_engine(p, 81));
}

TEST_HARNESS_MAIN
