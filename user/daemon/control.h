/* SPDX-License-Identifier: MIT */
/*
 * control.h - where the daemon's control plane lives: in machnet.ko or in itself
 *
 * Two implementations: control_kernel.c asks machnet.ko over generic netlink,
 * control_local.c leaves ports to the sockets that hold them and reads routes and
 * neighbours over rtnetlink. All calls come from the control thread and return
 * 0 or -errno; a refusal's sentence is in mnd_control_error().
 */
#ifndef MND_CONTROL_H
#define MND_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <machnet/addr.h>
#include "machnet_nl.h"

struct mnd_control;

/* Called from dispatch() on the control thread. */
struct mnd_control_events {
	/* A watched route has a new answer. */
	void (*route)(void *ctx, const struct machnet_nl_route *route);
	/* A claimed port is gone in the kernel: its lender released it or died. */
	void (*port_gone)(void *ctx, const struct mn_addr *addr, uint16_t port, uint32_t reason);
	/* An administrator wants a connection to end; it may be another datapath's. */
	void (*kill)(void *ctx, uint64_t id);
	/*
	 * connection_add() has failed, now or in a flush(): the connection is not in the registry.
	 * ops->error() has the sentence.
	 */
	void (*refused)(void *ctx, uint64_t id, int error);
};

struct mnd_control_ops {
	const char *name;	/* "kernel", "local" */
	int (*open)(struct mnd_control **c, const struct mnd_control_events *ev, void *ctx);
	void (*close)(struct mnd_control *c);
	/* Becomes readable when dispatch() has something to do. */
	int (*fd)(const struct mnd_control *c);
	int (*dispatch)(struct mnd_control *c);
	/* The sentence of the last refusal, "" when there was none. */
	const char *(*error)(const struct mnd_control *c);

	int (*device_register)(struct mnd_control *c, const struct machnet_nl_device *dev);
	int (*device_unregister)(struct mnd_control *c, uint32_t ifindex);

	/*
	 * Takes an application's port into service. kernel: the application, process owner
	 * (0: not known), has lent its socket and showed the cookie; local: the cookie is 0.
	 */
	int (*port_claim)(struct mnd_control *c, const struct mn_addr *addr, uint16_t port,
			  uint64_t cookie, pid_t owner);
	/*
	 * port_gone() has said that the kernel absorbs nothing any more at a claimed port, whose
	 * socket fd is: the daemon lends it, until port_unclaim().
	 */
	int (*port_keep)(struct mnd_control *c, const struct mn_addr *addr, uint16_t port, int fd);
	/* The application stopped listening, or has ended and nothing needs the port. -ENOENT. */
	int (*port_unclaim)(struct mnd_control *c, const struct mn_addr *addr, uint16_t port);

	/*
	 * n sockets of the daemon, the path ports of one address: the control plane has them, too,
	 * until they are released, which leaves them open. All or none.
	 */
	int (*path_ports_lend)(struct mnd_control *c, const int *fds, unsigned int n);
	int (*path_ports_release)(struct mnd_control *c, const struct mn_addr *addr,
				  uint16_t first, unsigned int n);

	/*
	 * Now, or at the next flush() at the latest, in order: a connection is added before it
	 * ends. Nothing waits for it. events->refused() reports an add that has failed, the result
	 * of del() or flush() the first end that has.
	 */
	void (*connection_add)(struct mnd_control *c, const struct machnet_nl_connection *conn);
	int (*connection_del)(struct mnd_control *c, uint64_t id, uint32_t reason);
	int (*flush)(struct mnd_control *c);
	int (*connection_set)(struct mnd_control *c, const struct machnet_nl_connection *conn);

	/* Done now; del() after the connections on it, whose ends are flushed before. */
	int (*path_add)(struct mnd_control *c, const struct machnet_nl_path *path);
	int (*path_set)(struct mnd_control *c, const struct machnet_nl_path *path);
	int (*path_del)(struct mnd_control *c, uint64_t id, uint32_t reason);

	/*
	 * Answers at once with what is known and watches the destination: events->route() brings
	 * what comes later, the outcome of a resolution in any case. -ENETUNREACH and the like.
	 */
	int (*route_watch)(struct mnd_control *c, const struct machnet_nl_route_key *key,
			   struct machnet_nl_route *route);
	int (*route_unwatch)(struct mnd_control *c, const struct machnet_nl_route_key *key);
	/* The destination has answered just now: the kernel need not ask its next hop. */
	int (*route_confirm)(struct mnd_control *c, const struct machnet_nl_route_key *key);

	/* How many ports applications have lent that no datapath serves, or -errno. local: 0. */
	int (*ports_waiting)(struct mnd_control *c);
};

extern const struct mnd_control_ops mnd_control_kernel_ops;
extern const struct mnd_control_ops mnd_control_local_ops;

#endif /* MND_CONTROL_H */
