// SPDX-License-Identifier: MIT
/* memory.c - a channel's memory, its layout and its doorbells: made and given up */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "channel/channel.h"

/* 256 KiB of small messages. */
#define TX_SLOTS	16384
/* Slots of RX for each RX buffer. */
#define RX_SLOTS	4

static uint64_t page_align(uint64_t n)
{
	return (n + MN_SHM_PAGE - 1) & ~(uint64_t)(MN_SHM_PAGE - 1);
}

static int round_bufs(uint32_t *bufs)
{
	uint32_t n = MN_SHM_BUFS_MIN;

	if (*bufs > MN_SHM_BUFS_MAX)
		return -EINVAL;
	while (n < (*bufs ? *bufs : MN_SHM_BUFS_DEFAULT))
		n *= 2;
	*bufs = n;
	return 0;
}

static int round_flows(uint32_t *flows)
{
	uint32_t n = MN_SHM_CACHELINE;

	if (*flows > MN_SHM_FLOWS_MAX)
		return -EINVAL;
	while (n < (*flows ? *flows : MN_SHM_FLOWS_DEFAULT))
		n *= 2;
	*flows = n;
	return 0;
}

/* The geometry; everything but the flags. */
static void layout(struct mn_shm_header *h, uint32_t tx_bufs, uint32_t rx_bufs, uint32_t flows)
{
	uint64_t off = page_align(sizeof(*h));

	*h = (struct mn_shm_header){
		.magic = MN_SHM_MAGIC,
		.version = MN_SHM_VERSION,
		.header_len = sizeof(*h),
		.buf_size = MN_SHM_BUF_SIZE,
		.tx_bufs = tx_bufs,
		.rx_bufs = rx_bufs,
		.flows = flows,
		.ring_slots = {
			[MN_SHM_RING_TX] = TX_SLOTS,
			[MN_SHM_RING_TXC] = tx_bufs,
			[MN_SHM_RING_RX] = RX_SLOTS * rx_bufs,
			[MN_SHM_RING_RXC] = rx_bufs,
		},
	};
	for (int i = 0; i < MN_SHM_RINGS; i++) {
		h->ring_off[i] = off;
		off += mn_ring_memsize(h->ring_slots[i]);
	}
	h->tx_done_off = off;
	h->rx_done_off = off + (uint64_t)flows * sizeof(struct mn_shm_tx_done);
	off = h->rx_done_off + (uint64_t)flows * sizeof(uint32_t);
	h->tx_links_off = off;
	h->rx_links_off = off + (uint64_t)tx_bufs * sizeof(uint32_t);
	h->tx_bufs_off = page_align(h->rx_links_off + (uint64_t)rx_bufs * sizeof(uint32_t));
	h->rx_bufs_off = h->tx_bufs_off + (uint64_t)tx_bufs * MN_SHM_BUF_SIZE;
	h->total_len = h->rx_bufs_off + (uint64_t)rx_bufs * MN_SHM_BUF_SIZE;
}

static int map_memory(struct mn_channel *ch, uint64_t len)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	void *mem;

	ch->memfd = memfd_create("machnet-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (ch->memfd < 0)
		return -errno;
	if (ftruncate(ch->memfd, len) || fcntl(ch->memfd, F_ADD_SEALS, seals))
		return -errno;
	mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, ch->memfd, 0);
	if (mem == MAP_FAILED)
		return -errno;
	ch->hdr = mem;
	ch->len = len;
	return 0;
}

static int open_doorbells(struct mn_channel *ch)
{
	int fds[2];

	ch->engine_efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ch->engine_efd < 0 || pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	ch->app_efd = fds[0];
	ch->wake_fd = fds[1];
	return 0;
}

/* The next n bytes of the tables, or only their place when there is no memory yet. */
static void *carve(struct mn_channel *ch, size_t *at, size_t n)
{
	void *p = ch->tables ? (uint8_t *)ch->tables + *at : NULL;

	*at += (n + MN_SHM_CACHELINE - 1) & ~(size_t)(MN_SHM_CACHELINE - 1);
	return p;
}

static size_t carve_tables(struct mn_channel *ch)
{
	size_t at = 0;

	ch->tx_chain = carve(ch, &at, ch->tx_bufs * sizeof(*ch->tx_chain));
	ch->tx_state = carve(ch, &at, ch->tx_bufs * sizeof(*ch->tx_state));
	ch->txmsgs = carve(ch, &at, (ch->tx_bufs + MN_TX_ARENA_CHUNKS) * sizeof(*ch->txmsgs));
	ch->rx_chain = carve(ch, &at, ch->rx_bufs * sizeof(*ch->rx_chain));
	ch->rx_state = carve(ch, &at, ch->rx_bufs * sizeof(*ch->rx_state));
	ch->rx_runs.blocks = carve(ch, &at, mn_runs_memsize(ch->rx_bufs));
	ch->rx_posted = carve(ch, &at, ch->flows * sizeof(*ch->rx_posted));
	return at;
}

