// SPDX-License-Identifier: MIT
/*
 * fuzz_lib.c - libmachnet and a daemon that writes anything anywhere
 *
 * The input is a program: its steps are lies of the daemon, in the channel and in its
 * answers, and calls of the program. A lie may at worst end the channel. What the library has of
 * sockets and requests is replaced by what stands at the beginning here.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel/channel.h"
#include "fuzz_lib.h"
#include "input.h"
#include "lib/ends.h"
#include "lib/priv.h"

#define FLOWS	8
#define HANDLES	4

struct world {
	struct mn_channel ch;	/* the daemon's */
	int sock;		/* its end */
	void *app;
	MachnetFlow_t flow[FLOWS];
	uint32_t flows;
	bool ended;
};

/* The library's calls out have no argument for them. */
static struct world w;
static struct input *in;

/* --- in place of socket.c, request.c and ring_request.c --- */

int mnc_socket_connect(bool nonblocking)
{
	int fds[2];

	/* There is no next daemon. */
	if (nonblocking)
		return -ECONNREFUSED;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		abort();
	w.sock = fds[1];
	return fds[0];
}

int mnc_socket_tell(int sock, struct mn_app_msg *msg, int fd)
{
	(void)sock;
	(void)msg;
	(void)fd;
	return 0;
}

int mnc_socket_answer(int sock, struct mn_app_msg *msg, int fds[MN_APP_ATTACH_FDS])
{
	const int own[MN_APP_ATTACH_FDS] = { w.ch.memfd, w.ch.engine_efd, w.ch.app_efd };

	(void)sock;
	msg->control = MN_APP_CONTROL_LOCAL;
	for (int i = 0; i < MN_APP_ATTACH_FDS; i++)
		fds[i] = dup(own[i]);
	return 0;
}

int mnc_socket_ask(int sock, struct mn_app_msg *msg, int fds[MN_APP_ATTACH_FDS])
{
	return mnc_socket_answer(sock, msg, fds);
}

int mnc_request(struct mnc_channel *ch, uint32_t epoch, struct mn_app_msg *msg, int fd)
{
	(void)fd;
	if (ch->epoch != epoch || mnc_channel_error(ch))
		return -ENETDOWN;
	if (!(take(in, 1) & 3))
		return -(int)(1 + take(in, 1));
	msg->local_port = take(in, 1);
	return 0;
}

/* A connect is answered at once, whatever with; not at all only by a daemon that ends. */
int mnc_ring_request(struct mnc_channel *ch, uint32_t epoch, const struct mn_desc *d,
		     const void *bytes)
{
	struct mn_shm_flow info = { .local_port = take(in, 1) % 4, .remote_port = take(in, 1) % 4 };
	struct mn_desc open = { take(in, 1) % HANDLES, MN_DESC_OPEN, sizeof(info), 0 };
	struct mn_desc failed = { d->flow, MN_DESC_FAILED, take_index(in), 0 };
	uint32_t at = w.ch.rx.self;

	(void)bytes;
	if (ch->epoch != epoch || mnc_channel_error(ch))
		return -ENETDOWN;
	if (d->type != MN_DESC_CONNECT)
		return 0;
	info.request = take(in, 1) & 7 ? d->flow : take(in, 1);
	if (take(in, 1) & 3)
		memcpy(mn_ring_put_inline(&w.ch.rx, &open), &info, sizeof(info));
	else
		mn_ring_put(&w.ch.rx, &failed);
	mn_ring_publish(&w.ch.rx);
	/* The library may have been made to read what was not there yet. */
	if (info.request != d->flow || (int32_t)(at - ch->link.rx.self) < 0)
		w.ch.hdr->closed = ENETDOWN;
	return 0;
}

/* --- what the daemon does --- */

static struct mn_ring *take_ring(void)
{
	struct mn_ring *rings[] = { &w.ch.tx, &w.ch.txc, &w.ch.rx, &w.ch.rxc };

	return rings[take(in, 1) % 4];
}

static void scribble(void)
{
	uint64_t words = (w.ch.tx_data - (uint8_t *)w.ch.hdr) / 4;

	((uint32_t *)w.ch.hdr)[take(in, 4) % words] = take_index(in);
}

