/* SPDX-License-Identifier: MIT */
/* stream_world_conn.h - what stream_world.c asks of the connection around a stream */
#ifndef STREAM_WORLD_CONN_H
#define STREAM_WORLD_CONN_H

#include "stream_world.h"

#define WORLD_RECORDS	32u

extern struct mn_records world_pool;

void world_empty_pool(void);
/* Else something is wrong. */
void world_need(struct world *w, bool holds, const char *what);

static inline bool world_is_reading(const struct world_side *s)
{
	return s->st.state == MN_STREAM_OPEN && !s->st.stopped;
}

/* As the functions of these names in conn_*.c. */
void world_room_due(struct world_side *s);
void world_mute(struct world_side *s);
void world_check_peer(struct world_side *s);
void world_drain_held(struct world *w, struct world_side *s);
void world_receive(struct world *w, struct world_side *s, const struct world_frame *wf,
		   uint64_t number, uint8_t how);
void world_output(struct world *w, struct world_side *s, struct world_packet *p, uint8_t how);
void world_output_refuse(struct world_side *s, struct world_packet *p);
void world_output_room(struct world_side *s, struct world_packet *p, uint8_t how);
/* The records of a packet, back from the path. */
void world_settle(struct world_side *s, const struct world_packet *p, bool lost);

#endif /* STREAM_WORLD_CONN_H */
