// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_log.h>

#include "dp/eal.h"
#include "dp/hugepages.h"
#include "dp/log.h"

/* Packet buffers of an engine, and what DPDK itself takes. */
#define MEMORY_ENGINE_MB	32
#define MEMORY_BASE_MB		64

#define EAL_ARGS_MAX	24

static bool eal_up, eal_huge;

/* An argument vector under construction; the strings live in text. */
struct eal_args {
	char text[2048];
	size_t used;
	char *argv[EAL_ARGS_MAX];
	int argc;
	bool overflow;
};

static void __attribute__((format(printf, 2, 3))) arg(struct eal_args *a, const char *fmt, ...)
{
	size_t room = sizeof(a->text) - a->used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(a->text + a->used, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room || a->argc == EAL_ARGS_MAX - 1) {
		a->overflow = true;
		return;
	}
	a->argv[a->argc++] = a->text + a->used;
	a->used += n + 1;
}

static void arg_memory(struct eal_args *a, const struct machnet_dp_config *cfg)
{
	unsigned int mb = MEMORY_BASE_MB + cfg->engines * MEMORY_ENGINE_MB;

	eal_huge = dp_hugepages_get(cfg, mb);
	if (eal_huge) {
		arg(a, "--in-memory");
	} else {
		dp_log(cfg, LOG_WARNING, "no hugepages to be had: running without, slower");
		arg(a, "--no-huge");
		arg(a, "--no-shconf");
	}
	arg(a, "-m");
	arg(a, "%u", mb);
}

static bool cpu_usable(const cpu_set_t *set, unsigned long cpu)
{
	return cpu < CPU_SETSIZE && CPU_ISSET(cpu, set);
}

/* Appends "(lcore)@cpu" for each engine to text, from the list of the configuration. */
static int cores_pinned(char *text, size_t size, const struct machnet_dp_config *cfg,
			const cpu_set_t *set)
{
	const char *p = cfg->cores;
	size_t used = strlen(text);

	for (unsigned int i = 1; i <= cfg->engines; i++) {
		unsigned long cpu;
		char *end;

		if (!isdigit((unsigned char)*p))
			return -EINVAL;
		cpu = strtoul(p, &end, 10);
		if (!cpu_usable(set, cpu))
			return -EINVAL;
		used += snprintf(text + used, size - used, ",%u@%lu", i, cpu);
		if (used >= size)
			return -EINVAL;
		p = *end == ',' ? end + 1 : end;
	}
	return *p ? -EINVAL : 0;
}

/* The CPUs this process may use, as "0,1,5". */
static void cpus_text(char *text, size_t size, const cpu_set_t *set)
{
	size_t used = 0;

	for (int cpu = 0; cpu < CPU_SETSIZE && used < size; cpu++)
		if (CPU_ISSET(cpu, set))
			used += snprintf(text + used, size - used, "%s%d", used ? "," : "", cpu);
}

static int cores_refused(const struct machnet_dp_config *cfg, const cpu_set_t *set)
{
	char cpus[512] = "";

	cpus_text(cpus, sizeof(cpus), set);
	dp_log(cfg, LOG_ERR,
	       "--cores %s: want %u number%s, with commas between, of CPUs that this process may "
	       "use (%s)", cfg->cores, cfg->engines, cfg->engines == 1 ? "" : "s", cpus);
	return -EINVAL;
}

int machnet_dp_check_cores(const struct machnet_dp_config *cfg)
{
	char unused[1024] = "";
	cpu_set_t set;

	if (!cfg->cores)
		return 0;
	if (sched_getaffinity(0, sizeof(set), &set))
		return -errno;
	return cores_pinned(unused, sizeof(unused), cfg, &set) ? cores_refused(cfg, &set) : 0;
}

/*
 * Without a list the engines float over all CPUs of the process: on a small
 * shared machine the scheduler places them better than a number would.
 */
static int arg_cores(struct eal_args *a, const struct machnet_dp_config *cfg)
{
	char cpus[512] = "", lcores[1024];
	cpu_set_t set;
	int ret = 0;

	if (sched_getaffinity(0, sizeof(set), &set))
		return -errno;
	cpus_text(cpus, sizeof(cpus), &set);
	if (cfg->cores) {
		snprintf(lcores, sizeof(lcores), "0@(%s)", cpus);
		ret = cores_pinned(lcores, sizeof(lcores), cfg, &set);
	} else {
		snprintf(lcores, sizeof(lcores), "(0-%u)@(%s)", cfg->engines, cpus);
	}
	if (ret)
		return cores_refused(cfg, &set);
	arg(a, "--lcores");
	arg(a, "%s", lcores);
	return 0;
}

/* PCI is scanned only when the device is a PCI device: nothing else may be touched. */
static void arg_device(struct eal_args *a, const struct machnet_dp_config *cfg)
{
	if (isxdigit((unsigned char)cfg->device[0]) && strchr(cfg->device, ':')) {
		arg(a, "-a");
		arg(a, "%s", cfg->device);
	} else {
		arg(a, "--no-pci");
		if (eal_huge)
			arg(a, "--single-file-segments");
	}
}

static int eal_start(const struct machnet_dp_config *cfg, struct eal_args *a)
{
	if (rte_eal_init(a->argc, a->argv) < 0) {
		dp_log(cfg, LOG_ERR, "DPDK does not start: %s", rte_strerror(rte_errno));
		return -rte_errno;
	}
	eal_up = true;
	return 0;
}

int dp_eal_init(const struct machnet_dp_config *cfg)
{
	static struct eal_args a;	/* DPDK keeps pointers into it */
	int ret;

	if (eal_up)
		return rte_lcore_count() == cfg->engines + 1 ? 0 : -EINVAL;
	memset(&a, 0, sizeof(a));
	arg(&a, "machnet");
	ret = arg_cores(&a, cfg);
	if (ret)
		return ret;
	arg_memory(&a, cfg);
	arg_device(&a, cfg);
	arg(&a, "--no-telemetry");
	arg(&a, "--log-level=error");
	ret = a.overflow ? -EINVAL : eal_start(cfg, &a);
	dp_hugepages_taken();
	return ret;
}

bool dp_eal_hugepages(void)
{
	return eal_huge;
}
