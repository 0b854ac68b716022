// SPDX-License-Identifier: MIT
/*
 * test_packet_scripts.c - runs packet scripts, each a test; without arguments all of this folder
 *
 * -w FILE in front: what goes in and comes out is captured. README.md tells what may stand in
 * a script.
 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "run.h"

#define ALL	"selftests/packet/*/*.pkt"

static void print_complaint(char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")))
		printf("# %s\n", line);
}

static bool run_file(unsigned int number, const char *file, FILE *capture)
{
	struct script s = { .file = file, .capture = capture };
	bool ok = run_script(&s);

	printf("%sok %u - %s\n", ok ? "" : "not ", number, file);
	if (!ok)
		print_complaint(s.complaint);
	fflush(stdout);
	return ok;
}

int main(int argc, char **argv)
{
	bool captures = argc > 2 && !strcmp(argv[1], "-w");
	FILE *capture = captures ? capture_open(argv[2]) : NULL;
	char **files = argv + (captures ? 3 : 1);
	unsigned int n = argc - (captures ? 3 : 1), failed = 0;
	glob_t all = { 0 };

	if (captures && !capture) {
		fprintf(stderr, "Error: cannot write %s\n", argv[2]);
		return 1;
	}
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
		failed += !run_file(i + 1, files[i], capture);
	if (capture)
		fclose(capture);
	globfree(&all);
	return failed > 0;
}
