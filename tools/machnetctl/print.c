// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"

void out_init(struct out *o, FILE *file, bool json, bool pretty)
{
	*o = (struct out){ .file = file, .json = json, .pretty = pretty, .first = true };
}

static void fail(struct out *o, int error)
{
	if (!o->error)
		o->error = error;
}

static void drop_cells(struct out *o)
{
	while (o->n_cells)
		free(o->cells[--o->n_cells]);
}

int out_finish(struct out *o)
{
	errno = 0;
	if (fflush(o->file) || ferror(o->file))
		fail(o, errno ? -errno : -EIO);
	drop_cells(o);
	free(o->cells);
	o->cells = NULL;
	return o->error;
}

/* --- JSON --- */

static void json_separate(struct out *o)
{
	unsigned int i;

	if (!o->first)
		putc(',', o->file);
	if (o->pretty && o->depth) {
		putc('\n', o->file);
		for (i = 0; i < o->depth; i++)
			fputs("    ", o->file);
	}
	o->first = false;
}

static void json_open(struct out *o, char bracket)
{
	if (o->depth)
		json_separate(o);
	putc(bracket, o->file);
	o->depth++;
	o->first = true;
}

static void json_close(struct out *o, char bracket)
{
	bool empty = o->first;
	unsigned int i;

	o->depth--;
	if (o->pretty && !empty) {
		putc('\n', o->file);
		for (i = 0; i < o->depth; i++)
			fputs("    ", o->file);
	}
	putc(bracket, o->file);
	o->first = false;
	if (!o->depth) {
		putc('\n', o->file);
		o->first = true;
	}
}

/* The length of the valid UTF-8 sequence at s, 0 if there is none. */
static size_t utf8_len(const unsigned char *s)
{
	uint32_t c, min;
	size_t len, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc0 || s[0] > 0xf7)
		return 0;
	len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	min = len == 2 ? 0x80 : len == 3 ? 0x800 : 0x10000;
	c = s[0] & (0x7f >> len);
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return len;
}

/* Of a valid sequence: C0, delete, C1. */
static bool is_control(const unsigned char *s)
{
	return *s < 0x20 || *s == 0x7f || (*s == 0xc2 && s[1] < 0xa0);
}

/* Any bytes may be in the name of a process. */
static void json_string(struct out *o, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len;

	putc('"', o->file);
	for (; *s; s += len) {
		len = utf8_len(s);
		if (!len) {
			fputs("\\ufffd", o->file);
			len = 1;
		} else if (*s == '"' || *s == '\\') {
			fprintf(o->file, "\\%c", *s);
		} else if (is_control(s)) {
			fprintf(o->file, "\\u%04x", len == 1 ? *s : s[1]);
		} else {
			fwrite(s, 1, len, o->file);
		}
	}
	putc('"', o->file);
}

static void json_key(struct out *o, const char *key)
{
	json_separate(o);
	json_string(o, key);
	fputs(o->pretty ? ": " : ":", o->file);
}

static void json_open_key(struct out *o, const char *key, char bracket)
{
	json_key(o, key);
	putc(bracket, o->file);
	o->depth++;
	o->first = true;
}

/* --- text --- */

/* A copy in which nothing can move the cursor of a terminal. NULL when out of memory. */
static char *printable(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	char *copy = malloc(4 * strlen(text) + 1);
	char *p = copy;
	size_t len;

	if (!copy)
		return NULL;
	for (; *s; s += len) {
		len = utf8_len(s);
		if (!len || is_control(s)) {
			p += sprintf(p, "\\x%02x", *s);
			len = 1;
		} else {
			memcpy(p, s, len);
			p += len;
		}
	}
	*p = '\0';
	return copy;
}

static void add_cell(struct out *o, const char *label, char *text, bool right)
{
	char **cells = o->cells;

	if (o->column == OUT_COLUMNS_MAX || !text) {
		fail(o, text ? -E2BIG : -ENOMEM);
		free(text);
		return;
	}
	if (o->n_cells == o->max_cells) {
		o->max_cells = o->max_cells ? 2 * o->max_cells : 64;
		cells = reallocarray(cells, o->max_cells, sizeof(*cells));
		if (!cells) {
			o->max_cells = o->n_cells;
			fail(o, -ENOMEM);
			free(text);
			return;
		}
		o->cells = cells;
	}
	o->cells[o->n_cells++] = text;
	o->labels[o->column] = label;
	o->right[o->column++] |= right;
}

static void print_label(struct out *o, const char *label)
{
	for (; *label; label++)
		putc(tolower((unsigned char)*label), o->file);
}

static void text_field(struct out *o, const char *label, const char *value, bool right)
{
	char *text = printable(value);

	if (o->in_table) {
		add_cell(o, label, text, right);
		return;
	}
	if (!text) {
		fail(o, -ENOMEM);
		return;
	}
	if (!o->first)
		putc(' ', o->file);
	o->first = false;
	if (label) {
		print_label(o, label);
		putc(' ', o->file);
	}
	fputs(text, o->file);
	free(text);
}

/* Characters, not bytes. */
static size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

static void print_cell(struct out *o, const char *text, unsigned int column, size_t width)
{
	int pad = width - text_width(text);

	if (column)
		fputs("  ", o->file);
	if (o->right[column])
		fprintf(o->file, "%*s", pad, "");
	fputs(text, o->file);
	if (!o->right[column] && column + 1 < o->n_columns)
		fprintf(o->file, "%*s", pad, "");
	if (column + 1 == o->n_columns)
		putc('\n', o->file);
}

