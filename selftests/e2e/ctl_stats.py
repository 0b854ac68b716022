# SPDX-License-Identifier: MIT
"""A daemon that answers requests for counters, rightly or in one of many wrong ways.

Usage: ctl_stats.py SOCKET MODE. It prints a line when it listens, serves one client, and ends.
"""
import errno
import socket
import struct
import sys

STATS = 6
MESSAGE = struct.Struct("=HHIiIIIII16s16sHHIQQ48s")
COUNTERS = [(b"engine0.rx_messages", 5), (b"nic.rx_packets", 2**64 - 1), (b"odd \"name\"", 0)]


def answer(mode, request):
    """The answer's bytes, or None for a hang-up."""
    kind, version, tag, _, _, _, _, _, index, *_ = MESSAGE.unpack(request)
    if (kind, version) != (STATS, 1):
        sys.exit("not a request for counters: type %d version %d" % (kind, version))
    error, name, value, following = 0, b"x", 1, index + 1
    if index < len(COUNTERS):
        name, value = COUNTERS[index]
    else:
        error = errno.ENOENT
    if mode == "zero-ends" and index == len(COUNTERS) - 1:
        following = 0
    if mode == "loop":
        error, following = 0, 1
    if mode == "old":
        error = errno.EPROTO
    if mode == "unterminated":
        name = b"x" * 48
    if mode == "wrong-tag":
        tag += 1
    if mode == "wrong-type":
        kind += 1
    if mode == "hang-up":
        return None
    whole = MESSAGE.pack(kind, 1, tag, error, 0, 0, 0, 0, following, bytes(16), bytes(16), 0, 0, 0, 0, value, name)
    return whole[:-1] if mode == "short" else whole


def main():
    path, mode = sys.argv[1:]
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.bind(path)
    server.listen(1)
    print("listening", flush=True)
    client, _ = server.accept()
    while True:
        request = client.recv(MESSAGE.size + 1)
        reply = answer(mode, request) if len(request) == MESSAGE.size else None
        if reply is None:
            return
        client.send(reply)


main()
