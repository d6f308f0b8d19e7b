#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No allocation of libc's that fails changes what the tools do.

usage: nomem.py NVBAR NVBAR_SIM FAIL_ALLOC [--few | --all] [CASE...]

Runs each command again and again, each time with another of its allocations
failing (FAIL_ALLOC is the library of fail_alloc.c): that one alone, and with all
after it.  Likewise a server while clients use what it serves, and a client.  Each
run ends with

  * exit status 0, and the output and the VRAM of a run where nothing fails, or
  * exit status 1, a reason on standard error, nothing or all of an object on
    standard output (of text the begin), and VRAM as before or as if it had worked,
  * and with 64 only where it would anyway; with a signal never.

Prints a line for each breach, and exits 1 if there is any.  --few takes a few
allocations of each, --all all of those too that are left out for their number.
"""
import concurrent.futures
import json
import os
import re
import resource
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

DEVICE = "sim:ga102,vram=64M,bar1=64M"
SHOWN = 2 << 20  # bytes of VRAM, from 0, that are looked at
TIME_LIMIT = 120  # seconds; what takes so long hangs
MANY = 400  # allocations of a command that are more than this are left to --all ...
STRIDE = 23  # ... but for every so manyth


class Breach(Exception):
    """A run that did not end as it should."""


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err


class Case:
    """A command, and what it may do.

    json      standard output is JSON
    data      standard input
    vram      how VRAM may come out: None, nobody looks; "same"; "written", the same or as
              after a run where nothing fails; "torn", the command is not done in one step
    volatile  what differs from one run to the next in what it prints
    device    with -d DEVICE, and VRAM in a file if anybody looks
    env       beside that
    report    its output tells what failed
    slow      takes too long for each of its allocations
    """

    def __init__(self, line, json=False, data=b"", vram=None, volatile=None, device=True,
                 env=None, report=False, slow=False, program="nvbar"):
        self.name, self.json, self.data, self.vram, self.volatile = line, json, data, vram, volatile
        self.device, self.env, self.report, self.slow = device, env or {}, report, slow
        self.program = program

    def clean(self, out):
        return re.sub(self.volatile, b"#", out) if self.volatile else out


# What sysfs says of a card with a GA102, which no driver has
CARD = {
    "vendor": "0x10de", "device": "0x2204", "class": "0x030000", "power_state": "D0",
    "resource1_resize": "0000000000000fc0", "driver_override": "", "config": "\0" * 4096,
    "resource": """0x00000000f6000000 0x00000000f6ffffff 0x0000000000040200
