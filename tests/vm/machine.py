# SPDX-License-Identifier: MIT
"""A served GPU, and a virtual machine that has it in a PCI Express slot."""
import argparse
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BOOT_SECONDS = 300

# Linux trusts the page attribute tables, without which there is no write-combining, of
# Intel processors from some model on: here a Cascade Lake.
CPU = "max,vendor=GenuineIntel,family=6,model=85,stepping=7"


class Failure(Exception):
    """What a test expected did not happen."""


def expect(holds, why):
    if not holds:
        raise Failure(why)


class Steps:
    """What must hold, one thing after the other."""

    def __init__(self, chip):
        self.chip = chip
        self.failed = 0

    def step(self, what, run):
        """What must hold; where it does not, the others still run."""
        begin = time.monotonic()
        try:
            run()
            result = "ok"
        except Failure as failure:
            print("".join(f"    {line}\n" for line in str(failure).splitlines()), end="")
            self.failed += 1
            result = "FAILED"
        print(f"{result} {self.chip}: {what} ({time.monotonic() - begin:.1f} s)", flush=True)


def start(command, log):
    """Start a program that ends with this one, however this one ends."""
    with open(log, "w") as out:
        return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command],
                                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)


def wait_until(holds, seconds, what):
    end = time.monotonic() + seconds
    while not holds():
        expect(time.monotonic() < end, f"not within {seconds} s: {what}")
        time.sleep(0.05)


def connect(path, seconds):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(seconds)
    sock.connect(str(path))
    return sock


class Gpu:
    """nvbar-sim serve, with its VRAM in a file."""

    def __init__(self, sim, chip, folder, *options):
        folder.mkdir()
        self.socket = folder / "socket"
        self.vram = folder / "vram"
        self.log = folder / "log"
        self.process = start([sim, "serve", "--viommu", "--socket", self.socket, *options,
                              f"{chip},file={self.vram}"], self.log)
        wait_until(self.socket.exists, 10, "the GPU is served")

    def write_vram(self, pa, data):
        with open(self.vram, "r+b") as file:
            file.seek(pa)
            file.write(data)

    def read_vram(self, pa, size):
        with open(self.vram, "rb") as file:
            file.seek(pa)
            return file.read(size)

    def stop(self):
        """End it; return what it printed last, which is the count of driver errors."""
        self.process.terminate()
        self.process.wait(10)
        return self.log.read_text().splitlines()[-1]


class ConfigSpace:
    """The GPU's configuration space, seen by another client of the server."""

    def __init__(self, gpu):
        wait_until(lambda: self.come(gpu), 10, "QEMU leaves the server to others")

    def come(self, gpu):
        """Say a version; return whether the server has no other client."""
        self.sock = connect(gpu.socket, 10)
        try:
            self.ask(1, struct.pack("<HH", 0, 1))
        except (Failure, OSError):
            self.sock.close()
            return False
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def receive(self, size):
        data = self.sock.recv(size, socket.MSG_WAITALL)
        expect(len(data) == size, "the server hung up")
        return data

    def ask(self, command, payload):
        self.sock.sendall(struct.pack("<HHIII", 1, command, 16 + len(payload), 0, 0) + payload)
        _, _, size, flags, error = struct.unpack("<HHIII", self.receive(16))
        expect(flags == 1, f"the server refuses command {command}: {os.strerror(error)}")
        return self.receive(size - 16)

    def read32(self, offset):
        return struct.unpack("<I", self.ask(9, struct.pack("<QII", offset, 7, 4))[16:])[0]

    def write32(self, offset, value):
        self.ask(10, struct.pack("<QIII", offset, 7, 4, value))


def device(gpu):
    # A read waits until all writes before it are done, and there may be many.  One that
    # takes longer than this is all ones in the guest.
    return {"driver": "vfio-user-pci", "id": "gpu", "bus": "port0", "x-msg-timeout": 60000,
            "socket": {"type": "unix", "path": str(gpu.socket)}}


