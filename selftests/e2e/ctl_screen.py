# SPDX-License-Identifier: MIT
"""Runs a program on a terminal of COLUMNS x ROWS, presses q when it has drawn twice, and looks at what it did.

Usage: ctl_screen.py COLUMNS ROWS CMD...
"""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

HOME = b"\x1b[H"


def main():
    columns, rows = int(sys.argv[1]), int(sys.argv[2])
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    before = termios.tcgetattr(slave)
    child = subprocess.Popen(sys.argv[3:], stdin=slave, stdout=slave, stderr=slave)
    seen, pressed, until = b"", False, time.monotonic() + 20
    while child.poll() is None and time.monotonic() < until:
        if select.select([master], [], [], 0.1)[0]:
            seen += os.read(master, 65536)
        if not pressed and seen.count(HOME) >= 3:
            os.write(master, b"q")
            pressed = True
    while select.select([master], [], [], 0)[0]:
        seen += os.read(master, 65536)
    if child.poll() is None:
        child.kill()
        sys.exit("q did not end it")
    if child.returncode:
        sys.exit("status %d: %r" % (child.returncode, seen))
    if termios.tcgetattr(slave) != before:
        sys.exit("the terminal is not as it was")
    if not seen.endswith(b"\x1b[?25h\x1b[?1049l") or b"\x1b[?1049h" not in seen:
        sys.exit("the page is not as it was: %r" % seen)
    for page in seen.split(HOME)[1:]:
        lines = re.sub(rb"\x1b\[[?0-9]*[a-zA-Z]", b"", page).split(b"\r\n")
        if len(lines) > rows or max(map(len, lines)) > columns:
            sys.exit("does not fit: %r" % lines)
        if b"connections 2" not in lines[0] and not lines[0].startswith(b"20") or not lines[1].startswith(b"State"):
            sys.exit("not what was expected: %r" % lines)


main()
