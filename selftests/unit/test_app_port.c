// SPDX-License-Identifier: MIT
/* The sockets that applications pass to the daemon with LISTEN, until it gives them up. */
#include <dirent.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/stat.h>

#include <kselftest_harness.h>

#include "app_socket.h"
#include "base/udp_port.h"
#include "daemon/app_port.h"
#include "daemon/leaving.h"

#define NOBODY	65534
#define PORT	4000

FIXTURE(port)
{
	struct mnd_daemon d;
	struct mn_addr any;
	char dir[32], path[64];
	unsigned int fds;	/* open ones before the test */
};

static unsigned int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

FIXTURE_SETUP(port)
{
	memset(&fake, 0, sizeof(fake));
	strcpy(self->dir, "/tmp/machnet-test-XXXXXX");
	if (geteuid() || unshare(CLONE_NEWNET))
		SKIP(return, "needs root for network namespaces");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_EQ(0, chmod(self->dir, 0755));
	snprintf(self->path, sizeof(self->path), "%s/sock", self->dir);
	mn_addr_parse(&self->any, "0.0.0.0");
	self->d.opt.socket = self->path;
	self->d.ops = &mnd_control_kernel_ops;
	LIST_INIT(&self->d.apps);
	TAILQ_INIT(&self->d.leaving);
	self->d.epfd = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_EQ(0, mnd_app_listen(&self->d));
	self->fds = open_fds();
}

FIXTURE_TEARDOWN(port)
{
	if (!self->path[0])
		return;
	mnd_app_close_all(&self->d);
	close(self->d.epfd);
	rmdir(self->dir);
}

static int request(struct mnd_daemon *d, int sock, struct mn_app_msg req, int fd)
{
	pass(sock, req, sizeof(req), &fd, fd >= 0);
	run(d);
	return answered(sock);
}

static int attach(struct mnd_daemon *d, uid_t uid)
{
	int sock = dial(d, uid);

	if (request(d, sock, (struct mn_app_msg){ .type = MN_APP_ATTACH }, -1))
		abort();
	return sock;
}

static int open_port(uint16_t number)
{
	struct mn_addr any;

	mn_addr_parse(&any, "0.0.0.0");
	return mn_udp_port_open(&any, &number);
}

/* Asks with a socket that is closed here afterwards. */
static int listen_with(struct mnd_daemon *d, int sock, int fd, uint16_t number)
{
	struct mn_app_msg req = {
		.type = MN_APP_LISTEN, .local_port = number, .cookie = 77,
	};
	int error;

	mn_addr_parse(&req.local, "0.0.0.0");
	error = request(d, sock, req, fd);
	if (fd >= 0)
		close(fd);
	return error;
}

static int simple(struct mnd_daemon *d, int sock, uint16_t type, uint16_t number)
{
	struct mn_app_msg req = { .type = type, .local_port = number };

	mn_addr_parse(&req.local, "0.0.0.0");
	return request(d, sock, req, -1);
}

static bool is_free(uint16_t number)
{
	int fd = open_port(number);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

TEST_F(port, is_kept_while_it_is_listened_on)
{
	int sock = attach(&self->d, NOBODY);

	EXPECT_EQ(0, listen_with(&self->d, sock, open_port(PORT), PORT));
	EXPECT_EQ(77, fake.claim.cookie);
	EXPECT_EQ(getpid(), fake.claim.owner);
	EXPECT_FALSE(is_free(PORT));
	EXPECT_EQ(0, simple(&self->d, sock, MN_APP_UNLISTEN, PORT));
	EXPECT_TRUE(is_free(PORT));
	EXPECT_EQ(ENOENT, simple(&self->d, sock, MN_APP_UNLISTEN, PORT));
	EXPECT_EQ(0, fake.claim.n);
	close(sock);
}

TEST_F(port, is_shown_by_its_socket)
{
	int sock = attach(&self->d, NOBODY), fd;

	EXPECT_EQ(EBADF, listen_with(&self->d, sock, -1, PORT));
	EXPECT_EQ(EINVAL, listen_with(&self->d, sock, open_port(PORT), PORT + 1));
	EXPECT_EQ(EINVAL, listen_with(&self->d, sock, socket(AF_INET, SOCK_DGRAM, 0), PORT));
	EXPECT_EQ(EINVAL, listen_with(&self->d, sock, open_port(PORT), 0));
	fd = open_port(PORT);
	ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)));
	EXPECT_EQ(EINVAL, listen_with(&self->d, sock, fd, PORT));
	fake.claim.error = -EKEYREJECTED;
	EXPECT_EQ(EKEYREJECTED, listen_with(&self->d, sock, open_port(PORT), PORT));
	fake.claim.error = 0;
	/* None of this has ended the channel or left anything behind. */
	EXPECT_TRUE(is_free(PORT));
	EXPECT_EQ(0, listen_with(&self->d, sock, open_port(PORT), PORT));
	close(sock);
	run(&self->d);
	mnd_leaving_free_all(&self->d);
	EXPECT_EQ(self->fds, open_fds());
	EXPECT_EQ(0, fake.claim.n);
}

TEST_F(port, is_of_the_namespace_of_the_daemon)
{
	int sock = attach(&self->d, NOBODY), fd;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	fd = open_port(PORT);
	ASSERT_LE(0, fd);
	EXPECT_EQ(EXDEV, listen_with(&self->d, sock, fd, PORT));
	close(sock);
}

