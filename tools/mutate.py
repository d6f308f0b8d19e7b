#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does some test catch each of the small wrong changes in tools/mutants.txt?

usage: mutate.py [PATTERN...]     try those whose name or file matches, or all
       mutate.py --list-check     see that each can be applied, and no more

Makes one change at a time to a copy of the checkout in build-mutate/, builds
it, and runs the tests until one fails.  Prints a line for each change, and
exits 1 unless all were caught but those that the list explains.
"""
import fnmatch
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "tools" / "mutants.txt"
WORK = ROOT / "build-mutate"
COPY = WORK / "source"
BUILD = WORK / "build"

FOLDERS = ("core", "sim", "lib", "server", "cli", "common")
JOBS = 2
TIME_LIMIT = 60  # seconds for a test: a mutant may never come to an end

# What a test prints of its part that failed: as TAP, and as cmocka by itself.
FAILED_PART = re.compile(r"^(?:not ok \d+ - |\[  FAILED  \] )(\w.*)$", re.M)


class Mutant:
    """An entry of the list."""

    def __init__(self, text):
        fields = dict(re.findall(r"^(name|file|why|equivalent): (.+)$", text, re.M))
        self.name, self.file, self.why = (fields.get(f) for f in ("name", "file", "why"))
        self.equivalent = fields.get("equivalent")
        self.text = None
        diff = re.findall(r"^([ +-])(.*\n)", text, re.M)
        self.old = "".join(line for kind, line in diff if kind != "+")
        self.new = "".join(line for kind, line in diff if kind != "-")

    def trouble(self):
        """What is wrong with the entry, or None."""
        if not (self.name and self.file and self.why):
            return "name, file or why is missing"
        path = ROOT / self.file
        if Path(self.file).parts[0] not in FOLDERS or not path.is_file():
            return f"there is no {self.file} in {', '.join(FOLDERS)}"
        if self.old == self.new:
            return "nothing is changed"
        # Read once: people go on working while this runs.
        self.text = path.read_text()
        found = ("\n" + self.text).count("\n" + self.old)
        if found != 1:
            return f"the old text is {found} times in {self.file}"
        return None

    def apply(self):
        mutated = ("\n" + self.text).replace("\n" + self.old, "\n" + self.new)
        (COPY / self.file).write_text(mutated[1:])

    def undo(self):
        (COPY / self.file).write_text(self.text)


def read_list():
    text = re.sub(r"^#.*\n", "", LIST.read_text(), flags=re.M)
    return [Mutant(entry + "\n") for entry in re.split(r"\n{2,}", text.strip())]


def check_list(mutants):
    """Prints what is wrong with the list; True if nothing is."""
    names = [mutant.name for mutant in mutants]
    bad = [f"{m.name}: {trouble}" for m in mutants if (trouble := m.trouble())]
    bad += [f"{name}: more than one has this name" for name in set(names) if names.count(name) > 1]
    for line in bad:
        print(f"{LIST.name}: {line}")
    return not bad


def set_up():
    """A copy of the checkout that builds; its tests."""
    shutil.rmtree(WORK, ignore_errors=True)
    shutil.copytree(ROOT, COPY, ignore=shutil.ignore_patterns(".git", "build", "build-*", ".cache"))
    (WORK / "tmp").mkdir()
    os.environ["TMPDIR"] = str(WORK / "tmp")
    subprocess.run(("meson", "setup", BUILD, COPY), stdout=subprocess.DEVNULL, check=True)
    if not build():
        sys.exit("mutate: the unchanged copy does not build")
    tests = json.loads(subprocess.check_output(("meson", "introspect", "--tests", BUILD)))
    return [test for test in tests if "nvbar:slow" not in test["suite"]]


def build():
    command = ("ninja", "-C", BUILD, "-j", str(JOBS))
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0


class Run:
    """A test under way."""

    def __init__(self, test):
        self.test = test
        self.output = tempfile.TemporaryFile()
        self.start = time.monotonic()
        self.process = subprocess.Popen(
            test["cmd"], env=os.environ | test["env"], cwd=test["workdir"] or BUILD,
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT,
            start_new_session=True)

    def done(self):
        return self.process.poll() is not None or time.monotonic() > self.start + TIME_LIMIT

    def failure(self):
        """Why the test, which is done, did not pass, or None."""
        status = self.process.poll()
        self.stop()
        self.output.seek(0)
        part = FAILED_PART.search(self.output.read().decode(errors="replace"))
        if status is None:
            return f"{self.test['name']}: no end within {TIME_LIMIT} s"
        if part:
            return f"{self.test['name']}: {part[1]}"
        if status:
            return f"{self.test['name']}: exit status {status}"
        self.test["seconds"] = time.monotonic() - self.start
        return None

    def stop(self):
        """Ends what is left of the test, the children of a script too."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


def first_failure(tests):
    """Runs tests in this order until one fails; why it does, or None."""
    waiting, running = list(tests), []
    failure = None
    try:
        while not failure and (waiting or running):
            while waiting and len(running) < JOBS:
                running.append(Run(waiting.pop(0)))
            time.sleep(0.005)
            for run in [run for run in running if run.done()]:
                running.remove(run)
                failure = failure or run.failure()
    finally:
        for run in running:
            run.stop()
    return failure


def try_mutant(mutant, tests):
    """Prints and returns what becomes of it."""
    start = time.monotonic()
    near = "nvbar:" + mutant.file.split("/")[0]
    mutant.apply()
    caught = None
    if not build():
        verdict = "does not compile"
    else:
        caught = first_failure(sorted(
            tests, key=lambda test: (near not in test["suite"], test["seconds"])))
        if mutant.equivalent:
            verdict = "not equivalent" if caught else "equivalent"
        else:
            verdict = "caught" if caught else "SURVIVED"
    mutant.undo()
    by = f" by {caught}" if caught else "" if verdict == "equivalent" else f": {mutant.why}"
    print(f"{mutant.name}: {verdict}{by} ({time.monotonic() - start:.0f} s)", flush=True)
    return verdict


def main():
    args = sys.argv[1:]
    if args[:1] in (["-h"], ["--help"]):
        print(__doc__.strip())
        return 0
    mutants = read_list()
    if not check_list(mutants):
        return 1
    if args == ["--list-check"]:
        print(f"{len(mutants)} mutants can be applied")
        return 0
    if args:
        mutants = [m for m in mutants
                   if any(fnmatch.fnmatch(m.name, a) or fnmatch.fnmatch(m.file, a) for a in args)]
    if not mutants:
        sys.exit("mutate: no mutant has such a name or file")

    # A mutant may ask for all the memory there is.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (4 << 30, 4 << 30))
    start = time.monotonic()
    tests = set_up()
    failure = first_failure(tests)
    if failure:
        sys.exit(f"mutate: without any change, {failure}")
    verdicts = [try_mutant(mutant, tests) for mutant in mutants]
    caught, equivalent = verdicts.count("caught"), verdicts.count("equivalent")
    survived = len(mutants) - caught - equivalent
    print(f"{(time.monotonic() - start) / 60:.0f} minutes")
    print(f"{len(mutants)} mutants: {caught} caught, {equivalent} equivalent, {survived} survived")
    return survived != 0


if __name__ == "__main__":
    sys.exit(main())
