// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/udp_port.h"
#include "daemon/device.h"
#include "daemon/log.h"
#include "daemon/path_ports.h"

struct mnd_path_ports {
	LIST_ENTRY(mnd_path_ports) link;
	struct mn_addr addr;
	int bind_error, lend_error;	/* of the last try, which was logged; 0: it is done */
	int fds[];	/* d->opt.path_ports of them */
};

static bool is_link_local(const struct mn_addr *addr)
{
	return !mn_addr_is_v4(addr) && addr->b[0] == 0xfe && (addr->b[1] & 0xc0) == 0x80;
}

static struct mnd_path_ports *find(const struct mnd_daemon *d, const struct mn_addr *addr)
{
	struct mnd_path_ports *p;

	LIST_FOREACH(p, &d->path_ports, link)
		if (mn_addr_equal(&p->addr, addr))
			return p;
	return NULL;
}

/* The one who starts the daemon sees an error; later it goes on, with a warning. */
static void log_refused(const struct mnd_daemon *d, const struct mnd_path_ports *p, uint16_t port)
{
	int priority = d->serving ? LOG_WARNING : LOG_ERR;
	char addr[MN_ADDR_STRLEN];

	mn_addr_format(&p->addr, addr);
	if (p->bind_error == -EADDRNOTAVAIL)
		mnd_info("the path ports of %s are bound when the address is ready", addr);
	else if (p->bind_error == -EADDRINUSE)
		mnd_log(priority, "path port %u of %s is in use (ss -ulpn 'sport = :%u' shows by "
			"which program): end that, or choose others: --path-ports=FIRST-LAST", port,
			addr, port);
	else
		mnd_log(priority, "cannot bind path port %u of %s: %s (others: "
			"--path-ports=FIRST-LAST)", port, addr, strerror(-p->bind_error));
}

static int bind_ports(const struct mnd_daemon *d, struct mnd_path_ports *p)
{
	uint16_t failed;
	int ret;

	if (!p->bind_error)
		return 0;
	ret = mn_udp_ports_open(&p->addr, d->opt.path_port_first, d->opt.path_ports, p->fds,
				&failed);
	if (ret != p->bind_error) {
		p->bind_error = ret;
		if (ret)
			log_refused(d, p, failed);
	}
	return ret == -EADDRNOTAVAIL ? 0 : ret;
}

static int bind_at(struct mnd_daemon *d, const struct mn_addr *addr)
{
	struct mnd_path_ports *p = find(d, addr);

	if (p)
		return bind_ports(d, p);
	p = calloc(1, sizeof(*p) + d->opt.path_ports * sizeof(p->fds[0]));
	if (!p)
		return -ENOMEM;
	p->addr = *addr;
	p->bind_error = p->lend_error = -EAGAIN;
	LIST_INSERT_HEAD(&d->path_ports, p, link);
	return bind_ports(d, p);
}

static int bind_all(struct mnd_daemon *d, const struct mn_addr *addrs, unsigned int n)
{
	int first = 0, ret;

	for (unsigned int i = 0; i < n; i++) {
		ret = is_link_local(&addrs[i]) ? 0 : bind_at(d, &addrs[i]);
		if (!first)
			first = ret;
	}
	return first;
}

int mnd_path_ports_bind(struct mnd_daemon *d, uint32_t ifindex)
{
	struct mn_addr addrs[MACHNET_DP_ADDRS_MAX];
	int n = mnd_rtnl_addrs(&d->rtnl, ifindex, addrs, MACHNET_DP_ADDRS_MAX);

	return n < 0 ? n : bind_all(d, addrs, n);
}

static int lend(struct mnd_daemon *d, struct mnd_path_ports *p)
{
	char addr[MN_ADDR_STRLEN];
	int ret;

	if (p->bind_error || !p->lend_error)
		return 0;
	ret = d->ops->path_ports_lend(d->control, p->fds, d->opt.path_ports);
	if (ret == p->lend_error)
		return ret;
	p->lend_error = ret;
	if (!ret)
		return 0;
	mn_addr_format(&p->addr, addr);
	mnd_log(d->serving ? LOG_WARNING : LOG_ERR, "cannot lend the path ports of %s: %s (%s)",
		addr, strerror(-ret), d->ops->error(d->control));
	return ret;
}

static void release(struct mnd_daemon *d, struct mnd_path_ports *p)
{
	if (!p->lend_error)
		d->ops->path_ports_release(d->control, &p->addr, d->opt.path_port_first,
					   d->opt.path_ports);
	if (!p->bind_error)
		mn_udp_ports_close(p->fds, d->opt.path_ports);
	LIST_REMOVE(p, link);
	free(p);
}

int mnd_path_ports_follow(struct mnd_daemon *d)
{
	struct mnd_path_ports *p, *next;
	int first, ret;

	for (p = LIST_FIRST(&d->path_ports); p; p = next) {
		next = LIST_NEXT(p, link);
		if (!mnd_owns_addr(d, &p->addr))
			release(d, p);
	}
	first = bind_all(d, d->addrs, d->n_addrs);
	LIST_FOREACH(p, &d->path_ports, link) {
		ret = lend(d, p);
		if (!first)
			first = ret;
	}
	return first;
}

void mnd_path_ports_close(struct mnd_daemon *d)
{
	while (!LIST_EMPTY(&d->path_ports))
		release(d, LIST_FIRST(&d->path_ports));
}
