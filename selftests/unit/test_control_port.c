// SPDX-License-Identifier: MIT
/* Ports: in machnet.ko and in the daemon itself. */
#include "selftests/unit/control_test.h"

static int bind_udp(const char *ip, uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int ret;

	inet_pton(AF_INET, ip, &sa.sin_addr);
	ret = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) ? -errno : fd;
	if (ret < 0)
		close(fd);
	return ret;
}

TEST_F(control, port_is_taken_from_others)
{
	struct mn_addr ip = addr("10.9.0.1"), any = addr("0.0.0.0"), any6 = addr("::");
	struct mn_addr elsewhere = addr("10.9.0.2");
	uint16_t port = 4000, same = 4000, high = 0;
	int own, own6, fd;

	own = own_port_open(self->c, &ip, &port);
	ASSERT_LE(0, own);
	EXPECT_EQ(4000, port);
	EXPECT_EQ(-EADDRINUSE, bind_udp("10.9.0.1", 4000));
	EXPECT_EQ(-EADDRINUSE, bind_udp("0.0.0.0", 4000));
	EXPECT_EQ(-EADDRINUSE, own_port_open(self->c, &ip, &same));
	EXPECT_EQ(-EADDRINUSE, own_port_open(self->c, &any, &same));
	own6 = own_port_open(self->c, &any6, &same);
	ASSERT_LE(0, own6);
	EXPECT_EQ(-EADDRNOTAVAIL, own_port_open(self->c, &elsewhere, &same));
	EXPECT_EQ(0, run("ss -ulpnH 'sport = 4000' | grep -c pid=%d, | grep -q 2", getpid()));

	own_port_close(self->c, &any6, 4000, own6);
	own_port_close(self->c, &ip, 4000, own);
	fd = bind_udp("10.9.0.1", 4000);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EADDRINUSE, own_port_open(self->c, &ip, &same));
	close(fd);

	own = own_port_open(self->c, &ip, &high);
	ASSERT_LE(0, own);
	EXPECT_NE(0, high);
	EXPECT_EQ(-EADDRINUSE, bind_udp("10.9.0.1", high));
	own_port_close(self->c, &ip, high, own);
}

/* An application's socket: where there is the module it is lent, and there is a cookie. */
struct app {
	struct nlclient nl;
	uint64_t cookie;
	int fd;
};

static int app_open(struct app *app, const struct mn_addr *ip, uint16_t number)
{
	struct machnet_nl_port port = { 0 };
	int ret = 0;

	memset(app, 0, sizeof(*app));
	app->fd = mn_udp_port_open(ip, &number);
	if (app->fd < 0)
		return app->fd;
	if (is_kernel()) {
		ret = machnet_nl_open(&app->nl);
		if (!ret)
			ret = machnet_nl_port_lend(&app->nl, app->fd, &port);
		app->cookie = port.cookie;
	}
	return ret;
}

/* What the module sees of it when it ends; the daemon has a socket of its own. */
static void app_end(struct app *app)
{
	close(app->fd);
	nlclient_close(&app->nl);
}

TEST_F(control, port_is_claimed_with_its_cookie)
{
	struct mn_addr ip = addr("10.9.0.1");
	struct app app;

	ASSERT_EQ(0, app_open(&app, &ip, 4001));
	EXPECT_EQ(-EKEYREJECTED, ops->port_claim(self->c, &ip, 4001, app.cookie + 1, 0));
	EXPECT_STREQ("the cookie is not the one of this port", ops->error(self->c));
	EXPECT_EQ(-ERANGE, ops->port_claim(self->c, &ip, 0, app.cookie, 0));
	ASSERT_EQ(0, ops->port_claim(self->c, &ip, 4001, app.cookie, 0));
	EXPECT_EQ(-EADDRINUSE, bind_udp("10.9.0.1", 4001));
	if (is_kernel())
		EXPECT_EQ(-EBUSY, ops->port_claim(self->c, &ip, 4001, app.cookie, 0));
	ASSERT_EQ(0, ops->port_unclaim(self->c, &ip, 4001));
	ASSERT_EQ(0, ops->port_claim(self->c, &ip, 4001, app.cookie, 0));
	ASSERT_EQ(0, ops->port_unclaim(self->c, &ip, 4001));
	ASSERT_EQ(0, drain(self->c));
	EXPECT_EQ(0, self->seen.n_gone);
	app_end(&app);
}

