// SPDX-License-Identifier: MIT
/*
 * nltest_env.c - namespaces, devices, privileges and sockets for tests
 */
#include "nltest.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UNLOAD_MS	10000

int nt_sh(const char *format, ...)
{
	char command[512];
	va_list args;
	int ret;

	va_start(args, format);
	ret = vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (ret < 0 || ret >= (int)sizeof(command))
		return -E2BIG;
	ret = system(command);
	if (ret)
		fprintf(stderr, "# failed: %s\n", command);
	return ret;
}

FILE *nt_ip_open(int version)
{
	return popen(version == 4 ? "exec ip -4 -force -batch -" : "exec ip -6 -force -batch -",
		     "we");
}

bool nt_debug_kernel(void)
{
	struct utsname name;

	return uname(&name) == 0 && strstr(name.release, "-machnet-debug");
}

int nt_new_netns(void)
{
	int ret;

	if (unshare(CLONE_NEWNET))
		return -errno;
	/*
	 * Duplicate address detection takes up to 2 s, before which NDP has no source address
	 * and after which there are messages about the new one.
	 */
	ret = nt_write("/proc/sys/net/ipv6/conf/default/accept_dad", "0");
	return ret ? ret : nt_link_set("lo", true);
}

/*
 * Until its parent has gone. Not by a signal: one that has given up root cannot
 * send it. And without the parent's sockets, or what belongs to them would live on.
 */
static void live_in_netns(int ready, int parent)
{
	int ret = nt_new_netns();
	char byte;

	if (write(ready, &ret, sizeof(ret)) != sizeof(ret))
		_exit(1);
	if (dup2(parent, 3) != 3)
		_exit(1);
	close_range(4, ~0u, 0);
	_exit(read(3, &byte, 1));
}

int nt_netns_child(void)
{
	int ready[2], parent[2], ret = -EIO;
	pid_t pid;

	if (pipe(ready) || pipe(parent))
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(parent[1]);
		live_in_netns(ready[1], parent[0]);
	}
	close(ready[1]);
	close(parent[0]);
	if (read(ready[0], &ret, sizeof(ret)) != sizeof(ret))
		ret = -EIO;
	close(ready[0]);
	return ret ? ret : pid;
}

static int enter_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = setns(fd, CLONE_NEWNET) ? -errno : 0;
	close(fd);
	return ret;
}

int nt_enter(int pid)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), ret;
	char path[64];

	if (home < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	ret = enter_path(path);
	if (!ret)
		return home;
	close(home);
	return ret;
}

int nt_leave(int home)
{
	int ret = setns(home, CLONE_NEWNET) ? -errno : 0;

	close(home);
	return ret;
}

void nt_kill(int pid)
{
	/* A test that has given up root cannot: then it ends with its parent. */
	if (pid > 0 && kill(pid, SIGKILL) == 0)
		waitpid(pid, NULL, 0);
}

int nt_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	if (!file)
		return -errno;
	return fputs(text, file) == EOF || fclose(file) ? -EIO : 0;
}

int nt_new_userns(void)
{
	/* Dumpable, or /proc/self belongs to root. */
	if (nt_drop_root() || prctl(PR_SET_DUMPABLE, 1) ||
	    unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return -errno;
	if (nt_write("/proc/self/setgroups", "deny") ||
	    nt_write("/proc/self/uid_map", "0 65534 1") ||
	    nt_write("/proc/self/gid_map", "0 65534 1"))
		return -EIO;
	return 0;
}

uint32_t nt_dummy(const char *name)
{
	if (nt_link_add(name, "dummy") || nt_link_set(name, true))
		return 0;
	return if_nametoindex(name);
}

int nt_become(uint32_t uid)
{
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		return -errno;
	return 0;
}

int nt_drop_root(void)
{
	return nt_become(65534);
}

int nt_in_child(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(fn(arg));
	}
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

int nt_bind_udp(const char *addr, uint16_t number)
{
	return nt_bind_udp_as(addr, number, 0);
}

int nt_bind_udp_as(const char *addr, uint16_t number, int flags)
{
	struct sockaddr_storage ss = { 0 };
	struct nt_addr a = nt_addr(addr);
	socklen_t len;
	int fd, one = 1;
	int v6only = !(flags & NT_BIND_DUAL);

	if (a.len == 4) {
		struct sockaddr_in *sin = (void *)&ss;

		sin->sin_family = AF_INET;
		sin->sin_port = htons(number);
		memcpy(&sin->sin_addr, a.b, 4);
		len = sizeof(*sin);
	} else {
		struct sockaddr_in6 *sin6 = (void *)&ss;

		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(number);
		memcpy(&sin6->sin6_addr, a.b, 16);
		len = sizeof(*sin6);
	}
	fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (ss.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
	if (flags & NT_BIND_REUSEADDR)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (flags & NT_BIND_REUSEPORT)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&ss, len) == 0)
		return fd;
	close(fd);
	return -errno;
}

int nt_bound_number(int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len))
		return -errno;
	/* The port is at the same place in both families. */
	return ntohs(((struct sockaddr_in *)&ss)->sin_port);
}

int nt_more_files(void)
{
	const struct rlimit limit = { 4096, 4096 };

	return setrlimit(RLIMIT_NOFILE, &limit) ? -errno : 0;
}

bool nt_is_loaded(void)
{
	FILE *file = fopen("/proc/modules", "r");
	char line[512];
	bool found = false;

	while (file && fgets(line, sizeof(line), file))
		found |= !strncmp(line, "machnet ", 8);
	if (file)
		fclose(file);
	return found;
}

bool nt_try_unload(void)
{
	return system("modprobe -r machnet 2>/dev/null") == 0 && !nt_is_loaded();
}

bool nt_unload(void)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	int i;

	for (i = 0; i < UNLOAD_MS / 20; i++) {
		if (nt_try_unload())
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

bool nt_eventually(struct nt *nt, int (*fn)(struct nt *nt, int fd), int fd, int result)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	int64_t end = nt_now_ms() + UNLOAD_MS;
	int ret;

	while ((ret = fn(nt, fd)) != result && nt_now_ms() < end)
		nanosleep(&pause, NULL);
	return ret == result;
}