static void print_table(struct out *o)
{
	size_t width[OUT_COLUMNS_MAX], w, i;

	for (i = 0; i < o->n_columns; i++)
		width[i] = text_width(o->labels[i]);
	for (i = 0; i < o->n_cells; i++) {
		w = text_width(o->cells[i]);
		if (w > width[i % o->n_columns])
			width[i % o->n_columns] = w;
	}
	for (i = 0; i < o->n_columns; i++)
		print_cell(o, o->labels[i], i, width[i]);
	for (i = 0; i < o->n_cells; i++)
		print_cell(o, o->cells[i], i % o->n_columns, width[i % o->n_columns]);
}

/* --- layout --- */

static void text_table_begin(struct out *o)
{
	o->in_table = true;
	o->n_columns = 0;
	memset(o->right, 0, sizeof(o->right));
}

void out_table_begin(struct out *o)
{
	text_table_begin(o);
	if (o->json)
		json_open(o, '[');
}

void out_table_end(struct out *o)
{
	if (o->json)
		json_close(o, ']');
	else if (o->n_cells && !o->error)
		print_table(o);
	drop_cells(o);
	o->in_table = false;
}

void out_list_begin(struct out *o, const char *key)
{
	if (o->json)
		json_open_key(o, key, '[');
	else
		putc('\n', o->file);
	text_table_begin(o);
}

void out_list_end(struct out *o)
{
	out_table_end(o);
}

void out_row_begin(struct out *o)
{
	o->column = 0;
	if (o->json)
		json_open(o, '{');
}

void out_row_end(struct out *o)
{
	o->n_columns = o->column;
	if (o->json)
		json_close(o, '}');
}

void out_record_begin(struct out *o)
{
	o->first = true;
	if (o->json)
		json_open(o, '{');
}

void out_record_end(struct out *o)
{
	if (o->json)
		json_close(o, '}');
	else
		putc('\n', o->file);
	if (fflush(o->file))
		fail(o, -errno);
}

void out_counters_begin(struct out *o)
{
	if (o->json)
		json_open(o, '{');
	else
		text_table_begin(o);
}

void out_counter(struct out *o, const char *name, uint64_t value)
{
	if (o->json) {
		json_key(o, name);
		fprintf(o->file, "%" PRIu64, value);
		return;
	}
	out_row_begin(o);
	out_string(o, "counter", "Counter", name);
	out_number(o, "value", "Value", value);
	out_row_end(o);
}

void out_counters_end(struct out *o)
{
	if (o->json)
		json_close(o, '}');
	else
		out_table_end(o);
}

/* --- fields --- */

void out_string(struct out *o, const char *key, const char *label, const char *text)
{
	if (o->json) {
		json_key(o, key);
		json_string(o, text);
	} else {
		text_field(o, label, text, false);
	}
}

static void number_field(struct out *o, const char *key, const char *label, const char *json,
			 const char *text)
{
	if (o->json) {
		json_key(o, key);
		fputs(json, o->file);
	} else {
		text_field(o, label, text, true);
	}
}

void out_number(struct out *o, const char *key, const char *label, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	number_field(o, key, label, text, text);
}

void out_real(struct out *o, const char *key, const char *label, double value)
{
	char json[32], text[32];

	snprintf(json, sizeof(json), "%.6f", value);
	snprintf(text, sizeof(text), "%.1f", value);
	number_field(o, key, label, json, text);
}

void out_scaled(struct out *o, const char *key, const char *label, double value)
{
	static const char suffixes[] = " kMGTPE";
	char json[32], text[32];
	double shown = value;
	unsigned int i = 0;
	int decimals;

	while (shown >= 999.5 && suffixes[i + 1]) {
		shown /= 1000;
		i++;
	}
	decimals = !value || shown >= 99.95 ? 0 : shown >= 9.995 ? 1 : 2;
	snprintf(json, sizeof(json), "%.6f", value);
	snprintf(text, sizeof(text), "%.*f%.*s", decimals, shown, i > 0, suffixes + i);
	number_field(o, key, label, json, text);
}

void out_flag(struct out *o, const char *key, const char *label, bool value)
{
	if (o->json) {
		json_key(o, key);
		fputs(value ? "true" : "false", o->file);
	} else {
		text_field(o, label, value ? "yes" : "no", false);
	}
}

void out_addr(struct out *o, const char *key, const char *label, const struct mn_addr *addr)
{
	char text[MN_ADDR_STRLEN];

	out_string(o, key, label, mn_addr_format(addr, text));
}

void out_endpoint(struct out *o, const char *addr_key, const char *port_key, const char *label,
		  const struct mn_addr *addr, uint16_t port)
{
	char text[MN_ADDR_STRLEN + 16];
	char ip[MN_ADDR_STRLEN];

	if (o->json) {
		out_addr(o, addr_key, label, addr);
		out_number(o, port_key, label, port);
		return;
	}
	snprintf(text, sizeof(text), mn_addr_is_v4(addr) ? "%s:%u" : "[%s]:%u",
		 mn_addr_format(addr, ip), port);
	text_field(o, label, text, false);
}

void out_nothing(struct out *o, const char *label)
{
	if (!o->json && o->in_table)
		text_field(o, label, "-", false);
}
