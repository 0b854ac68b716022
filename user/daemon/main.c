// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "daemon/app.h"
#include "daemon/app_port.h"
#include "daemon/conn.h"
#include "daemon/detach.h"
#include "daemon/device.h"
#include "daemon/give_back.h"
#include "daemon/guard.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/notify.h"
#include "daemon/path.h"
#include "daemon/probe.h"
#include "daemon/signals.h"

static void on_signal(void *arg, uint32_t events)
{
	struct mnd_daemon *d = arg;
	struct signalfd_siginfo si;

	(void)events;
	if (read(d->signal_fd, &si, sizeof(si)) != sizeof(si))
		return;
	mnd_info("%s: shutting down", strsignal(si.ssi_signo));
	d->stop = true;
}

static void on_control(void *arg, uint32_t events)
{
	struct mnd_daemon *d = arg;
	int ret = d->ops->dispatch(d->control);

	(void)events;
	if (ret)
		mnd_warn("control plane: %s", strerror(-ret));
}

static int open_signals(struct mnd_daemon *d)
{
	int fd = mnd_signals_open();

	if (fd < 0)
		return fd;
	d->signal_fd = fd;
	d->signal_watch = (struct mnd_watch){ on_signal, d };
	return mnd_watch_add(d, d->signal_fd, &d->signal_watch);
}

static int open_control(struct mnd_daemon *d)
{
	static const struct mnd_control_events events = {
		.route = mnd_route_changed,
		.port_gone = mnd_app_port_gone,
		.kill = mnd_conn_kill_heard,
		.refused = mnd_conn_refused,
	};
	bool kernel = !strcmp(d->opt.control, "kernel");
	int ret;

	d->ops = kernel ? &mnd_control_kernel_ops : &mnd_control_local_ops;
	ret = d->ops->open(&d->control, &events, d);
	if (ret) {
		d->control = NULL;
		mnd_err("control plane \"%s\": %s%s", d->ops->name, strerror(-ret),
			ret == -ENOENT ? " (load the module: modprobe machnet; or go without: "
					 "--control=local)"
				       : "");
		return ret;
	}
	if (!kernel)
		mnd_warn("--control=local: devices, ports and connections are not registered in "
			 "the kernel");
	d->control_watch = (struct mnd_watch){ on_control, d };
	return mnd_watch_add(d, d->ops->fd(d->control), &d->control_watch);
}

/* The daemon before this one may have been killed; its applications were not. */
static void greet_waiting(struct mnd_daemon *d)
{
	int n = d->ops->ports_waiting(d->control);

	if (n > 0)
		mnd_info("%d port%s of applications wait%s: they come back by themselves", n,
			 n == 1 ? "" : "s", n == 1 ? "s" : "");
}

/* Each channel takes five descriptors: as many as we may have. */
static void raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static int daemon_open(struct mnd_daemon *d)
{
	struct timespec now;
	int ret;

	clock_gettime(CLOCK_MONOTONIC, &now);
	d->start_s = now.tv_sec;
	raise_limits();

	LIST_INIT(&d->apps);
	LIST_INIT(&d->conns);
	LIST_INIT(&d->probes);
	LIST_INIT(&d->path_ports);
	TAILQ_INIT(&d->leaving);
	d->signal_fd = -1;
	d->listen_fd = -1;
	d->pci_fd = -1;
	d->balance_fd = -1;
	d->claim.fd = -1;
	d->tap_claim.fd = -1;
	d->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (d->epfd < 0)
		return -errno;
	ret = open_signals(d);
	if (!ret)
		ret = mnd_rtnl_open(&d->rtnl, 0);
	if (!ret)
		ret = mnd_device_check(d);
	if (!ret) {
		mnd_give_back();
		ret = mnd_device_claim(d);
	}
	if (!ret)
		ret = open_control(d);
	if (!ret)
		ret = mnd_app_listen(d);
	if (!ret)
		ret = mnd_device_open(d);
	if (!ret)
		greet_waiting(d);
	return ret;
}

/* Against the order of opening; what was not opened is skipped. */
static void daemon_close(struct mnd_daemon *d)
{
	mnd_app_close_all(d);
	mnd_device_close(d);
	mnd_conn_free_all(d);
	mnd_path_free_all(d);
	mnd_probe_free_all(d);
	if (d->control)
		d->ops->close(d->control);
	mnd_rtnl_close(&d->rtnl);
	if (d->signal_fd >= 0)
		close(d->signal_fd);
	if (d->epfd >= 0)
		close(d->epfd);
}

/* In a process of its own when detached; the exit status. */
static int run(struct mnd_daemon *d, int argc, char **argv)
{
	pid_t guard = mnd_guard_start(argc, argv);
	int ret = daemon_open(d);

	if (guard < 0)
		mnd_warn("no guard: %s (if this process is killed: machnetd --give-back)",
			 strerror(-guard));
	if (!ret) {
		mnd_notify("READY=1");
		mnd_detach_done();
		mnd_loop_run(d);
		mnd_notify("STOPPING=1");
	}
	daemon_close(d);
	mnd_guard_stop(guard);
	return ret || d->gone ? 1 : 0;
}

int main(int argc, char **argv)
{
	static struct mnd_daemon d;
	int ret = mnd_options_parse(&d.opt, argc, argv);

	if (ret)
		return ret - 1;
	/* Besides the capabilities, its files are root's. */
	if (geteuid()) {
		mnd_err("machnetd needs root: sudo %s ...", argv[0]);
		return 1;
	}
	if (d.opt.give_back)
		return mnd_give_back() ? 1 : 0;
	if (d.opt.detach) {
		ret = mnd_detach();
		if (ret)
			return ret - 1;
	}
	return run(&d, argc, argv);
}
