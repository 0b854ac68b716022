// SPDX-License-Identifier: MIT
/* local_path.c - the paths of a daemon that does without the module */
#include <stdlib.h>

#include <linux/machnet.h>

#include "attr.h"
#include "daemon.h"
#include "path.h"

static bool value_matches(const struct mn_app_path *p, uint32_t ifindex,
			  const struct ctl_filter_value *v)
{
	switch (v->word->attr) {
	case MACHNET_A_PATH_IFINDEX:
		return v->number == ifindex;
	case MACHNET_A_PATH_LOCAL_ADDR:
		return mn_addr_equal(&v->addr, &p->local);
	case MACHNET_A_PATH_REMOTE_ADDR:
		return mn_addr_equal(&v->addr, &p->remote);
	case MACHNET_A_PATH_ENGINE:
		return v->number == p->engine;
	case MACHNET_A_PATH_REMOTE_ENGINE:
		return v->number == p->remote_engine;
	case MACHNET_A_PATH_STATE:
		return v->number == p->state;
	}
	return false;
}

static bool is_chosen(const struct mn_app_path *p, uint32_t ifindex,
		      const struct ctl_path_choice *choice)
{
	unsigned int i;

	if (choice->id)
		return p->id == choice->id;
	for (i = 0; i < choice->filter.n; i++)
		if (!value_matches(p, ifindex, &choice->filter.values[i]))
			return false;
	return true;
}

/* The columns of cmd_path.c. */
static void print_path(struct out *o, const struct mn_app_path *p, uint32_t ifindex)
{
	ctl_print_enum(o, "state", "State", p->state, ctl_path_states, __MACHNET_PATH_STATE_MAX);
	out_endpoint(o, "local_addr", "tx_local_port", "Local", &p->local, p->local_port);
	out_endpoint(o, "remote_addr", "tx_remote_port", "Remote", &p->remote, p->remote_port);
	if (o->json) {
		out_number(o, "rx_local_port", "", p->rx_local_port);
		out_number(o, "rx_remote_port", "", p->rx_remote_port);
	}
	ctl_print_ifindex(o, ifindex);
	out_number(o, "engine", "Engine", p->engine);
	if (p->remote_engine < MACHNET_ENGINES_MAX)
		out_number(o, "remote_engine", "Remote-Engine", p->remote_engine);
	else
		out_nothing(o, "Remote-Engine");
	ctl_print_mac(o, "mac", "Next-hop", p->mac);
	out_number(o, "mtu", "MTU", p->mtu);
	ctl_path_print_live(o, p);
	ctl_print_age(o, p->age_us / 1000);
	ctl_print_id(o, "id", "ID", p->id);
}

int ctl_local_paths(struct ctl *ctl, const struct ctl_path_choice *choice)
{
	struct mn_app_path *list;
	struct ctl_daemon d;
	uint32_t ifindex;
	size_t n, i, shown = 0;
	int ret;

	if (ctl_daemon_open_local(ctl, &d, &ifindex))
		return CTL_REFUSED;
	ret = ctl_daemon_paths(&d, &list, &n);
	ctl_daemon_close(&d);
	if (ret)
		return ctl_daemon_refused(ctl->socket, ret);
	out_table_begin(&ctl->out);
	for (i = 0; i < n; i++) {
		if (!is_chosen(&list[i], ifindex, choice))
			continue;
		out_row_begin(&ctl->out);
		print_path(&ctl->out, &list[i], ifindex);
		out_row_end(&ctl->out);
		shown++;
	}
	out_table_end(&ctl->out);
	free(list);
	if (choice->id && !shown)
		return ctl_refused(NULL, "there is no path of this id");
	return CTL_OK;
}