static void scribble_ring(void)
{
	struct mn_ring *r = take_ring();
	struct mn_desc *d = &r->slots[(r->ctl->prod - take_index(in)) & (r->size - 1)];

	switch (take(in, 1) % 3) {
	case 0:
		r->ctl->prod = r->self + (int8_t)take(in, 1);
		break;
	case 1:
		r->ctl->cons = r->self - (int8_t)take(in, 1);
		break;
	default:
		*d = (struct mn_desc){
			take_index(in), take(in, 1) % 12, take_index(in), take_index(in),
		};
	}
}

static void put_open(void)
{
	struct mn_desc d = {
		take(in, 1) % HANDLES, MN_DESC_OPEN, sizeof(struct mn_shm_flow), 0,
	};
	struct mn_shm_flow info = {
		.local_port = 1 + take(in, 1) % 4, .remote_port = take(in, 1) % 4,
		.request = take(in, 1) & 15 ? 0 : take(in, 1),
	};

	memcpy(mn_ring_put_inline(&w.ch.rx, &d), &info, sizeof(info));
	mn_ring_publish(&w.ch.rx);
}

static void put_large(void)
{
	struct mn_desc d = {
		take(in, 1) % HANDLES, MN_DESC_MSG, 1 + take(in, 2) % 40000, take(in, 1),
	};

	for (uint32_t b = d.buf; b < d.buf + 16; b++)
		w.ch.rx_links[b] = b + 1;
	if (!(take(in, 1) & 7))
		w.ch.rx_links[d.buf + take(in, 1) % 4] = take(in, 4);
	if (!(take(in, 1) & 31))
		d.buf = take(in, 4);
	mn_ring_put(&w.ch.rx, &d);
	mn_ring_publish(&w.ch.rx);
}

/* As it must be, or over the ring's end and whatever is there. */
static void put_bytes(struct mn_ring *r, const struct mn_desc *d, const uint8_t *data, bool right)
{
	const uint8_t *end = (uint8_t *)(r->slots + r->size);
	uint8_t *to;

	if (right) {
		to = mn_ring_put_inline(r, d);
	} else {
		mn_ring_put(r, d);
		to = mn_ring_here(r);
		r->self += mn_ring_slots(d->len);
	}
	memcpy(to, data, to + d->len <= end ? d->len : end - to);
}

static void put_small(void)
{
	static const uint8_t data[4 * MN_SHM_INLINE_MAX];
	uint32_t len = 1 + take(in, 2) % (take(in, 1) & 31 ? MN_SHM_INLINE_MAX : sizeof(data));
	struct mn_desc d = { take(in, 1) % HANDLES, MN_DESC_INLINE, len, 0 };
	uint32_t n = 1 + take(in, 1);
	bool right = take(in, 1) & 31;

	while (n--)
		put_bytes(&w.ch.rx, &d, data, right);
	/* Now and then not all of its slots. */
	w.ch.rx.self -= !(take(in, 1) & 15);
	mn_ring_publish(&w.ch.rx);
}

/* What was never sent is done, or what was. */
static void put_done(void)
{
	struct mn_desc d = {
		0, MN_DESC_MSG, 1, take(in, 1) & 7 ? MN_SHM_BUFS_MIN - take(in, 2) : take(in, 4),
	};

	mn_ring_put(&w.ch.txc, &d);
	mn_ring_publish(&w.ch.txc);
}

static void put_end(void)
{
	struct mn_desc d = { take(in, 1) % HANDLES, MN_DESC_END, take(in, 1), MN_SHM_BUF_NONE };

	mn_ring_put(&w.ch.rx, &d);
	mn_ring_publish(&w.ch.rx);
}

/* Takes what was sent and gives the buffers back. */
static void take_sent(void)
{
	struct mn_desc d;

	for (uint32_t n = w.ch.tx.size; n && mn_ring_avail(&w.ch.tx) > 0; n--) {
		mn_ring_get(&w.ch.tx, &d);
		if (mn_ring_has_bytes(&d))
			w.ch.tx.self += mn_ring_slots(d.len % (MN_SHM_INLINE_MAX + 1));
		else if (d.type == MN_DESC_FILL)
			w.ch.tx.self += (d.len - 1) % MN_SHM_INLINE_SLOTS;
		else
			mn_ring_put(&w.ch.txc, &d);
	}
	mn_ring_release(&w.ch.tx);
	mn_ring_publish(&w.ch.txc);
}

