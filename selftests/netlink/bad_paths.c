// SPDX-License-Identifier: MIT
/*
 * bad_paths.c - requests about paths that must be refused
 */
#include "bad_input.h"

#include <errno.h>

#define ID(value_)	U64(MACHNET_A_PATH_ID, value_)
#define DEV(value_)	U32(MACHNET_A_PATH_IFINDEX, value_)
#define LOCAL		V4(MACHNET_A_PATH_LOCAL_ADDR)
#define REMOTE		V4(MACHNET_A_PATH_REMOTE_ADDR)
#define TX_LOCAL	U16(MACHNET_A_PATH_TX_LOCAL_PORT, 1)
#define TX_REMOTE	U16(MACHNET_A_PATH_TX_REMOTE_PORT, 2)
#define RX_LOCAL	U16(MACHNET_A_PATH_RX_LOCAL_PORT, 1)
#define RX_REMOTE	U16(MACHNET_A_PATH_RX_REMOTE_PORT, 2)
#define ENGINE(value_)	U32(MACHNET_A_PATH_ENGINE, value_)
#define REMOTE_ENGINE	U32(MACHNET_A_PATH_REMOTE_ENGINE, 127)
#define MTU(value_)	U32(MACHNET_A_PATH_MTU, value_)
#define STATE		U32(MACHNET_A_PATH_STATE, MACHNET_PATH_STATE_OPEN)
/* All that must be there but id, device and engine. */
#define REST		LOCAL, REMOTE, TX_LOCAL, TX_REMOTE, RX_LOCAL, RX_REMOTE, REMOTE_ENGINE, \
			MTU(1500), STATE
#define PATH		ID(9), DEV(SELF_DEV), REST, ENGINE(0)
#define REASON		U32(MACHNET_A_PATH_REASON, MACHNET_REASON_CLOSED)

#define ADD		MACHNET_CMD_PATH_ADD
#define SET		MACHNET_CMD_PATH_SET
#define DEL		MACHNET_CMD_PATH_DEL
#define GET		MACHNET_CMD_PATH_GET

