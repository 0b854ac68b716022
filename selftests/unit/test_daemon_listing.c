// SPDX-License-Identifier: MIT
/* What the daemon says when it is asked for all connections, or all paths. */
#include "selftests/unit/daemon_test.h"

static void finish_snapshot(unsigned int n)
{
	struct machnet_dp_conn list[8] = { 0 };

	for (unsigned int i = 0; i < n; i++)
		list[i] = (struct machnet_dp_conn){
			.id = 1000 + i, .state = MACHNET_CONNECTION_STATE_ESTABLISHED,
			.engine = i, .remote_port = 7, .tx_bytes = 1ull << 40,
		};
	list[0].state = MACHNET_CONNECTION_STATE_CONNECTING;
	list[1].channel = 77;
	fake.done(fake.ctx, list, n);
}

TEST_F(daemon, connections_are_listed)
{
	int root = dial(&self->d, 0), user = dial(&self->d, NOBODY), file, left;
	int all = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	struct mn_app_connection list[8] = { 0 };
	struct mn_app_msg ans;

	ASSERT_EQ(0, REQUEST(user, .type = MN_APP_ATTACH).error);
	ask(root, (struct mn_app_msg){ .type = MN_APP_CONNECTIONS, .tag = 5 });
	ask(user, (struct mn_app_msg){ .type = MN_APP_CONNECTIONS, .tag = 6 });
	run(&self->d);
	/* Nobody waits for the engines. */
	EXPECT_EQ(-1, answer(root, NULL).error);
	EXPECT_EQ(0, REQUEST(root, .type = MN_APP_INFO).error);
	EXPECT_EQ(EBUSY, REQUEST(root, .type = MN_APP_CONNECTIONS, .tag = 7).error);
	EXPECT_EQ(1, fake.snapshots);
	finish_snapshot(3);
	ans = answer(root, &file);
	ASSERT_EQ(0, ans.error);
	EXPECT_EQ(5, ans.tag);
	EXPECT_EQ(3, ans.value);
	EXPECT_EQ(all, fcntl(file, F_GET_SEALS));
	ASSERT_EQ(3 * sizeof(list[0]), read(file, list, sizeof(list)));
	EXPECT_EQ(0, list[0].id);
	EXPECT_EQ(1001, list[1].id);
	EXPECT_EQ(2, list[2].engine);
	EXPECT_EQ(1ull << 40, list[2].tx_bytes);
	EXPECT_EQ(getpid(), list[2].owner_pid);
	EXPECT_EQ(NOBODY, list[2].owner_uid);
	EXPECT_EQ(0, list[1].owner_pid);
	EXPECT_EQ(UINT32_MAX, list[1].owner_uid);
	close(file);

	/* The user asked after the first one had begun, and does not get to know ids. */
	EXPECT_EQ(-1, answer(user, NULL).error);
	EXPECT_EQ(2, fake.snapshots);
	left = dial(&self->d, NOBODY);
	ask(left, (struct mn_app_msg){ .type = MN_APP_CONNECTIONS });
	run(&self->d);
	close(left);
	run(&self->d);
	finish_snapshot(2);
	ASSERT_EQ(2, answer(user, &file).value);
	ASSERT_EQ(2 * sizeof(list[0]), read(file, list, sizeof(list)));
	EXPECT_EQ(0, list[1].id);
	EXPECT_EQ(7, list[1].remote_port);
	close(file);
	EXPECT_EQ(2, fake.snapshots);

	ask(user, (struct mn_app_msg){ .type = MN_APP_CONNECTIONS });
	run(&self->d);
	finish_snapshot(0);
	ans = answer(user, &file);
	EXPECT_EQ(0, ans.error);
	EXPECT_EQ(0, ans.value);
	EXPECT_EQ(0, read(file, list, sizeof(list)));
	close(file);
	close(root);
	close(user);
}

TEST_F(daemon, paths_are_listed)
{
	struct machnet_dp_path paths[2] = {
		{ .id = 7, .engine = 1, .remote_engine = 3, .connections = 2, .srtt_us = 20 },
		{ .id = 8, .state = MACHNET_PATH_STATE_OPENING, .mac = { 2, 0, 0, 0, 0, 9 } },
	};
	int user = dial(&self->d, NOBODY), file;
	struct mn_app_path list[3];
	struct mn_app_msg ans;

	/* Beside a list of connections; and ids of paths are for everybody. */
	ask(user, (struct mn_app_msg){ .type = MN_APP_CONNECTIONS, .tag = 4 });
	ask(user, (struct mn_app_msg){ .type = MN_APP_PATHS, .tag = 5 });
	run(&self->d);
	EXPECT_EQ(EBUSY, REQUEST(user, .type = MN_APP_PATHS, .tag = 6).error);
	fake.paths_done(fake.ctx, paths, 2);
	ans = answer(user, &file);
	ASSERT_EQ(0, ans.error);
	EXPECT_EQ(MN_APP_PATHS, ans.type);
	EXPECT_EQ(5, ans.tag);
	ASSERT_EQ(2 * sizeof(list[0]), read(file, list, sizeof(list)));
	EXPECT_EQ(7, list[0].id);
	EXPECT_EQ(3, list[0].remote_engine);
	EXPECT_EQ(20, list[0].srtt_us);
	EXPECT_EQ(MACHNET_PATH_STATE_OPENING, list[1].state);
	EXPECT_EQ(9, list[1].mac[5]);
	close(file);
	fake.done(fake.ctx, NULL, 0);
	EXPECT_EQ(4, answer(user, NULL).tag);
	close(user);
}

TEST_HARNESS_MAIN
