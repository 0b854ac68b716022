// SPDX-License-Identifier: MIT
/* The registry of devices and connections, of either control plane. */
#include "selftests/unit/control_test.h"

#define BLOCK	61440
#define BLOCK_N	64

static struct machnet_nl_device make_device(uint32_t ifindex)
{
	return (struct machnet_nl_device){
		.ifindex = ifindex, .mtu = 1500, .engines = 2, .mac = { 2, 0, 0, 0, 0, 1 },
		.driver = "net_test", .path_port_first = BLOCK, .path_port_count = BLOCK_N,
	};
}

static struct machnet_nl_connection make_connection(uint32_t ifindex, uint64_t id)
{
	return (struct machnet_nl_connection){
		.id = id, .ifindex = ifindex, .local_addr = addr("10.9.0.1"),
		.remote_addr = addr("10.9.0.2"), .local_port = 1, .remote_port = 2,
		.state = MACHNET_CONNECTION_STATE_ESTABLISHED,
	};
}

/* Adds a connection, done now. */
static int add(struct seen *seen, const struct machnet_nl_connection *conn)
{
	seen->refusal = 0;
	ops->connection_add(seen->control, conn);
	ops->flush(seen->control);
	return seen->refusal;
}

/* The end of one connection, done now. */
static int del(struct mnd_control *c, uint64_t id, uint32_t reason)
{
	int ret = ops->connection_del(c, id, reason);

	return ret ? ret : ops->flush(c);
}

TEST_F(control, registry_refuses_what_the_module_refuses)
{
	struct machnet_nl_device dev = make_device(self->ifindex), bad_dev;
	struct machnet_nl_connection conn = make_connection(self->ifindex, 7), bad;
	long deadline = now_ms() + 10000;

	EXPECT_EQ(-ENODEV, add(&self->seen, &conn));
	bad_dev = dev, bad_dev.ifindex = 9999;
	EXPECT_EQ(-ENODEV, ops->device_register(self->c, &bad_dev));
	bad_dev = dev, bad_dev.engines = 0;
	EXPECT_EQ(-ERANGE, ops->device_register(self->c, &bad_dev));
	bad_dev = dev, bad_dev.driver[0] = '\0';
	EXPECT_EQ(-ERANGE, ops->device_register(self->c, &bad_dev));
	bad_dev = dev, bad_dev.mac[0] = 1;
	EXPECT_EQ(-EINVAL, ops->device_register(self->c, &bad_dev));
	bad_dev = dev, bad_dev.path_port_first = 0;
	EXPECT_EQ(-ERANGE, ops->device_register(self->c, &bad_dev));
	bad_dev = dev, bad_dev.path_port_count = 0;
	EXPECT_EQ(-ERANGE, ops->device_register(self->c, &bad_dev));
	bad_dev = dev, bad_dev.path_port_count = MACHNET_PORTS_MAX + 1;
	EXPECT_EQ(-ERANGE, ops->device_register(self->c, &bad_dev));
	bad_dev = dev, bad_dev.path_port_first = 65536 - BLOCK_N + 1;
	EXPECT_EQ(-EINVAL, ops->device_register(self->c, &bad_dev));
	EXPECT_STREQ("the path ports go beyond 65535", ops->error(self->c));
	bad_dev = dev, bad_dev.ifindex = 1;
	EXPECT_EQ(-EOPNOTSUPP, ops->device_register(self->c, &bad_dev));
	dev.path_port_first = 65536 - BLOCK_N;
	ASSERT_EQ(0, ops->device_register(self->c, &dev));
	EXPECT_EQ(-EBUSY, ops->device_register(self->c, &dev));

	bad = conn, bad.id = 0;
	EXPECT_EQ(-ERANGE, add(&self->seen, &bad));
	bad = conn, bad.remote_addr = addr("fd09::2");
	EXPECT_EQ(-EINVAL, add(&self->seen, &bad));
	bad = conn, bad.engine = 2;
	EXPECT_EQ(-ERANGE, add(&self->seen, &bad));
	EXPECT_EQ(-ENOENT, ops->connection_set(self->c, &conn));
	ASSERT_EQ(0, add(&self->seen, &conn));
	EXPECT_EQ(-EEXIST, add(&self->seen, &conn));
	EXPECT_EQ(0, ops->connection_set(self->c, &conn));
	EXPECT_EQ(-ERANGE, ops->connection_set(self->c, &bad));
	EXPECT_EQ(-ERANGE, del(self->c, 7, 0));
	EXPECT_EQ(0, del(self->c, 7, MACHNET_REASON_CLOSED));
	EXPECT_EQ(-ENOENT, del(self->c, 7, MACHNET_REASON_CLOSED));

	/* The device takes its connections along. */
	ASSERT_EQ(0, add(&self->seen, &conn));
	ASSERT_EQ(0, ops->device_unregister(self->c, self->ifindex));
	EXPECT_EQ(-ENODEV, ops->device_unregister(self->c, self->ifindex));
	/* The module does it in the background. */
	while (del(self->c, 7, MACHNET_REASON_CLOSED) != -ENOENT)
		ASSERT_GT(deadline, now_ms());
	EXPECT_EQ(0, ops->flush(self->c));
}

