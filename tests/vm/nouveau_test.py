#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The kernel's nouveau driver in a virtual machine that has a served GPU.

usage: nouveau_test.py [--trace FILE] --cache DIR --qemu COMMAND --initrd FILE --sim PROGRAM CHIP

nouveau knows nothing of a model, and makes page tables of its own: buffers that it
shows its users through BAR1 are where its tables say, in the file that is VRAM.
With --trace the accesses of a first, small part are kept.
"""
import random
import re
import shutil
import struct

from machine import Gpu, Machine, Steps, expect, main, wait_until

KIB, MIB = 1 << 10, 1 << 20
PAGE = 4 * KIB
BDF = "0000:01:00.0"
SYSFS = f"/sys/bus/pci/devices/{BDF}"
SMALL = [64 * KIB, MIB]
LARGE = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB]

UNHEALTHY = re.compile(r"BUG:|Oops|Call Trace|WARNING:|general protection|soft lockup|"
                       r"rcu.* stall|blocked for more|Kernel panic")
ABOUT_GPU = re.compile(rf"{BDF}|nouveau|\[drm\]|ttm", re.I)
WARNING = 4

# There is no firmware in the guest, and no display at the GPU.
USUAL = re.compile(r"firmware|No compatible format found")


class Tables:
    """The page tables of BAR1, as on a TU102 to AD102, read from the file that is VRAM."""

    def __init__(self, vram, inst):
        self.vram = vram
        low, high = struct.unpack("<II", self.read(inst + 0x200, 8))
        self.root = high << 32 | low & 0xfffff000

    def read(self, pa, size):
        self.vram.seek(pa)
        return self.vram.read(size)

    def words(self, pa, count):
        return struct.unpack(f"<{count}Q", self.read(pa, 8 * count))

    def down(self, table):
        """The table that the first entry leads to, of a directory with words of 8 bytes."""
        entry, = self.words(table, 1)
        expect(not entry & 1 and entry >> 1 & 3 == 1, f"no table in VRAM: 0x{entry:x}")
        return (entry >> 8 & 0x1ffffff) << 12

    def leaves(self, entries, size):
        """Addresses in VRAM by index, of those entries that are valid."""
        for index, entry in enumerate(entries):
            if entry & 1:
                expect(entry >> 1 & 3 == 0, f"not in VRAM: 0x{entry:x}")
                yield index * size, (entry >> 8 & 0x1ffffff) << 12

    def pages(self):
        """VA and address in VRAM of each page of 4 KiB, in the first 512 MiB of VA."""
        pde0 = self.down(self.down(self.down(self.root)))
        pairs = self.words(pde0, 512)
        for slot in range(256):
            big, small = pairs[2 * slot:2 * slot + 2]
            found = []
            if big & 1:
                found = [(2 * MIB, 0, (big >> 8 & 0x1ffffff) << 12)]
            elif big >> 1 & 3:
                table = (big >> 4 & 0x1fffffff) << 8
                found = [(64 * KIB, va, pa)
                         for va, pa in self.leaves(self.words(table, 32), 64 * KIB)]
            if not big & 1 and small >> 1 & 3:
                table = (small >> 8 & 0x1ffffff) << 12
                found += [(PAGE, va, pa)
                          for va, pa in self.leaves(self.words(table, 512), PAGE)]
            for size, va, pa in found:
                for off in range(0, size, PAGE):
                    yield slot * 2 * MIB + va + off, pa + off


class Test(Steps):
    def __init__(self, args, folder):
        super().__init__(args.chip)
        self.seed = args.seed
        self.random = random.Random(args.seed)
        self.keep = args.trace
        self.trace = folder / "trace"
        self.gpu = Gpu(args.sim, f"{args.chip},vram=1G", folder / "gpu",
                       "--record", self.trace)
        self.vm = Machine(args.cache, args.qemu.splitlines(), args.initrd, self.gpu,
                          folder / "vm")

    def kernel_log(self):
        for line in self.vm.must("dmesg -r").split("\n"):
            found = re.match(r"<(\d+)>\[ *[\d.]+\] ?(.*)", line)
            if not found:
                continue
            loud = int(found[1]) % 8 <= WARNING and ABOUT_GPU.search(found[2])
            expect(not UNHEALTHY.search(found[2]) and
                   (not loud or USUAL.search(found[2])), f"it says {line}")
        tainted = self.vm.must("cat /proc/sys/kernel/tainted").strip()
        expect(tainted == "0", f"it is tainted: {tainted}")

    # --- write-combining -------------------------------------------------------

    def memtypes(self):
        """What the kernel has BAR1 mapped as."""
        start, end, _ = (int(text, 16) for text in
                         self.vm.must(f"sed -n 2p {SYSFS}/resource").split())
        listed = self.vm.must("cat /sys/kernel/debug/x86/pat_memtype_list")
        return {found[3] for found in re.finditer(r"\[mem (0x\w+)-(0x\w+)\] ([\w-]+)", listed)
                if start <= int(found[1], 16) <= end}

    def combines(self):
        self.vm.must(f"mount -t debugfs none /sys/kernel/debug && "
                     f"test -e {SYSFS}/resource1_wc")
        self.vm.must(f"(nvbar -d pci:{BDF} fill 16M 32M 0x12345678; echo $? >/tmp/filled) "
                     ">/tmp/fill 2>&1 &")
        wait_until(self.memtypes, 30, "nvbar maps BAR1")
        expect(self.memtypes() == {"write-combining"}, f"BAR1 is {self.memtypes()}")
        wait_until(lambda: self.vm.run("test -e /tmp/filled")[0] == 0, 120, "nvbar ends")
        expect(self.vm.must("cat /tmp/filled").strip() == "0", self.vm.must("cat /tmp/fill"))

    # --- nouveau ---------------------------------------------------------------

    def load(self):
        self.vm.must("modprobe nouveau", 240)
        self.vm.must("test -c /dev/dri/card0")

    def unload(self):
        self.vm.must("rmmod nouveau", 120)

    def buffers(self, sizes, look):
        """Make them, look at VRAM while they are there, and free them."""
        seed = self.random.randrange(1, 1 << 31)
        self.vm.must("rm -f /tmp/bo.status")
        self.vm.must(f"(nouveau_bo /dev/dri/card0 {seed} {' '.join(map(str, sizes))} "
                     ">/tmp/bo 2>&1; echo $? >/tmp/bo.status) &")
        ended = lambda: self.vm.run("test -e /tmp/bo.status")[0] == 0
        stopped = lambda: self.vm.run(
            "grep -q '^State:.*T' /proc/$(pidof nouveau_bo)/status")[0] == 0
        wait_until(lambda: stopped() or ended(), 180, "buffers are written and read")
        expect(not ended(), self.vm.must("cat /tmp/bo"))
        look(seed, sizes)
        self.vm.must("kill -CONT $(pidof nouveau_bo)")
        wait_until(ended, 180, "buffers are freed")
        output = self.vm.must("cat /tmp/bo")
        expect(self.vm.must("cat /tmp/bo.status").strip() == "0", output)
        expect(output.count(" 0 words wrong") == 2 * len(sizes), output)

    def instance(self):
        """What nouveau bound BAR1 to last."""
        bound = re.findall(r"^w 0 0xb80f40 4 0x(\w+)", self.trace.read_text(), re.M)
        expect(bound and int(bound[-1], 16) >> 31, f"BAR1 is bound to {bound[-1:]}")
        return (int(bound[-1], 16) & 0xfffffff) << 12

    def look(self, seed, sizes):
        """Each page of each buffer is once in BAR1, one behind the other, and has its value."""
        at = {}
        with open(self.gpu.vram, "rb") as vram:
            tables = Tables(vram, self.instance())
            for va, pa in tables.pages():
                first, = tables.words(pa, 1)
                last, = tables.words(pa + PAGE - 8, 1)
                if first == last and first >> 32 == seed:
                    expect(first not in at, f"0x{first:x} is at VA 0x{va:x}, too")
                    at[first] = va
        for buffer, size in enumerate(sizes):
            start = at.get(seed << 32 | buffer << 24)
            expect(start is not None, f"buffer {buffer} is not in BAR1")
            for page in range(size // PAGE):
                va = at.pop(seed << 32 | buffer << 24 | page, None)
                expect(va == start + page * PAGE, f"page {page} of buffer {buffer}: VA {va}")
        expect(not at, f"{len(at)} pages of nobody's")

    def keep_trace(self):
        shutil.copy(self.trace, self.keep)

    # --- all ---------------------------------------------------------------------

    def no_driver_errors(self):
        errors = self.gpu.stop()
        expect(errors == "0 driver errors", errors)

    def qemu_log(self):
        expect(not self.vm.log(), self.vm.log())

    def run(self):
        print(f"{self.chip}: seed {self.seed}", flush=True)
        self.vm.boot()
        nothing = lambda seed, sizes: None
        if not self.keep:
            self.step("BAR1 is write-combined to nvbar", self.combines)
        self.step("nouveau takes the GPU", self.load)
        self.step("nouveau's buffers hold what is written", lambda: self.buffers(SMALL, nothing))
        self.step("nouveau lets go of the GPU", self.unload)
        if self.keep:
            self.step("its accesses are kept", self.keep_trace)
        self.step("nouveau takes the GPU again", self.load)
        self.step("nouveau's buffers are in VRAM where its tables say",
                  lambda: self.buffers(LARGE, self.look))
        self.step("nouveau lets go of the GPU again", self.unload)
        self.step("the kernel has no complaints", self.kernel_log)
        self.step("nvbar works on the same GPU then",
                  lambda: self.vm.must(f"nvbar -d pci:{BDF} selftest", 600))
        self.step("QEMU has no complaints", self.qemu_log)
        self.step("the model counted no driver errors", self.no_driver_errors)

    def stop(self):
        self.vm.stop()
        self.gpu.stop()


main(Test, "--trace")
