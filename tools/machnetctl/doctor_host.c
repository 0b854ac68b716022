// SPDX-License-Identifier: MIT
/* doctor_host.c - module, driver, memory and cores */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "doctor.h"

#define HUGE_DIR	"/sys/kernel/mm/hugepages/hugepages-2048kB/"
/* What machnetd takes, see machnetd(8), in hugepages of 2 MB. */
#define HUGE_BASE	32
#define HUGE_ENGINE	16

/* Whether modprobe would find it: a module with a file, or one that is part of the kernel. */
static bool is_installed(const char *release, const char *module)
{
	static const char *const lists[] = { "dep", "builtin" };
	char path[192], wanted[64], line[1024];
	bool found = false;
	unsigned int i;
	FILE *f;

	snprintf(wanted, sizeof(wanted), "/%s.ko", module);
	for (i = 0; i < 2 && !found; i++) {
		snprintf(path, sizeof(path), "/lib/modules/%s/modules.%s", release, lists[i]);
		f = fopen(path, "re");
		while (f && !found && fgets(line, sizeof(line), f)) {
			line[strcspn(line, ":\n")] = '\0';
			found = strstr(line, wanted);
		}
		if (f)
			fclose(f);
	}
	return found;
}

static void say_not_loaded(struct doctor *d)
{
	enum doctor_status status = d->local ? DOCTOR_NOTE : DOCTOR_PROBLEM;
	const char *without = d->local ? ", and machnetd does without: --control=local" : "";
	char fix[DOCTOR_COMMAND], headers[192];
	struct utsname host;

	uname(&host);
	if (is_installed(host.release, "machnet")) {
		doctor_say(d, status, "module", "modprobe machnet",
			   "the machnet module is not loaded%s", without);
		return;
	}
	snprintf(headers, sizeof(headers), "/lib/modules/%s/build", host.release);
	if (access(headers, F_OK))
		snprintf(fix, sizeof(fix), "apt-get install linux-headers-%s && make install "
			 "&& modprobe machnet", host.release);
	else
		snprintf(fix, sizeof(fix), "make install && modprobe machnet");
	doctor_say(d, status, "module", fix,
		   "the machnet module is not installed for the kernel %s%s", host.release,
		   without);
}

void doctor_check_module(struct doctor *d)
{
	static const char reload[] = "modprobe -r machnet && modprobe machnet";
	char version[64], fix[DOCTOR_COMMAND];

	if (!d->has_module) {
		say_not_loaded(d);
		return;
	}
	doctor_read_line("/sys/module/machnet/version", version, sizeof(version));
	if (!strcmp(version, ctl_version)) {
		doctor_say(d, DOCTOR_OK, "module", NULL, "the machnet module is loaded, version %s",
			   version);
		return;
	}
	snprintf(fix, sizeof(fix), "%s", reload);
	if (d->has_daemon && !d->local)
		doctor_restart(d, reload, "", fix);
	doctor_say(d, DOCTOR_WARNING, "module", fix,
		   "the module that is loaded is of version %s, machnetctl of version %s",
		   *version ? version : "unknown", ctl_version);
}

/* --- driver --- */

/* Where there is a NIC that DPDK could drive, be it this one or another, that is faster. */
static void say_af_packet(struct doctor *d)
{
	const char *pid = ctl_fact(&d->facts, "pid");
	char fix[DOCTOR_COMMAND];
	struct ctl_netdev dev;

	if (ctl_netdev_read(d->best, &dev) || !ctl_netdev_is_virtio(&dev)) {
		doctor_say(d, DOCTOR_OK, "driver", NULL,
			   "af_packet shares %s with the kernel: slower than a virtio NIC, of "
			   "which there is none", d->iface);
		return;
	}
	snprintf(fix, sizeof(fix), "kill %s; tail --pid=%s -f /dev/null; machnetd -i %s%s", pid,
		 pid, d->best, d->local ? " --control=local" : "");
	doctor_say(d, DOCTOR_NOTE, "driver", fix,
		   "af_packet shares %s with the kernel: slower than DPDK on %s", d->iface,
		   d->best);
}

static void say_uio(struct doctor *d)
{
	const char *driver = ctl_fact(&d->facts, "driver");
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	char fix[DOCTOR_COMMAND];

	if (!strcmp(ctl_fact(&d->facts, "poll"), "busy")) {
		doctor_say(d, DOCTOR_OK, "driver", NULL,
			   "%s through uio_pci_generic, polled busily", driver);
	} else if (cpus < doctor_engines(d) + 2) {
		doctor_say(d, DOCTOR_OK, "driver", NULL,
			   "%s through uio_pci_generic: packets do not wake an engine that "
			   "sleeps, it looks every 50 us to 1 ms", driver);
	} else {
		doctor_restart(d, NULL, "--poll=busy", fix);
		doctor_say(d, DOCTOR_NOTE, "driver", fix,
			   "%s through uio_pci_generic: packets do not wake an engine that "
			   "sleeps, it looks every 50 us to 1 ms (vfio-pci, with an IOMMU, would; "
			   "or let the engines have %u of the %ld processors)", driver,
			   doctor_engines(d), cpus);
	}
}

