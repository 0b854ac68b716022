// SPDX-License-Identifier: MIT
/* layout.c - maps a channel's memory and checks that it is one */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lib/priv.h"

static bool power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

/* [off, off + bytes) lies behind the header, inside the memory, and is aligned. */
static bool fits(const struct mn_shm_header *h, uint64_t off, uint64_t bytes, uint64_t align)
{
	return off % align == 0 && off >= h->header_len && off <= h->total_len &&
	       bytes <= h->total_len - off;
}

static bool bufs_ok(uint32_t n)
{
	return power_of_two(n) && n >= MN_SHM_BUFS_MIN && n <= MN_SHM_BUFS_MAX;
}

static bool header_ok(const struct mn_shm_header *h, uint64_t len)
{
	if (h->magic != MN_SHM_MAGIC || h->version != MN_SHM_VERSION ||
	    h->header_len < sizeof(*h) || h->buf_size != MN_SHM_BUF_SIZE || h->total_len != len)
		return false;
	if (!bufs_ok(h->tx_bufs) || !bufs_ok(h->rx_bufs))
		return false;
	for (int i = 0; i < MN_SHM_RINGS; i++)
		if (!power_of_two(h->ring_slots[i]) ||
		    !fits(h, h->ring_off[i], mn_ring_memsize(h->ring_slots[i]), MN_SHM_CACHELINE))
			return false;
	if (h->ring_slots[MN_SHM_RING_TX] < MN_SHM_RING_MIN ||
	    h->ring_slots[MN_SHM_RING_RX] < MN_SHM_RING_MIN)
		return false;
	/* One entry per buffer must always fit: the sides do not wait for each other's slots. */
	if (h->ring_slots[MN_SHM_RING_TXC] < h->tx_bufs ||
	    h->ring_slots[MN_SHM_RING_RXC] < h->rx_bufs)
		return false;
	if (!power_of_two(h->flows) || h->flows > MN_SHM_FLOWS_MAX ||
	    !fits(h, h->tx_done_off, (uint64_t)h->flows * sizeof(struct mn_shm_tx_done),
		  sizeof(uint32_t)) ||
	    !fits(h, h->rx_done_off, (uint64_t)h->flows * sizeof(uint32_t), sizeof(uint32_t)))
		return false;
	return fits(h, h->tx_links_off, (uint64_t)h->tx_bufs * sizeof(uint32_t),
		    sizeof(uint32_t)) &&
	       fits(h, h->rx_links_off, (uint64_t)h->rx_bufs * sizeof(uint32_t),
		    sizeof(uint32_t)) &&
	       fits(h, h->tx_bufs_off, (uint64_t)h->tx_bufs * MN_SHM_BUF_SIZE, MN_SHM_CACHELINE) &&
	       fits(h, h->rx_bufs_off, (uint64_t)h->rx_bufs * MN_SHM_BUF_SIZE, MN_SHM_CACHELINE);
}

int mnc_layout_map(struct mnc_link *link, int memfd)
{
	struct mn_shm_header h;
	struct stat st;
	int seals = fcntl(memfd, F_GET_SEALS);
	uint8_t *base;

	/* Without the seal the memory could vanish beneath us: SIGBUS. */
	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(memfd, &st) ||
	    st.st_size < (off_t)sizeof(h))
		return -EPROTO;
	base = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	if (base == MAP_FAILED)
		return -errno;
	link->hdr = (struct mn_shm_header *)base;
	link->len = st.st_size;
	/* Not the flags behind it, which the engine uses already. */
	memcpy(&h, link->hdr, offsetof(struct mn_shm_header, engine_sleeps));
	if (!header_ok(&h, link->len))
		return -EPROTO;
	mn_ring_init(&link->tx, base + h.ring_off[MN_SHM_RING_TX], h.ring_slots[MN_SHM_RING_TX]);
	mn_ring_init(&link->txc, base + h.ring_off[MN_SHM_RING_TXC], h.ring_slots[MN_SHM_RING_TXC]);
	mn_ring_init(&link->rx, base + h.ring_off[MN_SHM_RING_RX], h.ring_slots[MN_SHM_RING_RX]);
	mn_ring_init(&link->rxc, base + h.ring_off[MN_SHM_RING_RXC], h.ring_slots[MN_SHM_RING_RXC]);
	link->tx_bufs = h.tx_bufs;
	link->rx_bufs = h.rx_bufs;
	link->flows = h.flows;
	link->tx_done = (const struct mn_shm_tx_done *)(base + h.tx_done_off);
	link->rx_done = (uint32_t *)(base + h.rx_done_off);
	link->tx_links = (uint32_t *)(base + h.tx_links_off);
	link->rx_links = (const uint32_t *)(base + h.rx_links_off);
	link->tx_data = base + h.tx_bufs_off;
	link->rx_data = base + h.rx_bufs_off;
	return 0;
}
