// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/local_port.h"

struct port {
	struct mn_addr addr;
	uint16_t number;
	int fd;
};

static int port_cmp(const void *a, const void *b)
{
	const struct port *x = a, *y = b;
	int ret = memcmp(&x->addr, &y->addr, sizeof(x->addr));

	return ret ? ret : (x->number > y->number) - (x->number < y->number);
}

/* Before the bind, so that not even one packet is queued that nobody will read. */
static int drop_everything(int fd)
{
	struct sock_filter keep_nothing = { .code = BPF_RET | BPF_K, .k = 0 };
	struct sock_fprog prog = { .len = 1, .filter = &keep_nothing };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) ? -errno : 0;
}

static socklen_t fill_sockaddr(struct sockaddr_in6 *sa, const struct port *p)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)sa;

	memset(sa, 0, sizeof(*sa));
	if (mn_addr_is_v4(&p->addr)) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(p->number);
		v4->sin_addr.s_addr = mn_addr_v4(&p->addr);
		return sizeof(*v4);
	}
	sa->sin6_family = AF_INET6;
	sa->sin6_port = htons(p->number);
	memcpy(&sa->sin6_addr, p->addr.b, sizeof(sa->sin6_addr));
	return sizeof(*sa);
}

static int bind_port(struct port *p)
{
	struct sockaddr_in6 sa;
	socklen_t len = fill_sockaddr(&sa, p);
	int one = 1;
	int ret;

	if (sa.sin6_family == AF_INET6 &&
	    setsockopt(p->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)))
		return -errno;
	ret = drop_everything(p->fd);
	if (ret)
		return ret;
	if (bind(p->fd, (struct sockaddr *)&sa, len) ||
	    getsockname(p->fd, (struct sockaddr *)&sa, &len))
		return -errno;
	/* At the same place in both families. */
	p->number = ntohs(sa.sin6_port);
	return 0;
}

int mnd_local_port_open(struct mnd_local_ports *t, const struct mn_addr *addr, uint16_t *port)
{
	struct port *p = calloc(1, sizeof(*p));
	int ret;

	if (!p)
		return -ENOMEM;
	p->addr = *addr;
	p->number = *port;
	p->fd = socket(mn_addr_is_v4(addr) ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (p->fd < 0) {
		ret = -errno;
		free(p);
		return ret;
	}
	ret = bind_port(p);
	if (!ret && !tsearch(p, &t->tree, port_cmp))
		ret = -ENOMEM;
	if (ret) {
		close(p->fd);
		free(p);
		return ret;
	}
	*port = p->number;
	return 0;
}

static void port_free(void *node)
{
	struct port *p = node;

	close(p->fd);
	free(p);
}

int mnd_local_port_close(struct mnd_local_ports *t, const struct mn_addr *addr, uint16_t port)
{
	struct port key = { .addr = *addr, .number = port };
	void *node = tfind(&key, &t->tree, port_cmp);
	struct port *p;

	if (!node)
		return -ENOENT;
	p = *(struct port **)node;
	tdelete(p, &t->tree, port_cmp);
	port_free(p);
	return 0;
}

void mnd_local_ports_close(struct mnd_local_ports *t)
{
	tdestroy(t->tree, port_free);
	t->tree = NULL;
}
