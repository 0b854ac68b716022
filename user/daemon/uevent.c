// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/uevent.h"

#define GROUP_KERNEL	1	/* udev's own messages are group 2 */

int mnd_uevent_open(void)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK, .nl_groups = GROUP_KERNEL };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);
	int ret;

	if (fd < 0)
		return -errno;
	if (!bind(fd, (struct sockaddr *)&sa, sizeof(sa)))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

void mnd_uevent_drain(int fd)
{
	char buf[64];	/* the rest of a message is cut off */

	/* ENOBUFS, messages were lost, is reported once. */
	while (recv(fd, buf, sizeof(buf), 0) >= 0 || errno == ENOBUFS)
		;
}
