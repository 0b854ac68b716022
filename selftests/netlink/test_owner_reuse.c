// SPDX-License-Identifier: MIT
/*
 * test_owner_reuse.c - a netlink socket takes the port id of one that is being closed
 *
 * What the new socket creates is its own and stays, however the end of the old
 * one is interleaved with it. A thread of a higher priority wakes up at a random
 * moment of the close; which interleavings there have been cannot be observed.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <netlink/msg.h>

#include "kselftest_harness.h"
#include "nltest.h"
#include "nltest_random.h"

#define N_TURNS		300
#define PORT_ID		0x6d6e0001
/* About as long as a close takes. */
#define SPREAD_NS	200000

NT_NEEDS_MODULE

FIXTURE(reuse)
{
	struct nt reader;	/* also builds the messages */
	struct nt_random random;
	pthread_t thread;
	sem_t go, done;
	int (*create)(FIXTURE_DATA(reuse) *self, int fd);
	int lent;		/* a UDP socket */
	int delay_ns;		/* of the next turn; -1: the end */
	int second;		/* the thread's netlink socket or -errno */
	int result;		/* of its request */
};

/* A netlink socket with the port id: -errno. */
static int open_at(uint32_t port_id)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_pid = port_id };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC), ret;

	if (fd < 0 || !bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd < 0 ? -errno : fd;
	ret = -errno;
	close(fd);
	return ret;
}

/* Sends the message from the socket, frees it, and waits for the ack. */
static int ask(int fd, struct nl_msg *msg)
{
	unsigned char answer[4096];
	struct nlmsghdr *nlh = (struct nlmsghdr *)answer;
	struct nlmsghdr *request = nlmsg_hdr(msg);
	ssize_t len;

	request->nlmsg_flags |= NLM_F_REQUEST;
	request->nlmsg_pid = 0;
	len = send(fd, request, request->nlmsg_len, 0);
	nlmsg_free(msg);
	while (len > 0 && (len = recv(fd, answer, sizeof(answer), 0)) > 0) {
		if (nlh->nlmsg_type == NLMSG_ERROR)
			return *(int *)nlmsg_data(nlh);
	}
	return -EIO;
}

static int lend(FIXTURE_DATA(reuse) *self, int fd)
{
	struct nl_msg *msg = nt_msg(&self->reader, MACHNET_CMD_PORT_LEND);

	nt_put_u32(msg, MACHNET_A_PORT_SOCKET, self->lent);
	return ask(fd, msg);
}

static int watch(FIXTURE_DATA(reuse) *self, int fd)
{
	struct nl_msg *msg = nt_msg(&self->reader, MACHNET_CMD_ROUTE_GET);

	nt_put_addr(msg, MACHNET_A_ROUTE_DST, "127.0.0.1");
	nt_put(msg, MACHNET_A_ROUTE_WATCH, NULL, 0);
	return ask(fd, msg);
}

static void *take_over(void *arg)
{
	const struct timespec moment = { .tv_nsec = 10000 };
	FIXTURE_DATA(reuse) *self = arg;
	struct timespec delay = { 0 };

	for (;;) {
		sem_wait(&self->go);
		if (self->delay_ns < 0)
			return NULL;
		delay.tv_nsec = self->delay_ns;
		nanosleep(&delay, NULL);
		while ((self->second = open_at(PORT_ID)) == -EADDRINUSE)
			nanosleep(&moment, NULL);
		self->result = self->second < 0 ? self->second :
						  self->create(self, self->second);
		sem_post(&self->done);
	}
}

FIXTURE_SETUP(reuse)
{
	const struct sched_param high = { .sched_priority = 1 };

	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&self->reader));
	nt_random_init(&self->random, nt_seed());
	self->lent = nt_bind_udp("127.0.0.1", 7000);
	ASSERT_LE(0, self->lent);
	ASSERT_EQ(0, sem_init(&self->go, 0, 0));
	ASSERT_EQ(0, sem_init(&self->done, 0, 0));
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, take_over, self));
	ASSERT_EQ(0, pthread_setschedparam(self->thread, SCHED_FIFO, &high));
}

FIXTURE_TEARDOWN(reuse)
{
	self->delay_ns = -1;
	sem_post(&self->go);
	pthread_join(self->thread, NULL);
	nt_close(&self->reader);
	close(self->lent);
}

/* One closes, one takes over: how many objects of this kind there are when both have done. */
static int turn(FIXTURE_DATA(reuse) *self, int cmd)
{
	int first = open_at(PORT_ID), n;

	if (first < 0 || self->create(self, first))
		return -EIO;
	self->delay_ns = 1 + nt_random(&self->random, SPREAD_NS);
	sem_post(&self->go);
	close(first);
	sem_wait(&self->done);
	if (self->result)
		return self->result;
	n = nt_dump(&self->reader, cmd, NULL, NULL);
	close(self->second);
	return n;
}

static int turns(FIXTURE_DATA(reuse) *self, int cmd)
{
	int i, n, lost = 0;

	for (i = 0; i < N_TURNS; i++) {
		n = turn(self, cmd);
		if (n < 0)
			return n;
		lost += n != 1;
	}
	fprintf(stderr, "# %d of %d were lost\n", lost, N_TURNS);
	return lost;
}

TEST_F_TIMEOUT(reuse, lent_ports_stay, 240)
{
	self->create = lend;
	EXPECT_EQ(0, turns(self, MACHNET_CMD_PORT_GET));
	EXPECT_EQ(0, nt_dump(&self->reader, MACHNET_CMD_PORT_GET, NULL, NULL));
}

TEST_F_TIMEOUT(reuse, watches_stay, 240)
{
	self->create = watch;
	EXPECT_EQ(0, turns(self, MACHNET_CMD_ROUTE_DUMP));
	EXPECT_EQ(0, nt_dump(&self->reader, MACHNET_CMD_ROUTE_DUMP, NULL, NULL));
}

TEST_HARNESS_MAIN
