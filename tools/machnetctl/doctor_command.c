// SPDX-License-Identifier: MIT
/* doctor_command.c - commands for the operator to type */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

#define NIC_STATE	"nic-"	/* /run/machnet/nic-IFACE: not given back to the kernel */

long doctor_read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	long n = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%ld", &n) != 1)
		n = -1;
	fclose(f);
	return n;
}

void doctor_read_line(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "re");

	if (!f || !fgets(text, size, f))
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (f)
		fclose(f);
}

void doctor_read_link(const char *path, char *text, size_t size)
{
	char target[PATH_MAX];
	const char *name;

	text[0] = '\0';
	if (!realpath(path, target))
		return;
	name = strrchr(target, '/');
	snprintf(text, size, "%s", name + 1);
}

unsigned int doctor_engines(const struct doctor *d)
{
	unsigned int engines = strtoul(ctl_fact(&d->facts, "engines"), NULL, 10);

	return engines ? engines : 1;
}

/* By which the default route leads. */
static void default_iface(char *ifname)
{
	char line[256], name[IF_NAMESIZE];
	FILE *f = fopen("/proc/net/route", "re");
	unsigned long dst;

	ifname[0] = '\0';
	while (f && !ifname[0] && fgets(line, sizeof(line), f))
		if (sscanf(line, "%15s %lx", name, &dst) == 2 && !dst)
			snprintf(ifname, IF_NAMESIZE, "%s", name);
	if (f)
		fclose(f);
}

/* 0 for one that is of no use; a virtio NIC, one with addresses, one that not all depends on. */
static int rate_iface(const char *ifname, const char *default_if)
{
	struct ctl_netdev dev;

	if (ctl_netdev_read(ifname, &dev) || !dev.ethernet || !strcmp(dev.driver, "tun"))
		return 0;
	return 1 + (ctl_netdev_is_virtio(&dev) ? 4 : 0) + (ctl_netdev_addrs(ifname) ? 2 : 0) +
	       (strcmp(ifname, default_if) ? 1 : 0);
}

/* One that a machnetd which died did not give back. */
static bool find_abandoned(char *ifname)
{
	DIR *dir = opendir("/run/machnet");
	struct dirent *e;
	bool found = false;

	while (dir && !found && (e = readdir(dir))) {
		if (strncmp(e->d_name, NIC_STATE, strlen(NIC_STATE)))
			continue;
		snprintf(ifname, IF_NAMESIZE, "%.*s", IF_NAMESIZE - 1,
			 e->d_name + strlen(NIC_STATE));
		found = true;
	}
	if (dir)
		closedir(dir);
	return found;
}

void doctor_find_iface(struct doctor *d)
{
	const char *served = ctl_fact(&d->facts, "netdev");
	struct if_nameindex *list, *i;
	char default_if[IF_NAMESIZE];
	int best = 0, rated;

	strcpy(d->best, "IFACE");
	default_iface(default_if);
	list = if_nameindex();
	for (i = list; i && i->if_index; i++) {
		rated = rate_iface(i->if_name, default_if);
		if (rated <= best)
			continue;
		best = rated;
		snprintf(d->best, sizeof(d->best), "%s", i->if_name);
	}
	if_freenameindex(list);
	if (*served)
		snprintf(d->iface, sizeof(d->iface), "%.*s", IF_NAMESIZE - 1, served);
	else if (!find_abandoned(d->iface))
		memcpy(d->iface, d->best, sizeof(d->iface));
}

void doctor_start(const struct doctor *d, char *text)
{
	snprintf(text, DOCTOR_COMMAND, "machnetd -i %s%s", d->iface,
		 d->has_module ? "" : " --control=local");
}

/* Adds a word as the shell wants it. */
static void add_word(char *text, const char *word)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789_=,./:@%+-";
	size_t len = strlen(text);

	if (len + 4 * strlen(word) + 4 > DOCTOR_COMMAND)
		return;
	if (len)
		text[len++] = ' ';
	if (*word && strspn(word, plain) == strlen(word)) {
		strcpy(text + len, word);
		return;
	}
	text[len++] = '\'';
	for (; *word; word++) {
		memcpy(text + len, *word == '\'' ? "'\\''" : word, *word == '\'' ? 4 : 1);
		len += *word == '\'' ? 4 : 1;
	}
	strcpy(text + len, "'");
}

/* How the machnetd that runs was started. */
static void started_with(const struct doctor *d, char *text)
{
	char path[64], words[DOCTOR_COMMAND];
	size_t n = 0, i;
	FILE *f;

	text[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%.20s/cmdline", ctl_fact(&d->facts, "pid"));
	f = fopen(path, "re");
	if (f) {
		n = fread(words, 1, sizeof(words) - 1, f);
		fclose(f);
	}
	words[n] = '\0';
	for (i = 0; i < n; i += strlen(words + i) + 1)
		add_word(text, words + i);
	/* Not if that is something else, in another namespace. */
	if (!n || strcmp(basename(words), "machnetd"))
		snprintf(text, DOCTOR_COMMAND, "machnetd -i %s%s", d->iface,
			 d->local ? " --control=local" : "");
}

/* The unit of systemd that it belongs to, "" if there is none. */
static void unit_of(const struct doctor *d, char *unit, size_t size)
{
	char path[64], line[512];
	char *name;

	unit[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%.20s/cgroup", ctl_fact(&d->facts, "pid"));
	doctor_read_line(path, line, sizeof(line));
	name = strstr(line, "/machnetd@");
	if (!name)
		return;
	name++;
	name[strcspn(name, "/")] = '\0';
	if (strstr(name, ".service"))
		snprintf(unit, size, "%.*s", (int)(strstr(name, ".service") - name), name);
}

void doctor_restart(const struct doctor *d, const char *between, const char *options, char *text)
{
	const char *pid = ctl_fact(&d->facts, "pid");
	char command[DOCTOR_COMMAND], unit[128], stop[192];

	unit_of(d, unit, sizeof(unit));
	started_with(d, command);
	if (*unit)
		snprintf(stop, sizeof(stop), "systemctl stop %s", unit);
	else
		snprintf(stop, sizeof(stop), "kill %.20s; tail --pid=%.20s -f /dev/null", pid, pid);
	if (*unit && !*options)
		snprintf(command, sizeof(command), "systemctl start %s", unit);
	snprintf(text, DOCTOR_COMMAND, "%s; %s%s%.700s%s%s", stop, between ? between : "",
		 between ? " && " : "", command, *options ? " " : "", options);
}
