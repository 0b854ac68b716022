#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A wire between two interfaces that knows the paths of Machnet, and can lose what they carry.

usage: wire.py IFACE IFACE FIFO

Commands come by the FIFO, one a line; each is answered by one line:
  flows                 "PORT PORT PACKETS ..." of each pair of UDP ports with frames, the smaller one first, sorted
  lose PORT PORT SHARE  of the packets between these ports, the smaller one first, such a share (0 to 1) is lost
"""
import random
import select
import socket
import struct
import sys

ETH_P_ALL = 3
PACKET_OUTGOING = 4
FRAMES = 4


def open_iface(name):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    s.bind((name, 0))
    s.setblocking(False)
    return s


def ports_of(frame):
    """Ports of a packet with frames of wire format 2 over IPv4; None: it is another one."""
    if len(frame) < 82 or frame[12:14] != b"\x08\x00" or frame[14] != 0x45 or frame[23] != 17:
        return None
    return struct.unpack("!HH", frame[34:38]) if frame[42] == 2 and frame[43] == FRAMES else None


class Wire:
    def __init__(self, names):
        self.ifaces = [open_iface(n) for n in names]
        self.flows = {}
        self.loss = {}
        random.seed(1)

    def is_lost(self, frame):
        ports = ports_of(frame)
        if not ports:
            return False
        pair = tuple(sorted(ports))
        self.flows[pair] = self.flows.get(pair, 0) + 1
        return random.random() < self.loss.get(pair, 0)

    def forward(self, i):
        for _ in range(64):
            try:
                frame, where = self.ifaces[i].recvfrom(65536)
            except BlockingIOError:
                return
            if where[2] == PACKET_OUTGOING or self.is_lost(frame):
                continue
            try:
                self.ifaces[1 - i].send(frame)
            except BlockingIOError:
                pass

    def command(self, line):
        words = line.decode().split()
        if words[0] == "lose":
            self.loss[int(words[1]), int(words[2])] = float(words[3])
            return "done"
        if words[0] == "flows":
            return " ".join("%d %d %d" % (*k, v) for k, v in sorted(self.flows.items()))
        return "what?"

    def run(self, commands):
        print("ready", flush=True)
        while True:
            for s in select.select(self.ifaces + [commands], [], [])[0]:
                if s is not commands:
                    self.forward(self.ifaces.index(s))
                    continue
                print(self.command(s.readline()), flush=True)


with open(sys.argv[3], "r+b", buffering=0) as fifo:
    Wire(sys.argv[1:3]).run(fifo)
