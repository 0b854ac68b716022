// SPDX-License-Identifier: MIT
/* doctor_peer.c - do peers answer? */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/machnet.h>
#include <machnet/dp.h>

#include "doctor.h"

/* A handshake that takes longer has lost its first question at least twice. */
#define SLOW_US		50000
#define FIRST		MACHNET_DP_PATH_PORT_FIRST
#define LAST		(MACHNET_DP_PATH_PORT_FIRST + MACHNET_DP_PATH_PORTS - 1)

static void say_silent(struct doctor *d, const char *peer)
{
	char fix[DOCTOR_COMMAND];

	snprintf(fix, sizeof(fix), "nft add rule inet filter forward udp dport %u-%u accept",
		 FIRST, LAST);
	doctor_say(d, DOCTOR_PROBLEM, "peer", fix,
		   "%s does not answer at UDP port %u: machnetd does not run there, its "
		   "--path-ports are others than the default, or a firewall in between does not "
		   "admit UDP ports %u-%u", peer, FIRST, FIRST, LAST);
}

static void say_unreachable(struct doctor *d, const char *peer, int error)
{
	char fix[DOCTOR_COMMAND];

	if (error == -EHOSTUNREACH)
		snprintf(fix, sizeof(fix), "ip neigh show %s", peer);
	else
		snprintf(fix, sizeof(fix), "ip route get %s", peer);
	doctor_say(d, DOCTOR_PROBLEM, "peer", fix, "%s cannot be reached: %s", peer,
		   strerror(-error));
}

/* The peer that the command names. */
void doctor_check_peer(struct doctor *d)
{
	struct ctl_daemon daemon;
	char peer[MN_ADDR_STRLEN];
	int ret;

	if (!d->has_peer || !d->has_daemon)
		return;
	mn_addr_format(&d->peer, peer);
	ret = ctl_daemon_open(&daemon, d->socket);
	if (!ret) {
		ret = ctl_daemon_probe(&daemon, &d->peer);
		ctl_daemon_close(&daemon);
	}
	if (!ret)
		doctor_say(d, DOCTOR_OK, "peer", NULL, "%s answers at UDP port %u", peer, FIRST);
	else if (ret == -ETIMEDOUT)
		say_silent(d, peer);
	else if (ret == -EBADMSG || ret == -EOPNOTSUPP || ret == -EPROTO)
		doctor_say(d, DOCTOR_WARNING, "peer", "machnetctl doctor",
			   "machnetd cannot be asked about %s: %s", peer, strerror(-ret));
	else
		say_unreachable(d, peer, ret);
}

/* The first path of a peer that has this state, or SIZE_MAX. */
static size_t find(const struct mn_app_path *list, size_t n, const struct mn_addr *peer,
		   uint32_t state)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].state == state && mn_addr_equal(&list[i].remote, peer))
			return i;
	return SIZE_MAX;
}

/* Those in use: an open path is asked all the time, and ends soon when the peer is silent. */
void doctor_check_answers(struct doctor *d)
{
	unsigned int peers = 0, silent = 0;
	char peer[MN_ADDR_STRLEN];
	struct ctl_daemon daemon;
	struct mn_app_path *list;
	size_t n;
	int ret;

	if (!d->has_daemon || ctl_daemon_open(&daemon, d->socket))
		return;
	ret = ctl_daemon_paths(&daemon, &list, &n);
	ctl_daemon_close(&daemon);
	if (ret)
		return;
	for (size_t i = 0; i < n; i++) {
		size_t open = find(list, n, &list[i].remote, MACHNET_PATH_STATE_OPEN);

		peers += open == i;
		if (open != SIZE_MAX || list[i].age_us < SLOW_US ||
		    find(list, n, &list[i].remote, MACHNET_PATH_STATE_OPENING) != i)
			continue;
		mn_addr_format(&list[i].remote, peer);
		say_silent(d, peer);
		silent++;
	}
	if (!silent)
		doctor_say(d, DOCTOR_OK, "answers", NULL, "%u peer%s in use, and answer%s", peers,
			   peers == 1 ? "" : "s", peers == 1 ? "s" : "");
	free(list);
}
