// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/udp_port.h"

/* Linux 5.14; the headers of the C library may be older. */
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE	71
#endif

static socklen_t fill_sockaddr(struct sockaddr_in6 *sa, const struct mn_addr *addr, uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)sa;

	memset(sa, 0, sizeof(*sa));
	if (mn_addr_is_v4(addr)) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		v4->sin_addr.s_addr = mn_addr_v4(addr);
		return sizeof(*v4);
	}
	sa->sin6_family = AF_INET6;
	sa->sin6_port = htons(port);
	memcpy(&sa->sin6_addr, addr->b, sizeof(sa->sin6_addr));
	return sizeof(*sa);
}

int mn_udp_port_drop_all(int fd)
{
	struct sock_filter keep_nothing = { .code = BPF_RET | BPF_K, .k = 0 };
	struct sock_fprog prog = { .len = 1, .filter = &keep_nothing };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) ? -errno : 0;
}

static int bind_port(int fd, const struct mn_addr *addr, uint16_t *port)
{
	struct sockaddr_in6 sa;
	socklen_t len = fill_sockaddr(&sa, addr, *port);
	int one = 1;
	int ret;

	if (sa.sin6_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)))
		return -errno;
	/* Before the bind, so that not even one packet is queued that nothing reads. */
	ret = mn_udp_port_drop_all(fd);
	if (ret)
		return ret;
	if (bind(fd, (struct sockaddr *)&sa, len) ||
	    getsockname(fd, (struct sockaddr *)&sa, &len))
		return -errno;
	/* At the same place in both families. */
	*port = ntohs(sa.sin6_port);
	return 0;
}

int mn_udp_port_open(const struct mn_addr *addr, uint16_t *port)
{
	int fd = socket(mn_addr_is_v4(addr) ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	ret = bind_port(fd, addr, port);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

void mn_udp_ports_close(const int *fds, unsigned int n)
{
	while (n--)
		close(fds[n]);
}

int mn_udp_ports_open(const struct mn_addr *addr, uint16_t first, unsigned int n, int *fds,
		      uint16_t *failed)
{
	for (unsigned int i = 0; i < n; i++) {
		*failed = first + i;
		fds[i] = mn_udp_port_open(addr, failed);
		if (fds[i] < 0) {
			mn_udp_ports_close(fds, i);
			return fds[i];
		}
	}
	return 0;
}

static int option(int fd, int level, int name, int *value)
{
	socklen_t len = sizeof(*value);

	return getsockopt(fd, level, name, value, &len) ? -errno : 0;
}

int mn_udp_port_is_udp(int fd)
{
	int type, domain, protocol;
	int ret = option(fd, SOL_SOCKET, SO_TYPE, &type);

	if (!ret)
		ret = option(fd, SOL_SOCKET, SO_DOMAIN, &domain);
	if (!ret)
		ret = option(fd, SOL_SOCKET, SO_PROTOCOL, &protocol);
	if (ret)
		return ret;
	return type == SOCK_DGRAM && protocol == IPPROTO_UDP &&
	       (domain == AF_INET || domain == AF_INET6) ? 0 : -EPROTONOSUPPORT;
}

static int check_namespace(int fd, int peer)
{
	uint64_t theirs, ours;
	socklen_t len = sizeof(theirs);

	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &theirs, &len) ||
	    getsockopt(peer, SOL_SOCKET, SO_NETNS_COOKIE, &ours, &len))
		return -errno;
	return theirs == ours ? 0 : -EXDEV;
}

static int check_options(int fd)
{
	int domain, reuse, v6only = 1;
	int ret = option(fd, SOL_SOCKET, SO_DOMAIN, &domain);

	if (!ret)
		ret = option(fd, SOL_SOCKET, SO_REUSEADDR, &reuse);
	if (!ret && domain == AF_INET6)
		ret = option(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only);
	if (ret)
		return ret;
	return reuse || !v6only ? -EINVAL : 0;
}

/*
 * The owner may dissolve an association at any time, which frees a port that the kernel chose and
 * leaves one that was named in bind(2): only the latter is still there after it.
 */
static int check_bound(int fd, const struct mn_addr *addr, uint16_t port)
{
	struct sockaddr_in6 want, have = { 0 };
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	socklen_t len = sizeof(have), want_len = fill_sockaddr(&want, addr, port);

	if (!getpeername(fd, (struct sockaddr *)&have, &len))
		return -EISCONN;
	len = sizeof(have);
	if (connect(fd, &none, sizeof(none)) || getsockname(fd, (struct sockaddr *)&have, &len))
		return -errno;
	return len == want_len && !memcmp(&have, &want, len) ? 0 : -EINVAL;
}

int mn_udp_port_check(int fd, int peer, const struct mn_addr *addr, uint16_t port)
{
	int ret = mn_udp_port_is_udp(fd);

	if (!ret)
		ret = check_namespace(fd, peer);
	if (!ret)
		ret = check_options(fd);
	return ret ? ret : check_bound(fd, addr, port);
}