class Machine:
    """QEMU, its monitor, and a shell in the guest."""

    def __init__(self, cache, qemu, initrd, gpu, folder):
        folder.mkdir()
        self.folder = folder
        root = cache / "root"
        kernel = next((root / "usr/lib/modules").iterdir()) / "vmlinuz"
        self.process = start(
            [*qemu, "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot",
             "-L", root / "usr/share/qemu", "-L", root / "usr/share/seabios",
             "-accel", "tcg", "-cpu", CPU, "-m", "512M",
             "-machine", "q35,kernel-irqchip=split",
             "-device", "intel-iommu,intremap=on,caching-mode=on",
             # Hot-plugging as on real slots, not by ACPI
             "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
             # Room for a BAR1 that grows; as fast as any of the chips
             "-device", "pcie-root-port,id=port0,chassis=1,slot=1,pref64-reserve=4G,x-speed=32",
             # On a busy host the kernel's check that its timer ticks comes to a wrong end.
             "-kernel", kernel, "-initrd", initrd, "-append",
             "console=ttyS0 intel_iommu=on iommu=pt panic=-1 no_timer_check",
             "-serial", f"file:{folder}/console",
             "-chardev", f"socket,id=shell,path={folder}/shell,server=on,wait=off",
             "-serial", "chardev:shell",
             "-qmp", f"unix:{folder}/qmp,server=on,wait=off",
             "-device", json.dumps(device(gpu))],
            folder / "log")
        self.pending = b""

    def boot(self):
        wait_until(lambda: (self.folder / "qmp").exists() or self.process.poll() is not None,
                   10, "QEMU starts")
        expect(self.process.poll() is None, self.log())
        self.monitor = connect(self.folder / "qmp", 10).makefile("rw")
        self.monitor.readline()
        self.qmp("qmp_capabilities")
        self.shell = connect(self.folder / "shell", BOOT_SECONDS)
        self.read_to(b"@@ ready\r?\n")

    def qmp(self, command, **arguments):
        json.dump({"execute": command, "arguments": arguments}, self.monitor)
        self.monitor.flush()
        answer = {"event": None}
        while "event" in answer:
            line = self.monitor.readline()
            expect(line, f"QEMU has ended: {self.log()}")
            answer = json.loads(line)
        expect("return" in answer, f"{command}: {answer}")
        return answer["return"]

    def log(self):
        """What QEMU itself has to say."""
        return (self.folder / "log").read_text()

    def console(self):
        """The last that the guest's kernel has to say."""
        lines = (self.folder / "console").read_text(errors="replace").splitlines()
        return "\n".join(lines[-20:])

    def plug(self, gpu):
        self.qmp("device_add", **device(gpu))

    def unplug(self):
        """As somebody does who presses the slot's button."""
        self.qmp("device_del", id="gpu")

    def unplugged(self):
        return not any(child["name"] == "gpu"
                       for child in self.qmp("qom-list", path="/machine/peripheral"))

    def read_to(self, pattern):
        while not (found := re.search(pattern, self.pending)):
            try:
                data = self.shell.recv(65536)
            except TimeoutError:
                data = b""
            expect(data, f"the guest says nothing more; so far: {self.pending[-300:]!r}\n"
                         f"{self.console()}\n{self.log()}")
            self.pending += data
        before, self.pending = self.pending[:found.start()], self.pending[found.end():]
        return before, found

    def send(self, command):
        self.shell.sendall(command.encode() + b"\n")

    def finish(self, seconds=60):
        """The exit status and output of a command that was sent."""
        self.shell.settimeout(seconds)
        output, found = self.read_to(rb"\n@@ (\d+)\n")
        return int(found[1]), output.decode(errors="replace")

    def run(self, command, seconds=60):
        self.send(command)
        return self.finish(seconds)

    def must(self, command, seconds=60):
        """The output of a command that succeeds."""
        status, output = self.run(command, seconds)
        expect(status == 0, f"{command}: exit status {status}\n{output}")
        return output

    def stop(self):
        self.process.kill()
        self.process.wait()


def main(kind, option, default=None):
    """Run the test that @kind makes of arguments and a folder; it has an option of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--qemu", required=True)
    parser.add_argument("--initrd", type=Path, required=True)
    parser.add_argument("--sim", required=True)
    parser.add_argument(option, default=default)
    parser.add_argument("--seed", type=int,
                        default=os.environ.get("NVBAR_SEED", time.time_ns()))
    parser.add_argument("chip")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="nvbar-vm-") as folder:
        test = kind(args, Path(folder))
        try:
            test.run()
        except Failure as failure:
            print(failure)
            test.failed += 1
        finally:
            test.stop()
    sys.exit(1 if test.failed else 0)
