// SPDX-License-Identifier: MIT
/*
 * bench-line - how far apart two processors are
 *
 * One thread on each: they pass a cache line to and fro, and one reads memory that the other
 * has just written; the least of several measurements counts. What daemons joined by shared
 * memory move depends on it, and in a virtual machine it changes with the processors that
 * the host gives it at the time.
 */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ROUNDS		20000u
#define CHUNK		1000u	/* rounds that are timed together */
#define BLOCK		(256u << 10)
#define BLOCKS		200u
#define LINE		64u

static uint32_t turn __attribute__((aligned(2 * LINE)));
static uint8_t block[BLOCK] __attribute__((aligned(4096)));
static uint64_t sum;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void await_turn(uint32_t n)
{
	while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != n)
		;
}

static void pass_turn(uint32_t n)
{
	__atomic_store_n(&turn, n, __ATOMIC_RELEASE);
}

static int pin(pthread_t thread, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return pthread_setaffinity_np(thread, sizeof(set), &set);
}

/* Odd turns are the other thread's: it passes the line back, then writes the blocks. */
static void *other(void *arg)
{
	uint32_t n = 1;

	(void)arg;
	for (; n < 2 * ROUNDS; n += 2) {
		await_turn(n);
		pass_turn(n + 1);
	}
	for (; n < 2 * (ROUNDS + BLOCKS); n += 2) {
		await_turn(n);
		memset(block, n, sizeof(block));
		pass_turn(n + 1);
	}
	return NULL;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* For a chunk of rounds from turn n on. */
static uint64_t pass_chunk(uint32_t n)
{
	uint64_t start = now_ns();

	for (uint32_t end = n + 2 * CHUNK; n < end; n += 2) {
		pass_turn(n);
		await_turn(n + 1);
	}
	return now_ns() - start;
}

static uint64_t read_block(uint32_t n)
{
	uint64_t start;

	pass_turn(n);
	await_turn(n + 1);
	start = now_ns();
	for (uint32_t i = 0; i < BLOCK; i += LINE)
		sum += block[i];
	return now_ns() - start;
}

int main(void)
{
	uint64_t passing = UINT64_MAX, reading = UINT64_MAX;
	uint32_t n = 1;
	pthread_t thread;

	if (pin(pthread_self(), 0) || pthread_create(&thread, NULL, other, NULL) ||
	    pin(thread, 1)) {
		fputs("bench-line: needs two processors, 0 and 1\n", stderr);
		return 1;
	}
	for (; n < 2 * ROUNDS; n += 2 * CHUNK)
		passing = least(passing, pass_chunk(n));
	for (; n < 2 * (ROUNDS + BLOCKS); n += 2)
		reading = least(reading, read_block(n));
	pthread_join(thread, NULL);
	printf("%.0f ns to pass a line, %.1f ns to read one of many\n",
	       (double)passing / CHUNK / 2, (double)reading / (BLOCK / LINE));
	return sum == 0;
}
