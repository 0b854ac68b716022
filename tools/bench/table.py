#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""table.py RESULTS JSON NAME=VALUE... - the bars' table from what run.sh has measured

Every figure is the median of the rounds, every ratio the median of the ratios within the rounds.
"""
import json
import os
import statistics
import sys

SOCKETS = ("udp", "tcp", "tcp-batch", "udp-busy", "tcp-busy", "tcp-batch-busy")
BLOCKING = ("udp", "tcp", "tcp-batch")
BUSY = ("udp-busy", "tcp-busy", "tcp-batch-busy")
PER_CALL = ("udp", "udp-busy", "tcp", "tcp-busy")
BATCH = ("tcp-batch", "tcp-batch-busy")
# A processor per host; applications and daemons on different ones.
MEMIF = ("memif", "crossed")
WORKS = {"64-w1": "64 B, window 1", "64-w32": "64 B, window 32", "1K-w32": "1 KiB, window 32",
         "32K-w32": "32 KiB, window 32"}


class Results:
    """What was measured: work -> world -> round -> record."""

    def __init__(self, path):
        self.by = {}
        with open(path, encoding="ascii") as lines:
            for line in lines:
                r = json.loads(line)
                self.by.setdefault(r["work"], {}).setdefault(r["world"], {})[r["round"]] = r

    def rounds(self, work, world, key):
        """The values of a key by round; a key may be a function of the record."""
        take = key if callable(key) else lambda r: r["report"][key]
        return {n: take(r) for n, r in self.by.get(work, {}).get(world, {}).items()}

    def median(self, work, world, key):
        values = self.rounds(work, world, key).values()
        return statistics.median(values) if values else None

    def pair(self, a, b, key, combine):
        """The median of combine(a, b) over the rounds that have both; a and b are (work, world)."""
        first, second = self.rounds(*a, key), self.rounds(*b, key)
        both = [combine(first[n], second[n]) for n in first if n in second]
        return statistics.median(both) if both else None

    def ratio(self, a, b, key="rate"):
        return self.pair(a, b, key, lambda x, y: x / y if y else 0)


def engine(record, name):
    """How much a counter of the engines grew, both hosts together."""
    def total(stats):
        return sum(v for host in stats for k, v in host.items()
                   if k.startswith("engine") and k.endswith("." + name))
    return total(record["after"]) - total(record["before"])


def packets(record):
    """Packets per second and direction: what both have sent, halved."""
    return engine(record, "tx_packets") / 2 / record["report"]["seconds"]


def wire_bytes(record):
    """Bytes per second and direction."""
    def total(stats):
        return sum(host["nic.tx_bytes"] for host in stats)
    return (total(record["after"]) - total(record["before"])) / 2 / record["report"]["seconds"]


def retransmitted(record):
    return engine(record, "tx_retransmits") / max(engine(record, "tx_packets"), 1)


class Bars:
    """Lines of work, bar, measured, verdict, and the run that they speak of, (work, world).

    Those that were not measured are left out.
    """

    def __init__(self):
        self.lines = []

    def add(self, work, bar, value, text, run=None, reached=None):
        if value is None:
            return
        verdict = "" if reached is None else "reached" if reached(value) else "MISSED"
        self.lines.append({"work": work, "bar": bar, "value": value, "measured": text(value),
                           "verdict": verdict, "run": run})

    def at_least(self, work, bar, value, least, text, run=None):
        self.add(work, bar, value, text, run, lambda v: v >= least)

    def at_most(self, work, bar, value, most, text, run=None):
        self.add(work, bar, value, text, run, lambda v: v <= most)


def rate(v):
    return f"{v:,.0f}/s"


def us(v):
    return f"{v:,.1f} us"


def times(v):
    return f"{v:.2f}x"


def percent(v):
    return f"{v * 100:.4g} %"


def add_rates(bars, r):
    for world in MEMIF:
        bars.at_most(f"{world}, 64 B, window 1", "p50 <= 8 us", r.median("64-w1", world, "p50_us"), 8, us,
                     ("64-w1", world))
    for name, least in (("64-w1", 110000), ("64-w32", 2000000), ("1K-w32", 1500000), ("32K-w32", 100000)):
        for world in MEMIF:
            bars.at_least(f"{world}, {WORKS[name]}", f">= {least:,}/s", r.median(name, world, "rate"), least, rate,
                          (name, world))
    for name in WORKS:
        bars.add(f"veth, {WORKS[name]}", "(report)", r.median(name, "veth", "rate"), rate, (name, "veth"))


def add_raw(bars, r):
    for name, text in (("64-w32", "64 B packets"), ("32K-w32", "1514 B packets")):
        bars.add(f"af_packet alone, {text}", "(report)", r.median(name, "raw", "rate"), rate)
    a, b = r.median("64-w32", "veth", packets), r.median("64-w32", "raw", "rate")
    if a and b:
        bars.add("veth, 64 B, window 32", "packets/s of af_packet alone", a / b, percent)
        bars.add("veth, 64 B, window 32", "messages/s by its packets/s",
                 r.median("64-w32", "veth", "rate") / b, percent)
    a, b = r.median("32K-w32", "veth", wire_bytes), r.median("32K-w32", "raw", "gbps")
    if a and b:
        bars.add("veth, 32 KiB, window 32", "bytes/s of af_packet alone", a * 8e-9 / b, percent)


def add_faults(bars, r):
    loss, clean = ("loss", "memif-loss"), ("loss", "memif")
    bars.at_least("1 % loss, 32 KiB, window 32", ">= 70 % of loss-free", r.ratio(loss, clean), 0.7, percent, loss)
    single, clean = ("single", "memif-single"), ("single", "memif")
    bars.at_most("one lost packet when idle, p99.9", "grows by < 1,000 us",
                 r.pair(single, clean, "p999_us", lambda x, y: x - y), 1000, us, single)
    reorder = ("reorder", "memif-reorder")
    bars.at_most("5 % reordered by up to 8 places", "< 0.1 % retransmitted",
                 r.median(*reorder, retransmitted), 0.001, percent, reorder)


def add_connections(bars, r):
    for work, size in (("connections-64", "64 B"), ("connections-8K", "8 KiB")):
        for n in (100, 1000, 10000):
            bars.at_least(f"{n:,} connections, {size}, window 32", ">= 80 % of one's rate",
                          r.ratio((work, str(n)), (work, "1")), 0.8, percent,
                          (work, str(n)))


def add_many(bars, r):
    many = ("many", "3000")
    bars.at_least("3,000 connections with a message each, veth", ">= 5,000 messages/s", r.median(*many, "rate"),
                  5000, rate, many)


def add_neighbours(bars, r):
    for name in ("stopped-reader", "hostile"):
        bars.at_most(f"beside a {name.replace('-', ' ')}, p99", "<= 2x alone",
                     r.ratio((name, "beside"), (name, "alone"), "p99_us"), 2, times,
                     (name, "beside"))
    deaf = ("deaf-client", "beside")
    bars.at_most("server with clients that never read, p99 of another", "<= 1.5x alone",
                 r.ratio(deaf, ("deaf-client", "alone"), "p99_us"), 1.5, times, deaf)


def add_same_host(bars, r):
    for name in ("64-w1", "64-w32", "32K-w32"):
        bars.add(f"same host, {WORKS[name]}", "(report)", r.median("same-host", name, "rate"), rate,
                 ("same-host", name))


def extreme(r, choose, name, world, others, key):
    """The ratio to that of the others to which it is least flattering."""
    ratios = [r.ratio((name, world), (name, o), key) for o in others]
    ratios = [x for x in ratios if x is not None]
    return choose(ratios) if ratios else None


def add_sockets_of(bars, r, world):
    for name in ("64-w32", "1K-w32"):
        for others, text in ((PER_CALL, "message by message"), (BATCH, "TCP in batches")):
            bars.at_least(f"{world}, {WORKS[name]}", f">= 5x sockets, {text}",
                          extreme(r, min, name, world, others, "rate"), 5, times)
    bars.at_least(f"{world}, {WORKS['32K-w32']}", ">= 1.2x TCP",
                  extreme(r, min, "32K-w32", world, [s for s in SOCKETS if "tcp" in s], "rate"), 1.2, times)
    for key, text in (("p50_us", "p50"), ("p99_us", "p99")):
        bars.at_most(f"{world}, 64 B, window 1, {text}", "<= 0.2x blocking sockets",
                     extreme(r, max, "64-w1", world, BLOCKING, key), 0.2, times)
        bars.at_most(f"{world}, 64 B, window 1, {text}", "<= 1x busy sockets",
                     extreme(r, max, "64-w1", world, BUSY, key), 1, times)


def add_sockets(bars, r):
    for world in MEMIF:
        add_sockets_of(bars, r, world)
    for name, text in WORKS.items():
        bars.at_least(f"veth, {text}", "> 1x blocking sockets",
                      extreme(r, min, name, "veth", BLOCKING, "rate"), 1, times)


def print_table(head, rows):
    widths = [max(len(row[i]) for row in [head] + rows) for i in range(len(head))]
    for row in [head] + rows:
        cells = [c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())
    print()


def latency_cells(r, run):
    values = [r.median(*run, key) if run and run[1] != "raw" else None for key in ("p50_us", "p99_us", "p999_us")]
    return ["" if v is None else f"{v:,.1f}" for v in values]


def ratio_cells(r, run):
    """How many times the rate of each kind of sockets at the same work."""
    ratios = [r.ratio(run, (run[0], s)) if run else None for s in SOCKETS]
    return ["" if v is None else times(v) for v in ratios]


def print_bars(r, bars):
    print_table(["work", "bar", "measured", "verdict", "p50 us", "p99 us", "p99.9 us"] + ["/" + s for s in SOCKETS],
                [[b["work"], b["bar"], b["measured"], b["verdict"]] + latency_cells(r, b["run"]) +
                 ratio_cells(r, b["run"]) for b in bars.lines])


def print_runs(r):
    rows = []
    for work, worlds in r.by.items():
        for world in worlds:
            cells = [rate(r.median(work, world, "rate")), f"{r.median(work, world, 'gbps'):.3f}"]
            rows.append([work, world] + cells + latency_cells(r, (work, world)))
    print_table(["work", "world", "each way", "Gbit/s", "p50 us", "p99 us", "p99.9 us"], rows)


def as_json(r, bars, facts):
    numbers = ("rate", "gbps", "p50_us", "p90_us", "p99_us", "p999_us", "max_us", "seconds")
    runs = {}
    for work, worlds in r.by.items():
        for world, records in worlds.items():
            first = next(iter(records.values()))["report"]
            runs.setdefault(work, {})[world] = {
                "rounds": len(records), **{k: r.median(work, world, k) for k in numbers if k in first}}
    return {"facts": facts, "bars": bars.lines, "medians": runs}


def main():
    r = Results(sys.argv[1])
    facts = {"cores": str(os.cpu_count()), "kernel": os.uname().release,
             **dict(a.split("=", 1) for a in sys.argv[3:])}
    bars = Bars()
    for add in (add_rates, add_raw, add_faults, add_connections, add_many, add_same_host, add_neighbours, add_sockets):
        add(bars, r)
    print("Medians of " + ", ".join(f"{k} {v}" for k, v in facts.items()))
    print("Two daemons, a client and a server share two cores: one per host; crossed: an application and its daemon\n"
          "on different ones. /udp and so on: times the\n"
          "rate of the kernel's sockets over veth (tcp: a call per message; -batch: many; -busy: without sleeping).\n")
    print_bars(r, bars)
    print_runs(r)
    with open(sys.argv[2], "w", encoding="ascii") as out:
        json.dump(as_json(r, bars, facts), out, indent=1)
        out.write("\n")


main()
