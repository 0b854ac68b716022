#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Do machnet.yaml, the uapi header and the policies of the module agree?

Compares three descriptions of the netlink family:
  the specification  netlink/machnet.yaml
  the header         include/uapi/linux/machnet.h  (enumerations, constants, groups)
  the policies       kmod/netlink-policy.c         (which operation takes what from whom)

Prints one line per disagreement and exits with 1 when there is any.
"""

import argparse
import math
import pathlib
import re
import sys

import yaml

TOP = pathlib.Path(__file__).resolve().parent.parent
LIMITS = {"s32-max": 2**31 - 1, "u32-max": 2**32 - 1, "S32_MAX": 2**31 - 1, "U32_MAX": 2**32 - 1,
          "ETH_ALEN": 6}
SIZES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}


class Problem(Exception):
    """A file that cannot be understood."""


def upper(name):
    """c-name of a name of the specification."""
    return name.replace("-", "_").upper()


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)


class Source:
    """A C file: constants and what stands between braces."""

    def __init__(self, path, constants=None):
        self.path = path
        self.text = without_comments(pathlib.Path(path).read_text(encoding="utf-8"))
        self.constants = dict(LIMITS if constants is None else constants)
        for name, value in re.findall(r"^#define[ \t]+(\w+)[ \t]+(\S.*?)[ \t]*$", self.text, re.M):
            if re.fullmatch(r"\d+", value):
                self.constants[name] = int(value)
            elif re.fullmatch(r'"[^"]*"', value):
                self.constants[name] = value[1:-1]

    def value(self, expression):
        """The number that sums, differences and products of numbers, names, sizeof(uN) make."""
        text = re.sub(r"sizeof\(u(\d+)\)", lambda size: str(int(size[1]) // 8), expression)
        if not re.fullmatch(r"\s*\w+(\s*[-+*]\s*\w+)*\s*", text):
            raise Problem(f"{self.path}: cannot evaluate '{expression}'")
        total = 0
        for sign, product in re.findall(r"([+-]?)([^+-]+)", text):
            number = math.prod(self.word(word) for word in re.findall(r"\w+", product))
            total += -number if sign == "-" else number
        return total

    def word(self, word):
        number = int(word) if word.isdigit() else self.constants.get(word)
        if not isinstance(number, int):
            raise Problem(f"{self.path}: '{word}' is not known")
        return number

    def braces(self, pattern):
        """The text in the braces that follow the pattern."""
        match = re.search(pattern + r"[^;{]*\{", self.text)
        if not match:
            raise Problem(f"{self.path}: there is no '{pattern}'")
        return inner(self.text, match.end(), self.path)

    def enum(self, name):
        """Its entries in order with their values, the final __..._MAX and ..._MAX too."""
        entries, following = {}, 0
        for item in split(self.braces(rf"enum\s+{name}\b")):
            match = re.fullmatch(r"(\w+)\s*(?:=\s*(.+))?", item, re.S)
            if not match:
                raise Problem(f"{self.path}: enum {name}: cannot read '{item}'")
            if match[2]:
                following = self.value(match[2])
            entries[match[1]] = self.constants[match[1]] = following
            following += 1
        return entries


def inner(text, start, path):
    """From start up to the brace that closes what is open there."""
    depth = 1
    for i in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if not depth:
            return text[start:i]
    raise Problem(f"{path}: a brace is not closed")


def split(text):
    """At the commas that are not inside brackets."""
    parts, depth, last = [], 0, 0
    for i, char in enumerate(text):
        depth += {"{": 1, "(": 1, "[": 1, "}": -1, ")": -1, "]": -1}.get(char, 0)
        if char == "," and not depth:
            parts.append(text[last:i].strip())
            last = i + 1
    parts.append(text[last:].strip())
    return [part for part in parts if part]


def fields(text):
    """{name: value} of '.name = value' and '[NAME] = value' initializers."""
    result = {}
    for item in split(text):
        match = re.fullmatch(r"(?:\.(\w+)|\[\s*(\w+)\s*\])\s*=\s*(.+)", item, re.S)
        if not match:
            raise Problem(f"cannot read the initializer '{item}'")
        name = match[1] or match[2]
        if name in result:
            raise Problem(f"'{name}' is initialized twice")
        result[name] = match[3].strip()
    return result


class Checker:
    def __init__(self, spec_path, header_path, policy_path):
        with open(spec_path, encoding="utf-8") as file:
            self.spec = yaml.safe_load(file)
        self.header = Source(header_path)
        self.problems = []
        self.sets = {s["name"]: s for s in self.spec["attribute-sets"]}
        self.enums = {d["name"]: d for d in self.spec["definitions"] if d["type"] == "enum"}
        self.consts = {d["name"]: d["value"] for d in self.spec["definitions"]
                       if d["type"] == "const"}
        self.check_header()
        # The enumerations of the header are constants of the policies.
        self.policy = Source(policy_path, self.header.constants)
        self.check_operations()
        self.check_groups()

    def differ(self, what, spec, other):
        if spec != other:
            self.problems.append(f"{what}: the specification has {spec}, the code has {other}")

    # --- the header ---

    def check_enum(self, name, prefix, entries):
        want = {prefix + upper(entry): value for value, entry in enumerate(entries)}
        want[f"__{prefix}MAX"] = len(entries)
        want[f"{prefix}MAX"] = len(entries) - 1
        have = self.header.enum(name)
        self.differ(f"enum {name}", list(want.items()), list(have.items()))

    def check_header(self):
        family = upper(self.spec["name"])
        constants = self.header.constants
        self.differ(f"{family}_GENL_NAME", self.spec["name"], constants.get(f"{family}_GENL_NAME"))
        self.differ(f"{family}_GENL_VERSION", self.spec.get("version", 1),
                    constants.get(f"{family}_GENL_VERSION"))
        for name, value in self.consts.items():
            self.differ(name, value, constants.get(f"{family}_{upper(name)}"))
        for group in self.spec["mcast-groups"]["list"]:
            self.differ(f"group {group['name']}", group["name"],
                        constants.get(f"{family}_MCGRP_{upper(group['name'])}"))
        for name, enum in self.enums.items():
            self.check_enum(f"{self.spec['name']}_{name.replace('-', '_')}",
                            f"{family}_{upper(name)}_", [e["name"] for e in enum["entries"]])
        for name, aset in self.sets.items():
            if "subset-of" not in aset:
                self.check_enum(f"{self.spec['name']}_a_{name}", upper(aset["name-prefix"]),
                                ["unspec"] + [a["name"] for a in aset["attributes"]])
        operations = self.spec["operations"]
        self.check_enum(f"{self.spec['name']}_cmd", upper(operations["name-prefix"]),
                        ["unspec"] + [op["name"] for op in operations["list"]])

    # --- the operations ---

    def attribute(self, set_name, name):
        """(properties, its set's prefix), a subset's own properties first."""
        aset = self.sets[set_name]
        found = next((a for a in aset["attributes"] if a["name"] == name), None)
        if not found:
            raise Problem(f"attribute set {set_name} has no '{name}'")
        if "subset-of" not in aset:
            return found, aset["name-prefix"]
        base, prefix = self.attribute(aset["subset-of"], name)
        return {**base, **found}, prefix

    def limit(self, value):
        if isinstance(value, int):
            return value
        if value in self.consts:
            return self.consts[value]
        if value in LIMITS:
            return LIMITS[value]
        raise Problem(f"the limit '{value}' is not known")

    def spec_binary(self, attribute, checks):
        size = SIZES[attribute["sub-type"]] if "sub-type" in attribute else 1
        for name, limit in checks.items():
            if limit % size:
                raise Problem(f"{attribute['name']}: {name} is no multiple of its sub-type")
        if "exact-len" in checks:
            return "exact-len", checks["exact-len"], checks["exact-len"]
        kind = "address" if attribute.get("display-hint") == "ipv4-or-v6" else "binary"
        return kind, checks.get("min-len"), checks.get("max-len")

    def spec_nest(self, set_name):
        """{attribute: policy} of all that the set has."""
        result = {}
        for attribute in self.sets[set_name]["attributes"]:
            properties, prefix = self.attribute(set_name, attribute["name"])
            result[upper(prefix + attribute["name"])] = self.spec_policy(properties)
        return result

    def spec_policy(self, attribute):
        """(type, smallest, largest) as a policy would say it; None: no limit. A nest: (type, {...})."""
        checks = {k: self.limit(v) for k, v in attribute.get("checks", {}).items()}
        kind = attribute["type"]
        if kind == "nest":
            return kind, self.spec_nest(attribute["nested-attributes"])
        if kind == "binary":
            return self.spec_binary(attribute, checks)
        if kind == "string":
            return kind, None, checks.get("max-len")
        low, high = checks.get("min") or None, checks.get("max")
        if "enum" in attribute:
            high = len(self.enums[attribute["enum"]]["entries"]) - 1
        return kind, low, high

    def code_policy(self, text):
        value = self.policy.value
        if text.startswith("{"):
            given = fields(text.strip("{} \t\n"))
            kind = given.pop(".type", given.pop("type", "")).removeprefix("NLA_").lower()
            length = given.pop("len", None)
            if given:
                raise Problem(f"cannot read the policy '{text}'")
            return kind, None, value(length) if length else None
        match = re.fullmatch(r"(NLA_POLICY_\w+)\s*\((.*)\)", text, re.S)
        if not match:
            raise Problem(f"cannot read the policy '{text}'")
        macro, args = match[1], split(match[2])
        kind = args[0].removeprefix("NLA_").lower()
        if macro == "NLA_POLICY_NESTED":
            return "nest", self.code_table(args[0])
        if macro == "NLA_POLICY_MAX_LEN":
            return "binary", None, value(args[0])
        if macro == "NLA_POLICY_EXACT_LEN":
            return "exact-len", value(args[0]), value(args[0])
        if macro == "NLA_POLICY_VALIDATE_FN" and args == ["NLA_BINARY", "check_addr"]:
            return "address", 4, 16
        if macro == "NLA_POLICY_RANGE":
            return kind, value(args[1]), value(args[2])
        if macro == "NLA_POLICY_MIN":
            return kind, value(args[1]), None
        if macro == "NLA_POLICY_MAX":
            return kind, None, value(args[1])
        if macro == "NLA_POLICY_FULL_RANGE":
            limits = fields(self.policy.braces(
                rf"struct\s+netlink_range_validation\s+{args[1].lstrip('&')}\s*="))
            return kind, value(limits["min"]), value(limits["max"])
        raise Problem(f"the policy macro {macro} is not known")

    def code_table(self, table):
        """{attribute: policy} of a table, which must not be longer than its attributes need."""
        entries = fields(self.policy.braces(rf"struct\s+nla_policy\s+{table}\s*\["))
        size = re.search(rf"struct\s+nla_policy\s+{table}\s*\[([^\]]*)\]\s*=", self.policy.text)[1]
        last = max((self.policy.value(attribute) for attribute in entries), default=0)
        self.differ(f"size of {table}", last + 1, self.policy.value(size))
        policies = {attribute: self.code_policy(text) for attribute, text in entries.items()}
        return {name: policy for name, policy in policies.items() if policy[0] != "reject"}

    def check_policy(self, name, operation, code):
        """
        The attributes of the request against those that the policy accepts. To do and to dump have one
        policy: it has what either of them takes, and the handlers refuse what belongs to the other.
        """
        request = list(dict.fromkeys(
            attribute for mode in ("do", "dump")
            for attribute in operation.get(mode, {}).get("request", {}).get("attributes", [])))
        if "policy" not in code:
            self.differ(f"{name}: attributes", request, [])
            return
        table = code["policy"]
        want = {}
        for attribute in request:
            properties, prefix = self.attribute(operation["attribute-set"], attribute)
            want[upper(prefix + attribute)] = self.spec_policy(properties)
        have = self.code_table(table)
        self.differ(f"{name}: attributes", sorted(want), sorted(have))
        for attribute in sorted(want.keys() & have.keys()):
            self.differ(f"{name}: {attribute}", want[attribute], have[attribute])

    def check_operations(self):
        prefix = upper(self.spec["operations"]["name-prefix"])
        have = {}
        table = self.policy.braces(r"struct\s+genl_ops\s+\w+\s*\[\s*\]\s*=")
        for item in split(re.sub(r"\bPOLICY\((\w+)\)", r".policy = \1", table)):
            code = fields(item.strip("{} \t\n"))
            have[code["cmd"]] = code
        want = {prefix + upper(op["name"]): op for op in self.spec["operations"]["list"]
                if "notify" not in op}
        self.differ("operations", list(want), list(have))
        for cmd in sorted(want.keys() & have.keys()):
            operation, code = want[cmd], have[cmd]
            flags = ["GENL_" + upper(flag) for flag in operation.get("flags", [])]
            self.differ(f"{cmd}: flags", flags, re.findall(r"\w+", code.get("flags", "")))
            self.differ(f"{cmd}: can be done", "do" in operation, "doit" in code)
            self.differ(f"{cmd}: can be dumped", "dump" in operation, "dumpit" in code)
            self.check_policy(cmd, operation, code)

    def check_groups(self):
        family = upper(self.spec["name"])
        code = fields(self.policy.braces(r"struct\s+genl_multicast_group\s+\w+\s*\[\s*\]\s*="))
        have = [fields(text.strip("{} \t\n")) for text in code.values()]
        for group, entry in zip(self.spec["mcast-groups"]["list"], have):
            admin = "uns-admin-perm" in group.get("flags", [])
            self.differ(f"multicast group {group['name']}",
                        (f"{family}_MCGRP_{upper(group['name'])}", "GENL_MCAST_CAP_NET_ADMIN" if admin else None),
                        (entry["name"], entry.get("flags")))
        self.differ("number of multicast groups", len(self.spec["mcast-groups"]["list"]), len(have))
        names = {g["name"] for g in self.spec["mcast-groups"]["list"]}
        operations = {op["name"] for op in self.spec["operations"]["list"]}
        for op in self.spec["operations"]["list"]:
            if "notify" not in op:
                continue
            if op["notify"] not in operations:
                self.problems.append(f"{op['name']}: no operation '{op['notify']}' to notify of")
            if op.get("mcgrp") not in names:
                self.problems.append(f"{op['name']}: no group '{op.get('mcgrp')}'")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--spec", default=TOP / "netlink/machnet.yaml")
    parser.add_argument("--header", default=TOP / "include/uapi/linux/machnet.h")
    parser.add_argument("--policy", default=TOP / "kmod/netlink-policy.c")
    args = parser.parse_args()
    try:
        problems = Checker(args.spec, args.header, args.policy).problems
    except (Problem, KeyError, OSError, yaml.YAMLError) as error:
        problems = [f"{type(error).__name__}: {error}"]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
