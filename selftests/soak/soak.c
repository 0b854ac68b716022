// SPDX-License-Identifier: MIT
/*
 * soak.c - an application that does what applications do, for ever, and believes nothing
 *
 * It listens, connects to its peers, sends and receives on many connections at once, closes
 * them, connects anew, stops reading now and then. Every message is checked: its number, length and
 * bytes. The first SIGTERM lets it finish what there is; the second one ends it. SIGUSR1 makes it
 * leave at once, by exit(3) or after machnet_detach(). A connection may end before its time only
 * if the script says that something was killed or has left, and in order only after all that its
 * peer's program had been able to send.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "soak.h"

#define WAIT_MS		20
#define STATUS_US	500000
#define LISTEN_US	10000000

static volatile sig_atomic_t terms, leaves;

static void on_term(int sig)
{
	(void)sig;
	terms++;
}

static void on_leave(int sig)
{
	(void)sig;
	leaves = 1;
}

uint64_t soak_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

uint64_t soak_random(struct soak *s)
{
	return plan_mix(s->seed, s->random++);
}

void soak_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("%.6f WRONG ", soak_now_us() / 1e6);
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	fflush(stdout);
	_exit(1);
}

static int read_place(struct place *p, const char *text)
{
	struct in_addr in;

	if (sscanf(text, "%15[0-9.]:%hu", p->ip, &p->port) != 2 ||
	    inet_pton(AF_INET, p->ip, &in) != 1)
		return -EINVAL;
	p->host = ntohl(in.s_addr);
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: machnet-soak -s SEED -r RANDOM -l IP:PORT -k KILLS -g GO "
			"-a LEDGER -n CONNECTIONS PEER_IP:PORT...\n");
	return -EINVAL;
}

static int parse(struct soak *s, int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "s:r:l:k:g:a:n:")) != -1) {
		if (opt == 's')
			s->seed = strtoull(optarg, NULL, 10);
		else if (opt == 'r')
			s->random = plan_mix(strtoull(optarg, NULL, 10), 0);
		else if (opt == 'l' && read_place(&s->self, optarg))
			return usage();
		else if (opt == 'k')
			s->kills = optarg;
		else if (opt == 'g')
			s->go = optarg;
		else if (opt == 'a')
			s->ledger = optarg;
		else if (opt == 'n')
			s->want = strtoul(optarg, NULL, 10);
		else if (opt != 'l')
			return usage();
	}
	for (; optind < argc && s->n_peers < sizeof(s->peers) / sizeof(s->peers[0]); optind++)
		if (read_place(&s->peers[s->n_peers++], argv[optind]))
			return usage();
	return s->self.port && s->kills && s->go && s->ledger && s->n_peers ? 0 : usage();
}

/* The daemon may still be busy with the end of the one that was killed here. */
static void listen_again(struct soak *s)
{
	uint64_t until_us = soak_now_us() + LISTEN_US;

	while (machnet_listen(s->channel, s->self.ip, s->self.port)) {
		if ((errno != EADDRINUSE && errno != ENETDOWN) || soak_now_us() > until_us)
			soak_fail("listen: %s", strerror(errno));
		machnet_wait(s->channel, MACHNET_WAIT_RECV, WAIT_MS);
	}
	puts("listening");
	fflush(stdout);
}

/* Attaches; a daemon that is being restarted is waited for. */
static void attach(struct soak *s)
{
	uint64_t until_us = soak_now_us() + LISTEN_US;

	while (!(s->channel = machnet_attach_ends())) {
		if (soak_now_us() > until_us)
			soak_fail("attach: %s", strerror(errno));
		poll(NULL, 0, WAIT_MS);
	}
}

static void status(const struct soak *s)
{
	const struct counts *c = &s->counts;

	printf("status %u %d %lu %lu %lu %lu %lu %lu %lu\n", s->n_conns, s->draining, c->sent,
	       c->received, c->bytes, c->in_order, c->broken, c->refused, c->left);
	fflush(stdout);
}

/* One turn; true when there was something to do. */
static bool turn(struct soak *s, bool reading)
{
	bool work = false;

	if (reading)
		work = soak_receive(s);
	work |= soak_send(s);
	work |= soak_close(s);
	s->started = s->started || !access(s->go, F_OK);
	if (s->started && !s->draining)
		work |= soak_connect(s);
	return work;
}

static void loop(struct soak *s)
{
	uint64_t status_us = 0, pause_us = soak_now_us() + 3000000, resume_us = 0, now_us;
	bool reading;

	while (terms < 2 && !leaves) {
		now_us = soak_now_us();
		s->draining = terms > 0;
		if (now_us >= pause_us && !s->draining) {
			resume_us = now_us + 200000 + soak_random(s) % 1800000;
			pause_us = resume_us + 2000000 + soak_random(s) % 6000000;
		}
		reading = now_us >= resume_us;
		if (now_us >= status_us) {
			status(s);
			soak_watch(s);
			status_us = now_us + STATUS_US;
		}
		if (turn(s, reading))
			continue;
		if (reading)
			machnet_wait(s->channel, MACHNET_WAIT_RECV |
				     (s->no_room ? MACHNET_WAIT_SEND : 0), WAIT_MS);
		else
			poll(NULL, 0, WAIT_MS / 4);	/* the pause of the reader */
	}
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_term }, leave = { .sa_handler = on_leave };
	static struct soak s = { .want = 8 };

	if (parse(&s, argc, argv))
		return 2;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGUSR1, &leave, NULL);
	s.buf = malloc(MACHNET_MSG_MAX_LEN);
	if (!s.buf)
		soak_fail("no memory");
	ledger_open(s.ledger);
	attach(&s);
	listen_again(&s);
	loop(&s);
	status(&s);
	if (leaves && soak_random(&s) % 2)
		exit(0);
	machnet_detach(s.channel);
	free(s.buf);
	return s.n_conns && !leaves ? 1 : 0;
}
