// SPDX-License-Identifier: GPL-2.0-only
/*
 * owner.c - whom an object belongs to: a netlink socket and a process
 */
#include "owner.h"

#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/pid_namespace.h>
#include <linux/slab.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "device.h"
#include "netns.h"
#include "port.h"
#include "route.h"

struct machnet_owner *machnet_owner_find(struct machnet_net *mn, const struct sk_buff *request)
{
	u32 portid = NETLINK_CB(request).portid;
	struct machnet_owner *owner;

	lockdep_assert_held(&mn->lock);
	hash_for_each_possible(mn->owners, owner, node, portid) {
		if (owner->sk == NETLINK_CB(request).sk)
			return owner;
	}
	return NULL;
}

struct machnet_owner *machnet_owner_get(struct machnet_net *mn, const struct sk_buff *request)
{
	struct machnet_owner *owner = machnet_owner_find(mn, request);

	if (owner)
		return owner;
	/* Unloading waits for the requests that are being served, but it may have begun. */
	if (!try_module_get(THIS_MODULE))
		return ERR_PTR(-ENODEV);
	owner = kzalloc(sizeof(*owner), GFP_KERNEL_ACCOUNT);
	if (!owner) {
		module_put(THIS_MODULE);
		return ERR_PTR(-ENOMEM);
	}
	owner->sk = NETLINK_CB(request).sk;
	sock_hold(owner->sk);
	owner->portid = NETLINK_CB(request).portid;
	INIT_LIST_HEAD(&owner->devices);
	INIT_LIST_HEAD(&owner->ports);
	INIT_LIST_HEAD(&owner->claims);
	INIT_LIST_HEAD(&owner->watches);
	hash_add_rcu(mn->owners, &owner->node, owner->portid);
	return owner;
}

/* It is out of the hash table. */
static void owner_free(struct machnet_owner *owner)
{
	sock_put(owner->sk);
	kfree_rcu(owner, rcu);
	module_put(THIS_MODULE);
}

void machnet_owner_settle(struct machnet_net *mn, struct machnet_owner *owner)
{
	lockdep_assert_held(&mn->lock);
	/* That of a dead socket goes when all of its objects have gone. */
	if (hash_hashed(&owner->node) && list_empty(&owner->devices) &&
	    list_empty(&owner->ports) && list_empty(&owner->claims) &&
	    list_empty(&owner->watches)) {
		hash_del_rcu(&owner->node);
		owner_free(owner);
	}
}

/* The owner is in the hash table no more. */
static void release(struct machnet_net *mn, struct machnet_owner *owner)
{
	unsigned int n = 0;

	lockdep_assert_held(&mn->lock);
	while (!list_empty(&owner->devices)) {
		machnet_device_del(mn, list_first_entry(&owner->devices, struct machnet_device,
							owner_link),
				   MACHNET_REASON_DATAPATH_DIED);
	}
	while (!list_empty(&owner->claims)) {
		machnet_port_unclaim(list_first_entry(&owner->claims, struct machnet_port,
						      claim_link));
	}
	while (!list_empty(&owner->ports)) {
		machnet_port_del(mn, list_first_entry(&owner->ports, struct machnet_port,
						      owner_link),
				 MACHNET_REASON_OWNER_DIED);
		if (++n % MACHNET_BATCH == 0)
			machnet_net_relax(mn);
	}
	while (!list_empty(&owner->watches)) {
		machnet_watch_del(mn, list_first_entry(&owner->watches, struct machnet_watch,
						       owner_link));
		if (++n % MACHNET_BATCH == 0)
			machnet_net_relax(mn);
	}
}

/* The owner with this port id whose socket is dead, or NULL. Under RCU or the lock. */
static struct machnet_owner *find_dead(struct machnet_net *mn, u32 portid)
{
	struct machnet_owner *owner;

	hash_for_each_possible_rcu(mn->owners, owner, node, portid, lockdep_is_held(&mn->lock)) {
		if (owner->portid == portid && sock_flag(owner->sk, SOCK_DEAD))
			return owner;
	}
	return NULL;
}

