// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "screen.h"

#define OTHER_PAGE	"\033[?1049h\033[?25l"	/* and no cursor */
#define FIRST_PAGE	"\033[?25h\033[?1049l"
#define HOME		"\033[H"
#define REST_OF_LINE	"\033[K"
#define REST_OF_PAGE	"\033[J"

int ctl_screen_open(struct ctl_screen *s)
{
	struct termios t;

	if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &s->saved))
		return -ENOTTY;
	t = s->saved;
	t.c_lflag &= ~(ICANON | ECHO);
	/* Stopped in the background it could not give the terminal back. */
	t.c_cc[VSUSP] = _POSIX_VDISABLE;
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &t))
		return -errno;
	fputs(OTHER_PAGE, stdout);
	ctl_screen_measure(s);
	return 0;
}

void ctl_screen_close(struct ctl_screen *s)
{
	fputs(FIRST_PAGE, stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &s->saved);
}

void ctl_screen_measure(struct ctl_screen *s)
{
	struct winsize size;

	s->columns = 80;
	s->rows = 24;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col && size.ws_row) {
		s->columns = size.ws_col;
		s->rows = size.ws_row;
	}
}

/* How many bytes of a line of UTF-8 fill so many columns. */
static size_t cut(const char *line, size_t len, unsigned int columns)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((line[i] & 0xc0) != 0x80 && !columns--)
			break;
	return i;
}

int ctl_screen_draw(struct ctl_screen *s, const char *text)
{
	unsigned int row;
	size_t len;

	fputs(HOME, stdout);
	for (row = 0; *text && row < s->rows; row++) {
		len = strcspn(text, "\n");
		/* After the last line there is no new one: the page would move up. */
		if (row)
			putchar('\n');
		fwrite(text, 1, cut(text, len, s->columns), stdout);
		fputs(REST_OF_LINE, stdout);
		text += len + (text[len] == '\n');
	}
	fputs(REST_OF_PAGE, stdout);
	return fflush(stdout) ? -errno : 0;
}

bool ctl_screen_quits(void)
{
	char keys[64];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

	return n <= 0 || memchr(keys, 'q', n);
}