/* Says that it ends, or dies without a word. */
static void end(void)
{
	if (take(in, 1) & 1)
		w.ch.hdr->closed = take_index(in);
	else
		shutdown(w.sock, SHUT_RDWR);
}

/* --- what the program does --- */

static void note_flow(const MachnetFlow_t *f)
{
	w.flow[w.flows++ % FLOWS] = *f;
}

static const MachnetFlow_t *take_flow(void)
{
	return &w.flow[take(in, 1) % FLOWS];
}

/* Exactly as large as it says, so that a sanitizer sees a byte too many. */
static void app_receives(void)
{
	size_t len = take(in, 2) % 40000;
	uint8_t *buf = malloc(len + !len);
	MachnetFlow_t f = { 0 };
	ssize_t got;

	if (!buf)
		abort();
	errno = 0;
	got = machnet_recv(w.app, buf, len, &f);
	if (got > (ssize_t)len)
		abort();
	if (got > 0)
		note_flow(&(MachnetFlow_t){ f.dst_ip, f.src_ip, f.dst_port, f.src_port });
	w.ended |= got < 0 && errno == EPROTO;
	free(buf);
}

static void app_receives_all(void)
{
	uint8_t part[2][40000];
	MachnetIovec_t iov[2] = { { part[0], take(in, 1) }, { part[1], sizeof(part[1]) } };
	MachnetMsgHdr_t m = { .msg_iov = iov, .msg_iovlen = 2 };

	for (int i = 0; i < 1000 && machnet_recvmsg(w.app, &m) == 1; i++)
		;
}

static void app_sends(void)
{
	static const uint8_t data[65536];
	const MachnetFlow_t *f = take_flow();
	uint32_t n = 1 + take(in, 1);
	uint32_t len = take(in, 1) & 1 ? take(in, 2) : take(in, 2) % MN_SHM_INLINE_MAX;
	int ret = 0;

	while (n-- && !ret)
		ret = machnet_send(w.app, *f, data, len);
	w.ended |= ret && errno == EPROTO;
}

static void app_connects(void)
{
	MachnetFlow_t f;

	if (!machnet_connect(w.app, NULL, "10.0.0.2", take(in, 1) % 4, &f))
		note_flow(&f);
}

static void app_looks(void)
{
	switch (take(in, 1) % 4) {
	case 0:
		machnet_pending(w.app);
		break;
	case 1:
		machnet_wait(w.app, MACHNET_WAIT_RECV | MACHNET_WAIT_SEND, 0);
		break;
	case 2:
		machnet_fd(w.app);
		break;
	default:
		machnet_close(w.app, *take_flow());
	}
}

static void (*const steps[])(void) = {
	scribble, scribble_ring, put_open, put_open, put_large, put_large, put_small, put_small,
	put_end, put_done, take_sent, take_sent, end, app_receives, app_receives, app_receives,
	app_receives_all, app_sends, app_sends, app_connects, app_looks, app_looks,
};

static enum fuzz_lib_end run(void)
{
	uint32_t how = take(in, 1);

	/* The header decides where everything is. */
	if (!(how & 7))
		((uint32_t *)w.ch.hdr)[take(in, 1) % (sizeof(*w.ch.hdr) / 4)] = take_index(in);
	w.app = how & 8 ? machnet_attach() : machnet_attach_ends();
	if (!w.app)
		return FUZZ_LIB_REFUSED;
	while (in->len && !w.ended)
		steps[take(in, 1) % (sizeof(steps) / sizeof(steps[0]))]();
	machnet_detach(w.app);
	return w.ended ? FUZZ_LIB_ENDED : FUZZ_LIB_LIVED;
}

enum fuzz_lib_end fuzz_lib_run(const uint8_t *data, size_t len)
{
	struct input input = { data, len };
	enum fuzz_lib_end how;

	in = &input;
	w = (struct world){ .sock = -1 };
	if (mn_channel_create(&w.ch, 0, MN_SHM_BUFS_MIN, MN_SHM_BUFS_MIN, 0))
		abort();
	how = run();
	mn_channel_destroy(&w.ch);
	if (w.sock >= 0)
		close(w.sock);
	return how;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_lib_run(data, len);
	return 0;
}
