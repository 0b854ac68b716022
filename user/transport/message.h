/* SPDX-License-Identifier: MIT */
/* message.h - messages in a connection's stream: each is its length, 32 bits, and its bytes */
#ifndef MN_TRANSPORT_MESSAGE_H
#define MN_TRANSPORT_MESSAGE_H

/* Bytes of the length, in network byte order: 1..MN_MSG_MAX. */
#define MN_MSG_PREFIX	4u

#endif /* MN_TRANSPORT_MESSAGE_H */
