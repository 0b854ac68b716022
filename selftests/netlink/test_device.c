// SPDX-License-Identifier: MIT
/*
 * test_device.c - datapaths and the network devices that they serve
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include <netlink/attr.h>

#include "kselftest_harness.h"
#include "nltest.h"

#define TIMEOUT_MS	5000

NT_NEEDS_MODULE

FIXTURE(device)
{
	struct nt path;
	struct nt other;
	struct nt events;
	uint32_t ifindex;
};

FIXTURE_SETUP(device)
{
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&self->path));
	ASSERT_EQ(0, nt_open(&self->other));
	ASSERT_EQ(0, nt_open(&self->events));
	ASSERT_EQ(0, nt_join(&self->events, MACHNET_MCGRP_DEVICE));
	self->ifindex = nt_dummy("mnt0");
	ASSERT_NE(0, self->ifindex);
}

FIXTURE_TEARDOWN(device)
{
	nt_close(&self->path);
	nt_close(&self->other);
	nt_close(&self->events);
}

static void expect_device(struct __test_metadata *_metadata, const struct nt *nt, uint32_t ifindex)
{
	EXPECT_EQ(ifindex, nt_u32(nt, MACHNET_A_DEVICE_IFINDEX));
	EXPECT_STREQ("mnt0", nt_str(nt, MACHNET_A_DEVICE_IFNAME));
	EXPECT_EQ(0, memcmp("\2\0\0\0\0\1", nla_data(nt->attrs[MACHNET_A_DEVICE_MAC]), 6));
	EXPECT_EQ(1500, nt_u32(nt, MACHNET_A_DEVICE_MTU));
	EXPECT_EQ(4, nt_u32(nt, MACHNET_A_DEVICE_ENGINES));
	EXPECT_EQ(MACHNET_RSS_CLASS_LABELLED, nt_u32(nt, MACHNET_A_DEVICE_RSS_CLASS));
	EXPECT_STREQ("net_test", nt_str(nt, MACHNET_A_DEVICE_DRIVER));
	EXPECT_EQ(61440, nt_u16(nt, MACHNET_A_DEVICE_PATH_PORT_FIRST));
	EXPECT_EQ(64, nt_u32(nt, MACHNET_A_DEVICE_PATH_PORT_COUNT));
}

static void expect_answer(struct __test_metadata *_metadata, const struct nt *nt, uint32_t ifindex)
{
	expect_device(_metadata, nt, ifindex);
	EXPECT_EQ((uint32_t)getpid(), nt_u32(nt, MACHNET_A_DEVICE_PID));
}

TEST_F(device, register_get_dump_announce)
{
	ASSERT_EQ(0, nt_register(&self->path, self->ifindex));
	expect_answer(_metadata, &self->path, self->ifindex);
	ASSERT_EQ(0, nt_device_op(&self->other, MACHNET_CMD_DEVICE_GET, self->ifindex));
	expect_answer(_metadata, &self->other, self->ifindex);
	ASSERT_EQ(1, nt_dump(&self->other, MACHNET_CMD_DEVICE_GET, NULL, NULL));
	expect_answer(_metadata, &self->other, self->ifindex);
	ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_DEVICE_ADD_NTF, TIMEOUT_MS));
	expect_device(_metadata, &self->events, self->ifindex);
	/* Anybody may listen. */
	EXPECT_EQ(NULL, self->events.attrs[MACHNET_A_DEVICE_PID]);
}

TEST_F(device, one_datapath_per_netdev)
{
	ASSERT_EQ(0, nt_register(&self->path, self->ifindex));
	EXPECT_EQ(-EBUSY, nt_register(&self->other, self->ifindex));
	EXPECT_STREQ("another datapath serves this network device", self->other.extack);
	EXPECT_EQ(-EBUSY, nt_register(&self->path, self->ifindex));
}

TEST_F(device, only_the_owner_unregisters)
{
	ASSERT_EQ(0, nt_register(&self->path, self->ifindex));
	EXPECT_EQ(-EPERM, nt_device_op(&self->other, MACHNET_CMD_DEVICE_UNREGISTER,
				       self->ifindex));
	EXPECT_STREQ("it belongs to another netlink socket", self->other.extack);
	EXPECT_EQ(0, nt_device_op(&self->path, MACHNET_CMD_DEVICE_UNREGISTER, self->ifindex));
	EXPECT_EQ(-ENODEV, nt_device_op(&self->path, MACHNET_CMD_DEVICE_UNREGISTER,
					self->ifindex));
	EXPECT_STREQ("no datapath serves this network device", self->path.extack);
	ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_DEVICE_DEL_NTF, TIMEOUT_MS));
	EXPECT_EQ(MACHNET_REASON_CLOSED, nt_u32(&self->events, MACHNET_A_DEVICE_REASON));
	EXPECT_EQ(0, nt_register(&self->other, self->ifindex));
}

