#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
Proves that the codecs of page-table entries in core/mmu_ver*.c are right, for
every value; docs/testing.md has what that means and what it rests on.

The formats below stand as in the vendor's headers [gp100, tu102, gh100
dev_mmu.h]: nothing here comes from include/hw/.
"""
import pathlib
import re
import sys
from collections import namedtuple

import z3

from symbolic import Machine, Pointer, Refuted, State, number

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = [f"-I{ROOT}/{folder}" for folder in ("compat/include", "include", "core")]
HEADER = re.sub(r"/\*.*?\*/", "", (ROOT / "core/mmu.h").read_text(), flags=re.S)
EINVAL = 22


def enum(name, prefix):
    body = re.search(rf"enum {name} {{(.*?)}}", HEADER, re.S)[1]
    return re.findall(rf"{prefix}(\w+),", body)


def members(struct):
    """The members of a struct in their order: name and type."""
    body = re.search(rf"struct {struct} {{(.*?)\n}};", HEADER, re.S)[1]
    found = re.findall(r"^\t(.+?)\W(\w+)(?:\[\w+\]|\)\(.*\))?;", body, re.M)
    return [(name, kind) for kind, name in found]


STATES = enum("nvbar_entry_state", "NVBAR_ENTRY_")
APERTURES = enum("nvbar_aperture", "NVBAR_APERTURE_")

# --- the formats -------------------------------------------------------------

# A kind of entry has several forms.  A word is of a form if the bits in @code
# have these values; a set of fields, if it has this state and aperture (None:
# the aperture has no meaning).  @fields has the other fields with a meaning, and
# the bits of the word, by name or as (hi, lo, shift), that add up to their
# value; no bits: must be 0.  A word of no form is reserved.
Form = namedtuple("Form", "state aperture code fields")
Entry = namedtuple("Entry", "name struct big forms")


def pde_v2(big):
    low = 8 if big else 12		# lowest bit of a table's address
    flags = {"no_ats": [] if big else [(5, 5, 0)]}
    table = {**flags, "vol": [(3, 3, 0)]}
    vid = {**table, "addr": [(32, low - 4, low)]}
    sys_ = {**table, "addr": [(53, low - 4, low)]}
    return [Form("INVALID", None, {(2, 1): 0, (3, 3): 0}, flags),
            Form("SPARSE", None, {(2, 1): 0, (3, 3): 1}, flags),
            Form("VALID", "VID", {(2, 1): 1}, vid),
            Form("VALID", "SYS_COH", {(2, 1): 2}, sys_),
            Form("VALID", "SYS_NONCOH", {(2, 1): 3}, sys_)]


def pde_v3(big):
    low = 8 if big else 12
    flags = {"no_ats": [(4, 4, 0)]}
    table = {**flags, "vol": [(3, 3, 0)], "addr": [(51, low, low)]}
    return [Form("INVALID", None, {(2, 1): 0, (3, 3): 0, (5, 5): 0}, flags),
            Form("SPARSE", None, {(2, 1): 0, (3, 3): 1, (5, 5): 0}, flags),
            Form("VALID", "VID", {(2, 1): 1, (5, 5): 0}, table),
            Form("VALID", "SYS_COH", {(2, 1): 2, (5, 5): 0}, table),
            Form("VALID", "SYS_NONCOH", {(2, 1): 3, (5, 5): 0}, table)]


def pte_v2():
    page = {"vol": [(3, 3, 0)], "encrypted": [(4, 4, 0)], "priv": [(5, 5, 0)], "ro": [(6, 6, 0)],
            "no_atomic": [(7, 7, 0)], "kind": [(63, 56, 0)]}
    vid = {**page, "addr": [(32, 8, 12)], "comptagline": [(55, 36, 0)]}
    # A fabric address goes on where other pages have their compression tag
    peer = {**page, "addr": [(32, 8, 12), (55, 36, 37)], "peer": [(35, 33, 0)], "comptagline": []}
    sys_ = {**page, "addr": [(53, 8, 12)], "comptagline": []}
    return [Form("INVALID", None, {(0, 0): 0, (3, 3): 0, (5, 5): 0}, {}),
            Form("SPARSE", None, {(0, 0): 0, (3, 3): 1, (5, 5): 0}, {}),
            Form("NO_4K", None, {(0, 0): 0, (3, 3): 0, (5, 5): 1}, {}),
            Form("NO_4K_RM", None, {(0, 0): 0, (3, 3): 1, (5, 5): 1}, {}),
            Form("VALID", "VID", {(0, 0): 1, (2, 1): 0}, vid),
            Form("VALID", "PEER", {(0, 0): 1, (2, 1): 1}, peer),
            Form("VALID", "SYS_COH", {(0, 0): 1, (2, 1): 2}, sys_),
            Form("VALID", "SYS_NONCOH", {(0, 0): 1, (2, 1): 3}, sys_)]


def pte_v3():
    page = {"vol": [(3, 3, 0)], "priv": [(4, 4, 0)], "ro": [(5, 5, 0)], "no_atomic": [(6, 6, 0)],
            "no_access_counters": [(7, 7, 0)], "kind": [(11, 8, 0)], "addr": [(51, 12, 12)]}
    return [Form("INVALID", None, {(0, 0): 0, (7, 3): 0}, {}),
            Form("SPARSE", None, {(0, 0): 0, (7, 3): 1}, {}),
            Form("NOWHERE", None, {(0, 0): 0, (7, 3): 2}, {}),
            Form("NO_4K", None, {(0, 0): 0, (7, 3): 3}, {}),
            Form("VALID", "VID", {(0, 0): 1, (2, 1): 0}, page),
            Form("VALID", "PEER", {(0, 0): 1, (2, 1): 1}, {**page, "peer": [(63, 61, 0)]}),
            Form("VALID", "SYS_COH", {(0, 0): 1, (2, 1): 2}, page),
            Form("VALID", "SYS_NONCOH", {(0, 0): 1, (2, 1): 3}, page)]


def entries(pde, pte):
    return [Entry("PDE, small half of PDE0", "nvbar_pde", False, pde(False)),
            Entry("big half of PDE0", "nvbar_pde", True, pde(True)),
            Entry("PTE", "nvbar_pte", None, pte())]


FORMATS = {2: entries(pde_v2, pte_v2), 3: entries(pde_v3, pte_v3)}

# A level: the VA bits that index a table, and the 64-bit words of an entry
LEVELS = {2: [(20, 12, 1), (28, 21, 2), (37, 29, 1), (46, 38, 1), (48, 47, 1)],
          3: [(20, 12, 1), (28, 21, 2), (37, 29, 1), (46, 38, 1), (55, 47, 1), (56, 56, 1)]}
BIG_LEVEL = (20, 16, 1)

# --- what they say of words and fields, all as 64-bit numbers ----------------


def pick(word, hi, lo, shift=0):
    return z3.ZeroExt(63 - hi + lo, z3.Extract(hi, lo, word)) << shift


def ones(hi, lo):
    return (1 << hi + 1) - (1 << lo)


def is_word_of(form, word):
    return z3.And([pick(word, *bits) == value for bits, value in form.code.items()])


def used_bits(form):
    parts = [bits[:2] for field in form.fields.values() for bits in field]
    return sum(ones(hi, lo) for hi, lo in [*form.code, *parts])


def are_fields_of(form, fields):
    aperture = form.aperture is None or fields["aperture"] == APERTURES.index(form.aperture)
    return z3.And(fields["state"] == STATES.index(form.state), aperture)


def fit(form, fields):
    return z3.And([fields[name] & ~sum(ones(hi - lo + shift, shift) for hi, lo, shift in parts) == 0
                   for name, parts in form.fields.items()])


def read(form, word):
    """The fields that a word of this form holds; others are 0."""
    fields = {name: sum((pick(word, *bits) for bits in parts), z3.BitVecVal(0, 64))
              for name, parts in form.fields.items()}
    return {**fields, "state": STATES.index(form.state),
            "aperture": APERTURES.index(form.aperture or "VID")}


def written(form, fields):
    """The word of this form that holds the fields."""
    word = z3.BitVecVal(sum(value << lo for (_, lo), value in form.code.items()), 64)
    for name, parts in form.fields.items():
        for hi, lo, shift in parts:
            word |= pick(fields[name], hi - lo + shift, shift, lo)
    return word


# --- the proofs --------------------------------------------------------------


class Codec(Machine):
    """core/mmu_ver2.c or mmu_ver3.c, by way of its struct nvbar_mmu_fmt."""

    def __init__(self, version, old="", new=""):
        source = (ROOT / f"core/mmu_ver{version}.c").read_text()
        assert old in source, f"core/mmu_ver{version}.c has no {old}"
        super().__init__(source.replace(old, new), INCLUDE)
        self.version = version

    def members(self, struct, base):
        """Of a struct that starts at @base: name, type, where it is, bits."""
        _, layout = self.struct(struct)
        named = members(struct)
        assert len(named) == len(layout), f"struct {struct}: {named}"
        for (name, kind), (at, size) in zip(named, layout):
            yield name, kind, Pointer(base.object, base.offset + at), 8 * size

    def format(self, state):
        """The members of the format, by their names."""
        base = self.constant(state, f"nvbar_mmu_ver{self.version}")
        return {name: (pointer, bits)
                for name, _, pointer, bits in self.members("nvbar_mmu_fmt", base)}

    def new(self, state, entry):
        return state.new(self.struct(entry.struct)[0])

    def fields(self, state, entry, base):
        return {name: z3.ZeroExt(64 - bits, state.load(pointer, bits))
                for name, _, pointer, bits in self.members(entry.struct, base)}

    def run_codec(self, state, verb, entry, given, to):
        function = f"{verb}_{entry.struct.removeprefix('nvbar_')}"
        half = [] if entry.big is None else [z3.BitVecVal(entry.big, 1)]
        pointer = state.load(*self.format(state)[function])
        return self.call(state, pointer.object, given, *half, to)


def claim_fields(state, got, want, verb):
    for name in got:
        state.claim(f"{name} that {verb}", got[name], want.get(name, 0))


def prove_words(codec, entry):
    """For every word: what decode makes of it, and encode of that."""
    word, start, paths = z3.BitVec("word", 64), State(), 0
    to = codec.new(start, entry)
    for decoded, _ in codec.run_codec(start, "decode", entry, word, to):
        got, again = codec.fields(decoded, entry, to), decoded.new(8)
        for form in entry.forms:
            for state in decoded.where(is_word_of(form, word)):
                claim_fields(state, got, read(form, word), "decode gives")
                for after, result in codec.run_codec(state, "encode", entry, to, again):
                    after.claim("result of encode, for decoded fields,", result, 0)
                    after.claim("the word encoded from decoded fields",
                                after.load(again, 64), word & used_bits(form))
                    paths += 1
        for state in decoded.where(z3.Not(z3.Or([is_word_of(form, word) for form in entry.forms]))):
            state.claim("state of a reserved word", got["state"], STATES.index("RESERVED"))
            for after, result in codec.run_codec(state, "encode", entry, to, again):
                after.claim("result of encode, for a reserved state,", result, -EINVAL)
                paths += 1
    return paths


def any_fields(codec, state, entry):
    """Fields of any value, but that a bool is 0 or 1 and an aperture one that there is."""
    base = codec.new(state, entry)
    for name, kind, pointer, bits in codec.members(entry.struct, base):
        value = z3.BitVec(name, bits)
        state.store(pointer, value)
        if kind == "bool":
            state.path += (z3.ULE(value, 1),)
        if name == "aperture":
            state.path += (z3.ULT(value, len(APERTURES)),)
    return base


def prove_fields(codec, entry):
    """For every set of fields: whether encode takes it, the word, and what decode makes of it."""
    start, before, paths = State(), z3.BitVec("before", 64), 0
    given, raw = any_fields(codec, start, entry), start.new(8)
    start.store(raw, before)
    fields = codec.fields(start, entry, given)
    fits = z3.Or([z3.And(are_fields_of(form, fields), fit(form, fields)) for form in entry.forms])
    for encoded, result in codec.run_codec(start, "encode", entry, given, raw):
        word = encoded.load(raw, 64)
        encoded.claim("result of encode", result,
                      z3.If(fits, z3.BitVecVal(0, 32), z3.BitVecVal(-EINVAL, 32)))
        encoded.claim("the word left by an encode that fails", z3.If(fits, before, word), before)
        paths += 1
        for form in entry.forms:
            for state in encoded.where(z3.And(fits, are_fields_of(form, fields))):
                state.claim("encoded word", word, written(form, fields))
                to = codec.new(state, entry)
                meant = {name: fields[name] for name in ["state", *form.fields]}
                if form.aperture:
                    meant["aperture"] = fields["aperture"]
                for after, _ in codec.run_codec(state, "decode", entry, word, to):
                    claim_fields(after, codec.fields(after, entry, to), meant,
                                 "decode gives for an encoded word")
    return paths


def prove_format(codec):
    """The rest of the format; for every VA, its indices and that they tile the VA space."""
    va, state, levels = z3.BitVec("va", 64), State(), LEVELS[codec.version]
    fmt = codec.format(state)

    def call(name, *args):
        (_, result), = codec.call(state, "nvbar_mmu_" + name, *args)	# has one path
        return z3.ZeroExt(64 - result.size(), result)

    def claim_level(pointer, hi, lo, words):
        index = call("index", pointer, va)
        state.claim(f"index from VA {hi}:{lo}", index, pick(va, hi, lo))
        state.claim(f"table_shift for VA {hi}:{lo}", call("table_shift", pointer), hi + 1)
        state.claim(f"table_bytes for VA {hi}:{lo}", call("table_bytes", pointer),
                    8 * words << hi - lo + 1)
        return index

    first, (level_size, _) = fmt["level"][0], codec.struct("nvbar_mmu_level")
    whole, covered = va & 0xfff, z3.BitVecVal(12, 64)
    for i, level in enumerate(levels):
        pointer = Pointer(first.object, first.offset + i * level_size)
        whole += claim_level(pointer, *level) << covered
        covered = call("table_shift", pointer)
    claim_level(fmt["big"][0], *BIG_LEVEL)
    va_bits = state.load(*fmt["va_bits"])
    state.claim("va_bits", z3.ZeroExt(56, va_bits), covered)
    state.claim("nr_levels", state.load(*fmt["nr_levels"]), len(levels))
    state.claim("sum of what the indices stand for", whole, va & ones(number(va_bits) - 1, 0))
    state.claim("is_leaf", call("is_leaf", va), pick(va, 0, 0))

    page, = (form for form in FORMATS[codec.version][-1].forms if form.aperture == "VID")
    (hi, lo, shift), = page.fields["addr"]
    state.claim("vid_bits", state.load(*fmt["vid_bits"]), hi - lo + shift + 1)
    state.claim("pte_addr_shift", state.load(*fmt["pte_addr_shift"]), shift - lo)


def prove(codec):
    """Everything about one format; yields what was proved."""
    prove_format(codec)
    yield "levels: every VA"
    for entry in FORMATS[codec.version]:
        yield f"{entry.name}: every word ({prove_words(codec, entry)} paths)"
        yield f"{entry.name}: every set of fields ({prove_fields(codec, entry)} paths)"


# --- mutants -----------------------------------------------------------------


def mask(name, value):
    """Another value of a constant of include/hw/."""
    mmu_h = '#include "mmu.h"\n'
    return mmu_h, f"{mmu_h}#undef {name}\n#define {name} {value}\n"


# Wrong codecs: the version, what the source has, and what stands there instead
MUTANTS = [
    (2, *mask("MMU_VER2_PTE_READ_ONLY", "MMU_VER2_PTE_PRIVILEGE")),
    (2, *mask("MMU_VER2_PTE_COMPTAGLINE", "GENMASK_ULL(53, 36)")),
    (2, *mask("MMU_VER2_ADDR_SHIFT", "64")),
    (2, *mask("MMU_VER2_PTE_NO_VALID_4K", "MMU_VER2_PTE_READ_ONLY")),
    (2, " || (addr & ~mask)", ""),
    (2, "!big && ", ""),
    (2, "{ 38, 9, 1 }", "{ 38, 8, 1 }"),
    (3, *mask("MMU_VER3_DUAL_PDE_ADDRESS_BIG", "GENMASK_ULL(51, 12)")),
    (3, *mask("MMU_VER3_PTE_PCF_ACD", "MMU_VER3_PTE_PCF_PRIVILEGE")),
    (3, " || pte->kind > FIELD_MAX(MMU_VER3_PTE_KIND)", ""),
    (3, "i < ARRAY_SIZE(invalid_ptes)", "i <= ARRAY_SIZE(invalid_ptes)"),
    (3, "i < ARRAY_SIZE(invalid_ptes); i++", "i < ARRAY_SIZE(invalid_ptes);"),
    (3, "MMU_VER3_VA_BITS", "56"),
]


def main():
    failed = 0
    for version in FORMATS:
        try:
            for proved in prove(Codec(version)):
                print(f"v{version} {proved}: proved", flush=True)
        except Refuted as why:
            print(f"v{version}: REFUTED: {why}")
            failed += 1
    for version, old, new in MUTANTS:
        change = new.partition("#define ")[2].strip() or f"\"{old}\" is \"{new}\""
        try:
            list(prove(Codec(version, old, new)))
            print(f"v{version} with {change}: PROVED, though wrong")
            failed += 1
        except Refuted as why:
            print(f"v{version} with {change}: refuted, as it should: {why}", flush=True)
    sys.exit(failed > 0)


main()
