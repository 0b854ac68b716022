// SPDX-License-Identifier: MIT
/* waits.c - what a connection waits for */
#include "connection.h"

/* A program that reads has so much unread now and then. */
#define UNREAD_USUAL	(64u * 1024)

enum ctl_waits_for ctl_waits_for(const struct mn_app_connection *c)
{
	if (c->unread_bytes > UNREAD_USUAL)
		return CTL_WAITS_PROGRAM;
	if (c->unsent_bytes && !c->credit_bytes)
		return CTL_WAITS_PEER;
	if (c->unsent_bytes && c->inflight_bytes >= c->cwnd_bytes)
		return CTL_WAITS_NETWORK;
	return CTL_WAITS_NOTHING;
}

void ctl_print_waits(struct out *o, const struct mn_app_connection *c)
{
	static const char *const names[] = { "nothing", "program", "peer", "network" };

	out_number(o, "unsent_bytes", "Unsent", c->unsent_bytes);
	out_number(o, "unread_bytes", "Unread", c->unread_bytes);
	out_number(o, "credit_bytes", "Credit", c->credit_bytes);
	out_string(o, "waits_for", "Waits-for", names[ctl_waits_for(c)]);
}
