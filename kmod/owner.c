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

#include "device.h"
#include "netns.h"
#include "port.h"
#include "route.h"

static struct machnet_owner *find(struct machnet_net *mn, u32 portid)
{
	struct machnet_owner *owner;

	hash_for_each_possible_rcu(mn->owners, owner, node, portid,
				   lockdep_is_held(&mn->lock)) {
		if (owner->portid == portid)
			return owner;
	}
	return NULL;
}

struct machnet_owner *machnet_owner_get(struct machnet_net *mn, u32 portid)
{
	struct machnet_owner *owner;

	lockdep_assert_held(&mn->lock);
	owner = find(mn, portid);
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
	owner->portid = portid;
	INIT_LIST_HEAD(&owner->devices);
	INIT_LIST_HEAD(&owner->ports);
	INIT_LIST_HEAD(&owner->claims);
	INIT_LIST_HEAD(&owner->watches);
	hash_add_rcu(mn->owners, &owner->node, portid);
	return owner;
}

/* It is out of the hash table. */
static void owner_free(struct machnet_owner *owner)
{
	kfree_rcu(owner, rcu);
	module_put(THIS_MODULE);
}

void machnet_owner_settle(struct machnet_net *mn, u32 portid)
{
	struct machnet_owner *owner;

	lockdep_assert_held(&mn->lock);
	owner = find(mn, portid);
	if (!owner || !list_empty(&owner->devices) || !list_empty(&owner->ports) ||
	    !list_empty(&owner->claims) || !list_empty(&owner->watches))
		return;
	hash_del_rcu(&owner->node);
	owner_free(owner);
}

/* Nobody finds the owner any more: a new socket may have its port id already. */
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

static int netlink_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct netlink_notify *notify = ptr;
	struct machnet_owner *owner;
	struct machnet_net *mn;

	if (event != NETLINK_URELEASE || notify->protocol != NETLINK_GENERIC)
		return NOTIFY_DONE;
	mn = machnet_net(notify->net);
	/* Most sockets that close have nothing to do with us. */
	rcu_read_lock();
	owner = find(mn, notify->portid);
	rcu_read_unlock();
	if (!owner)
		return NOTIFY_DONE;

	mutex_lock(&mn->lock);
	owner = find(mn, notify->portid);
	if (owner) {
		hash_del_rcu(&owner->node);
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

void machnet_process_current(struct machnet_process *process)
{
	process->uid = current_euid();
	process->pid = get_pid(task_tgid(current));
	process->cgroup = cgroup_of(current);
	get_task_comm(process->comm, current->group_leader);
}

int machnet_process_find(struct machnet_process *process, u32 nr)
{
	struct task_struct *task;
	struct pid *pid;

	if (nr > PID_MAX_LIMIT)
		return -ESRCH;
	pid = find_get_pid(nr);
	task = get_pid_task(pid, PIDTYPE_TGID);
	if (!task) {
		put_pid(pid);
		return -ESRCH;
	}
	process->pid = pid;
	process->uid = task_euid(task);
	process->cgroup = cgroup_of(task);
	get_task_comm(process->comm, task);
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
