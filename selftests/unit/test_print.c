// SPDX-License-Identifier: MIT
/* machnetctl's output: text and JSON from the same calls. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"
#include "tools/machnetctl/print.h"

FIXTURE(print) {
	struct out o;
	FILE *file;
	char *text;
	size_t size;
};

FIXTURE_SETUP(print)
{
	self->file = open_memstream(&self->text, &self->size);
	ASSERT_NE(NULL, self->file);
}

FIXTURE_TEARDOWN(print)
{
	fclose(self->file);
	free(self->text);
}

static void put_row(struct out *o, const char *name, uint64_t value, const char *ip)
{
	struct mn_addr addr = { 0 };

	out_row_begin(o);
	out_string(o, "name", "Name", name);
	out_number(o, "value", "Value", value);
	if (mn_addr_parse(&addr, ip))
		out_nothing(o, "Addr");
	else
		out_endpoint(o, "addr", "port", "Addr", &addr, 80);
	out_flag(o, "big", "Big", value > 10);
	out_row_end(o);
}

static void put_table(struct out *o)
{
	out_table_begin(o);
	put_row(o, "a", 1, "10.0.0.1");
	put_row(o, "long name", UINT64_MAX, "fd00::1");
	put_row(o, "", 10, "none");
	out_table_end(o);
}

TEST_F(print, table_as_text)
{
	out_init(&self->o, self->file, false, false);
	put_table(&self->o);
	EXPECT_EQ(0, out_finish(&self->o));
	EXPECT_STREQ("Name                      Value  Addr          Big\n"
		     "a                             1  10.0.0.1:80   no\n"
		     "long name  18446744073709551615  [fd00::1]:80  yes\n"
		     "                             10  -             no\n", self->text);
}

TEST_F(print, table_as_json)
{
	out_init(&self->o, self->file, true, false);
	put_table(&self->o);
	EXPECT_EQ(0, out_finish(&self->o));
	EXPECT_STREQ("[{\"name\":\"a\",\"value\":1,\"addr\":\"10.0.0.1\",\"port\":80,"
		     "\"big\":false},{\"name\":\"long name\","
		     "\"value\":18446744073709551615,\"addr\":\"fd00::1\","
		     "\"port\":80,\"big\":true},{\"name\":\"\",\"value\":10,\"big\":false}]\n",
		     self->text);
}

TEST_F(print, table_as_pretty_json)
{
	out_init(&self->o, self->file, true, true);
	out_table_begin(&self->o);
	put_row(&self->o, "a", 1, "none");
	out_table_end(&self->o);
	EXPECT_EQ(0, out_finish(&self->o));
	EXPECT_STREQ("[\n    {\n        \"name\": \"a\",\n        \"value\": 1,\n"
		     "        \"big\": false\n    }\n]\n", self->text);
}

TEST_F(print, empty_table)
{
	out_init(&self->o, self->file, false, false);
	out_table_begin(&self->o);
	out_table_end(&self->o);
	EXPECT_EQ(0, out_finish(&self->o));
	EXPECT_STREQ("", self->text);
}

TEST_F(print, empty_table_as_json)
{
	out_init(&self->o, self->file, true, true);
	out_table_begin(&self->o);
	out_table_end(&self->o);
	EXPECT_EQ(0, out_finish(&self->o));
	EXPECT_STREQ("[]\n", self->text);
}

static void put_record(struct out *o)
{
	out_record_begin(o);
	out_string(o, "time", NULL, "now");
	out_number(o, "remote_engine", "Remote-Engine", 7);
	out_nothing(o, "PID");
	out_record_end(o);
}

TEST_F(print, records_as_text)
{
	out_init(&self->o, self->file, false, false);
	put_record(&self->o);
	put_record(&self->o);
	EXPECT_EQ(0, out_finish(&self->o));
	EXPECT_STREQ("now remote-engine 7\nnow remote-engine 7\n", self->text);
}

TEST_F(print, records_as_json)
{
	out_init(&self->o, self->file, true, false);
	put_record(&self->o);
	put_record(&self->o);
	EXPECT_EQ(0, out_finish(&self->o));
	EXPECT_STREQ("{\"time\":\"now\",\"remote_engine\":7}\n"
		     "{\"time\":\"now\",\"remote_engine\":7}\n", self->text);
}

TEST_F(print, counters)
{
	out_init(&self->o, self->file, false, false);
	out_counters_begin(&self->o);
	out_counter(&self->o, "a", 5);
	out_counter(&self->o, "engine0.b", 1234567);
	out_counters_end(&self->o);
	EXPECT_EQ(0, out_finish(&self->o));
	EXPECT_STREQ("Counter      Value\na                5\nengine0.b  1234567\n", self->text);
}

TEST_F(print, counters_as_json)
{
	out_init(&self->o, self->file, true, false);
	out_counters_begin(&self->o);
	out_counter(&self->o, "a", 5);
	out_counter(&self->o, "engine0.b", 1);
	out_counters_end(&self->o);
	EXPECT_EQ(0, out_finish(&self->o));
	EXPECT_STREQ("{\"a\":5,\"engine0.b\":1}\n", self->text);
}

static void put_list(struct out *o, unsigned int rows)
{
	out_record_begin(o);
	out_string(o, "time", NULL, "now");
	out_real(o, "seconds", "Seconds", 0.5);
	out_list_begin(o, "counters");
	while (rows--) {
		out_row_begin(o);
		out_string(o, "name", "Counter", "a");
		out_real(o, "per_second", "Per-second", -2.25);
		out_row_end(o);
	}
	out_list_end(o);
	out_record_end(o);
}

TEST_F(print, list_in_a_record)
{
	out_init(&self->o, self->file, false, false);
	put_list(&self->o, 1);
	put_list(&self->o, 0);
	EXPECT_EQ(0, out_finish(&self->o));
	EXPECT_STREQ("now seconds 0.5\nCounter  Per-second\na              -2.2\n\n"
		     "now seconds 0.5\n\n", self->text);
}

TEST_F(print, list_in_a_record_as_json)
{
	out_init(&self->o, self->file, true, false);
	put_list(&self->o, 2);
	put_list(&self->o, 0);
	EXPECT_EQ(0, out_finish(&self->o));
	EXPECT_STREQ("{\"time\":\"now\",\"seconds\":0.500000,\"counters\":["
		     "{\"name\":\"a\",\"per_second\":-2.250000},"
		     "{\"name\":\"a\",\"per_second\":-2.250000}]}\n"
		     "{\"time\":\"now\",\"seconds\":0.500000,\"counters\":[]}\n", self->text);
}

TEST_F(print, list_in_a_record_as_pretty_json)
{
	out_init(&self->o, self->file, true, true);
	put_list(&self->o, 1);
	EXPECT_EQ(0, out_finish(&self->o));
	EXPECT_STREQ("{\n    \"time\": \"now\",\n    \"seconds\": 0.500000,\n    \"counters\": [\n"
		     "        {\n            \"name\": \"a\",\n"
		     "            \"per_second\": -2.250000\n        }\n    ]\n}\n", self->text);
}

static const struct {
	double value;
	const char *text;
} scaled[] = {
	{ 0, "0" }, { 0.5, "0.50" }, { 9.99, "9.99" }, { 9.996, "10.0" }, { 99.96, "100" },
	{ 999, "999" }, { 999.6, "1.00k" }, { 12345, "12.3k" }, { 1e6, "1.00M" },
	{ 9.41e9, "9.41G" }, { 1e22, "10000E" },
};

TEST_F(print, scaled_numbers)
{
	char want[64];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(scaled); i++) {
		rewind(self->file);
		out_init(&self->o, self->file, false, false);
		out_record_begin(&self->o);
		out_scaled(&self->o, "n", "N", scaled[i].value);
		out_record_end(&self->o);
		ASSERT_EQ(0, out_finish(&self->o));
		snprintf(want, sizeof(want), "n %s\n", scaled[i].text);
		EXPECT_EQ(0, strncmp(want, self->text, strlen(want)))
			TH_LOG("%u: %s", i, self->text);
	}
}

/* A process may call itself anything. */
static const struct {
	const char *raw, *json, *text;
} strings[] = {
	{ "plain", "plain", "plain" },
	{ "quote\"back\\", "quote\\\"back\\\\", "quote\"back\\" },
	{ "tab\tnew\nline", "tab\\u0009new\\u000aline", "tab\\x09new\\x0aline" },
	{ "\033[2J", "\\u001b[2J", "\\x1b[2J" },
	{ "del\177", "del\\u007f", "del\\x7f" },
	{ "h\303\251", "h\303\251", "h\303\251" },
	{ "\360\237\230\200", "\360\237\230\200", "\360\237\230\200" },
	{ "cut\303", "cut\\ufffd", "cut\\xc3" },
	{ "\377\200", "\\ufffd\\ufffd", "\\xff\\x80" },
	{ "\300\200", "\\ufffd\\ufffd", "\\xc0\\x80" },		/* overlong */
	{ "\355\240\200", "\\ufffd\\ufffd\\ufffd", "\\xed\\xa0\\x80" },	/* a surrogate */
	{ "\302\233" "2J", "\\u009b2J", "\\xc2\\x9b2J" },	/* a control character */
};