static int count_connections(const struct machnet_nl_connection *conn, void *data)
{
	(void)conn;
	++*(unsigned int *)data;
	return 0;
}

/* How many connections of the device the kernel has; local: none of them can be seen. */
static unsigned int count_registered(uint32_t ifindex)
{
	struct machnet_nl_connection like = { .ifindex = ifindex };
	unsigned int n = 0;
	struct nlclient nl;

	if (machnet_nl_open(&nl))
		return UINT32_MAX;
	if (machnet_nl_connection_dump(&nl, &like, 1 << MACHNET_A_CONNECTION_IFINDEX,
				       count_connections, &n))
		n = UINT32_MAX;
	nlclient_close(&nl);
	return n;
}

/* More than one batch, and one id in it that nobody knows. */
TEST_F(control, registry_of_many_connections)
{
	struct machnet_nl_device dev = make_device(self->ifindex);
	const unsigned int n = 2 * MACHNET_BATCH_MAX + 10, unknown = n / 2;
	struct machnet_nl_connection conn;
	int ret, first = 0;

	ASSERT_EQ(0, ops->device_register(self->c, &dev));
	for (unsigned int i = 1; i <= n; i++) {
		conn = make_connection(self->ifindex, i);
		if (i != unknown)
			ops->connection_add(self->c, &conn);
	}
	ASSERT_EQ(0, ops->flush(self->c));
	EXPECT_EQ(0, self->seen.n_refused);
	if (is_kernel())
		EXPECT_EQ(n - 1, count_registered(self->ifindex));
	for (unsigned int i = 1; i <= n; i++) {
		ret = ops->connection_del(self->c, i, MACHNET_REASON_OWNER_DIED);
		first = first ? first : ret;
	}
	ret = ops->flush(self->c);
	EXPECT_EQ(-ENOENT, first ? first : ret);
	EXPECT_EQ(0, ops->flush(self->c));
	for (unsigned int i = 1; i <= n; i++)
		EXPECT_EQ(-ENOENT, del(self->c, i, MACHNET_REASON_CLOSED));
	if (is_kernel())
		EXPECT_EQ(0, count_registered(self->ifindex));
}

/* Some of a batch are refused: the others are added, and those that were refused have no end. */
TEST_F(control, registry_takes_the_others_of_a_batch)
{
	struct machnet_nl_device dev = make_device(self->ifindex);
	struct machnet_nl_connection conn;
	const unsigned int n = 40;

	ASSERT_EQ(0, ops->device_register(self->c, &dev));
	for (unsigned int i = 1; i <= n; i++) {
		conn = make_connection(self->ifindex, i);
		if (i % 10 == 0)
			conn.engine = 2;
		ops->connection_add(self->c, &conn);
		/* Some come and go within a batch. */
		if (is_kernel() && (i % 10 == 0 || i % 10 == 1))
			ASSERT_EQ(0, ops->connection_del(self->c, i, MACHNET_REASON_CLOSED));
	}
	EXPECT_EQ(0, ops->flush(self->c));
	EXPECT_EQ(4, self->seen.n_refused);
	EXPECT_EQ(40, self->seen.refused);
	EXPECT_EQ(-ERANGE, self->seen.refusal);
	if (is_kernel())
		EXPECT_EQ(n - 8, count_registered(self->ifindex));
	for (unsigned int i = 1; i <= n; i++)
		EXPECT_EQ(i % 10 == 0 || (is_kernel() && i % 10 == 1) ? -ENOENT : 0,
			  del(self->c, i, MACHNET_REASON_CLOSED));
}

static struct machnet_nl_path make_path(uint32_t ifindex, uint64_t id)
{
	return (struct machnet_nl_path){
		.id = id, .ifindex = ifindex, .local_addr = addr("10.9.0.1"),
		.remote_addr = addr("10.9.0.2"), .tx_local_port = BLOCK, .tx_remote_port = BLOCK,
		.rx_local_port = BLOCK, .rx_remote_port = BLOCK, .engine = 1, .remote_engine = 2,
		.mtu = 1500, .mac = { 2, 0, 0, 0, 0, 2 }, .state = MACHNET_PATH_STATE_OPEN,
	};
}

