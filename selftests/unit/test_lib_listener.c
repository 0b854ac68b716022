// SPDX-License-Identifier: MIT
/* libmachnet's listeners and the kernel's reservations, with a module that is a table. */
#include "lib_fixture.h"
#include "machnet_nl.h"

static struct {
	bool absent;
	int refuse;		/* errno */
	uint64_t cookies;	/* how many were given; the last one */
	struct machnet_nl_port ports[8];	/* cookie 0: free */
} module;

int machnet_nl_open(struct nlclient *nl)
{
	(void)nl;
	return module.absent ? -ENOENT : 0;
}

void nlclient_close(struct nlclient *nl)
{
	(void)nl;
	memset(module.ports, 0, sizeof(module.ports));
}

static struct machnet_nl_port *find(const struct mn_addr *addr, uint16_t number)
{
	for (int i = 0; i < 8; i++) {
		struct machnet_nl_port *p = &module.ports[i];

		if (!addr ? !p->cookie : p->cookie && p->number == number &&
					 mn_addr_equal(&p->addr, addr))
			return p;
	}
	return NULL;
}

int machnet_nl_port_reserve(struct nlclient *nl, const struct mn_addr *addr, uint16_t number,
			    struct machnet_nl_port *out)
{
	(void)nl;
	if (module.refuse)
		return -module.refuse;
	if (find(addr, number))
		return -EADDRINUSE;
	*out = (struct machnet_nl_port){
		.addr = *addr, .number = number, .cookie = ++module.cookies,
	};
	*find(NULL, 0) = *out;
	return 0;
}

int machnet_nl_port_release(struct nlclient *nl, const struct mn_addr *addr, uint16_t number)
{
	struct machnet_nl_port *p = find(addr, number);

	(void)nl;
	if (!p)
		return -ENOENT;
	p->cookie = 0;
	return 0;
}

static int reservations(void)
{
	int n = 0;

	for (int i = 0; i < 8; i++)
		n += module.ports[i].cookie != 0;
	return n;
}

FIXTURE(kernel)
{
	struct fake_daemon d;
	void *ch;
};

FIXTURE_SETUP(kernel)
{
	ASSERT_EQ(0, fake_daemon_prepare(&self->d));
	self->d.control = MN_APP_CONTROL_KERNEL;
	ASSERT_EQ(0, fake_daemon_start(&self->d));
	self->ch = machnet_attach_ends();
	ASSERT_NE(NULL, self->ch);
}

FIXTURE_TEARDOWN(kernel)
{
	machnet_detach(self->ch);
	fake_daemon_cleanup(&self->d);
}

/* The next daemon, and the channel is attached to it. */
static bool restart(struct fake_daemon *d, void *ch, uint32_t control)
{
	MachnetFlow_t f;

	fake_daemon_kill(d);
	__atomic_store_n(&d->control, control, __ATOMIC_RELAXED);
	return !fake_daemon_restart(d) && !machnet_connect(ch, NULL, "10.0.0.2", 1, &f);
}

/* What the daemon was asked for is what the module has, or has no cookie. */
static bool listens_match(const struct fake_daemon *d, uint32_t n, bool with_cookie)
{
	bool ok = __atomic_load_n(&d->listens, __ATOMIC_ACQUIRE) == n;

	for (uint32_t i = 0; ok && i < n; i++) {
		const struct mn_app_msg *m = &d->listen[i];
		struct machnet_nl_port *p = find(&m->local, m->local_port);

		ok = with_cookie ? p && p->cookie == m->cookie : !p && !m->cookie;
	}
	return ok;
}

TEST_F(kernel, the_next_daemon_is_shown_the_same_cookies)
{
	ASSERT_EQ(0, machnet_listen(self->ch, NULL, 1234));
	ASSERT_EQ(0, machnet_listen(self->ch, "10.0.0.1", 99));
	EXPECT_TRUE(listens_match(&self->d, 3, true));
	for (int i = 0; i < 3; i++) {
		ASSERT_TRUE(restart(&self->d, self->ch, MN_APP_CONTROL_KERNEL));
		EXPECT_TRUE(listens_match(&self->d, 3, true));
	}
	EXPECT_EQ(3, module.cookies);
}

TEST_F(kernel, the_next_daemon_is_of_the_other_kind)
{
	ASSERT_EQ(0, machnet_listen(self->ch, NULL, 1234));
	ASSERT_TRUE(restart(&self->d, self->ch, MN_APP_CONTROL_LOCAL));
	EXPECT_TRUE(listens_match(&self->d, 2, false));
	EXPECT_EQ(0, reservations());
	ASSERT_EQ(0, machnet_listen(self->ch, "10.0.0.1", 99));
	ASSERT_TRUE(restart(&self->d, self->ch, MN_APP_CONTROL_KERNEL));
	EXPECT_TRUE(listens_match(&self->d, 3, true));
	EXPECT_EQ(3, reservations());
}

TEST_F(kernel, a_port_that_was_taken_meanwhile)
{
	MachnetFlow_t from;
	char c;

	ASSERT_EQ(0, machnet_listen(self->ch, NULL, 1234));
	ASSERT_TRUE(restart(&self->d, self->ch, MN_APP_CONTROL_LOCAL));
	fake_daemon_kill(&self->d);
	EXPECT_ERRNO(ENETRESET, machnet_recv_timeout(self->ch, &c, 1, &from, 1000));
	module.refuse = EADDRINUSE;
	__atomic_store_n(&self->d.control, MN_APP_CONTROL_KERNEL, __ATOMIC_RELAXED);
	ASSERT_EQ(0, fake_daemon_restart(&self->d));
	for (int i = 0; i < 2; i++) {
		EXPECT_ERRNO(EADDRINUSE, machnet_recv_timeout(self->ch, &c, 1, &from, 1000));
		EXPECT_EQ(1234, from.dst_port);
	}
	EXPECT_EQ(0, machnet_recv(self->ch, &c, 1, &from));
	EXPECT_EQ(0, self->d.listens);
}

TEST_F(kernel, a_daemon_that_refuses_costs_the_reservation)
{
	MachnetFlow_t from;
	char c;

	ASSERT_EQ(0, machnet_listen(self->ch, "10.0.0.1", 99));
	__atomic_store_n(&self->d.refuse_type, MN_APP_LISTEN, __ATOMIC_RELAXED);
	__atomic_store_n(&self->d.refuse, EADDRNOTAVAIL, __ATOMIC_RELAXED);
	EXPECT_ERRNO(EADDRNOTAVAIL, machnet_listen(self->ch, "10.0.0.7", 99));
	EXPECT_EQ(1, reservations());
	ASSERT_TRUE(restart(&self->d, self->ch, MN_APP_CONTROL_KERNEL));
	EXPECT_ERRNO(EADDRNOTAVAIL, machnet_recv(self->ch, &c, 1, &from));
	EXPECT_EQ(0x0a000001, from.dst_ip);
	EXPECT_EQ(99, from.dst_port);
	EXPECT_EQ(0, reservations());
}

TEST_F(kernel, no_module)
{
	module.absent = true;
	EXPECT_ERRNO(ENETDOWN, machnet_listen(self->ch, NULL, 1234));
	module.absent = false;
	EXPECT_EQ(0, machnet_listen(self->ch, NULL, 1234));
}

TEST_HARNESS_MAIN
