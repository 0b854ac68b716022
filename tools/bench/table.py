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


def share(v):
    return f"{100 * v:.0f} %"


def us(v):
    return f"{v:,.1f} us"


def times(v):
    return f"{v:.2f}x"


def number(v):
    return f"{v:,.4g}" if v < 1000 else f"{v:,.0f}"


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
    loss, clean = ("loss10", "memif-loss10"), ("loss10", "memif")
    bars.add("10 % loss, 32 KiB, window 32", "(report), of loss-free", r.ratio(loss, clean), percent, loss)
    reorder = ("reorder", "memif-reorder")
    bars.at_most("5 % reordered by up to 8 places", "< 0.1 % retransmitted",
                 r.median(*reorder, retransmitted), 0.001, percent, reorder)


# Of one connection's rate, by the number of them.
CONNECTION_BARS = {"connections-64": {100: 0.9, 1000: 0.8, 10000: 0.65}, "connections-8K": {10000: 0.8}}


def per_exchange(exchanges, setup):
    """Packets of a message and its answer, without those of opening and closing the connections."""
    messages = exchanges["report"]["messages"] - setup["report"]["messages"]
    return (engine(exchanges, "tx_packets") - engine(setup, "tx_packets")) / max(messages, 1)


def add_connections(bars, r):
    for work, size in (("connections-64", "64 B"), ("connections-8K", "8 KiB")):
        for n, least in CONNECTION_BARS[work].items():
            bars.at_least(f"{n:,} connections, {size}, window 32", f">= {percent(least)} of one's rate",
                          r.ratio((work, str(n)), (work, "1")), least, percent,
                          (work, str(n)))
    bars.at_most("10,000 connections, packets per request and answer", "<= 0.25",
                 r.pair(("connections-64", "10000"), ("connections-0", "10000"), lambda x: x, per_exchange),
                 0.25, number)


def add_connect(bars, r):
    connect = r.pair(("connect", "memif"), ("64-w1", "memif"), lambda x: x["report"],
                     lambda x, y: x["first_reply_p50_us"] / y["p50_us"])
    bars.at_most("connect and first reply, p50", "<= 2.5 round trips of window 1", connect, 2.5, number)


def add_each(bars, r):
    each = ("each", "memif")
    bars.at_least("connect, one exchange, close, 64 at a time", ">= 20,000/s", r.median(*each, "rate"), 20000, rate,
                  each)


def add_many(bars, r):
    for n in ("3000", "10000"):
        many = ("many", n)
        bars.at_least(f"{int(n):,} senders with a message each, veth", ">= 50 % of the rate of 100",
                      r.ratio(many, ("many", "100")), 0.5, percent, many)


def add_engines(bars, r):
    bars.at_least("64 B, window 32, two engines on shared processors, veth", ">= 90 % of the rate with one",
                  r.ratio(("engines", "2"), ("engines", "1")), 0.9, percent, ("engines", "2"))


def add_stack(bars, r):
    def value(world, key):
        return r.median("stack", world, key)

    bars.at_most("stack: 10,000 connections, packets per request and answer", "<= 0.25",
                 value("exchange", "packets_10000"), 0.25, number)
    bars.at_least("stack: connect, one exchange, close, 64 at a time", ">= 100,000/s",
                  value("exchange", "short_per_s"), 100000, rate)
    bars.at_least("stack: idle connections, opened, used, closed", ">= 1,000,000", value("idle", "connections"),
                  1000000, number)
    bars.at_most("stack: memory of an idle connection", "<= 512 bytes",
                 value("idle", "bytes_per_connection"), 512, number)
    bars.at_most("stack: memory of an idle connection that was used", "<= 512 bytes",
                 value("idle", "bytes_per_connection_used"), 512, number)
    bars.at_most("stack: packets/s of a million idle connections", "<= 1.1x those of 1,000",
                 r.pair(("stack", "idle"), ("stack", "idle"), lambda x: x["report"],
                        lambda x, _: x["idle_packets_per_s"] / x["idle_packets_per_s_1000"]), 1.1, times)
    for peers in (16, 64):
        bars.at_most(f"stack: {peers} peers x 1,000 connections start into 256 descriptors", "no drop",
                     value("ring", f"ring_{peers}_drops"), 0, number)
    bars.at_most("stack: 64 holes in a window, timeouts", "none", value("holes", "holes_timeouts"), 0, number)
    bars.add("stack: 64 holes in a window, taken for lost by lost", "(report)",
             value("holes", "holes_found_per_lost"), number)
    bars.add("stack: 64 holes in a window, time", "(report), by that without loss",
             r.pair(("stack", "holes"), ("stack", "holes"), lambda x: x["report"],
                    lambda x, _: x["holes_us"] / x["clean_us"]), times)
    bars.at_most("stack: connect and first reply, early data", "<= 1.5 round trips of window 1",
                 value("first", "first_reply_early_trips"), 1.5, number)
    bars.add("stack: connect and first reply, without", "(report), round trips of window 1",
             value("first", "first_reply_trips"), number)


