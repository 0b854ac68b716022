// SPDX-License-Identifier: MIT
#include <linux/machnet.h>

#include "blocks.h"

static uint32_t get(const struct nlmsghdr *nlh, int type)
{
	struct nlattr *attr = nlmsg_find_attr((struct nlmsghdr *)nlh, GENL_HDRLEN, type);

	if (attr && nla_len(attr) == sizeof(uint32_t))
		return nla_get_u32(attr);
	return attr && nla_len(attr) == sizeof(uint16_t) ? nla_get_u16(attr) : 0;
}

static int on_device(const struct nlmsghdr *nlh, void *data)
{
	struct ctl_blocks *b = data;

	if (b->n == CTL_BLOCKS_MAX)
		return 0;
	b->block[b->n++] = (struct ctl_block){
		.first = get(nlh, MACHNET_A_DEVICE_PATH_PORT_FIRST),
		.count = get(nlh, MACHNET_A_DEVICE_PATH_PORT_COUNT),
		.pid = get(nlh, MACHNET_A_DEVICE_PID),
		.ifindex = get(nlh, MACHNET_A_DEVICE_IFINDEX),
	};
	return 0;
}

int ctl_blocks_read(struct ctl_genl *g, struct ctl_blocks *b)
{
	b->n = 0;
	return ctl_genl_dump(g, MACHNET_CMD_DEVICE_GET, NULL, on_device, b);
}

bool ctl_blocks_have(const struct ctl_blocks *b, const struct nlmsghdr *port)
{
	uint32_t pid = get(port, MACHNET_A_PORT_OWNER_PID);
	uint32_t number = get(port, MACHNET_A_PORT_NUMBER);

	if (nlmsg_find_attr((struct nlmsghdr *)port, GENL_HDRLEN, MACHNET_A_PORT_CLAIMED))
		return false;
	for (unsigned int i = 0; i < b->n; i++)
		if (b->block[i].pid == pid && number - b->block[i].first < b->block[i].count)
			return true;
	return false;
}