/* Without a machnetd: whether one could take the NIC. Silent where there is none. */
static void say_candidate(struct doctor *d)
{
	char path[128], fix[DOCTOR_COMMAND];
	const char *driver;
	struct ctl_netdev dev;
	struct utsname host;

	if (ctl_netdev_read(d->iface, &dev))
		return;
	if (!ctl_netdev_is_virtio(&dev)) {
		doctor_say(d, DOCTOR_OK, "driver", NULL,
			   "%s is no virtio NIC: machnetd shares it with the kernel (af_packet)",
			   d->iface);
		return;
	}
	uname(&host);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", dev.bus);
	driver = access(path, F_OK) ? "uio_pci_generic" : "vfio-pci";
	if (is_installed(host.release, driver)) {
		doctor_say(d, DOCTOR_OK, "driver", NULL,
			   "%s is a virtio NIC, and %s is there to take it", d->iface, driver);
		return;
	}
	/* Ubuntu's name for the rest of the drivers; elsewhere the kernels of clouds lack them. */
	snprintf(fix, sizeof(fix), "apt-get install linux-modules-extra-%s || "
		 "apt-get install linux-image-amd64", host.release);
	doctor_say(d, DOCTOR_PROBLEM, "driver", fix,
		   "the kernel %s has no driver %s, with which machnetd takes %s", host.release,
		   driver, d->iface);
}

void doctor_check_driver(struct doctor *d)
{
	const char *driver = ctl_fact(&d->facts, "driver");
	char path[128], kernel[32];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver",
		 ctl_fact(&d->facts, "device"));
	doctor_read_link(path, kernel, sizeof(kernel));
	if (!d->has_daemon)
		say_candidate(d);
	else if (!strcmp(driver, "net_af_packet"))
		say_af_packet(d);
	else if (!strcmp(kernel, "uio_pci_generic") &&
		 strcmp(ctl_fact(&d->facts, "rx_wakeup"), "yes"))
		say_uio(d);
	else
		doctor_say(d, DOCTOR_OK, "driver", NULL, "%s%s%s, %s", driver,
			   *kernel ? " through " : "", kernel,
			   strcmp(ctl_fact(&d->facts, "rx_wakeup"), "yes") ?
			   "an engine that sleeps looks for packets" :
			   "packets wake an engine that sleeps");
}

/* --- memory --- */

void doctor_check_memory(struct doctor *d)
{
	long free = doctor_read_number(HUGE_DIR "free_hugepages");
	long total = doctor_read_number(HUGE_DIR "nr_hugepages");
	long want = HUGE_BASE + HUGE_ENGINE * doctor_engines(d);
	char reserve[128], fix[DOCTOR_COMMAND];

	snprintf(reserve, sizeof(reserve), "sysctl -w vm.nr_hugepages=%ld",
		 total + want - (free > 0 && free < want ? free : 0));
	if (!strcmp(ctl_fact(&d->facts, "memory"), "hugepages")) {
		doctor_say(d, DOCTOR_OK, "memory", NULL, "machnetd runs in hugepages, %ld are free",
			   free);
	} else if (free < 0) {
		doctor_say(d, DOCTOR_NOTE, "memory", "grep HUGETLBFS /boot/config-$(uname -r)",
			   "this kernel has no hugepages of 2 MB: machnetd runs without, slower");
	} else if (d->has_daemon) {
		doctor_restart(d, reserve, "", fix);
		doctor_say(d, DOCTOR_NOTE, "memory", fix,
			   "machnetd runs without hugepages, slower; %ld of %ld are free", free,
			   total);
	} else if (free >= want) {
		doctor_say(d, DOCTOR_OK, "memory", NULL, "%ld hugepages of 2 MB are free", free);
	} else {
		doctor_say(d, DOCTOR_NOTE, "memory", reserve,
			   "%ld hugepages of 2 MB are free: machnetd will ask for the %ld that it "
			   "takes, and run slower if it does not get them", free, want);
	}
}

/* --- cores --- */

void doctor_check_cores(struct doctor *d)
{
	bool busy = !strcmp(ctl_fact(&d->facts, "poll"), "busy");
	unsigned int engines = doctor_engines(d);
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	char fix[DOCTOR_COMMAND], options[32];

	if (!d->has_daemon) {
		doctor_say(d, DOCTOR_OK, "cores", NULL, "%ld processor%s", cpus,
			   cpus == 1 ? "" : "s");
	} else if (busy && engines >= cpus) {
		doctor_restart(d, NULL, "--poll=adaptive", fix);
		doctor_say(d, DOCTOR_WARNING, "cores", fix,
			   "%u engine%s that never sleep%s on %ld processor%s: applications hardly "
			   "get to run", engines, engines == 1 ? "" : "s", engines == 1 ? "s" : "",
			   cpus, cpus == 1 ? "" : "s");
	} else if (engines > cpus) {
		snprintf(options, sizeof(options), "--engines=%ld", cpus);
		doctor_restart(d, NULL, options, fix);
		doctor_say(d, DOCTOR_NOTE, "cores", fix,
			   "%u engines share %ld processor%s", engines, cpus, cpus == 1 ? "" : "s");
	} else {
		doctor_say(d, DOCTOR_OK, "cores", NULL,
			   "%u engine%s on %ld processor%s (cores: %s), polling: %s", engines,
			   engines == 1 ? "" : "s", cpus, cpus == 1 ? "" : "s",
			   ctl_fact(&d->facts, "cores"), ctl_fact(&d->facts, "poll"));
	}
}
