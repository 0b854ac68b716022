#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""garbage.py IFACE DST_MAC SRC_IP DST_IP PORT COUNT SEED: sends frames that no Machnet host would send.

Random payloads to a live port, cut and stretched packets, wrong lengths, wrong checksums, wrong versions.
"""
import ipaddress
import random
import socket
import struct
import sys


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def datagram(src, dst, sport, dport, payload, rng):
    """An IPv4 packet with right checksums, unless the dice say otherwise."""
    length = 8 + len(payload)
    udp = struct.pack("!HHHH", sport, dport, length, 0)
    pseudo = src + dst + struct.pack("!BBH", 0, 17, length)
    csum = checksum(pseudo + udp + payload) or 0xffff
    kind = rng.randrange(6)
    if kind == 0:
        csum ^= 1 + rng.randrange(0xfffe)
    if kind == 1:
        length = rng.randrange(0x10000)
    udp = struct.pack("!HHHH", sport, dport, length, csum)
    total = 20 + len(udp) + len(payload)
    if kind == 2:
        total += rng.randrange(1, 2000)
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, total, 0, 0x4000, 64, 17, 0, src, dst)
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return header + udp + payload


def payload_of(rng):
    """Nothing, noise, something that begins like a Machnet packet, or a header with impossible contents."""
    kind = rng.randrange(4)
    if kind == 0:
        return rng.randbytes(rng.randrange(48))
    if kind == 1:
        return rng.randbytes(rng.randrange(1400))
    if kind == 2:
        return bytes([2, rng.randrange(8), rng.randrange(256), rng.randrange(2)]) + rng.randbytes(rng.randrange(300))
    # No packet has the number 0, and no INIT says what is behind it.
    head = bytes([2, rng.choice((1, 4)), rng.randrange(256), 0]) + b"\xff" * 4
    return head + rng.randbytes(8) + bytes(24) + rng.randbytes(rng.randrange(48, 200))


def main():
    iface, dst_mac, src_ip, dst_ip, port, count, seed = sys.argv[1:]
    rng = random.Random(int(seed))
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind((iface, 0))
    src_mac = sock.getsockname()[4]
    mac = bytes.fromhex(dst_mac.replace(":", ""))
    src, dst = (ipaddress.ip_address(a).packed for a in (src_ip, dst_ip))
    for _ in range(int(count)):
        frame = mac + src_mac + b"\x08\0" + datagram(
            src, dst, rng.randrange(1, 65536), int(port), payload_of(rng), rng)
        if rng.randrange(8) == 0:
            frame = frame[:rng.randrange(14, len(frame) + 1)]
        sock.send(frame)


main()
