// SPDX-License-Identifier: MIT
/*
 * test_packet_scripts.c - runs packet scripts, each a test; without arguments all of this folder
 *
 * README.md tells what may stand in one.
 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

#define ALL	"selftests/packet/*/*.pkt"

static void print_complaint(char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")))
		printf("# %s\n", line);
}

static bool run_file(unsigned int number, const char *file)
{
	struct script s = { .file = file };
	bool ok = run_script(&s);

	printf("%sok %u - %s\n", ok ? "" : "not ", number, file);
	if (!ok)
		print_complaint(s.complaint);
	fflush(stdout);
	return ok;
}

int main(int argc, char **argv)
{
	char **files = argv + 1;
	unsigned int n = argc - 1, failed = 0;
	glob_t all = { 0 };

	if (!n) {
		if (glob(ALL, 0, NULL, &all)) {
			fprintf(stderr, "Error: no script matches %s\n", ALL);
			return 1;
		}
		files = all.gl_pathv;
		n = all.gl_pathc;
	}
	printf("TAP version 13\n1..%u\n", n);
	for (unsigned int i = 0; i < n; i++)
		failed += !run_file(i + 1, files[i]);
	globfree(&all);
	return failed > 0;
}