/* Fresh pages, not those of a heap, which would have to be cleared: most are never touched. */
static int alloc_tables(struct mn_channel *ch)
{
	size_t len = carve_tables(ch);
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		return -ENOMEM;
	ch->tables = mem;
	ch->tables_len = len;
	carve_tables(ch);
	if (mn_tx_arena_init(&ch->tx_arena) || mn_handles_init(&ch->handles, ch->flows))
		return -ENOMEM;
	mn_runs_init(&ch->rx_runs, ch->rx_runs.blocks, ch->rx_bufs);
	ch->rx_free_count = ch->rx_bufs;
	return 0;
}

static void bind_memory(struct mn_channel *ch, const struct mn_shm_header *h)
{
	struct mn_ring *rings[MN_SHM_RINGS] = {
		[MN_SHM_RING_TX] = &ch->tx,
		[MN_SHM_RING_TXC] = &ch->txc,
		[MN_SHM_RING_RX] = &ch->rx,
		[MN_SHM_RING_RXC] = &ch->rxc,
	};
	uint8_t *base = (uint8_t *)ch->hdr;

	*ch->hdr = *h;
	for (int i = 0; i < MN_SHM_RINGS; i++)
		mn_ring_init(rings[i], base + h->ring_off[i], h->ring_slots[i]);
	ch->tx_done = (struct mn_shm_tx_done *)(base + h->tx_done_off);
	ch->rx_done = (uint32_t *)(base + h->rx_done_off);
	ch->tx_links = (uint32_t *)(base + h->tx_links_off);
	ch->rx_links = (uint32_t *)(base + h->rx_links_off);
	ch->tx_data = base + h->tx_bufs_off;
	ch->rx_data = base + h->rx_bufs_off;
}

int mn_channel_create(struct mn_channel *ch, uint32_t id, uint32_t tx_bufs, uint32_t rx_bufs,
		      uint32_t flows)
{
	struct mn_shm_header h;
	int ret;

	if (round_bufs(&tx_bufs) || round_bufs(&rx_bufs) || round_flows(&flows))
		return -EINVAL;
	*ch = (struct mn_channel){
		.id = id,
		.tx_bufs = tx_bufs,
		.rx_bufs = rx_bufs,
		.flows = flows,
		.memfd = -1,
		.engine_efd = -1,
		.app_efd = -1,
		.wake_fd = -1,
	};
	mn_list_init(&ch->in_posted);
	layout(&h, tx_bufs, rx_bufs, flows);
	ret = map_memory(ch, h.total_len);
	if (!ret)
		ret = open_doorbells(ch);
	if (!ret)
		ret = alloc_tables(ch);
	if (ret) {
		mn_channel_destroy(ch);
		return ret;
	}
	bind_memory(ch, &h);
	return 0;
}

/* Of a range of the memory, which reads as zeros then. What cannot be given back stays. */
static void punch(const struct mn_channel *ch, const void *from, uint64_t len)
{
	off_t off = (const uint8_t *)from - (const uint8_t *)ch->hdr;
	int ret = fallocate(ch->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, len);

	(void)ret;
}

void mn_channel_trim(struct mn_channel *ch)
{
	uint32_t from = 0;

	punch(ch, ch->rx_data, (uint64_t)ch->rx_bufs * MN_SHM_BUF_SIZE);
	/* Free buffers stay free: the engine takes nothing more. */
	for (uint32_t i = 0; i <= ch->tx_bufs; i++) {
		if (i < ch->tx_bufs && !mn_channel_tx_is_held(ch, i))
			continue;
		if (i > from)
			punch(ch, ch->tx_data + (uint64_t)from * MN_SHM_BUF_SIZE,
			      (uint64_t)(i - from) * MN_SHM_BUF_SIZE);
		from = i + 1;
	}
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void mn_channel_destroy(struct mn_channel *ch)
{
	if (ch->tables)
		munmap(ch->tables, ch->tables_len);
	mn_tx_arena_fini(&ch->tx_arena);
	mn_handles_fini(&ch->handles);
	if (ch->hdr)
		munmap(ch->hdr, ch->len);
	close_fd(ch->wake_fd);
	close_fd(ch->app_efd);
	close_fd(ch->engine_efd);
	close_fd(ch->memfd);
	*ch = (struct mn_channel){
		.memfd = -1, .engine_efd = -1, .app_efd = -1, .wake_fd = -1, .dead = true,
	};
}
