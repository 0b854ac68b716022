// SPDX-License-Identifier: MIT
/* report.c - what is printed: progress, tables, JSON, errors */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

static double us(uint64_t ns)
{
	return ns / 1000.0;
}

static double ms(uint64_t ns)
{
	return ns / 1e6;
}

static double gbps(const struct bench_options *o, double rate)
{
	return rate * o->size * 8 / 1e9;
}

static const struct {
	const char *name, *key;
	double part;
} points[] = {
	{ "p50", "p50_us", 0.5 },
	{ "p90", "p90_us", 0.9 },
	{ "p99", "p99_us", 0.99 },
	{ "p99.9", "p999_us", 0.999 },
	{ "max", "max_us", 1 },
};
#define N_POINTS	(sizeof(points) / sizeof(*points))

static double rate_of(const struct bench_result *r)
{
	return r->seconds > 0 ? r->received / r->seconds : 0;
}

static void report_json(const struct bench_options *o, const struct bench_result *r)
{
	printf("{\"transport\": \"%s\", \"busy\": %s, \"connections\": %u, \"batch\": %u, ",
	       bench_transport_name(o->transport), o->busy ? "true" : "false", o->connections,
	       o->batch);
	printf("\"size\": %u, \"window\": %u, \"verify\": %s, \"seconds\": %.6f, "
	       "\"messages\": %llu, \"lost\": %llu, \"resent\": %llu, \"errors\": %llu, "
	       "\"longest_pause_ms\": %.3f, \"rate\": %.1f, \"gbps\": %.6f, \"mean_us\": %.3f",
	       o->size, o->window, o->verify ? "true" : "false", r->seconds,
	       (unsigned long long)r->received, (unsigned long long)(r->sent - r->received),
	       (unsigned long long)r->resent, (unsigned long long)r->errors, ms(r->pause_ns),
	       rate_of(r), gbps(o, rate_of(r)),
	       r->latency_ns.count ? us(r->latency_ns.sum / r->latency_ns.count) : 0);
	for (size_t i = 0; i < N_POINTS; i++)
		printf(", \"%s\": %.3f", points[i].key,
		       us(bench_hist_at(&r->latency_ns, points[i].part)));
	printf("}\n");
}

void bench_report(const struct bench_options *o, const struct bench_result *r)
{
	if (o->json) {
		report_json(o, r);
		return;
	}
	printf("%-18s %u bytes, window %u, %s%s, connections %u%s\n", "messages of", o->size,
	       o->window, bench_transport_name(o->transport), o->busy ? " (busy)" : "",
	       o->connections, o->verify ? ", each byte verified at both ends" : "");
	printf("%-18s %llu in %.3f s\n", "messages", (unsigned long long)r->received, r->seconds);
	printf("%-18s %.0f messages/s\n", "each way", rate_of(r));
	printf("%-18s %.3f Gbit/s\n", "each way", gbps(o, rate_of(r)));
	for (size_t i = 0; i < N_POINTS; i++)
		printf("round trip %-7s %.1f us\n", points[i].name,
		       us(bench_hist_at(&r->latency_ns, points[i].part)));
	printf("%-18s %.1f ms\n", "longest pause", ms(r->pause_ns));
	printf("%-18s %llu lost, %llu sent again, %llu wrong\n", "errors",
	       (unsigned long long)(r->sent - r->received), (unsigned long long)r->resent,
	       (unsigned long long)r->errors);
}

void bench_report_connect(const struct bench_options *o, const struct bench_hist step[BENCH_STEPS])
{
	static const char *const names[BENCH_STEPS] = {
		"attach", "listen", "connect", "refused", "first_reply"
	};

	if (!o->json)
		printf("%-11s %12s %12s   (%u of each, 10 times as many replies)\n", "",
		       "p50 us", "max us", o->connects);
	for (int i = 0; i < BENCH_STEPS; i++) {
		double p50 = us(bench_hist_at(&step[i], 0.5)), max = us(step[i].max);

		if (o->json)
			printf("%s\"%s_p50_us\": %.1f, \"%s_max_us\": %.1f", i ? ", " : "{",
			       names[i], p50, names[i], max);
		else
			printf("%-11s %12.1f %12.1f\n", names[i], p50, max);
	}
	if (o->json)
		printf("}\n");
}

void bench_progress(const struct bench_options *o, const struct bench_result *r, double seconds,
		    uint64_t now_received, double interval, uint64_t pause_ns)
{
	bool tty = isatty(STDERR_FILENO);
	double rate = now_received / interval;

	fprintf(stderr,
		"%s%5.0f s  %9.0f messages/s  %7.3f Gbit/s each way  p50 %.1f us  "
		"longest pause %.1f ms%s",
		tty ? "\r" : "", seconds, rate, gbps(o, rate),
		us(bench_hist_at(&r->latency_ns, 0.5)), ms(pause_ns), tty ? "  " : "\n");
}

void bench_progress_end(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

static const char *hint(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return " (hint: does machnetd run, here and there, and does machnet-bench server?)";
	default:
		return "";
	}
}

int bench_fail(int error, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "machnet-bench: ");
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	if (error == ESHUTDOWN)
		fprintf(stderr, ": the peer has shut down the connection\n");
	else if (error)
		fprintf(stderr, ": %s%s\n", strerror(error), hint(error));
	else
		fprintf(stderr, "\n");
	return 1;
}
