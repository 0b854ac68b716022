// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "daemon/app.h"
#include "daemon/app_port.h"
#include "daemon/conn.h"
#include "daemon/facts.h"

/* The facts are told one after the other; the one that is wanted is kept. */
struct teller {
	unsigned int skip;
	bool told;
	char *buf;
	size_t size;
};

static void __attribute__((format(printf, 2, 3))) tell(struct teller *t, const char *fmt, ...)
{
	va_list ap;

	if (t->told || t->skip--)
		return;
	t->told = true;
	va_start(ap, fmt);
	vsnprintf(t->buf, t->size, fmt, ap);
	va_end(ap);
}

static const char *rss_class_name(uint32_t class)
{
	static const char *const names[] = {
		[MACHNET_RSS_CLASS_UNKNOWN] = "unknown",
		[MACHNET_RSS_CLASS_SINGLE] = "single",
		[MACHNET_RSS_CLASS_LABELLED] = "labelled",
		[MACHNET_RSS_CLASS_LEARNED] = "learned",
		[MACHNET_RSS_CLASS_COMPUTED] = "computed",
		[MACHNET_RSS_CLASS_CONFINED] = "confined",
	};

	return class <= MACHNET_RSS_CLASS_MAX ? names[class] : "unknown";
}

static void tell_device(const struct mnd_daemon *d, struct teller *t)
{
	const uint8_t *mac = d->info.mac;

	tell(t, "device=%s", d->device);
	tell(t, "netdev=%s", d->ifname);
	tell(t, "tap=%s", d->info.tap_ifindex ? d->ifname : "none");
	tell(t, "driver=%s", d->info.driver);
	tell(t, "mac=%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
	     mac[5]);
	tell(t, "mtu=%u", d->info.mtu);
	tell(t, "path_port_first=%u", d->opt.path_port_first);
	tell(t, "path_port_count=%u", d->opt.path_ports);
}

static void tell_engines(const struct mnd_daemon *d, struct teller *t)
{
	struct machnet_dp_info now;

	machnet_dp_info(d->dp, &now);
	tell(t, "engines=%u", d->info.engines);
	tell(t, "used_engines=%u", now.used_engines);
	tell(t, "cores=%s", d->opt.cores ? d->opt.cores : "any");
	tell(t, "poll=%s", d->opt.poll == MACHNET_DP_POLL_BUSY ? "busy" : "adaptive");
	tell(t, "memory=%s", d->info.hugepages ? "hugepages" : "pages");
	tell(t, "rx_wakeup=%s", d->info.rx_wakeup ? "yes" : "no");
}

/* As it is now, unlike what the registry was given when the device was added. */
static void tell_rss(const struct mnd_daemon *d, struct teller *t)
{
	struct machnet_dp_info info;

	machnet_dp_info(d->dp, &info);
	tell(t, "rss_class=%s", rss_class_name(info.rss.rss_class));
	tell(t, "rss_ignores_ports=%s", info.rss.ignores_ports ? "yes" : "no");
	tell(t, "rss_rank=%u", info.rss.rank);
	tell(t, "rss_rank_full=%u", info.rss.rank_full);
	tell(t, "rss_observations=%llu", (unsigned long long)info.rss.observations);
	tell(t, "rss_contradictions=%llu", (unsigned long long)info.rss.contradictions);
	tell(t, "rss_candidates=%llu", (unsigned long long)info.rss.candidates);
	tell(t, "rss_refused=%llu", (unsigned long long)info.rss.refused);
	tell(t, "rss_handoffs=%llu", (unsigned long long)info.rss.handoffs);
	tell(t, "rss_confined=%llu", (unsigned long long)info.rss.confined);
	tell(t, "rss_moves=%llu", (unsigned long long)info.rss.moves);
}

static void tell_load(const struct mnd_daemon *d, struct teller *t)
{
	unsigned int channels = 0, connections = 0, registered = 0;
	const struct mnd_app *app;
	const struct mnd_conn *c;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	LIST_FOREACH(app, &d->apps, link)
		channels += app->attached;
	LIST_FOREACH(c, &d->conns, all) {
		connections += c->state == MND_CONN_UP;
		registered += c->registered;
	}
	tell(t, "uptime_s=%lld", (long long)(now.tv_sec - d->start_s));
	tell(t, "channels=%u", channels);
	tell(t, "connections=%u", connections);
	tell(t, "registered=%u", registered);
}

int mnd_fact(const struct mnd_daemon *d, unsigned int index, char *buf, size_t size)
{
	struct teller t = { .skip = index, .buf = buf, .size = size };

	tell(&t, "version=%s", MACHNET_VERSION);
	tell(&t, "pid=%d", getpid());
	tell(&t, "control=%s", d->ops->name);
	tell_device(d, &t);
	tell_engines(d, &t);
	tell_rss(d, &t);
	tell_load(d, &t);
	return t.told ? 0 : -ENOENT;
}

/* In the order of the applications, and of each one's list. */
int mnd_fact_port(const struct mnd_daemon *d, uint32_t index, struct mn_app_msg *ans)
{
	const struct mnd_app_port *p;
	const struct mnd_app *app;
	uint32_t i = 0;

	ans->index = index + 1;
	LIST_FOREACH(app, &d->apps, link) {
		LIST_FOREACH(p, &app->ports, link) {
			if (i++ != index)
				continue;
			ans->local = p->addr;
			ans->local_port = p->port;
			ans->value = (uint64_t)app->pid << 32 | app->uid;
			return 0;
		}
	}
	return -ENOENT;
}