TEST_F(device, a_closed_socket_loses_its_device)
{
	ASSERT_EQ(0, nt_register(&self->path, self->ifindex));
	nt_close(&self->path);
	ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_DEVICE_DEL_NTF, TIMEOUT_MS));
	EXPECT_EQ(MACHNET_REASON_DATAPATH_DIED, nt_u32(&self->events, MACHNET_A_DEVICE_REASON));
	EXPECT_EQ(0, nt_register(&self->other, self->ifindex));
}

TEST_F(device, a_netdev_that_goes_takes_the_device_along)
{
	ASSERT_EQ(0, nt_register(&self->path, self->ifindex));
	ASSERT_EQ(0, nt_sh("ip link del mnt0"));
	ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_DEVICE_DEL_NTF, TIMEOUT_MS));
	EXPECT_EQ(MACHNET_REASON_UNREACHABLE, nt_u32(&self->events, MACHNET_A_DEVICE_REASON));
	EXPECT_EQ(-ENODEV, nt_device_op(&self->path, MACHNET_CMD_DEVICE_GET, self->ifindex));
}

TEST_F(device, a_netdev_that_moves_takes_the_device_along)
{
	int pid = nt_netns_child();

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, nt_register(&self->path, self->ifindex));
	ASSERT_EQ(0, nt_sh("ip link set mnt0 netns %d", pid));
	nt_kill(pid);
	EXPECT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_DEVICE_DEL_NTF, TIMEOUT_MS));
}

TEST_F(device, the_name_follows_a_rename)
{
	ASSERT_EQ(0, nt_register(&self->path, self->ifindex));
	ASSERT_EQ(0, nt_sh("ip link set mnt0 down && ip link set mnt0 name mnt9"));
	ASSERT_EQ(0, nt_device_op(&self->path, MACHNET_CMD_DEVICE_GET, self->ifindex));
	EXPECT_STREQ("mnt9", nt_str(&self->path, MACHNET_A_DEVICE_IFNAME));
}

TEST_F(device, only_ethernet_devices_that_exist)
{
	EXPECT_EQ(-ENODEV, nt_register(&self->path, 9999));
	EXPECT_STREQ("there is no network device of this index", self->path.extack);
	EXPECT_EQ(-EOPNOTSUPP, nt_register(&self->path, if_nametoindex("lo")));
	EXPECT_STREQ("the network device is not an ethernet device", self->path.extack);
}

TEST_F(device, needs_net_admin)
{
	struct nt user;

	ASSERT_EQ(0, nt_register(&self->path, self->ifindex));
	ASSERT_EQ(0, nt_drop_root());
	ASSERT_EQ(0, nt_open(&user));
	EXPECT_EQ(-EPERM, nt_register(&user, self->ifindex));
	EXPECT_EQ(-EPERM, nt_device_op(&user, MACHNET_CMD_DEVICE_UNREGISTER, self->ifindex));
	EXPECT_EQ(0, nt_device_op(&user, MACHNET_CMD_DEVICE_GET, self->ifindex));
	nt_close(&user);
}

TEST_F(device, namespaces_do_not_see_each_other)
{
	struct nt elsewhere;

	ASSERT_EQ(0, nt_register(&self->path, self->ifindex));
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&elsewhere));
	EXPECT_EQ(0, nt_dump(&elsewhere, MACHNET_CMD_DEVICE_GET, NULL, NULL));
	EXPECT_EQ(1, nt_dump(&self->other, MACHNET_CMD_DEVICE_GET, NULL, NULL));
	nt_close(&elsewhere);
}

/* Who owns a user namespace is the administrator of the network namespaces in it. */
TEST_F(device, an_unprivileged_container_has_its_own)
{
	struct nt container;
	uint32_t ifindex;

	if (nt_new_userns())
		SKIP(return, "no user namespaces");
	ifindex = nt_dummy("mnt0");
	ASSERT_NE(0, ifindex);
	ASSERT_EQ(0, nt_open(&container));
	EXPECT_EQ(0, nt_register(&container, ifindex));
	EXPECT_EQ(0, nt_dump(&self->other, MACHNET_CMD_DEVICE_GET, NULL, NULL));
	nt_close(&container);
}

TEST_HARNESS_MAIN
