// SPDX-License-Identifier: MIT
/* libmachnet's listeners: their sockets, and a kernel module that is a table. */
#include <arpa/inet.h>

#include "lib_fixture.h"
#include "base/udp_port.h"
#include "machnet_nl.h"

#define LENT_MAX	8

static struct {
	bool absent;
	int refuse;		/* errno */
	uint64_t cookies;	/* how many were given; the last one */
	struct lent {
		const struct nlclient *nl;	/* NULL: free */
		struct machnet_nl_port port;
	} lent[LENT_MAX];
} module;

int machnet_nl_open(struct nlclient *nl)
{
	(void)nl;
	return module.absent ? -ENOENT : 0;
}

void nlclient_close(struct nlclient *nl)
{
	for (int i = 0; i < LENT_MAX; i++)
		if (module.lent[i].nl == nl)
			module.lent[i].nl = NULL;
}

static void read_name(int fd, struct machnet_nl_port *port)
{
	struct sockaddr_in6 sa = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&sa;
	socklen_t len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &len))
		abort();
	port->number = ntohs(sa.sin6_port);
	if (sa.sin6_family == AF_INET)
		port->addr = mn_addr_from_v4(v4->sin_addr.s_addr);
	else
		memcpy(port->addr.b, &sa.sin6_addr, sizeof(port->addr.b));
}

int machnet_nl_port_lend(struct nlclient *nl, int fd, struct machnet_nl_port *out)
{
	struct lent *l = module.lent;

	if (module.refuse)
		return -module.refuse;
	while (l->nl)
		l++;
	*out = (struct machnet_nl_port){ .cookie = ++module.cookies };
	read_name(fd, out);
	*l = (struct lent){ nl, *out };
	return 0;
}

static struct machnet_nl_port *find(const struct mn_addr *addr, uint16_t number)
{
	for (int i = 0; i < LENT_MAX; i++) {
		struct lent *l = &module.lent[i];

		if (l->nl && l->port.number == number && mn_addr_equal(&l->port.addr, addr))
			return &l->port;
	}
	return NULL;
}

static int lent(void)
{
	int n = 0;

	for (int i = 0; i < LENT_MAX; i++)
		n += module.lent[i].nl != NULL;
	return n;
}