TEST_F(control, port_is_claimed_for_its_owner)
{
	struct mn_addr ip = addr("10.9.0.1");
	struct app app;

	if (!is_kernel())
		SKIP(return, "only the application's socket knows of its port");
	ASSERT_EQ(0, app_open(&app, &ip, 4001));
	EXPECT_EQ(-EKEYREJECTED, ops->port_claim(self->c, &ip, 4001, app.cookie, 1));
	EXPECT_EQ(0, ops->port_claim(self->c, &ip, 4001, app.cookie, getpid()));
	app_end(&app);
}

/* A daemon dies; the next one finds the application's port, and its cookie is still good. */
TEST_F(control, port_is_claimed_by_the_next_daemon)
{
	struct mn_addr ip = addr("10.9.0.1");
	uint16_t own = 0;
	struct app app;
	int fd;

	ASSERT_EQ(0, app_open(&app, &ip, 4001));
	EXPECT_EQ(is_kernel(), ops->ports_waiting(self->c));
	ASSERT_EQ(0, ops->port_claim(self->c, &ip, 4001, app.cookie, 0));
	EXPECT_EQ(0, ops->ports_waiting(self->c));
	ops->close(self->c);
	ASSERT_EQ(0, ops->open(&self->c, &events, &self->seen));
	self->seen.control = self->c;
	EXPECT_EQ(is_kernel(), ops->ports_waiting(self->c));
	ASSERT_EQ(0, ops->port_claim(self->c, &ip, 4001, app.cookie, 0));
	EXPECT_EQ(0, ops->ports_waiting(self->c));
	fd = own_port_open(self->c, &ip, &own);
	ASSERT_LE(0, fd);
	own_port_close(self->c, &ip, own, fd);
	app_end(&app);
}

