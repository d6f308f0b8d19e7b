#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""nvbar in a virtual machine whose PCI Express slot has a served GPU.

usage: vm_test.py [--memtest SIZE] --cache DIR --qemu COMMAND --initrd FILE --sim PROGRAM CHIP

Prints a line for each thing that must hold.  tools/vm.sh makes what is needed.
"""
import hashlib
import json
import random
import re
import time
from pathlib import Path

from machine import ConfigSpace, Failure, Gpu, Machine, Steps, expect, main, wait_until

HERE = Path(__file__).resolve().parent
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
BDF = "0000:01:00.0"
SYSFS = f"/sys/bus/pci/devices/{BDF}"
BUTTON_SECONDS = 5  # that a slot's button gives people to think again

# Kernel messages about the GPU and its slot, what is no good in them at any
# level, and what is no good whatever it is about
ABOUT_GPU = re.compile(rf"{BDF}|0000:00:01\.0|vfio|pciehp|DMAR:|AER:", re.I)
COMPLAINT = re.compile(r"fail|can't|cannot|unable|error|invalid\b|bogus|conflict|no space|"
                       r"not assigned|timed out|timeout|unsupported|stuck|lost", re.I)
UNHEALTHY = re.compile(r"BUG:|Oops|Call Trace|WARNING:|general protection|soft lockup|"
                       r"rcu.* stall|blocked for more|Kernel panic")
WARNING = 4

# What the kernel says loudly though all is well; by VFIO whoever has a GPU may finish
USUAL = re.compile(r"vfio-pci [\d:.]+: (resetting|reset done|No device request channel)")


class Test(Steps):
    def __init__(self, args, folder):
        super().__init__(args.chip)
        self.memtest = args.memtest
        self.seed = args.seed
        self.random = random.Random(args.seed)
        self.gpu = Gpu(args.sim, args.chip, folder / "gpu")
        self.mortal = Gpu(args.sim, f"{args.chip},dead-at=50000", folder / "mortal")
        self.vm = Machine(args.cache, args.qemu.splitlines(), args.initrd, self.gpu,
                          folder / "vm")

    # --- PCI -----------------------------------------------------------------

    def lspci(self):
        """All lines of the file are there, in this order, "*" standing for anything, and
        beside them nothing but details."""
        lines = self.vm.must(f"lspci -nnvvv -s {BDF} 2>/dev/null").strip().split("\n")
        want = [line for line in (HERE / "lspci" / self.chip).read_text().split("\n")
                if line.strip() and not line.startswith("#")]
        for line in lines:
            if want and matches(want[0], line):
                want.pop(0)
            else:
                expect(line.startswith("\t\t"), f"not expected: {line.strip()}")
        expect(not want, "\n".join(["missing:", *want[:1], "in:", *lines]))

    def setpci(self, *what):
        return self.vm.must(f"setpci -s {BDF} {' '.join(what)}").split()

    def bar0(self, offset, value=None):
        """A register, as a process reads or writes it that maps /dev/mem."""
        base = int(self.vm.must(f"head -n 1 {SYSFS}/resource").split()[0], 16)
        put = "" if value is None else f"0x{value:x}"
        text = self.vm.must(f"devmem 0x{base + offset:x} 32 {put}").strip()
        return int(text, 16) if text else None

    def is_reset(self):
        expect(self.bar0(0) not in (0, 0xffffffff), "registers do not answer")
        expect(self.bar0(self.window()) == 0, "the GPU was not reset")

    def window(self):
        """A register that is 0 after power-on and keeps what is written to it."""
        return (0x10fd40 if self.chip.startswith("g") and self.chip not in ("ga100", "ga102")
                else 0x1700)

    def configuration(self):
        expect(self.setpci("VENDOR_ID", "3c.b=5a", "3c.b") == ["10de", "5a"], "setpci")
        self.setpci("VENDOR_ID=1234", "CLASS_DEVICE=0")
        expect(self.setpci("VENDOR_ID")[0] == "10de", "the vendor can be written")

    def pciaccess(self):
        """As another library than the kernel's files and pciutils has it."""
        line = self.vm.must("pciaccess").strip()
        boot0 = self.bar0(0)
        expect(line.startswith(f"{BDF} 10de:"), line)
        expect(f" boot0={boot0:08x}" in line, line)
        resource = self.vm.must(f"cat {SYSFS}/resource").split("\n")
        for nr, row in enumerate(resource[:6]):
            start, end, flags = (int(word, 16) for word in row.split())
            if start:
                kind = "io:" if flags & 0x100 else "prefetchable:" if flags & 0x2000 else ""
                expect(f" bar{nr}={kind}{end - start + 1}" in line, line)
        has_rom = any(int(word, 16) for word in resource[6].split())
        expect((" rom=55aa" in line) == has_rom, line)

    def sleeps(self):
        """D3hot: BARs are not decoded, and nothing is forgotten."""
        self.vm.must(f"echo 1 >{SYSFS}/enable")
        boot0 = self.bar0(0)
        expect(boot0 not in (0, 0xffffffff), f"PMC_BOOT_0 is 0x{boot0:x}")
        self.bar0(self.window(), 0x123)
        self.setpci("CAP_PM+4.w=3:3")
        expect(self.setpci("CAP_PM+4.w")[0][-1] == "b", "it is not in D3hot")
        # QEMU takes the BARs away, and has zeroes where nothing is.
        expect(self.bar0(0) in (0, 0xffffffff), "registers answer in D3hot")
        self.setpci("CAP_PM+4.w=0:3")
        expect(self.bar0(0) == boot0, "registers do not answer after D3hot")
        expect(self.bar0(self.window()) == 0x123, "D3hot resets")

    def reset_by_kernel(self):
        """The kernel saves the configuration, resets the function, and restores it."""
        methods = self.vm.must(f"cat {SYSFS}/reset_method").split()
        expect("flr" in methods, methods)
        self.bar0(self.window(), 0x123)
        before = self.setpci("COMMAND", "BASE_ADDRESS_0", "BASE_ADDRESS_1")
        self.vm.must(f"echo flr >{SYSFS}/reset_method && echo 1 >{SYSFS}/reset")
        expect(self.setpci("COMMAND", "BASE_ADDRESS_0", "BASE_ADDRESS_1") == before,
               "the configuration is another")
        self.is_reset()

    def reset_by_register(self):
        """Nobody restores anything, so the kernel has to find the function anew."""
        self.bar0(self.window(), 0x123)
        self.setpci("CAP_EXP+8.w=8000:8000")
        time.sleep(0.2)
        now = self.setpci("COMMAND", "BASE_ADDRESS_1", "CAP_EXP+8.w")
        expect(now[0] == "0000" and int(now[1], 16) >> 4 == 0, now)
        expect(int(now[2], 16) >> 15 == 0, now)
        self.vm.must(f"echo 1 >{SYSFS}/remove && echo 1 >/sys/bus/pci/rescan")
        wait_until(lambda: self.vm.run(f"test -e {SYSFS}/resource")[0] == 0, 30,
                   "the guest finds the GPU")
        self.vm.must(f"echo 1 >{SYSFS}/enable")
        self.is_reset()
        self.vm.must(f"echo 0 >{SYSFS}/enable")

    def kernel_log(self):
        for line in self.vm.must("dmesg -r").split("\n"):
            found = re.match(r"<(\d+)>\[ *[\d.]+\] ?(.*)", line)
            if not found or USUAL.search(line):
                continue
            about = ABOUT_GPU.search(found[2])
            loud = int(found[1]) % 8 <= WARNING
            expect(not UNHEALTHY.search(found[2]) and
                   not (about and (loud or COMPLAINT.search(found[2]))), f"it says {line}")

    # --- nvbar ---------------------------------------------------------------

    def list(self, driver, device, bar1_size):
        gpus = json.loads(self.vm.must("nvbar --json list"))["devices"]
        expect(len(gpus) == 1 and gpus[0]["address"] == BDF, gpus)
        expect(gpus[0]["driver"] == driver and gpus[0]["open_as"] == device, gpus)
        expect(gpus[0]["bar1"]["size"] == bar1_size, gpus)

    def info(self, device, bar1_size):
        info = json.loads(self.vm.must(f"nvbar -d {device} --json info"))
        expect(info["chip"] == self.chip.upper() and info["bar1_size"] == bar1_size, info)

    def no_resize(self):
        status, output = self.vm.run(f"nvbar resize {BDF} 1G")
        expect(status == 1 and "only 256M" in output, f"exit status {status}: {output}")

    def commands(self, device, bar1_size):
        driver = "vfio-pci" if device.startswith("vfio") else ""
        self.step(f"list shows {device}", lambda: self.list(driver, device, bar1_size))
        self.step(f"info on {device}", lambda: self.info(device, bar1_size))
        for command in ("demo", "selftest", f"memtest --test address 16M {self.memtest}",
                        "check"):
            self.step(f"{command} on {device}",
                       lambda: self.vm.must(f"nvbar -d {device} {command}", 3600))

    def exchange(self, device, option, pa):
        """What the guest writes is in the VRAM file, what the file gets the guest reads."""
        size = 64 * KIB
        first = self.random.randrange(10 ** 8, 10 ** 9)
        numbers = "".join(f"{first + i}\n" for i in range(size)).encode()
        self.vm.must(f"seq {first} {first + size} | head -c {size} | "
                     f"nvbar -d {device} write {pa}{option}")
        expect(self.gpu.read_vram(pa, size) == numbers[:size], f"not at 0x{pa:x} of the file")
        data = self.random.randbytes(size)
        self.gpu.write_vram(pa, data)
        got = self.vm.must(f"nvbar -d {device} read {pa} {size}{option} | sha256sum").split()[0]
        expect(got == hashlib.sha256(data).hexdigest(), f"not what 0x{pa:x} of the file has")

    def exchanges(self, device):
        for option, pa in (("", 16 * MIB), ("", 4 * GIB + 20 * KIB), (" --via pramin", 5 * GIB)):
            self.step(f"VRAM at 0x{pa:x} on {device}{option} is in its file",
                       lambda: self.exchange(device, option, pa))

    def bind(self):
        self.vm.must("modprobe vfio-pci && modprobe vfio_iommu_type1")
        self.vm.must(f"nvbar bind {BDF} vfio-pci")

    # --- plugging and unplugging ---------------------------------------------

    def plug(self, gpu):
        self.vm.plug(gpu)
        wait_until(lambda: self.vm.run(f"test -e {SYSFS}/resource")[0] == 0, 30,
                   "the guest finds the GPU")

    def unplugged(self, device):
        wait_until(self.vm.unplugged, 30, "the guest lets go of the GPU")
        expect(self.vm.run(f"test -e {SYSFS}")[0] == 1, "the guest still has the GPU")
        status, output = self.vm.run(f"nvbar -d {device} info")
        expect(status == 1, f"exit status {status} without a GPU: {output}")

    def cut_short(self, device):
        """The copy that is going on says in one line why it ends."""
        status, output = self.vm.finish(60)
        lines = output.strip().splitlines()
        expect(status == 1, f"exit status {status}: {output}")
        expect(len(lines) == 1 and f"{device}: read 0x" in lines[0], output)

    def unplug_pci(self, device):
        """Whatever goes on, the kernel takes it away."""
        self.vm.send(f"nvbar -d {device} read 16M 64M 2>&1 >/dev/null")
        time.sleep(2)
        self.vm.unplug()
        self.cut_short(device)
        self.unplugged(device)

    def unplug_vfio(self, device):
        """The kernel waits for who has it."""
        size = 3 * MIB
        self.vm.must(f"nvbar -d {device} fill 16M {size} 0x12345678")
        self.vm.send(f"nvbar -d {device} read 16M {size} | sha256sum")
        start = time.monotonic()
        self.vm.unplug()
        status, output = self.vm.finish(120)
        expect(time.monotonic() - start > BUTTON_SECONDS, "it was over before the unplugging")
        want = hashlib.sha256(b"\x78\x56\x34\x12" * (size // 4)).hexdigest()
        expect(status == 0 and output.split()[0] == want, f"exit status {status}: {output}")
        self.unplugged(device)

    def resize(self, size):
        """QEMU shows its guest one size of the several that the GPU offers, so the guest
        can't choose.  What it would write to the registers is written from outside."""
        with ConfigSpace(self.gpu) as config:
            control = find_bar1_control(config)
            config.write32(4, 0)
            config.write32(control, config.read32(control) & ~0x3f00 |
                           (size // MIB).bit_length() - 1 << 8)
        self.plug(self.gpu)
        lines = self.vm.must(f"lspci -vvs {BDF} 2>/dev/null")
        expect(f"current size: {size // GIB}GB" in lines, lines)

    def die(self, device):
        self.plug(self.mortal)
        self.vm.send(f"nvbar -d {device} read 16M 1M 2>&1 >/dev/null")
        self.cut_short(device)

    # --- all -----------------------------------------------------------------

    def no_driver_errors(self):
        for gpu in self.gpu, self.mortal:
            errors = gpu.stop()
            expect(errors == "0 driver errors", errors)

    def qemu_log(self):
        expect(not self.vm.log(), self.vm.log())

    def run(self):
        pci, vfio = f"pci:{BDF}", f"vfio:{BDF}"
        print(f"{self.chip}: seed {self.seed}", flush=True)
        self.vm.boot()
        self.step("lspci shows what the card would", self.lspci)
        self.step("setpci reads and writes what is to be written", self.configuration)
        self.step("libpciaccess finds it, with its BARs and its ROM", self.pciaccess)
        self.step("in D3hot it does not answer, and forgets nothing", self.sleeps)
        self.step("the kernel resets it (FLR)", self.reset_by_kernel)
        self.step("a write to its registers resets it (FLR)", self.reset_by_register)
        self.step("the kernel has no complaints", self.kernel_log)
        self.commands(pci, 256 * MIB)
        self.exchanges(pci)
        self.step("BAR1 has one size to the guest", self.no_resize)
        self.step(f"a copy on {pci} ends when it is unplugged", lambda: self.unplug_pci(pci))
        self.step("BAR1 is resized to 1 GiB", lambda: self.resize(GIB))
        self.step("BAR1 is used up to its end",
                   lambda: self.vm.must(f"aperture {pci} {GIB}"))
        self.step("vfio-pci takes the GPU", self.bind)
        self.commands(vfio, GIB)
        self.exchanges(vfio)
        self.step(f"a copy on {vfio} ends before it is unplugged",
                  lambda: self.unplug_vfio(vfio))
        self.step(f"a copy on {pci} ends when the GPU dies", lambda: self.die(pci))
        self.step("the kernel still has no complaints", self.kernel_log)
        self.step("QEMU has no complaints", self.qemu_log)
        self.step("the models counted no driver errors", self.no_driver_errors)

    def stop(self):
        self.vm.stop()
        self.gpu.stop()
        self.mortal.stop()


def matches(pattern, line):
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), line)


def find_bar1_control(config):
    """The control register of that entry which offers more than one size."""
    at = 0x100
    while config.read32(at) & 0xffff != 0x15:
        at = config.read32(at) >> 20
        expect(at, "no resizable-BAR capability")
    for entry in range(config.read32(at + 8) >> 5 & 7):
        sizes = config.read32(at + 4 + 8 * entry)
        if sizes & sizes - 1:
            return at + 8 + 8 * entry
    raise Failure("no BAR has several sizes")


main(Test, "--memtest", "64M")
