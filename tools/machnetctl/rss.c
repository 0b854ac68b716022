// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rss.h"

static void print_count(struct out *o, const struct ctl_facts *facts, const char *key,
			const char *label)
{
	out_number(o, key, label, strtoull(ctl_fact(facts, key), NULL, 10));
}

static void print_rank(struct out *o, const struct ctl_facts *facts)
{
	char text[32];

	if (o->json) {
		print_count(o, facts, "rss_rank", "");
		print_count(o, facts, "rss_rank_full", "");
		return;
	}
	snprintf(text, sizeof(text), "%.10s/%.10s", ctl_fact(facts, "rss_rank"),
		 ctl_fact(facts, "rss_rank_full"));
	out_string(o, "rss_rank", "Rank", text);
}

static void print_nothing(struct out *o)
{
	static const char *const labels[] = { "Rank", "Candidates", "Hand-offs", "Moves" };

	for (unsigned int i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		out_nothing(o, labels[i]);
}

void ctl_rss_print(struct out *o, const struct ctl_facts *facts, const char *class)
{
	const char *now = facts ? ctl_fact(facts, "rss_class") : "";

	out_string(o, "rss_class", "RSS", *now ? now : class);
	/* One queue, or a daemon that does not answer. */
	if (o->json && *now)
		print_count(o, facts, "used_engines", "");
	if (!*now || !strcmp(ctl_fact(facts, "engines"), "1")) {
		print_nothing(o);
		return;
	}
	print_rank(o, facts);
	if (o->json) {
		out_flag(o, "rss_ignores_ports", "",
			 !strcmp(ctl_fact(facts, "rss_ignores_ports"), "yes"));
		print_count(o, facts, "rss_observations", "");
		print_count(o, facts, "rss_contradictions", "");
		print_count(o, facts, "rss_refused", "");
		print_count(o, facts, "rss_confined", "");
	}
	print_count(o, facts, "rss_candidates", "Candidates");
	print_count(o, facts, "rss_handoffs", "Hand-offs");
	print_count(o, facts, "rss_moves", "Moves");
}
