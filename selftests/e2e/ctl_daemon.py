# SPDX-License-Identifier: MIT
"""A daemon that answers the questions of machnetctl, rightly or in one of many wrong ways.

Usage: ctl_daemon.py SOCKET MODE [KEY=VALUE...]. It prints a line when it listens and serves one client after the
other; KEY=VALUE replaces one of its facts. Counters grow by STEP, and those of connections by theirs, each time they
are asked for anew.
"""
import errno
import fcntl
import os
import socket
import struct
import sys

STATS, INFO, FACTS, CONNECTIONS, KILL = range(4, 9)
PATHS, PROBE = 11, 12
CONTROL_LOCAL = 2
PATH = struct.Struct("=7Q16s16sHH12I6s2BHHQ")
ESTABLISHED = 2
OPENING, OPEN = 1, 2
ENGINES_MAX = 128
MESSAGE = struct.Struct("=HHIiIIII16s16sHHIIQQ48s")
CONNECTION = struct.Struct("=8Q16s16sHHIIIIIIIIIIIQII")
F_ADD_SEALS, SEALS = 1033, 2 | 4 | 8
STEP = 100
HUGE = 2**40

COUNTERS = [(b"engine0.rx_messages", 5), (b"nic.rx_packets", 2**64 - 1), (b"odd \"name\"", 0)]
FACTS_TOLD = {
    "version": "1", "pid": str(os.getpid()), "control": "local", "device": "net_af_packet0,iface=lo", "netdev": "lo",
    "tap": "none", "driver": "net_af_packet", "mac": "02:00:00:00:00:01", "mtu": "65536", "engines": "1",
    "path_port_first": "61440", "path_port_count": "64", "cores": "any", "poll": "adaptive", "memory": "pages", "rx_wakeup": "no", "rss_class": "single",
    "rss_ignores_ports": "no", "rss_rank": "0", "rss_rank_full": "0", "rss_observations": "0", "rss_contradictions": "0",
    "rss_candidates": "0", "rss_refused": "0", "rss_handoffs": "0", "rss_confined": "0", "rss_moves": "0",
    "uptime_s": "12", "channels": "3", "connections": "2", "registered": "2",
}


def v4(text):
    return bytes(10) + b"\xff\xff" + socket.inet_aton(text)