def add_neighbours(bars, r):
    for name in ("stopped-reader", "hostile"):
        bars.at_most(f"beside a {name.replace('-', ' ')}, p99", "<= 2x alone",
                     r.ratio((name, "beside"), (name, "alone"), "p99_us"), 2, times,
                     (name, "beside"))
    stuck = ("stuck", "beside")
    bars.at_most("1,000 connections beside a stuck one of their channel, p99", "<= 1.5x without it",
                 r.ratio(stuck, ("stuck", "alone"), "p99_us"), 1.5, times, stuck)
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
        for world, records in worlds.items():
            if "rate" not in next(iter(records.values()))["report"]:
                continue
            cells = [rate(r.median(work, world, "rate")), f"{r.median(work, world, 'gbps'):.3f}"]
            rows.append([work, world] + cells + latency_cells(r, (work, world)))
    print_table(["work", "world", "each way", "Gbit/s", "p50 us", "p99 us", "p99.9 us"], rows)


STEER_KINDS = ("fanout", "fanout-equal", "keyed", "shuffled", "toeplitz", "toeplitz-equal", "symmetric", "device")
STEER_SIZES = (2, 4, 8, 16)


def add_steer(bars, r):
    def value(kind, size, key):
        return r.median("steer", "all", f"{kind}_{size}_{key}")

    for kind in STEER_KINDS[:4]:
        for size, mean, worst in ((4, 18, 45), (16, 115, 230)):
            what = f"steer: {kind}, {size}x{size}, candidates for all engines"
            bars.at_most(what, f"mean <= {mean}", value(kind, size, "mean"), mean, number)
            bars.at_most(what, f"worst of 100 <= {worst}", value(kind, size, "worst"), worst, number)
        bars.at_most(f"steer: {kind}, 4x4, per connection of 1,000", "<= 0.02", value(kind, 4, "per_connection"),
                     0.02, number)
    for kind in STEER_KINDS[4:]:
        for size in STEER_SIZES:
            bars.at_most(f"steer: {kind}, {size}x{size}, candidates of a peer after 40 others", "none",
                         value(kind, size, "warm_worst"), 0, number)
    missed = [value(kind, size, "missed") for kind in STEER_KINDS for size in STEER_SIZES]
    bars.at_most("steer: queues that exist and were not found", "none", None if None in missed else sum(missed), 0, number)
    bars.at_most("steer: rows of 20,000 connections of which one failed or took too long", "none",
                 r.median("steer", "all", "connects_faults"), 0, number)


def print_steer(r):
    def value(kind, size, key):
        return r.median("steer", "all", f"{kind}_{size}_{key}")

    rows = []
    for kind in STEER_KINDS:
        for size in STEER_SIZES:
            if value(kind, size, "mean") is None:
                return
            rows.append([kind, f"{size}x{size}", f"{value(kind, size, 'blind'):.1f}",
                         share(value(kind, size, "impossible")), share(value(kind, size, "spray_missed")),
                         f"{value(kind, size, 'mean'):.1f}", f"{value(kind, size, 'worst'):.0f}", f"{value(kind, size, 'at_once'):.1f}",
                         f"{value(kind, size, 'per_connection'):.4f}", f"{value(kind, size, 'warm'):.2f}"])
    print_table(["hash", "engines", "blind search", "has none", "spray of 32 misses", "candidates", "worst", "all at once",
                 "per connection", "later peer"], rows)


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
    for add in (add_rates, add_connect, add_each, add_raw, add_faults, add_connections, add_many, add_engines,
                add_same_host, add_neighbours,
                add_sockets, add_stack, add_steer):
        add(bars, r)
    print("Medians of " + ", ".join(f"{k} {v}" for k, v in facts.items()))
    print("Two daemons, a client and a server share two cores: one per host; crossed: an application and its daemon\n"
          "on different ones. /udp and so on: times the\n"
          "rate of the kernel's sockets over veth (tcp: a call per message; -batch: many; -busy: without sleeping).\n")
    print_bars(r, bars)
    print_runs(r)
    print_steer(r)
    with open(sys.argv[2], "w", encoding="ascii") as out:
        json.dump(as_json(r, bars, facts), out, indent=1)
        out.write("\n")


main()
