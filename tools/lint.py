#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Rules about source text that no compiler knows.

usage: lint.py includes | spdx | kernel-doc | links

Prints one line per breach and exits 1 if there is any.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Who may include what.  Folder: kinds of system headers, folders of our own.
# A header in <> is of kind "linux" or "json-c" by its first word, else "libc".
INCLUDE_RULES = {
    "include/hw": ((), ()),
    "include/nvbar": (("<stddef.h>", "<stdint.h>"), ()),
    "core": (("linux",), ("core", "include/hw")),
    "compat": (("libc", "linux"), ("compat",)),
    "common": (("libc",), ("common",)),
    "sim": (("libc",), ("sim", "common", "include/hw")),
    "lib": (("libc", "linux"), ("lib", "core", "compat", "common", "sim", "include/hw", "include/nvbar")),
    "server": (("libc", "<linux/aio_abi.h>"), ("server", "tool", "sim", "common", "include/hw")),
    "tool": (("libc", "json-c"), ("tool", "common")),
    "cli": (("libc",), ("cli", "tool", "common", "include/nvbar")),
    "bench": (("libc", "linux"), ("bench", "core", "lib", "sim", "compat", "include/hw", "include/nvbar")),
    "examples": (("libc",), ("include/nvbar",)),
}

# Where the build looks for a header, besides the includer's own folder.
INCLUDE_PATH = ("include", "common", "tool", "core", "sim", "lib", "compat", "compat/include", ".")


def files(*patterns):
    """Files of the project, build directories and hidden ones left out."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if parts[0] == "build" or parts[0].startswith("build-") or parts[0] in (".git", ".cache"):
            continue
        if path.is_file() and any(path.match(p) for p in patterns):
            yield path


def name(path):
    return path.relative_to(ROOT).as_posix()


def lint_includes():
    for path in files("*.c", "*.h"):
        folder = next((f for f in INCLUDE_RULES if name(path).startswith(f + "/")), None)
        if folder is None:
            continue
        kinds, folders = INCLUDE_RULES[folder]
        for nr, line in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r'\s*#\s*include(?:_next)?\s*([<"])([^>"]+)', line)
            if not found:
                continue
            quote, header = found.groups()
            where = [path.parent] if quote == '"' else []
            where += [ROOT / p for p in INCLUDE_PATH if quote == '"' or p == "include"]
            target = next((d / header for d in where if (d / header).is_file()), None)
            if target:
                target = name(target.resolve())
                good = any(target.startswith(f + "/") for f in folders)
            elif quote == "<":
                kind = header.split("/")[0]
                good = f"<{header}>" in kinds or (kind if kind in ("linux", "json-c") else "libc") in kinds
            else:
                good = False
            if not good:
                yield f"{name(path)}:{nr}: {folder}/ may not include {header}"


def lint_spdx():
    for path in files("*.c", "*.h", "*.py", "*.sh", "*.map", "meson.build", "meson_options.txt", "Kbuild",
                      "dev", ".ci/run"):
        head = path.read_text().splitlines()[:3]
        if not any("SPDX-License-Identifier: MIT" in line for line in head):
            yield f"{name(path)}:1: no SPDX-License-Identifier line"


def lint_kernel_doc():
    """Every public function, struct and enum has a kernel-doc comment."""
    path = ROOT / "include/nvbar/nvbar.h"
    text = path.read_text()
    documented = set(re.findall(r"/\*\*[\s*]*(?:struct |enum )?(\w+) - ", text))
    declared = re.findall(r"^NVBAR_API\b[^;]*?\b(nvbar_\w+)\(", text, re.M)
    declared += re.findall(r"^(?:struct|enum) (nvbar_\w+) \{", text, re.M)
    declared += re.findall(r"^#define (NVBAR_(?!API|NVBAR_H)\w+)", text, re.M)
    for item in declared:
        if item not in documented:
            yield f"{name(path)}: {item} has no kernel-doc comment"


def slug(heading):
    """The anchor that a Markdown heading gets."""
    heading = re.sub(r"[`*]", "", heading.strip().lower())
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading))


def lint_links():
    """Links from one file of the project to another, and to headings, resolve."""
    for path in files("*.md"):
        text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)
        for target in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", text):
            if re.match(r"\w+:", target):
                continue
            file, _, anchor = target.partition("#")
            to = (path.parent / file).resolve() if file else path
            if not to.exists():
                yield f"{name(path)}: {target}: no such file"
            elif anchor and anchor not in map(slug, re.findall(r"^#+ (.*)", to.read_text(), re.M)):
                yield f"{name(path)}: {target}: no such heading"


def main():
    rule = globals().get("lint_" + sys.argv[1].replace("-", "_")) if len(sys.argv) == 2 else None
    if not rule:
        sys.exit(__doc__)
    breaches = list(rule())
    print("\n".join(breaches) or f"{sys.argv[1]}: nothing to complain about")
    sys.exit(1 if breaches else 0)


main()
