// SPDX-License-Identifier: MIT
/* capture.c - IP packets in the format of pcap */
#include <arpa/inet.h>
#include <string.h>

#include "capture.h"

#define LINKTYPE_RAW	101	/* IPv4 or IPv6, no link layer */
#define UDP_LEN		8u

struct pcap_file {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snap_len, link_type;
};

struct pcap_packet {
	uint32_t s, us, captured, len;
};

FILE *capture_open(const char *file)
{
	const struct pcap_file head = {
		.magic = 0xa1b2c3d4, .major = 2, .minor = 4, .snap_len = 1 << 18,
		.link_type = LINKTYPE_RAW,
	};
	FILE *to = fopen(file, "w");

	if (to)
		fwrite(&head, sizeof(head), 1, to);
	return to;
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

/* The Internet checksum (RFC 1071), begun with sum. */
static uint16_t checksum(uint32_t sum, const uint8_t *data, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		sum += i % 2 ? data[i] : data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static uint32_t ip_header(uint8_t *ip, const struct mn_addr *from, const struct mn_addr *to,
			  uint32_t udp_len)
{
	if (!mn_addr_is_v4(from)) {
		ip[0] = 0x60;
		put16(ip + 4, udp_len);
		ip[6] = IPPROTO_UDP;
		ip[7] = 64;
		memcpy(ip + 8, from->b, 16);
		memcpy(ip + 24, to->b, 16);
		return 40;
	}
	ip[0] = 0x45;
	put16(ip + 2, 20 + udp_len);
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	memcpy(ip + 12, from->b + 12, 4);
	memcpy(ip + 16, to->b + 12, 4);
	put16(ip + 10, checksum(0, ip, 20));
	return 20;
}

void capture_write(FILE *to, uint64_t at_us, const struct mn_tuple *way, bool from_local,
		   const uint8_t *data, uint32_t len)
{
	const struct mn_addr *src = from_local ? &way->local : &way->remote;
	const struct mn_addr *dst = from_local ? &way->remote : &way->local;
	uint8_t packet[48 + 2 * 65536] = { 0 }, *udp;
	uint32_t udp_len = UDP_LEN + len, ip_len;
	struct pcap_packet head = { .s = at_us / 1000000, .us = at_us % 1000000 };
	uint16_t sum;

	if (!to || len > 65000)
		return;
	ip_len = ip_header(packet, src, dst, udp_len);
	udp = packet + ip_len;
	put16(udp, from_local ? way->local_port : way->remote_port);
	put16(udp + 2, from_local ? way->remote_port : way->local_port);
	put16(udp + 4, udp_len);
	memcpy(udp + UDP_LEN, data, len);
	/* The addresses stand in front of UDP's header, as the pseudo header wants them. */
	sum = checksum(IPPROTO_UDP + udp_len, udp - (ip_len == 20 ? 8 : 32),
		       (ip_len == 20 ? 8 : 32) + udp_len);
	put16(udp + 6, sum ? sum : 0xffff);
	head.captured = head.len = ip_len + udp_len;
	fwrite(&head, sizeof(head), 1, to);
	fwrite(packet, head.len, 1, to);
}
