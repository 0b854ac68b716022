// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include <kselftest_harness.h>

#include "channel/app_proto.h"
#include "daemon/options.h"

#define ARGS_MAX	32
#define USAGE		3	/* exit status 2, plus 1 */

/* Parses "machnetd" and the words of line. */
static int parse(struct mnd_options *o, const char *line)
{
	static char text[512];
	char *argv[ARGS_MAX + 1] = { "machnetd" };
	int argc = 1;

	snprintf(text, sizeof(text), "%s", line);
	for (char *word = strtok(text, " "); word && argc < ARGS_MAX; word = strtok(NULL, " "))
		argv[argc++] = word;
	optind = 0;	/* glibc: start anew */
	return mnd_options_parse(o, argc, argv);
}

TEST(defaults)
{
	struct mnd_options o;

	unsetenv(MN_APP_SOCKET_ENV);
	ASSERT_EQ(0, parse(&o, "-i eth1"));
	EXPECT_STREQ("eth1", o.ifname);
	EXPECT_STREQ("kernel", o.control);
	EXPECT_STREQ(MN_APP_SOCKET_DEFAULT, o.socket);
	EXPECT_EQ(1, o.engines);
	EXPECT_EQ(MACHNET_DP_POLL_ADAPTIVE, o.poll);
	EXPECT_EQ(0, o.fault.loss_ppm);
	EXPECT_EQ(61440, o.path_port_first);
	EXPECT_EQ(64, o.path_ports);
	EXPECT_EQ(1, o.paths);
}

TEST(paths)
{
	static const char *const bad[] = { "0", "17", "-1", "x", "4x", "", "+4", "260" };
	struct mnd_options o;
	char line[64];

	ASSERT_EQ(0, parse(&o, "-i eth0 --paths 4"));
	EXPECT_EQ(4, o.paths);
	ASSERT_EQ(0, parse(&o, "-i eth0 --paths=16"));
	EXPECT_EQ(16, o.paths);
	EXPECT_EQ(0, parse(&o, "-i eth0 --paths=4 --path-ports=7000-7003"));
	EXPECT_EQ(USAGE, parse(&o, "-i eth0 --path-ports=7000-7002 --paths=4"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "-i eth0 --paths=%s", bad[i]);
		EXPECT_EQ(USAGE, parse(&o, line)) {
			TH_LOG("machnetd %s", line);
		}
	}
}

TEST(path_ports)
{
	static const struct { const char *line; unsigned int first, n; } good[] = {
		{ "-i eth0 --path-ports 7000", 7000, 64 },
		{ "-i eth0 --path-ports=7000-7000", 7000, 1 },
		{ "-i eth0 --path-ports 1-1024", 1, 1024 },
		{ "-i eth0 --path-ports 65472", 65472, 64 },
		{ "-i eth0 --path-ports 64512-65535", 64512, 1024 },
	};
	static const char *const bad[] = {
		"0", "0-63", "7000-6999", "1-1025", "65473", "65535-65536", "65536", "70000-70001",
		"7000-", "-7000", "-", "x", "7000x", "7000-7001x", "7000-7001-7002", "7000,7001",
		"+7000", "99999999999999999999-7000", "0007000x", "7000-99999999999999999999",
		"70000000",
	};
	struct mnd_options o;
	char line[128];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ASSERT_EQ(0, parse(&o, good[i].line));
		EXPECT_EQ(good[i].first, o.path_port_first);
		EXPECT_EQ(good[i].n, o.path_ports);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "-i eth0 --path-ports=%s", bad[i]);
		EXPECT_EQ(USAGE, parse(&o, line)) {
			TH_LOG("machnetd %s", line);
		}
	}
}

TEST(the_environment_names_the_socket_and_the_option_wins)
{
	struct mnd_options o;

	setenv(MN_APP_SOCKET_ENV, "/tmp/x.sock", 1);
	ASSERT_EQ(0, parse(&o, "-i eth1"));
	EXPECT_STREQ("/tmp/x.sock", o.socket);
	ASSERT_EQ(0, parse(&o, "-i eth1 --socket /tmp/y.sock"));
	EXPECT_STREQ("/tmp/y.sock", o.socket);
	unsetenv(MN_APP_SOCKET_ENV);
}

TEST(give_back_stands_alone)
{
	struct mnd_options o;

	ASSERT_EQ(0, parse(&o, "--give-back"));
	EXPECT_TRUE(o.give_back);
	EXPECT_EQ(USAGE, parse(&o, "--give-back -i eth0"));
	EXPECT_EQ(USAGE, parse(&o, "--give-back --engines 2"));
	EXPECT_EQ(USAGE, parse(&o, "--give-back eth0"));
}

TEST(detach)
{
	struct mnd_options o;

	ASSERT_EQ(0, parse(&o, "-i eth0"));
	EXPECT_FALSE(o.detach);
	ASSERT_EQ(0, parse(&o, "-i eth0 --detach"));
	EXPECT_TRUE(o.detach);
	EXPECT_EQ(USAGE, parse(&o, "--detach"));
}

TEST(everything)
{
	struct mnd_options o;

	ASSERT_EQ(0, parse(&o, "--vdev net_memif0,role=server -a 10.0.0.1/24 -a fd00::1/64 "
			   "-e 4 --cores 1,2,3,4 --poll busy --mtu 9000 --control local "
			   "--fault loss=1.5,seed=7"));
	EXPECT_STREQ("net_memif0,role=server", o.vdev);
	EXPECT_EQ(2, o.n_addresses);
	EXPECT_EQ(24, o.addresses[0].len);
	EXPECT_EQ(64, o.addresses[1].len);
	EXPECT_EQ(4, o.engines);
	EXPECT_EQ(MACHNET_DP_POLL_BUSY, o.poll);
	EXPECT_EQ(9000, o.mtu);
	EXPECT_STREQ("local", o.control);
	EXPECT_EQ(15000, o.fault.loss_ppm);
	EXPECT_EQ(7, o.fault.seed);
}

TEST(wrong_usage_is_refused)
{
	static const char *const lines[] = {
		"", "-i eth0 --pci 0000:00:04.0", "-i eth0 extra", "-i a_name_that_is_too_long",
		"-i eth0 -e 0", "-i eth0 -e 65", "-i eth0 -e x", "-i eth0 -e -1", "-i eth0 -e 1x",
		"-i eth0 --mtu 575", "-i eth0 --mtu 9001", "-i eth0 --poll fast",
		"-i eth0 --control none", "-i eth0 -a 10.0.0.1/24", "--vdev x -a 10.0.0.1",
		"--vdev x -a 10.0.0.1/33", "--vdev x -a 0.0.0.0/8", "--vdev x -a fd00::1/129",
		"--vdev x -a 10.0.0.1/0", "-i eth0 --fault loss", "-i eth0 --fault loss=101",
		"-i eth0 --fault loss=-1", "-i eth0 --fault loss=nan", "-i eth0 --fault seed=x",
		"-i eth0 --fault x=1",
		"-i eth0 --unknown",
	};
	struct mnd_options o;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		EXPECT_EQ(USAGE, parse(&o, lines[i])) {
			TH_LOG("machnetd %s", lines[i]);
		}
	}
}

TEST_HARNESS_MAIN
