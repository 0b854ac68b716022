/* SPDX-License-Identifier: MIT */
/*
 * udp_port.h - sockets that hold a UDP port and receive nothing
 *
 * The one who binds such a socket has the port by the kernel's own rules. It is lent to machnet.ko
 * or passed to machnetd, and both take only what is fit for it: see mn_udp_port_check().
 */
#ifndef MN_UDP_PORT_H
#define MN_UDP_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <machnet/addr.h>

/*
 * A bound socket, close-on-exec; what arrives there is dropped. *port 0: the kernel chooses.
 * -EADDRINUSE, -EACCES and what else socket(2) and bind(2) say.
 */
int mn_udp_port_open(const struct mn_addr *addr, uint16_t *port);

/*
 * n such sockets, of the ports first, first + 1, ... of addr, into fds; or none: *failed is the
 * port that was refused. All are within 1..65535.
 */
int mn_udp_ports_open(const struct mn_addr *addr, uint16_t first, unsigned int n, int *fds,
		      uint16_t *failed);
void mn_udp_ports_close(const int *fds, unsigned int n);

/* From now on what arrives is dropped. 0 or -errno. */
int mn_udp_port_drop_all(int fd);

/* A UDP socket, so that closing it never waits. 0, -EBADF, -ENOTSOCK, -EPROTONOSUPPORT. */
int mn_udp_port_is_udp(int fd);

/*
 * Whether a socket of another process holds addr and port for as long as it is open: bound to them
 * explicitly, not connected (-EISCONN), without SO_REUSEADDR, with IPV6_V6ONLY (-EINVAL), in the
 * network namespace of the socket peer (-EXDEV), or what mn_udp_port_is_udp() says. A port that
 * the kernel chose is freed by it, and -EINVAL. The socket may have been lent to machnet.ko.
 */
int mn_udp_port_check(int fd, int peer, const struct mn_addr *addr, uint16_t port);

#endif /* MN_UDP_PORT_H */