TEST_F(port, needs_a_channel)
{
	int sock = dial(&self->d, NOBODY);

	EXPECT_EQ(ENOTCONN, listen_with(&self->d, sock, open_port(PORT), PORT));
	EXPECT_TRUE(is_free(PORT));
	EXPECT_EQ(ENOTCONN, simple(&self->d, sock, MN_APP_FREE, PORT));
	close(sock);
}

TEST_F(port, one_of_many_of_a_user)
{
	int sock = attach(&self->d, NOBODY), root = attach(&self->d, 0);

	for (unsigned int i = 0; i < MND_PORTS_PER_USER; i++)
		ASSERT_EQ(0, listen_with(&self->d, sock, open_port(PORT + i), PORT + i));
	EXPECT_EQ(EDQUOT, listen_with(&self->d, sock, open_port(PORT - 1), PORT - 1));
	EXPECT_EQ(0, listen_with(&self->d, root, open_port(PORT - 1), PORT - 1));
	/* What was left counts. */
	close(sock);
	sock = attach(&self->d, NOBODY);
	EXPECT_EQ(EDQUOT, listen_with(&self->d, sock, open_port(PORT - 2), PORT - 2));
	EXPECT_EQ(0, simple(&self->d, sock, MN_APP_FREE, PORT));
	EXPECT_EQ(0, listen_with(&self->d, sock, open_port(PORT), PORT));
	close(sock);
	close(root);
}

TEST_F(port, is_kept_for_a_channel_that_was_left)
{
	struct machnet_dp_event ev = { .type = MACHNET_DP_EVENT_CHANNEL_GONE };
	int sock = attach(&self->d, NOBODY), other;

	ASSERT_EQ(0, listen_with(&self->d, sock, open_port(PORT), PORT));
	ASSERT_EQ(0, listen_with(&self->d, sock, open_port(PORT + 1), PORT + 1));
	close(sock);
	run(&self->d);
	EXPECT_FALSE(is_free(PORT));
	/* Given up for its user and for root. */
	other = attach(&self->d, NOBODY - 1);
	EXPECT_EQ(ENOENT, simple(&self->d, other, MN_APP_FREE, PORT));
	EXPECT_FALSE(is_free(PORT));
	close(other);
	other = attach(&self->d, NOBODY);
	EXPECT_EQ(0, simple(&self->d, other, MN_APP_FREE, PORT));
	EXPECT_EQ(ENOENT, simple(&self->d, other, MN_APP_FREE, PORT));
	EXPECT_TRUE(is_free(PORT));
	EXPECT_FALSE(is_free(PORT + 1));
	close(other);
	/* The datapath has sent all of it. */
	mnd_leaving_event(&self->d, &ev);
	EXPECT_TRUE(is_free(PORT + 1));
	EXPECT_EQ(0, fake.claim.n);
}

TEST_F(port, is_not_given_up_while_it_is_listened_on)
{
	int sock = attach(&self->d, NOBODY), root = attach(&self->d, 0);

	ASSERT_EQ(0, listen_with(&self->d, sock, open_port(PORT), PORT));
	EXPECT_EQ(ENOENT, simple(&self->d, root, MN_APP_FREE, PORT));
	EXPECT_FALSE(is_free(PORT));
	close(sock);
	close(root);
}

/* The kernel has seen the application's end, before or after the daemon has. */
TEST_F(port, outlives_its_lender)
{
	int sock = attach(&self->d, NOBODY);

	ASSERT_EQ(0, listen_with(&self->d, sock, open_port(PORT), PORT));
	ASSERT_EQ(0, listen_with(&self->d, sock, open_port(PORT + 1), PORT + 1));
	mnd_app_port_gone(&self->d, &self->any, PORT, MACHNET_REASON_OWNER_DIED);
	EXPECT_EQ(1, fake.kept);
	close(sock);
	run(&self->d);
	mnd_app_port_gone(&self->d, &self->any, PORT + 1, MACHNET_REASON_UNSPEC);
	EXPECT_EQ(2, fake.kept);
	EXPECT_EQ(2, fake.claim.n);
	EXPECT_FALSE(is_free(PORT));
	EXPECT_FALSE(is_free(PORT + 1));
}

TEST_F(port, is_taken_away)
{
	int sock = attach(&self->d, NOBODY);

	ASSERT_EQ(0, listen_with(&self->d, sock, open_port(PORT), PORT));
	ASSERT_EQ(0, listen_with(&self->d, sock, open_port(PORT + 1), PORT + 1));
	mnd_app_port_gone(&self->d, &self->any, PORT, MACHNET_REASON_ADMIN);
	EXPECT_EQ(0, fake.kept);
	EXPECT_TRUE(is_free(PORT));
	/* The kernel does not let the daemon have it. */
	fake.claim.error = -EADDRINUSE;
	mnd_app_port_gone(&self->d, &self->any, PORT + 1, MACHNET_REASON_OWNER_DIED);
	EXPECT_TRUE(is_free(PORT + 1));
	EXPECT_EQ(0, fake.claim.n);
	close(sock);
}

TEST_HARNESS_MAIN