TEST_F(control, registry_of_paths)
{
	struct machnet_nl_device dev = make_device(self->ifindex);
	struct machnet_nl_path path = make_path(self->ifindex, 7), bad;
	long deadline = now_ms() + 10000;

	EXPECT_EQ(-ENODEV, ops->path_add(self->c, &path));
	EXPECT_STREQ("no datapath serves this network device", ops->error(self->c));
	ASSERT_EQ(0, ops->device_register(self->c, &dev));
	bad = path, bad.id = 0;
	EXPECT_EQ(-ERANGE, ops->path_add(self->c, &bad));
	bad = path, bad.rx_remote_port = 0;
	EXPECT_EQ(-ERANGE, ops->path_add(self->c, &bad));
	bad = path, bad.mtu = 575;
	EXPECT_EQ(-ERANGE, ops->path_add(self->c, &bad));
	bad = path, bad.state = 0;
	EXPECT_EQ(-ERANGE, ops->path_add(self->c, &bad));
	bad = path, bad.engine = 2;
	EXPECT_EQ(-ERANGE, ops->path_add(self->c, &bad));
	EXPECT_STREQ("the device does not have so many engines", ops->error(self->c));
	bad = path, bad.mac[0] = 1;
	EXPECT_EQ(-EINVAL, ops->path_add(self->c, &bad));
	EXPECT_STREQ("mac is not a unicast address", ops->error(self->c));
	bad = path, bad.remote_addr = addr("fd09::2");
	EXPECT_EQ(-EINVAL, ops->path_add(self->c, &bad));
	EXPECT_STREQ("local-addr and remote-addr are of two families", ops->error(self->c));
	bad = path, bad.remote_addr = addr("224.0.0.1");
	EXPECT_EQ(-EINVAL, ops->path_add(self->c, &bad));
	EXPECT_EQ(-ENOENT, ops->path_set(self->c, &path));
	EXPECT_STREQ("there is no path of this id", ops->error(self->c));
	ASSERT_EQ(0, ops->path_add(self->c, &path));
	EXPECT_EQ(-EEXIST, ops->path_add(self->c, &path));
	EXPECT_STREQ("there is a path of this id", ops->error(self->c));
	memset(path.mac, 0, sizeof(path.mac));
	EXPECT_EQ(0, ops->path_set(self->c, &path));
	bad = path, bad.engine = 2;
	EXPECT_EQ(-ERANGE, ops->path_set(self->c, &bad));
	EXPECT_EQ(-ERANGE, ops->path_del(self->c, 7, 0));
	EXPECT_EQ(0, ops->path_del(self->c, 7, MACHNET_REASON_CLOSED));
	EXPECT_EQ(-ENOENT, ops->path_del(self->c, 7, MACHNET_REASON_CLOSED));

	/* The device takes its paths along; the module does it in the background. */
	ASSERT_EQ(0, ops->path_add(self->c, &path));
	ASSERT_EQ(0, ops->device_unregister(self->c, self->ifindex));
	while (ops->path_del(self->c, 7, MACHNET_REASON_CLOSED) != -ENOENT)
		ASSERT_GT(deadline, now_ms());
}

/* The application may be gone when its connection is registered: what it has sent is delivered. */
TEST_F(control, registry_takes_what_the_dead_have_left)
{
	struct machnet_nl_device dev = make_device(self->ifindex);
	struct machnet_nl_connection conn = make_connection(self->ifindex, 7);
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	ASSERT_EQ(0, ops->device_register(self->c, &dev));
	conn.owner_pid = pid;
	EXPECT_EQ(0, add(&self->seen, &conn));
	EXPECT_EQ(0, del(self->c, 7, MACHNET_REASON_CLOSED));
}

TEST_F(control, connection_is_to_be_killed)
{
	struct machnet_nl_device dev = make_device(self->ifindex);
	struct machnet_nl_connection conn = make_connection(self->ifindex, 7);
	struct nlclient nl;

	if (!is_kernel())
		SKIP(return, "requests come over the daemon's own socket");
	ASSERT_EQ(0, ops->device_register(self->c, &dev));
	ASSERT_EQ(0, add(&self->seen, &conn));
	ASSERT_EQ(0, machnet_nl_open(&nl));
	EXPECT_EQ(-ENOENT, machnet_nl_connection_kill(&nl, 8));
	ASSERT_EQ(0, machnet_nl_connection_kill(&nl, 7));
	EXPECT_TRUE(wait_until(self->c, self->seen.n_kills, 2000));
	EXPECT_EQ(1, self->seen.n_kills);
	EXPECT_EQ(7, self->seen.killed);
	nlclient_close(&nl);
}

TEST_HARNESS_MAIN