class Daemon:
    def __init__(self, mode, facts):
        self.mode = mode
        self.facts = ["%s=%s" % fact for fact in {**FACTS_TOLD, **facts}.items()]
        self.asked = 0
        self.counted = 0
        self.ends = {}
        self.conns = [
            dict(id=0x1111, local="10.0.0.1", lport=4000, remote="10.0.0.2", rport=5000, pid=os.getpid(), uid=0,
                 messages=1, bytes=1000),
            dict(id=0x2222, local="10.0.0.1", lport=4001, remote="10.0.0.3", rport=5000, pid=0, uid=2**32 - 1,
                 messages=3, bytes=50000),
        ]

    def packed(self, conn):
        n = self.asked
        return CONNECTION.pack(
            conn["id"], 0xAAAA, 1000000 * n, conn["messages"] * STEP * n, 0, conn["bytes"] * n, 0, n, v4(conn["local"]),
            v4(conn["remote"]), conn["lport"], conn["rport"], 1, 0, conn["pid"], conn["uid"], ESTABLISHED, 45, 5, 1000,
            65536, 1400, 0, 5000, 77, 0)

    @staticmethod
    def paths():
        """One in use, and one that is opening within the host, whose engine there is not known."""
        ends = v4("10.0.0.1"), v4("10.0.0.2"), 61441, 61440
        yield PATH.pack(0xAAAA, 2000000, 1000, 900, 7, 2500, 2400, *ends, 1, 3, OPEN, 1500, 1472, 2, 45, 5, 1000, 16, 60, 4,
                        bytes((2, 0, 0, 0, 0, 9)), 1, 0, 61450, 61451, 5)
        yield PATH.pack(0xBBBB, 1000, 0, 0, 0, 0, 0, v4("10.0.0.1"), v4("10.0.0.1"), 61442, 61440, 0, ENGINES_MAX, OPENING,
                        0, 1200, 0, 0, 0, 1000000, 1, 1, 0, bytes(6), 0, 0, 0, 0, 0)

    def connections(self):
        self.asked += 1
        return self.listed([self.packed(c) for c in self.conns])

    def listed(self, elements):
        """How many there are said to be, and the descriptors that hold them."""
        data = b"".join(elements)
        count = len(elements)
        if self.mode == "huge":
            count = HUGE
        if self.mode == "more":
            count += 1
        if self.mode == "fewer":
            count -= 1
        if self.mode == "no-descriptor":
            return count, []
        if self.mode == "pipe":
            return count, list(os.pipe())[:1]
        fd = os.memfd_create("connections", os.MFD_ALLOW_SEALING)
        os.write(fd, data)
        if self.mode != "unsealed":
            fcntl.fcntl(fd, F_ADD_SEALS, SEALS - (2 if self.mode == "may-shrink" else 0))
        return count, [fd, fd] if self.mode == "two-descriptors" else [fd]

    def kill(self, ident):
        """It takes two questions until a connection is gone."""
        known = [c for c in self.conns if c["id"] == ident]
        if self.mode == "denied":
            return errno.EPERM
        if not known:
            return errno.ENOENT
        self.ends[ident] = self.ends.get(ident, 0) + 1
        if self.ends[ident] == 2 and self.mode != "stubborn":
            self.conns.remove(known[0])
        return 0

    def counter(self, index):
        if index == 0:
            self.counted += 1
        if index >= len(COUNTERS):
            return errno.ENOENT, b"x", 1
        name, value = COUNTERS[index]
        return 0, name, (value + (STEP * (self.counted - 1) if index == 0 else 0)) % 2**64

    @staticmethod
    def probe(remote):
        """Of 10.0.0.x 2 answers, 3 is silent, 4 has no neighbour; there is no route to others."""
        errors = {v4("10.0.0.2"): 0, v4("10.0.0.3"): errno.ETIMEDOUT, v4("10.0.0.4"): errno.EHOSTUNREACH}
        return errors.get(remote, errno.ENETUNREACH)

    def answer(self, request):
        """The answer's bytes, None for a hang-up; and descriptors."""
        kind, version, tag, _, _, _, _, index, _, remote, _, _, _, _, _, value, _ = MESSAGE.unpack(request)
        if version != 6:
            sys.exit("not a request: type %d version %d" % (kind, version))
        error, name, following, fds, control = 0, b"", 0, [], 0
        if kind in (STATS, FACTS):
            following = index + 1
        if kind == STATS:
            error, name, value = self.counter(index)
        elif kind == FACTS:
            if index < len(self.facts):
                name = self.facts[index].encode()
            else:
                error = errno.ENOENT
        elif kind == INFO:
            control, name = CONTROL_LOCAL, b"lo"
            if self.mode == "kernel":
                control -= 1
        elif kind == CONNECTIONS:
            value, fds = self.connections()
        elif kind == PATHS:
            value, fds = self.listed(list(self.paths()))
        elif kind == PROBE:
            error = self.probe(remote)
        elif kind == KILL:
            error = self.kill(value)
        if self.mode == "zero-ends" and index == len(COUNTERS) - 1:
            following = 0
        if self.mode == "loop":
            error, following = 0, 1
        if self.mode == "endless":
            error = 0
        if self.mode == "old":
            error = errno.EPROTO
        if self.mode == "negative":
            error = -1
        if self.mode == "nameless-fact":
            name = b"version"
        if self.mode == "unterminated":
            name = b"x" * 48
        if self.mode == "wrong-tag":
            tag += 1
        if self.mode == "wrong-type":
            kind += 1
        if self.mode == "hang-up":
            return None, []
        whole = MESSAGE.pack(kind, 1, tag, error, control, 0, 0, following, bytes(16), bytes(16), 0, 0, 0, 0,
                             0, value, name)
        if self.mode == "short":
            whole = whole[:-1]
        return whole + b"x" if self.mode == "long" else whole, fds


def serve(daemon, client):
    while True:
        request = client.recv(MESSAGE.size + 1)
        if len(request) != MESSAGE.size:
            return
        reply, fds = daemon.answer(request)
        if reply is None:
            return
        try:
            socket.send_fds(client, [reply], fds)
        except (BrokenPipeError, ConnectionResetError):
            return
        for fd in set(fds):
            os.close(fd)


def main():
    path, mode, *facts = sys.argv[1:]
    daemon = Daemon(mode, dict(fact.split("=", 1) for fact in facts))
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.bind(path)
    server.listen(1)
    print("listening", flush=True)
    while True:
        client, _ = server.accept()
        with client:
            serve(daemon, client)


main()