TEST_F(print, strings)
{
	char want[128];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(strings); i++) {
		rewind(self->file);
		out_init(&self->o, self->file, true, false);
		out_record_begin(&self->o);
		out_string(&self->o, "s", "S", strings[i].raw);
		out_record_end(&self->o);
		ASSERT_EQ(0, out_finish(&self->o));
		snprintf(want, sizeof(want), "{\"s\":\"%s\"}\n", strings[i].json);
		EXPECT_EQ(0, strncmp(want, self->text, strlen(want)))
			TH_LOG("%u: %s", i, self->text);

		rewind(self->file);
		out_init(&self->o, self->file, false, false);
		out_record_begin(&self->o);
		out_string(&self->o, "s", "S", strings[i].raw);
		out_record_end(&self->o);
		ASSERT_EQ(0, out_finish(&self->o));
		snprintf(want, sizeof(want), "s %s\n", strings[i].text);
		EXPECT_EQ(0, strncmp(want, self->text, strlen(want)))
			TH_LOG("%u: %s", i, self->text);
	}
}

TEST(full_disk)
{
	FILE *full = fopen("/dev/full", "w");
	struct out o;

	ASSERT_NE(NULL, full);
	out_init(&o, full, false, false);
	put_table(&o);
	EXPECT_EQ(-ENOSPC, out_finish(&o));
	fclose(full);
}

TEST_HARNESS_MAIN