const struct bad bad_paths[] = {
	{ BAD_MISSING, "no id", ADD, { { 0 } }, EINVAL, "id is missing" },
	{ BAD_MISSING, "no ifindex", ADD, { ID(9) }, EINVAL, "ifindex is missing" },
	{ BAD_MISSING, "no local-addr", ADD, { ID(9), DEV(SELF_DEV) }, EINVAL,
	  "local-addr is missing" },
	{ BAD_MISSING, "no remote-addr", ADD, { ID(9), DEV(SELF_DEV), LOCAL }, EINVAL,
	  "remote-addr is missing" },
	{ BAD_MISSING, "no tx-local-port", ADD, { ID(9), DEV(SELF_DEV), LOCAL, REMOTE }, EINVAL,
	  "tx-local-port is missing" },
	{ BAD_MISSING, "no tx-remote-port", ADD,
	  { ID(9), DEV(SELF_DEV), LOCAL, REMOTE, TX_LOCAL }, EINVAL, "tx-remote-port is missing" },
	{ BAD_MISSING, "no rx-local-port", ADD,
	  { ID(9), DEV(SELF_DEV), LOCAL, REMOTE, TX_LOCAL, TX_REMOTE }, EINVAL,
	  "rx-local-port is missing" },
	{ BAD_MISSING, "no rx-remote-port", ADD,
	  { ID(9), DEV(SELF_DEV), LOCAL, REMOTE, TX_LOCAL, TX_REMOTE, RX_LOCAL }, EINVAL,
	  "rx-remote-port is missing" },
	{ BAD_MISSING, "no engine", ADD, { ID(9), DEV(SELF_DEV), REST }, EINVAL,
	  "engine is missing" },
	{ BAD_MISSING, "no remote-engine", ADD,
	  { ID(9), DEV(SELF_DEV), LOCAL, REMOTE, TX_LOCAL, TX_REMOTE, RX_LOCAL, RX_REMOTE,
	    ENGINE(0) }, EINVAL, "remote-engine is missing" },
	{ BAD_MISSING, "no mtu", ADD,
	  { ID(9), DEV(SELF_DEV), LOCAL, REMOTE, TX_LOCAL, TX_REMOTE, RX_LOCAL, RX_REMOTE,
	    ENGINE(0), REMOTE_ENGINE }, EINVAL, "mtu is missing" },
	{ BAD_MISSING, "no state", ADD,
	  { ID(9), DEV(SELF_DEV), LOCAL, REMOTE, TX_LOCAL, TX_REMOTE, RX_LOCAL, RX_REMOTE,
	    ENGINE(0), REMOTE_ENGINE, MTU(1500) }, EINVAL, "state is missing" },
	{ BAD_UNKNOWN, "999", ADD, { PATH, NOBODYS }, EINVAL, TEXT_UNKNOWN },
	{ BAD_FOREIGN, "an age", ADD, { PATH, U64(MACHNET_A_PATH_AGE_MS, 1) }, EINVAL,
	  TEXT_UNKNOWN },
	{ BAD_FOREIGN, "a reason", ADD, { PATH, REASON }, EINVAL, TEXT_UNKNOWN },
	{ BAD_SHORT, "an id of 4 bytes", ADD, { U32(MACHNET_A_PATH_ID, 9) }, EINVAL, TEXT_LENGTH },
	{ BAD_SHORT, "a mac of 5 bytes", ADD, { PATH, { MACHNET_A_PATH_MAC, 5, 2 } }, ERANGE,
	  "binary attribute size out of range" },
	{ BAD_LONG, "a mac of 7 bytes", ADD, { PATH, { MACHNET_A_PATH_MAC, 7, 2 } }, ERANGE,
	  "binary attribute size out of range" },
	{ BAD_LONG, "an address of 8 bytes", ADD, { { MACHNET_A_PATH_LOCAL_ADDR, 8, 127 } }, EINVAL,
	  TEXT_ADDR_LEN },
	{ BAD_TYPE, "a nest", ADD, { U64(MACHNET_A_PATH_ID | NLA_F_NESTED, 9) }, EINVAL,
	  TEXT_NO_NEST },
	{ BAD_RANGE, "id 0", ADD, { ID(0) }, ERANGE, TEXT_RANGE },
	{ BAD_RANGE, "port 0", ADD, { U16(MACHNET_A_PATH_RX_REMOTE_PORT, 0) }, ERANGE, TEXT_RANGE },
	{ BAD_RANGE, "engine 128", ADD, { ENGINE(MACHNET_ENGINES_MAX) }, ERANGE, TEXT_RANGE },
	{ BAD_RANGE, "an mtu of 575", ADD, { MTU(575) }, ERANGE, TEXT_RANGE },
	{ BAD_RANGE, "no state at all", ADD, { U32(MACHNET_A_PATH_STATE, 0) }, ERANGE, TEXT_RANGE },
	{ BAD_RANGE, "a state beyond", ADD,
	  { U32(MACHNET_A_PATH_STATE, MACHNET_PATH_STATE_MAX + 1) }, ERANGE, TEXT_RANGE },
	{ BAD_RANGE, "a mac of a group", ADD, { PATH, { MACHNET_A_PATH_MAC, 6, 1 } }, EINVAL,
	  "mac is not a unicast address" },
	{ BAD_RANGE, "to everybody", ADD,
	  { ID(9), DEV(SELF_DEV), LOCAL, { MACHNET_A_PATH_REMOTE_ADDR, 4, 0xffffffff }, TX_LOCAL,
	    TX_REMOTE, RX_LOCAL, RX_REMOTE, ENGINE(0), REMOTE_ENGINE, MTU(1500), STATE }, EINVAL,
	  TEXT_UNICAST },
	{ BAD_RANGE, "two families", ADD,
	  { ID(9), DEV(SELF_DEV), LOCAL, { MACHNET_A_PATH_REMOTE_ADDR, 16, 0xb80d0120 }, TX_LOCAL,
	    TX_REMOTE, RX_LOCAL, RX_REMOTE, ENGINE(0), REMOTE_ENGINE, MTU(1500), STATE }, EINVAL,
	  "local-addr and remote-addr are of two families" },
	{ BAD_RANGE, "an engine too many", ADD, { ID(9), DEV(SELF_DEV), REST, ENGINE(4) }, ERANGE,
	  "the device does not have so many engines" },
	{ BAD_STATE, "an id that exists", ADD, { ID(1), DEV(SELF_DEV), REST, ENGINE(0) }, EEXIST,
	  "there is a path of this id" },
	{ BAD_STATE, "not served", ADD, { ID(9), DEV(FREE_DEV), REST, ENGINE(0) }, ENODEV,
	  "no datapath serves this network device" },
	{ BAD_OWNER, "on the other's device", ADD, { ID(9), DEV(OTHER_DEV), REST, ENGINE(0) },
	  EPERM, TEXT_OWNER },
	{ BAD_CAPABILITY, "a user", ADD, { PATH }, EPERM, NULL },

	{ BAD_MISSING, "no id", SET, { MTU(1400) }, EINVAL, "id is missing" },
	{ BAD_MISSING, "nothing to set", SET, { ID(1) }, EINVAL, "the request changes nothing" },
	{ BAD_UNKNOWN, "999", SET, { ID(1), MTU(1400), NOBODYS }, EINVAL, TEXT_UNKNOWN },
	{ BAD_FOREIGN, "another peer", SET, { ID(1), REMOTE }, EINVAL, TEXT_FOREIGN },
	{ BAD_SHORT, "an mtu of 2 bytes", SET, { ID(1), U16(MACHNET_A_PATH_MTU, 1400) }, EINVAL,
	  TEXT_LENGTH },
	{ BAD_LONG, "an mtu of 8 bytes", SET, { ID(1), U64(MACHNET_A_PATH_MTU, 1400) }, EINVAL,
	  TEXT_LENGTH },
	{ BAD_TYPE, "a nest", SET, { ID(1), U32(MACHNET_A_PATH_MTU | NLA_F_NESTED, 1400) }, EINVAL,
	  TEXT_NO_NEST },
	{ BAD_RANGE, "an mtu of 65536", SET, { ID(1), MTU(65536) }, ERANGE, TEXT_RANGE },
	{ BAD_RANGE, "a mac of a group", SET, { ID(1), { MACHNET_A_PATH_MAC, 6, 1 } }, EINVAL,
	  "mac is not a unicast address" },
	{ BAD_RANGE, "an engine too many", SET, { ID(1), ENGINE(4) }, ERANGE,
	  "the device does not have so many engines" },
	{ BAD_STATE, "not there", SET, { ID(9), MTU(1400) }, ENOENT,
	  "there is no path of this id" },
	{ BAD_OWNER, "the other's", SET, { ID(2), MTU(1400) }, EPERM, TEXT_OWNER },
	{ BAD_CAPABILITY, "a user", SET, { ID(1), MTU(1400) }, EPERM, NULL },

	{ BAD_MISSING, "no id", DEL, { REASON }, EINVAL, "id is missing" },
	{ BAD_MISSING, "no reason", DEL, { ID(1) }, EINVAL, "reason is missing" },
	{ BAD_UNKNOWN, "999", DEL, { ID(1), REASON, NOBODYS }, EINVAL, TEXT_UNKNOWN },
	{ BAD_FOREIGN, "a state", DEL, { ID(1), REASON, STATE }, EINVAL, TEXT_FOREIGN },
	{ BAD_SHORT, "a reason of 2 bytes", DEL, { ID(1), U16(MACHNET_A_PATH_REASON, 1) }, EINVAL,
	  TEXT_LENGTH },
	{ BAD_LONG, "a reason of 8 bytes", DEL, { ID(1), U64(MACHNET_A_PATH_REASON, 1) }, EINVAL,
	  TEXT_LENGTH },
	{ BAD_TYPE, "a nest", DEL, { ID(1), U32(MACHNET_A_PATH_REASON | NLA_F_NESTED, 1) }, EINVAL,
	  TEXT_NO_NEST },
	{ BAD_RANGE, "a reason beyond", DEL,
	  { ID(1), U32(MACHNET_A_PATH_REASON, MACHNET_REASON_MAX + 1) }, ERANGE, TEXT_RANGE },
	{ BAD_STATE, "not there", DEL, { ID(9), REASON }, ENOENT, "there is no path of this id" },
	{ BAD_OWNER, "the other's", DEL, { ID(2), REASON }, EPERM, TEXT_OWNER },
	{ BAD_CAPABILITY, "a user", DEL, { ID(1), REASON }, EPERM, NULL },

	{ BAD_MISSING, "no id", GET, { { 0 } }, EINVAL, "id is missing" },
	{ BAD_UNKNOWN, "999", GET, { ID(1), NOBODYS }, EINVAL, TEXT_UNKNOWN },
	{ BAD_FOREIGN, "a dump's engine", GET, { ID(1), ENGINE(0) }, EINVAL,
	  "a request for one object takes its key alone" },
	{ BAD_FOREIGN, "an mtu", GET, { MTU(1500) }, EINVAL, TEXT_FOREIGN },
	{ BAD_SHORT, "an id of 4 bytes", GET, { U32(MACHNET_A_PATH_ID, 1) }, EINVAL, TEXT_LENGTH },
	{ BAD_LONG, "an id of 9 bytes", GET, { { MACHNET_A_PATH_ID, 9, 1 } }, EINVAL, TEXT_LENGTH },
	{ BAD_TYPE, "a nest", GET, { U64(MACHNET_A_PATH_ID | NLA_F_NESTED, 1) }, EINVAL,
	  TEXT_NO_NEST },
	{ BAD_RANGE, "id 0", GET, { ID(0) }, ERANGE, TEXT_RANGE },
	{ BAD_STATE, "not there", GET, { ID(9) }, ENOENT, "there is no path of this id" },
	{ BAD_DUMP, "by id", GET, { ID(1) }, EINVAL, "an id names one path, which is no dump" },
	{ BAD_DUMP, "by mtu", GET, { MTU(1500) }, EINVAL, TEXT_FOREIGN },
	{ BAD_DUMP, "by no state", GET, { U32(MACHNET_A_PATH_STATE, 0) }, ERANGE, TEXT_RANGE },
};

const unsigned int n_bad_paths = sizeof(bad_paths) / sizeof(bad_paths[0]);