static int netlink_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct netlink_notify *notify = ptr;
	struct machnet_owner *owner;
	struct machnet_net *mn;

	if (event != NETLINK_URELEASE || notify->protocol != NETLINK_GENERIC)
		return NOTIFY_DONE;
	mn = machnet_net(notify->net);
	/* Most sockets that close own nothing. */
	rcu_read_lock();
	owner = find_dead(mn, notify->portid);
	rcu_read_unlock();
	if (!owner)
		return NOTIFY_DONE;

	mutex_lock(&mn->lock);
	while ((owner = find_dead(mn, notify->portid))) {
		hlist_del_init_rcu(&owner->node);
		release(mn, owner);
		owner_free(owner);
	}
	mutex_unlock(&mn->lock);
	return NOTIFY_DONE;
}

static struct notifier_block netlink_nb = {
	.notifier_call = netlink_event,
};

int machnet_owner_init(void)
{
	return netlink_register_notifier(&netlink_nb);
}

void machnet_owner_exit(void)
{
	netlink_unregister_notifier(&netlink_nb);
}

#ifdef CONFIG_CGROUPS
static u64 cgroup_of(struct task_struct *task)
{
	u64 id;

	rcu_read_lock();
	id = cgroup_id(task_dfl_cgroup(task));
	rcu_read_unlock();
	return id;
}
#else
static u64 cgroup_of(struct task_struct *task)
{
	return 0;
}
#endif

static void describe(struct machnet_process *process, struct task_struct *task)
{
	rcu_read_lock();
	process->uid = __task_cred(task)->euid;
	rcu_read_unlock();
	process->pid = get_pid(task_tgid(task));
	process->cgroup = cgroup_of(task);
	get_task_comm(process->comm, task->group_leader);
}

void machnet_process_current(struct machnet_process *process)
{
	describe(process, current);
}

int machnet_process_find(struct machnet_process *process, u32 nr)
{
	struct pid *pid = nr <= PID_MAX_LIMIT ? find_get_pid(nr) : NULL;
	struct task_struct *task = get_pid_task(pid, PIDTYPE_TGID);

	put_pid(pid);
	if (!task)
		return -ESRCH;
	describe(process, task);
	put_task_struct(task);
	return 0;
}

bool machnet_process_is(const struct machnet_process *process, u32 nr)
{
	bool is;

	rcu_read_lock();
	is = find_vpid(nr) == process->pid;
	rcu_read_unlock();
	return is;
}

/* As ptrace_may_access() with PTRACE_MODE_READ_FSCREDS, which modules cannot call. */
static bool may_access(const struct cred *reader, const struct cred *cred)
{
	return (uid_eq(reader->fsuid, cred->euid) && uid_eq(reader->fsuid, cred->suid) &&
		uid_eq(reader->fsuid, cred->uid) && gid_eq(reader->fsgid, cred->egid) &&
		gid_eq(reader->fsgid, cred->sgid) && gid_eq(reader->fsgid, cred->gid)) ||
	       ns_capable_noaudit(cred->user_ns, CAP_SYS_PTRACE);
}

bool machnet_process_visible(const struct machnet_process *process)
{
	struct task_struct *task;
	bool visible;

	if (!pid_nr_ns(process->pid, task_active_pid_ns(current)))
		return false;
	rcu_read_lock();
	task = pid_task(process->pid, PIDTYPE_TGID);
	visible = task ? may_access(current_cred(), __task_cred(task)) :
		  ns_capable_noaudit(ns_of_pid(process->pid)->user_ns, CAP_SYS_PTRACE);
	rcu_read_unlock();
	return visible;
}

bool machnet_process_exits(const struct machnet_process *process)
{
	struct task_struct *task;
	bool exits;

	rcu_read_lock();
	task = pid_task(process->pid, PIDTYPE_TGID);
	exits = !task || READ_ONCE(task->flags) & PF_EXITING;
	rcu_read_unlock();
	return exits;
}

void machnet_process_put(struct machnet_process *process)
{
	put_pid(process->pid);
}