TEST_F(control, port_of_a_dead_application)
{
	struct mn_addr ip = addr("10.9.0.1");
	struct app served, unclaimed, foreign;
	int size = 1;

	if (!is_kernel())
		SKIP(return, "only the application's socket knows of its port");
	ASSERT_EQ(0, app_open(&served, &ip, 4001));
	ASSERT_EQ(0, app_open(&unclaimed, &ip, 4002));
	ASSERT_EQ(0, app_open(&foreign, &ip, 4003));
	ASSERT_EQ(0, ops->port_claim(self->c, &ip, 4001, served.cookie, 0));
	ASSERT_EQ(0, ops->port_claim(self->c, &ip, 4002, unclaimed.cookie, 0));
	ASSERT_EQ(0, ops->port_unclaim(self->c, &ip, 4002));
	app_end(&foreign);
	app_end(&unclaimed);
	app_end(&served);
	EXPECT_TRUE(wait_until(self->c, self->seen.n_gone, 2000));
	EXPECT_EQ(1, self->seen.n_gone);
	EXPECT_EQ(4001, self->seen.gone);

	/* Lent and claimed anew before the old end is reported: not gone. */
	ASSERT_EQ(0, app_open(&served, &ip, 4001));
	ASSERT_EQ(0, ops->port_claim(self->c, &ip, 4001, served.cookie, 0));
	ASSERT_EQ(0, drain(self->c));
	self->seen.n_gone = 0;
	ASSERT_EQ(0, machnet_nl_port_release(&served.nl, &ip, 4001));
	app_end(&served);
	ASSERT_EQ(0, app_open(&served, &ip, 4001));
	ASSERT_EQ(0, ops->port_claim(self->c, &ip, 4001, served.cookie, 0));
	ASSERT_EQ(0, drain(self->c));
	EXPECT_EQ(0, self->seen.n_gone);

	/* The event is lost, the fact is not. */
	ASSERT_EQ(0, app_open(&foreign, &ip, 4003));
	ASSERT_EQ(0, drain(self->c));
	ASSERT_EQ(0, setsockopt(ops->fd(self->c), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
	for (size = 0; size < 20; size++) {
		uint16_t port = 0;
		int fd = own_port_open(self->c, &ip, &port);

		ASSERT_LE(0, fd);
		own_port_close(self->c, &ip, port, fd);
	}
	app_end(&served);
	EXPECT_TRUE(wait_until(self->c, self->seen.n_gone, 2000));
	EXPECT_EQ(4001, self->seen.gone);
	app_end(&foreign);
}

/* The application has left data to be sent; the daemon goes on with the socket that it has. */
TEST_F(control, port_of_a_dead_application_is_kept)
{
	struct mn_addr ip = addr("10.9.0.1");
	struct machnet_nl_port now;
	struct app app;
	int fd;

	if (!is_kernel())
		SKIP(return, "only the application's socket knows of its port");
	ASSERT_EQ(0, app_open(&app, &ip, 4001));
	fd = dup(app.fd);
	ASSERT_EQ(0, ops->port_claim(self->c, &ip, 4001, app.cookie, 0));
	app_end(&app);
	EXPECT_TRUE(wait_until(self->c, self->seen.n_gone, 2000));
	EXPECT_EQ(-EADDRINUSE, bind_udp("10.9.0.1", 4001));
	ASSERT_EQ(0, ops->port_keep(self->c, &ip, 4001, fd));
	ASSERT_EQ(0, machnet_nl_open(&app.nl));
	ASSERT_EQ(0, machnet_nl_port_get(&app.nl, &ip, 4001, &now));
	EXPECT_EQ(getpid(), now.owner_pid);
	EXPECT_FALSE(now.claimed);
	ASSERT_EQ(0, ops->port_unclaim(self->c, &ip, 4001));
	EXPECT_EQ(-ENOENT, ops->port_unclaim(self->c, &ip, 4001));
	EXPECT_EQ(-ENOENT, machnet_nl_port_get(&app.nl, &ip, 4001, &now));
	ASSERT_EQ(0, drain(self->c));
	EXPECT_EQ(1, self->seen.n_gone);

	/* An administrator may take it. */
	ASSERT_EQ(0, ops->port_keep(self->c, &ip, 4001, fd));
	ASSERT_EQ(0, machnet_nl_port_release(&app.nl, &ip, 4001));
	EXPECT_TRUE(wait_until(self->c, self->seen.n_gone == 2, 2000));
	close(fd);
	fd = bind_udp("10.9.0.1", 4001);
	EXPECT_LE(0, fd);
	close(fd);
	nlclient_close(&app.nl);
}

TEST_F(control, port_absorbs_what_arrives)
{
	struct mn_addr ip = addr("10.9.0.1");
	struct sockaddr_in sa = {
		.sin_family = AF_INET, .sin_port = htons(4002), .sin_addr.s_addr = mn_addr_v4(&ip),
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	uint16_t port = 4002;
	int own = own_port_open(self->c, &ip, &port);

	ASSERT_LE(0, own);
	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&sa, sizeof(sa)));
	ASSERT_EQ(4, send(fd, "ping", 4, 0));
	/* No ICMP: a second one can still be sent. */
	EXPECT_EQ(4, send(fd, "ping", 4, 0));
	EXPECT_EQ(0, run("ss -uanH 'sport = 4002' | awk '{ exit $2 != 0 }'"));
	own_port_close(self->c, &ip, 4002, own);
	close(fd);
}

#define BLOCK	61440
#define BLOCK_N	64

/* How many ports of the block the module has at the address, none of them claimed; 0 without it. */
static int lent(const struct mn_addr *ip)
{
	struct machnet_nl_port port;
	struct nlclient nl;
	int n = 0;

	if (!is_kernel())
		return 0;
	if (machnet_nl_open(&nl))
		return -1;
	for (int i = 0; i < BLOCK_N; i++)
		n += !machnet_nl_port_get(&nl, ip, BLOCK + i, &port) && !port.claimed &&
		     port.owner_pid == (uint32_t)getpid();
	nlclient_close(&nl);
	return n;
}

TEST_F(control, path_ports_are_lent_until_they_are_released)
{
	struct mn_addr ip = addr("10.9.0.1"), ip6 = addr("fd09::1");
	int all = is_kernel() ? BLOCK_N : 0;
	int fds[BLOCK_N], fds6[BLOCK_N], fd;
	uint16_t failed;

	ASSERT_EQ(0, mn_udp_ports_open(&ip, BLOCK, BLOCK_N, fds, &failed));
	ASSERT_EQ(0, mn_udp_ports_open(&ip6, BLOCK, BLOCK_N, fds6, &failed));
	ASSERT_EQ(0, ops->path_ports_lend(self->c, fds, BLOCK_N));
	ASSERT_EQ(0, ops->path_ports_lend(self->c, fds6, BLOCK_N));
	EXPECT_EQ(all, lent(&ip));
	EXPECT_EQ(all, lent(&ip6));
	ASSERT_EQ(0, ops->path_ports_release(self->c, &ip, BLOCK, BLOCK_N));
	EXPECT_EQ(0, lent(&ip));
	EXPECT_EQ(all, lent(&ip6));
	/* The sockets are the daemon's all the time. */
	EXPECT_EQ(-EADDRINUSE, bind_udp("10.9.0.1", BLOCK));
	mn_udp_ports_close(fds, BLOCK_N);
	fd = bind_udp("10.9.0.1", BLOCK);
	EXPECT_LE(0, fd);
	close(fd);
	/* It does not take them for ports of applications that ended. */
	ASSERT_EQ(0, drain(self->c));
	EXPECT_EQ(0, self->seen.n_gone);

	/* They go with the control plane, if not before. */
	ops->close(self->c);
	self->c = NULL;
	EXPECT_EQ(0, lent(&ip6));
	mn_udp_ports_close(fds6, BLOCK_N);
}

TEST_F(control, path_ports_are_lent_all_or_none)
{
	struct mn_addr ip = addr("10.9.0.1");
	int fds[BLOCK_N];
	uint16_t failed;

	EXPECT_EQ(-EINVAL, ops->path_ports_lend(self->c, fds, 0));
	EXPECT_EQ(-EINVAL, ops->path_ports_lend(self->c, fds, MACHNET_PORTS_MAX + 1));
	EXPECT_EQ(-EINVAL, ops->path_ports_release(self->c, &ip, BLOCK, 0));
	EXPECT_EQ(-EINVAL, ops->path_ports_release(self->c, &ip, BLOCK, MACHNET_PORTS_MAX + 1));
	if (!is_kernel())
		SKIP(return, "nothing is lent to another one");
	EXPECT_EQ(-ENOENT, ops->path_ports_release(self->c, &ip, BLOCK, BLOCK_N));
	ASSERT_EQ(0, mn_udp_ports_open(&ip, BLOCK, BLOCK_N, fds, &failed));
	close(fds[BLOCK_N - 1]);
	EXPECT_EQ(-EBADF, ops->path_ports_lend(self->c, fds, BLOCK_N));
	EXPECT_STREQ("the file descriptor is not one of a socket", ops->error(self->c));
	EXPECT_EQ(0, lent(&ip));
	mn_udp_ports_close(fds, BLOCK_N - 1);
}

TEST_HARNESS_MAIN
