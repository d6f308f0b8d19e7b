#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Are the barriers of lib/barrier.h where arm64 needs them, in what a compiler made?

usage: barriers.py OBJDUMP COMPILER [ARGUMENT...]

The compiler makes arm64 code of the files in RULES; no path through a function may
miss the barrier that its rule names.  Then it makes some of sources with a mistake,
and each must be found: a look that finds nothing anywhere is worth nothing.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

# file, function, barrier before all its accesses to memory, barrier after them
RULES = (
    ("bars.c", "load_reg", None, "dmb oshld"),
    ("bars.c", "store_reg", "dmb oshst", None),
    ("bars.c", "load_bar1", "dsb sy", "dsb sy"),
    ("bars.c", "store_bar1", None, "dsb sy"),
    ("bars.c", "bars_write_barrier", "dsb sy", None),
    ("bars.c", "bars_bar1_munmap", "dsb sy", None),
    ("copy.c", "from_by_width", "dsb sy", "dmb oshld"),
    ("copy.c", "to_by_width", None, "dsb sy"),
)

# file, what stands there, a mistake in its place, functions that it is seen in
MISTAKES = (
    ("barrier.h", '"dmb oshld"', '"nop"', {"load_reg", "from_by_width"}),
    ("barrier.h", '"dmb oshst"', '"nop"', {"store_reg"}),
    ("barrier.h", '"dsb sy"', '"nop"', {"load_bar1", "store_bar1", "bars_write_barrier",
                                         "bars_bar1_munmap", "from_by_width", "to_by_width"}),
    # of the inner shareable domain: what C11's fences are
    ("barrier.h", '"dmb oshld"', '"dmb ishld"', {"load_reg", "from_by_width"}),
    ("bars.c", "\tnvbar_reg_store();\n\tstore_width(at, width, val);\n",
     "\tstore_width(at, width, val);\n\tnvbar_reg_store();\n", {"store_reg"}),
    ("bars.c", "\tif (combining)\n\t\tnvbar_bus_barrier();\n\telse\n\t\tnvbar_uncached_barrier();\n",
     "\tif (combining)\n\t\tnvbar_bus_barrier();\n", {"load_bar1", "store_bar1"}),
)

FLAGS = ("-std=gnu11", "-O2", "-D_GNU_SOURCE", "-fno-strict-aliasing", "-c")
INCLUDES = ("include", "compat/include", "core", "common")


class Insn:
    """An instruction, and what it is to a rule."""

    def __init__(self, name, addr, text):
        self.addr = addr
        self.text = " ".join(text.split("//")[0].split())
        self.op = self.text.split(" ")[0]
        target = re.search(r"\b([0-9a-f]+) <([\w.]+)", self.text)
        # Of another function: a way out
        self.target = int(target.group(1), 16) if target and target.group(2) == name else None
        self.is_jump = self.op in ("b", "cbz", "cbnz", "tbz", "tbnz") or self.op.startswith("b.")
        self.is_call = self.op in ("bl", "blr")
        self.is_end = self.op in ("ret", "retaa", "br", "b")
        self.is_access = bool(re.match(r"(ld|st)", self.op) and re.search(r"\[(?!sp)", self.text))


def functions(listing):
    """{name: [Insn]} of what objdump prints"""
    found, insns, name = {}, None, None
    for line in listing.splitlines():
        head = re.match(r"[0-9a-f]+ <([\w.]+)>:$", line)
        if head:
            name = head.group(1)
            insns = found.setdefault(name.split(".")[0], [])
            continue
        insn = re.match(r"\s+([0-9a-f]+):\s+(\S.*)$", line)
        if insn and insns is not None and "R_AARCH64" not in line:
            insns.append(Insn(name, int(insn.group(1), 16), insn.group(2)))
    return found


def next_of(insns, i):
    """The instructions that may follow; None among them stands for a way out."""
    insn, at = insns[i], {insn.addr: n for n, insn in enumerate(insns)}
    following = []
    if insn.is_jump:
        following.append(at.get(insn.target))
    if not insn.is_end:
        following.append(i + 1 if i + 1 < len(insns) else None)
    return following or [None]


def misses(insns, starts, barrier, is_bad):
    """Is there a path from one of @starts to something bad without the barrier?"""
    seen, todo = set(), list(starts)
    while todo:
        i = todo.pop()
        if i in seen:
            continue
        seen.add(i)
        if is_bad(i):
            return True
        if i is not None and insns[i].text != barrier:
            todo.extend(next_of(insns, i))
    return False


def judge(insns, before, after):
    """None, or what is wrong with a function"""
    accesses = [i for i, insn in enumerate(insns) if insn.is_access]
    if after and not accesses:
        return "it makes no access: the rule is out of date"
    if before and misses(insns, [0], before,
                         lambda i: i is None or insns[i].is_access or insns[i].is_call):
        return f"it makes an access, or ends, before '{before}'"
    if after:
        starts = [n for i in accesses for n in next_of(insns, i)]
        if misses(insns, starts, after, lambda i: i is None or insns[i].is_call):
            return f"it ends without '{after}' behind an access"
    return None


def problems(objdump, compiler, lib):
    """{function: what is wrong} in the code that is made of the sources in @lib"""
    found = {}
    for source in sorted({rule[0] for rule in RULES}):
        obj = os.path.join(lib, source + ".o")
        subprocess.run([*compiler, *FLAGS, *(f"-I{i}" for i in INCLUDES),
                        os.path.join(lib, source), "-o", obj], check=True)
        listing = subprocess.run([objdump, "-d", "--no-show-raw-insn", obj], check=True,
                                 capture_output=True, text=True).stdout
        code = functions(listing)
        for _, name, before, after in (rule for rule in RULES if rule[0] == source):
            wrong = judge(code[name], before, after) if name in code else "there is no such function"
            if wrong:
                found[name] = wrong
    return found


def copy_lib(scratch):
    lib = tempfile.mkdtemp(dir=scratch)
    for name in os.listdir("lib"):
        if name.endswith(".h") or name in {rule[0] for rule in RULES}:
            shutil.copy(os.path.join("lib", name), lib)
    return lib


def plant(lib, name, right, wrong):
    path = os.path.join(lib, name)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if right not in text:
        sys.exit(f"barriers.py: {name} has no {right!r} to put a mistake in the place of")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(right, wrong))


def main():
    objdump, compiler, failed = sys.argv[1], sys.argv[2:], False
    with tempfile.TemporaryDirectory() as scratch:
        for name, wrong in problems(objdump, compiler, copy_lib(scratch)).items():
            print(f"{name}(): {wrong}")
            failed = True
        for file, right, wrong, expected in MISTAKES:
            lib = copy_lib(scratch)
            plant(lib, file, right, wrong)
            missed = expected - set(problems(objdump, compiler, lib))
            if missed:
                print(f"{wrong!r} in the place of {right!r} is not seen in {', '.join(missed)}")
                failed = True
    if not failed:
        print(f"{len(RULES)} functions have their barriers, {len(MISTAKES)} mistakes are seen")
    sys.exit(failed)


if __name__ == "__main__":
    main()
