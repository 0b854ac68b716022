// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/pci.h"

#define SYS_DEVICES	"/sys/bus/pci/devices/"

extern char **environ;

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int ret;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	ret = n < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static int write_attr(const char *pci, const char *attr, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), SYS_DEVICES "%s/%s", pci, attr);
	return write_file(path, text);
}

int mnd_pci_driver(const char *pci, char *driver, size_t size)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t n;

	if (!mnd_pci_exists(pci))
		return -ENODEV;
	snprintf(path, sizeof(path), SYS_DEVICES "%s/driver", pci);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0) {
		*driver = '\0';
		return errno == ENOENT ? 0 : -errno;
	}
	target[n] = '\0';
	snprintf(driver, size, "%s", strrchr(target, '/') ? strrchr(target, '/') + 1 : target);
	return 0;
}

bool mnd_pci_exists(const char *pci)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), SYS_DEVICES "%s", pci);
	return access(path, F_OK) == 0;
}

bool mnd_pci_has_iommu(const char *pci)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), SYS_DEVICES "%s/iommu_group", pci);
	return access(path, F_OK) == 0;
}

/* modprobe(8) knows the module's dependencies; a driver that is built in is fine, too. */
static int load_driver(const char *driver)
{
	char *argv[] = { "modprobe", "-q", (char *)driver, NULL };
	char path[PATH_MAX];
	pid_t pid;
	int status;

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s", driver);
	if (access(path, F_OK) == 0)
		return 0;
	if (posix_spawnp(&pid, "modprobe", NULL, NULL, argv, environ) == 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	return access(path, F_OK) ? -ENOENT : 0;
}

int mnd_pci_bind(const char *pci, const char *driver)
{
	char now[64];
	int ret = *driver ? load_driver(driver) : 0;

	if (ret)
		return ret;
	/* A newline clears the override. */
	ret = write_attr(pci, "driver_override", *driver ? driver : "\n");
	if (!ret)
		ret = mnd_pci_driver(pci, now, sizeof(now));
	if (!ret && *now && strcmp(now, driver))
		ret = write_attr(pci, "driver/unbind", pci);
	if (!ret)
		ret = write_file("/sys/bus/pci/drivers_probe", pci);
	if (!ret)
		ret = mnd_pci_driver(pci, now, sizeof(now));
	if (!ret && *driver && strcmp(now, driver))
		ret = -EIO;
	return ret;
}

/* The only entry of a directory "net". */
static int netdev_in(const char *dir, char *ifname, size_t size)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int ret = -ENOENT;

	if (!d)
		return -ENOENT;
	while (ret && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		ret = (size_t)snprintf(ifname, size, "%s", e->d_name) < size ? 0 : -ENAMETOOLONG;
	}
	closedir(d);
	return ret;
}

/* Either the device's own, or that of the virtio device below it. */
int mnd_pci_netdev(const char *pci, char *ifname, size_t size)
{
	char path[PATH_MAX];
	struct dirent *e;
	int ret;
	DIR *d;

	snprintf(path, sizeof(path), SYS_DEVICES "%s/net", pci);
	ret = netdev_in(path, ifname, size);
	if (ret != -ENOENT)
		return ret;
	snprintf(path, sizeof(path), SYS_DEVICES "%s", pci);
	d = opendir(path);
	if (!d)
		return -ENOENT;
	while (ret && (e = readdir(d))) {
		if (strncmp(e->d_name, "virtio", 6))
			continue;
		snprintf(path, sizeof(path), SYS_DEVICES "%s/%s/net", pci, e->d_name);
		ret = netdev_in(path, ifname, size);
	}
	closedir(d);
	return ret;
}