0x00000000e0000000 0x00000000efffffff 0x000000000014220c
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x00000000f0000000 0x00000000f1ffffff 0x000000000014220c
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x000000000000e000 0x000000000000e07f 0x0000000000040101""",
}

# Of memtest and bench: times and speeds; numbers, and the blanks that make columns of them
TIMES = rb"[0-9.]+|seed 0x\w+|0x\w+| +"

CASES = [
    Case("info"),
    Case("--json info", json=True),
    Case("help", device=False),
    Case("help read", device=False),
    Case("--help", device=False),
    Case("--usage", device=False),
    Case("--version", device=False),
    Case("memtest --help", device=False),
    Case("frobnicate", device=False),
    Case("read", device=False),
    Case("list", device=False),
    Case("--json list", json=True, device=False),
    Case("resize 0000:01:00.0 1G", device=False),
    Case("bind 0000:01:00.0", device=False),
    Case("read -x 0x100000 8K", vram="same"),
    Case("read 0x100000 8K", vram="same"),
    Case("--json read 0x100000 64", json=True, vram="same"),
    Case("read --pages 0x100,0x102,0x104 -x", vram="same"),
    Case("read --via pramin -x 0x100000 8K", vram="same"),
    Case("read -x 0x10000000000 8K", vram="same"),
    Case("write 0x100ffd", data=b"data" * 1250, vram="written"),
    Case("--json write 0x100ffd", json=True, data=b"data" * 1250, vram="written"),
    Case("write --via pramin 0x100ffd", data=b"data" * 1250, vram="written"),
    Case("write --pages 0x100,0x102 --offset 5", data=b"data" * 1250, vram="written"),
    Case("write --dry-run 0x100000", data=b"data" * 10, vram="same"),
    Case("fill 0x100000 64K 0x12345678", vram="written"),
    Case("--json fill 0x100000 64K 0x12345678", json=True, vram="written"),
    Case("fill 0x100000 4K 1 --dry-run", vram="same"),
    Case("memtest 0x1c0000 256K --seed 1", vram="torn", volatile=TIMES, report=True),
    Case("--json memtest 0x1c0000 256K --test walk,random", json=True, vram="torn", volatile=TIMES),
    Case("demo"),
    Case("--json demo", json=True),
    Case("walk --map 1,2 0 0x1000"),
    Case("--json walk --map 1,2 0", json=True),
    Case("walk --map 1,2", data=b"0\n0x1000\n"),
    Case("tables --map 7 --map 1,2"),
    Case("--json tables --map 7", json=True),
    Case("maps --map 1,2,3"),
    Case("--json maps --map 1,2,3", json=True),
    Case("check --map 1,2"),
    Case("--json check --map 1,2", json=True),
    Case("snapshot --map 1"),
    Case("--json snapshot --map 1", json=True),
    Case("decode v2 pte 5", device=False),
    Case("--json decode v2 pte 5", json=True, device=False),
    Case("selftest", report=True),
    Case("--json selftest", json=True),
    Case("bench", slow=True, volatile=TIMES),
    Case("--json bench", json=True, slow=True, volatile=TIMES),
    Case("info", env={"NVBAR_TRACE": "{tmp}/trace"}),
    Case("fill 0x100000 4K 1", vram="written", env={"NVBAR_TRACE": "{tmp}/trace"}),
    Case("walk --snapshot {snapshot} 0", device=False),
    Case("--json walk --snapshot {snapshot} 0 0x1000", json=True, device=False),
    Case("walk --brief --snapshot - 0", device=False, data=b"{snapshot}"),
    Case("replay {trace}", device=False),
    Case("--json replay {trace}", json=True, device=False),
    Case("--help", device=False, program="sim"),
    Case("serve --help", device=False, program="sim"),
    Case("--version", device=False, program="sim"),
    Case("frobnicate", device=False, program="sim"),
    Case("regs", device=False, program="sim"),
    Case("regs --json", json=True, device=False, program="sim"),
    Case("translate --snapshot {snapshot} 0 0x1000", device=False, program="sim"),
    Case("translate --snapshot {snapshot} --json 0", json=True, device=False, program="sim"),
    Case("translate --snapshot {snapshot} --json", json=True, device=False, program="sim"),
    Case("translate --snapshot {snapshot} --brief", data=b"0\n", device=False, program="sim"),
]


# --- VRAM --------------------------------------------------------------------

def copy_sparse(source, target):
    """A file of VRAM without its holes, which are most of it."""
    src = os.open(source, os.O_RDONLY)
    dst = os.open(target, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        size, at = os.fstat(src).st_size, 0
        os.ftruncate(dst, size)
        while at < size:
            try:
                at = os.lseek(src, at, os.SEEK_DATA)
            except OSError:
                break
            end = os.lseek(src, at, os.SEEK_HOLE)
            os.pwrite(dst, os.pread(src, end - at, at), at)
            at = end
    finally:
        os.close(src)
        os.close(dst)


def shown(path):
    with open(path, "rb") as file:
        return file.read(SHOWN)


# --- commands ----------------------------------------------------------------

def failing(nth, rest):
    """What fail_alloc.c is told; nth is None for nothing"""
    env = {}
    if nth is not None:
        env["NOMEM_NTH"] = str(nth)
    if rest:
        env["NOMEM_REST"] = "1"
    return env


def said(result):
    return (result.err.decode(errors="replace").strip() or "nothing on standard error")[-300:]


def judge_json(out):
    if not out:
        return
    try:
        json.loads(out)
    except ValueError as err:
        raise Breach(f"half an object: {err}: {out[-60:]!r}") from None


def judge(case, result, good):
    """Status and output, held against those of a run where nothing fails"""
    out, good_out = case.clean(result.out), case.clean(good.out)
    if result.status == 0:
        if good.status:
            raise Breach(f"exit status 0, not {good.status}")
        if not case.json and out != good_out:
            raise Breach(f"other output, exit status 0: {result.out[-200:]!r}; {said(result)}")
        if case.json and case.clean(result.out) != good_out:
            raise Breach(f"another object, exit status 0: {result.out[-200:]!r}")
        if result.err != good.err:
            raise Breach(f"exit status 0, and {said(result)}")
    elif result.status == 64:
        if good.status != 64:
            raise Breach(f"exit status 64: {said(result)}")
    elif result.status != 1:
        raise Breach(f"exit status {result.status}: {said(result)}")
    elif not result.err.strip() or b"(null)" in result.err:
        raise Breach(f"exit status 1, and {said(result)}")
    elif case.json:
        judge_json(result.out)
    elif not case.report and not good_out.startswith(out):
        raise Breach(f"other output, exit status 1: {result.out[-200:]!r}")


def judge_vram(case, status, vram, before, after):
    if case.vram == "same":
        allowed = [before]
    elif case.vram == "written":
        allowed = [after] if status == 0 else [before, after]
    else:  # "torn": what memtest is given, at the end
        vram, allowed = vram[:0x1c0000], [before[:0x1c0000]]
    if vram not in allowed:
        raise Breach(f"VRAM is neither as before nor as it should be, exit status {status}")


class Tester:
    def __init__(self, nvbar, nvbar_sim, library, extent, tmp):
        self.programs = {"nvbar": nvbar, "sim": nvbar_sim}
        self.library, self.extent, self.tmp = library, extent, Path(tmp)
        self.names = {"tmp": str(tmp), "snapshot": f"{tmp}/snapshot", "trace": f"{tmp}/good-trace"}
        self.runs = self.breaches = 0
        self.lock = threading.Lock()
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("NVBAR_")}
        self.env |= {"LC_ALL": "C", "NVBAR_SYSFS": str(self.tmp / "sysfs"), "COLUMNS": "80"}
        self.executor = concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1)

    def plain(self, *args, env=None, data=b""):
        """A run of nvbar in which nothing fails"""
        done = subprocess.run([self.programs["nvbar"], *args], input=data, capture_output=True,
                              env=self.env | (env or {}), timeout=TIME_LIMIT, check=False)
        if done.returncode:
            sys.exit(f"nomem.py: {args}: {done.stderr.decode()}")
        return done.stdout

    def prepare(self):
        """The files that commands are about"""
        for address in ("0000:02:00.0", "0000:03:00.0"):
            card = self.tmp / "sysfs/bus/pci/devices" / address
            card.mkdir(parents=True)
            for name, text in CARD.items():
                (card / name).write_text(text + "\n")
        device = f"{DEVICE},file={self.tmp}/base"
        self.plain("-d", device, "fill", "0", str(SHOWN), "0x41414141")
        Path(self.names["snapshot"]).write_bytes(self.plain("-d", DEVICE, "snapshot", "--map", "1,2"))
        self.plain("-d", DEVICE, "fill", "0", "4K", "1", env={"NVBAR_TRACE": self.names["trace"]})

    def spawn(self, case, work, env, **kwargs):
        args = [arg.format(**self.names | {"tmp": work}) for arg in case.name.split()]
        if case.device:
            file = f",file={work}/vram" if case.vram else ""
            args[:0] = ["-d", DEVICE + file]
        env = self.env | {k: v.format(**self.names | {"tmp": work}) for k, v in case.env.items()} | env
        return subprocess.Popen([self.programs[case.program], *args], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=env | {"LD_PRELOAD": self.library}, **kwargs)

    def run(self, case, env):
        """Return: what came out, and VRAM"""
        with tempfile.TemporaryDirectory(dir=self.tmp) as work:
            if case.vram:
                copy_sparse(self.tmp / "base", f"{work}/vram")
            data = case.data
            if data == b"{snapshot}":
                data = Path(self.names["snapshot"]).read_bytes()
            process = self.spawn(case, work, env)
            try:
                out, err = process.communicate(data, timeout=TIME_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                raise Breach("it hangs") from None
            return Result(process.returncode, out, err), shown(f"{work}/vram") if case.vram else None

    def positions(self, total, slow):
        if self.extent == "few":
            return sorted({*range(1, min(total, 4) + 1), *range(4, total + 1, total // 7 + 1)})
        if self.extent == "all" and not slow:
            return range(1, total + 1)
        if slow:
            return range(1, total + 1, total // 40 + 1) if self.extent == "all" else range(1, 20)
        return [*range(1, min(total, MANY) + 1), *range(MANY + 1, total + 1, STRIDE)]

    def tell(self, name, how, breach):
        with self.lock:
            self.breaches += 1
            print(f"{name}: allocation {how}: {breach}", flush=True)

    def each(self, name, total, slow, one):
        """one(env), with each allocation failing; Return: how many runs said so"""
        def guarded(nth, rest):
            with self.lock:
                self.runs += 1
            try:
                return one(failing(nth, rest))
            except Breach as breach:
                self.tell(name, f"{nth} of {total}{' and all after it' if rest else ''}", breach)
                return True

        jobs = [self.executor.submit(guarded, nth, rest)
                for nth in self.positions(total, slow) for rest in (False, True)]
        if not any([job.result() for job in jobs]):
            self.tell(name, "each", "was not noticed: does it fail at all?")

    def test(self, case):
        counted = self.tmp / "count"
        good, after = self.run(case, {"NOMEM_COUNT": str(counted)})
        before = shown(self.tmp / "base")

        def one(env):
            result, vram = self.run(case, env)
            judge(case, result, good)
            if case.vram:
                judge_vram(case, result.status, vram, before, after)
            return result.status == 1

        self.each(case.name, int(counted.read_text()), case.slow, one)


# --- a server ----------------------------------------------------------------

DATA = b"written" * 1000
PLACE = 0x100000


class Server:
    """nvbar-sim serve, with allocations that may fail, and its clients"""

    def __init__(self, tester, work, env):
        self.tester, self.socket = tester, f"{work}/socket"
        copy_sparse(tester.tmp / "base", f"{work}/vram")
        command = [tester.programs["sim"], "serve", "--socket", self.socket,
                   "--record", f"{work}/record", f"ga102,vram=64M,bar1=64M,file={work}/vram"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE,
                                        env=tester.env | {"LD_PRELOAD": tester.library} | env)

    def is_up(self):
        """Whether it has said that it serves; it has ended if not"""
        ready, _, _ = select.select([self.process.stdout], [], [], TIME_LIMIT)
        if not ready:
            raise Breach("the server neither serves nor ends")
        self.first = os.read(self.process.stdout.fileno(), 4096)
        return bool(self.first)

    def client(self, *args, data=b"", env=None):
        command = [self.tester.programs["nvbar"], "-d", f"vfio-user:{self.socket}", *args]
        try:
            done = subprocess.run(command, input=data, capture_output=True, check=False,
                                  env=self.tester.env | (env or {}), timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            raise Breach(f"a client hangs: {' '.join(args)}") from None
        result = Result(done.returncode, done.stdout, done.stderr)
        if result.status not in (0, 1) or (result.status == 1 and not result.err.strip()):
            raise Breach(f"a client ends with {result.status}: {said(result)}")
        return result

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            out, err = self.process.communicate(timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise Breach("the server does not end") from None
        return Result(self.process.returncode, self.first + out, err)


def test_server(tester):
    """Three clients, one after the other"""
    def session(env):
        with tempfile.TemporaryDirectory(dir=tester.tmp) as work:
            server = Server(tester, work, env)
            clients = []
            try:
                if server.is_up():
                    clients = [server.client("write", str(PLACE), data=DATA),
                               server.client("read", str(PLACE), str(len(DATA))),
                               server.client("read", str(PLACE), str(len(DATA)))]
            finally:
                ended = server.end()
            return ended, clients, shown(f"{work}/vram")

    before = shown(tester.tmp / "base")
    after = before[:PLACE] + DATA + before[PLACE + len(DATA):]
    counted = tester.tmp / "count"
    good, _, _ = session({"NOMEM_COUNT": str(counted)})
    if good.status or not good.out.endswith(b"\n0 driver errors\n"):
        raise SystemExit(f"nomem.py: the server: {good.status}, {good.out!r}, {said(good)}")

    def one(env):
        ended, clients, vram = session(env)
        failed = [c for c in clients if c.status]
        if ended.status not in (0, 1) or (ended.status and not ended.err.strip()):
            raise Breach(f"the server ends with {ended.status}: {said(ended)}")
        if len(failed) > 1 and not ended.err.strip():
            raise Breach(f"{len(failed)} clients fail, and the server says nothing: {said(failed[1])}")
        if clients and not clients[0].status and vram != after:
            raise Breach("what a client has written is not there")
        if vram not in (before, after):
            raise Breach("VRAM is neither as before nor as it should be")
        for client in clients[1:]:
            if not client.status and client.out != vram[PLACE:PLACE + len(DATA)]:
                raise Breach("a client reads what is not there")
        return failed or ended.status

    tester.each("serve", int(counted.read_text()), False, one)


def test_client(tester):
    """A client whose allocations fail, of a server whose don't"""
    with tempfile.TemporaryDirectory(dir=tester.tmp) as work:
        server = Server(tester, work, {})
        if not server.is_up():
            sys.exit("nomem.py: the server does not serve")
        lock = threading.Lock()  # it serves one at a time
        for case in (Case("info", device=False), Case("--json info", json=True, device=False),
                     Case(f"write {PLACE}", data=DATA, device=False)):
            case.env = {"NVBAR_DEVICE": f"vfio-user:{server.socket}"}
            with lock:
                good, _ = tester.run(case, {"NOMEM_COUNT": f"{work}/count"})
            before = shown(tester.tmp / "base")
            after = before[:PLACE] + DATA + before[PLACE + len(DATA):]

            def one(env, case=case, good=good, after=after):
                with lock:
                    if case.data:
                        server.client("fill", str(PLACE), "8K", "0x41414141")
                    result, _ = tester.run(case, env)
                    vram = shown(f"{work}/vram")
                judge(case, result, good)
                if case.data and vram not in ([after] if result.status == 0 else [before, after]):
                    raise Breach(f"VRAM is neither as before nor as it should be, {result.status}")
                return result.status == 1

            tester.each(f"{case.name} of a served GPU", int(Path(f"{work}/count").read_text()),
                        False, one)
        server.end()


def main():
    args = sys.argv[1:]
    extent = next((a[2:] for a in args if a in ("--few", "--all")), "")
    args = [a for a in args if a not in ("--few", "--all")]
    if len(args) < 3:
        sys.exit(__doc__)
    names = args[3:]
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as tmp:
        tester = Tester(*args[:3], extent, tmp)
        tester.prepare()
        for case in CASES:
            if not names or case.name in names:
                tester.test(case)
        if not names or "serve" in names:
            test_server(tester)
        if not names or "client" in names:
            test_client(tester)
        tester.executor.shutdown()
    spent = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF,
                                                             resource.RUSAGE_CHILDREN))
    print(f"{tester.runs} runs in {time.monotonic() - start:.0f} s, {spent:.0f} s of CPUs, "
          f"{tester.breaches} breaches")
    sys.exit(1 if tester.breaches or not tester.runs else 0)


main()