/* Another program's socket on the port, or -errno. */
static int bind_other(const char *ip, uint16_t port)
{
	struct mn_addr addr;

	mn_addr_parse(&addr, ip);
	return mn_udp_port_open(&addr, &port);
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

/* The daemon was asked with the sockets that the module has, or with no cookie. */
static bool listens_match(const struct fake_daemon *d, uint32_t n, bool with_cookie)
{
	bool ok = __atomic_load_n(&d->listens, __ATOMIC_ACQUIRE) == n;

	for (uint32_t i = 0; ok && i < n; i++) {
		const struct mn_app_msg *m = &d->listen[i];
		struct machnet_nl_port *p = find(&m->local, m->local_port);

		ok = !d->listen_check[i] &&
		     (with_cookie ? p && p->cookie == m->cookie : !p && !m->cookie);
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
	EXPECT_EQ(0, lent());
	ASSERT_EQ(0, machnet_listen(self->ch, "10.0.0.1", 99));
	ASSERT_TRUE(restart(&self->d, self->ch, MN_APP_CONTROL_KERNEL));
	EXPECT_TRUE(listens_match(&self->d, 3, true));
	EXPECT_EQ(3, lent());
}

TEST_F(kernel, a_socket_that_the_module_refuses)
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

TEST_F(kernel, a_port_that_the_daemon_refuses_is_free)
{
	MachnetFlow_t from;
	char c;

	ASSERT_EQ(0, machnet_listen(self->ch, "10.0.0.1", 99));
	__atomic_store_n(&self->d.refuse_type, MN_APP_LISTEN, __ATOMIC_RELAXED);
	__atomic_store_n(&self->d.refuse, EADDRNOTAVAIL, __ATOMIC_RELAXED);
	EXPECT_ERRNO(EADDRNOTAVAIL, machnet_listen(self->ch, "10.0.0.7", 99));
	EXPECT_EQ(1, lent());
	ASSERT_TRUE(restart(&self->d, self->ch, MN_APP_CONTROL_KERNEL));
	EXPECT_ERRNO(EADDRNOTAVAIL, machnet_recv(self->ch, &c, 1, &from));
	EXPECT_EQ(0x0a000001, from.dst_ip);
	EXPECT_EQ(99, from.dst_port);
	EXPECT_EQ(0, lent());
	EXPECT_EQ(0, close(bind_other("10.0.0.1", 99)));
}

TEST_F(kernel, no_module)
{
	module.absent = true;
	EXPECT_ERRNO(ENETDOWN, machnet_listen(self->ch, NULL, 1234));
	module.absent = false;
	EXPECT_EQ(0, machnet_listen(self->ch, NULL, 1234));
}

TEST_F(kernel, a_port_that_another_program_has)
{
	int fd = bind_other("10.0.0.1", 1234);

	ASSERT_LE(0, fd);
	EXPECT_ERRNO(EADDRINUSE, machnet_listen(self->ch, NULL, 1234));
	EXPECT_ERRNO(EADDRINUSE, machnet_listen(self->ch, "10.0.0.1", 1234));
	EXPECT_EQ(0, machnet_listen(self->ch, "10.0.0.2", 1234));
	EXPECT_EQ(1, self->d.listens);
	close(fd);
}

/* By the daemon, for what an earlier process has not sent yet. */
TEST_F(kernel, a_port_that_is_given_up)
{
	int fd = bind_other("10.0.0.1", 1234);

	ASSERT_LE(0, fd);
	__atomic_store_n(&self->d.free_fd, fd, __ATOMIC_RELAXED);
	EXPECT_EQ(0, machnet_listen(self->ch, NULL, 1234));
	EXPECT_TRUE(listens_match(&self->d, 2, true));
}

/* All was sent before the daemon is asked: it has nothing to give up any more. */
TEST_F(kernel, a_port_that_was_given_up)
{
	int fd = bind_other("10.0.0.1", 1234);

	ASSERT_LE(0, fd);
	__atomic_store_n(&self->d.free_late, true, __ATOMIC_RELAXED);
	__atomic_store_n(&self->d.free_fd, fd, __ATOMIC_RELAXED);
	EXPECT_EQ(0, machnet_listen(self->ch, NULL, 1234));
	EXPECT_TRUE(listens_match(&self->d, 2, true));
}

TEST_F(kernel, a_port_of_one_family_alone)
{
	int fd = bind_other("::", 1234);

	ASSERT_LE(0, fd);
	EXPECT_ERRNO(EADDRINUSE, machnet_listen(self->ch, NULL, 1234));
	EXPECT_EQ(0, lent());
	close(fd);
	EXPECT_EQ(0, machnet_listen(self->ch, NULL, 1234));
}

static void is_the_applications(struct __test_metadata *_metadata,
				struct _test_data_kernel *self, uint32_t control)
{
	ASSERT_TRUE(restart(&self->d, self->ch, control));
	ASSERT_EQ(0, machnet_listen(self->ch, NULL, 1234));
	fake_daemon_kill(&self->d);
	EXPECT_EQ(-EADDRINUSE, bind_other("0.0.0.0", 1234));
	EXPECT_EQ(-EADDRINUSE, bind_other("::", 1234));
	machnet_detach(self->ch);
	self->ch = NULL;
	EXPECT_EQ(0, lent());
	EXPECT_EQ(0, close(bind_other("0.0.0.0", 1234)));
	EXPECT_EQ(0, close(bind_other("::", 1234)));
}

TEST_F(kernel, a_port_is_the_applications_with_the_module)
{
	is_the_applications(_metadata, self, MN_APP_CONTROL_KERNEL);
}

TEST_F(kernel, a_port_is_the_applications_without_it)
{
	is_the_applications(_metadata, self, MN_APP_CONTROL_LOCAL);
}

TEST_F(kernel, a_privileged_port)
{
	if (geteuid())
		SKIP(return, "needs root to be another user");
	ASSERT_EQ(0, seteuid(65534));
	EXPECT_ERRNO(EACCES, machnet_listen(self->ch, NULL, 99));
	ASSERT_EQ(0, seteuid(0));
	EXPECT_EQ(0, machnet_listen(self->ch, NULL, 99));
}

TEST_HARNESS_MAIN
