/* SPDX-License-Identifier: MIT */
/* screen.h - the terminal as a page that is drawn anew, and given back as it was */
#ifndef MACHNETCTL_SCREEN_H
#define MACHNETCTL_SCREEN_H

#include <stdbool.h>
#include <termios.h>

struct ctl_screen {
	struct termios saved;
	unsigned int columns, rows;
};

/* 0 or -errno: standard input or output is no terminal. */
int ctl_screen_open(struct ctl_screen *s);
void ctl_screen_close(struct ctl_screen *s);
/* How large it is now: the window may have changed. */
void ctl_screen_measure(struct ctl_screen *s);
/* As much of the text as there is room for, in place of what stood there. -errno. */
int ctl_screen_draw(struct ctl_screen *s, const char *text);
/* Reads the keys that have been pressed; true: 'q' was among them, or there is nobody any more. */
bool ctl_screen_quits(void);

#endif /* MACHNETCTL_SCREEN_H */
