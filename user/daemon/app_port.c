// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/udp_port.h"
#include "daemon/app_port.h"
#include "daemon/device.h"
#include "daemon/leaving.h"
#include "daemon/log.h"

static struct mnd_app_port *find(const struct mnd_app_ports *ports, const struct mn_addr *addr,
				 uint16_t port)
{
	struct mnd_app_port *p;

	LIST_FOREACH(p, ports, link)
		if (p->port == port && mn_addr_equal(&p->addr, addr))
			return p;
	return NULL;
}

static unsigned int count(const struct mnd_app_ports *ports)
{
	const struct mnd_app_port *p;
	unsigned int n = 0;

	LIST_FOREACH(p, ports, link)
		n++;
	return n;
}

static int check_quota(const struct mnd_app *app)
{
	const struct mnd_daemon *d = app->d;
	const struct mnd_leaving *l;
	const struct mnd_app *other;
	unsigned int n = 0;

	if (!app->uid)
		return 0;
	LIST_FOREACH(other, &d->apps, link)
		n += other->uid == app->uid ? count(&other->ports) : 0;
	TAILQ_FOREACH(l, &d->leaving, link)
		n += l->uid == app->uid ? count(&l->ports) : 0;
	return n < MND_PORTS_PER_USER ? 0 : -EDQUOT;
}

static int check(const struct mnd_app *app, const struct mn_app_msg *req, int fd)
{
	int ret;

	if (!req->local_port)
		return -EINVAL;
	if (!mn_addr_is_any(&req->local) && !mnd_owns_addr(app->d, &req->local))
		return -EADDRNOTAVAIL;
	ret = mn_udp_port_check(fd, app->d->listen_fd, &req->local, req->local_port);
	if (!ret)
		ret = check_quota(app);
	return ret ? ret : mn_udp_port_drop_all(fd);
}

static int serve(struct mnd_app *app, const struct mnd_app_port *p, uint64_t cookie)
{
	struct mnd_daemon *d = app->d;
	int ret = d->ops->port_claim(d->control, &p->addr, p->port, cookie, app->pid);

	if (ret)
		return ret;
	ret = machnet_dp_listen(d->dp, app->channel, &p->addr, p->port);
	if (ret)
		d->ops->port_unclaim(d->control, &p->addr, p->port);
	return ret;
}

int mnd_app_port_listen(struct mnd_app *app, const struct mn_app_msg *req, int *fd)
{
	struct mnd_app_port *p;
	int ret = check(app, req, *fd);

	if (ret)
		return ret;
	p = malloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	*p = (struct mnd_app_port){ .addr = req->local, .port = req->local_port, .fd = *fd };
	ret = serve(app, p, req->cookie);
	if (ret) {
		free(p);
		return ret;
	}
	*fd = -1;
	LIST_INSERT_HEAD(&app->ports, p, link);
	return 0;
}

int mnd_app_port_unlisten(struct mnd_app *app, const struct mn_app_msg *req)
{
	struct mnd_app_port *p = find(&app->ports, &req->local, req->local_port);

	if (!p)
		return -ENOENT;
	mnd_app_port_release(app->d, app->channel, p);
	return 0;
}

void mnd_app_port_release(struct mnd_daemon *d, uint32_t channel, struct mnd_app_port *p)
{
	machnet_dp_unlisten(d->dp, channel, &p->addr, p->port);
	d->ops->port_unclaim(d->control, &p->addr, p->port);
	LIST_REMOVE(p, link);
	close(p->fd);
	free(p);
}

void mnd_app_port_release_all(struct mnd_daemon *d, uint32_t channel, struct mnd_app_ports *ports)
{
	while (!LIST_EMPTY(ports))
		mnd_app_port_release(d, channel, LIST_FIRST(ports));
}

/* UNSPEC: the announcement was lost. */
static void gone(struct mnd_daemon *d, uint32_t channel, struct mnd_app_port *p, uint32_t reason)
{
	int ret = -ECONNABORTED;

	if (reason == MACHNET_REASON_OWNER_DIED || reason == MACHNET_REASON_UNSPEC)
		ret = d->ops->port_keep(d->control, &p->addr, p->port, p->fd);
	if (ret)
		mnd_app_port_release(d, channel, p);
}

void mnd_app_port_gone(void *daemon, const struct mn_addr *addr, uint16_t port, uint32_t reason)
{
	struct mnd_daemon *d = daemon;
	struct mnd_app_port *p;
	struct mnd_leaving *l;
	struct mnd_app *app;

	LIST_FOREACH(app, &d->apps, link) {
		p = find(&app->ports, addr, port);
		if (!p)
			continue;
		gone(d, app->channel, p, reason);
		return;
	}
	TAILQ_FOREACH(l, &d->leaving, link) {
		p = find(&l->ports, addr, port);
		if (!p)
			continue;
		gone(d, l->channel, p, reason);
		return;
	}
}
