/* SPDX-License-Identifier: MIT */
/*
 * print.h - one call prints a fact, as text for people or as JSON for programs
 *
 * A table is a list of rows with the same fields: columns with a heading, or a
 * JSON array of objects. A record is one object: "label value" pairs on one
 * line, or a JSON object on one line. A list is a table inside of a record:
 * below its line, or an array in its object. Errors (memory, a full disk) are
 * kept until out_finish().
 */
#ifndef MACHNETCTL_PRINT_H
#define MACHNETCTL_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <machnet/addr.h>

#define OUT_COLUMNS_MAX	24

struct out {
	FILE *file;
	bool json;
	bool pretty;
	int error;
	bool in_table;
	/* JSON */
	unsigned int depth;
	bool first;			/* nothing stands yet in the innermost brackets */
	/* text: the cells of a table, row after row */
	char **cells;
	size_t n_cells, max_cells;
	const char *labels[OUT_COLUMNS_MAX];
	bool right[OUT_COLUMNS_MAX];	/* numbers */
	unsigned int column, n_columns;
};

void out_init(struct out *o, FILE *file, bool json, bool pretty);
/* Flushes and frees. 0, or the first error. */
int out_finish(struct out *o);

void out_table_begin(struct out *o);
void out_table_end(struct out *o);
void out_row_begin(struct out *o);
void out_row_end(struct out *o);

void out_record_begin(struct out *o);
/* Flushes, so that a reader of a pipe gets each record at once. */
void out_record_end(struct out *o);

/* After the other fields of a record. */
void out_list_begin(struct out *o, const char *key);
void out_list_end(struct out *o);

/* A JSON object of named numbers, a table of two columns as text. */
void out_counters_begin(struct out *o);
void out_counter(struct out *o, const char *name, uint64_t value);
void out_counters_end(struct out *o);

/* key: in JSON; label: the column's heading or, in small letters, the name on the line. */
void out_string(struct out *o, const char *key, const char *label, const char *text);
void out_number(struct out *o, const char *key, const char *label, uint64_t value);
/* With a fraction. */
void out_real(struct out *o, const char *key, const char *label, double value);
/* Shortened as text: 1.25M. */
void out_scaled(struct out *o, const char *key, const char *label, double value);
void out_flag(struct out *o, const char *key, const char *label, bool value);
void out_addr(struct out *o, const char *key, const char *label, const struct mn_addr *addr);
/* One column, two keys. */
void out_endpoint(struct out *o, const char *addr_key, const char *port_key, const char *label,
		  const struct mn_addr *addr, uint16_t port);
/* What is not there: "-" in a table, nothing elsewhere. */
void out_nothing(struct out *o, const char *label);

#endif /* MACHNETCTL_PRINT_H */
