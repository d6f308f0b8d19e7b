# SPDX-License-Identifier: MIT
"""
Symbolic execution of small, pure C functions: all paths, for all values.

What runs is the IR that clang -O0 makes of a C file, read through the C API of
clang's own libLLVM.  Integers are z3 bit vectors, memory is bytes.  Nothing is
guessed: an instruction, flag or address that this does not know ends it.

Refuted is raised for a claim that is false and for undefined behaviour, with
values that lead there: UBSan's traps where they can be reached, accesses
outside an object or of bytes never written, and paths that do not end.
"""
import ctypes
import re
import subprocess
from collections import namedtuple

import z3

MAX_STEPS = 2000	# instructions of one path

CLANG = ["clang-14", "-std=gnu11", "-O0", "-gline-tables-only", "-femit-all-decls", "-w",
         "-fsanitize=undefined", "-fsanitize-trap=all",
         # Of pointers: State.bytes() is stricter
         "-fno-sanitize=null,alignment,object-size,pointer-overflow",
         "-S", "-emit-llvm", "-x", "c", "-", "-o", "-"]

Pointer = namedtuple("Pointer", "object offset")

INTEGER, STRUCT, ARRAY = 8, 10, 11				# enum LLVMTypeKind
COMPARE = {32: lambda a, b: a == b, 33: lambda a, b: a != b,	# enum LLVMIntPredicate
           34: z3.UGT, 35: z3.UGE, 36: z3.ULT, 37: z3.ULE}
ARITHMETIC = {"and": lambda a, b: a & b, "or": lambda a, b: a | b, "xor": lambda a, b: a ^ b,
              "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
              "shl": lambda a, b: a << b, "lshr": z3.LShR}


class Refuted(Exception):
    """It is not so, for these values."""

    def __init__(self, what, model):
        values = sorted(f"{var}={model[var].as_long():#x}" for var in model)
        super().__init__("; for ".join(filter(None, [what, " ".join(values)])))


class Ref(ctypes.c_void_p):
    """Any of LLVM's opaque pointers."""


class Llvm:
    """LLVM's C API: llvm.GetOperand(value, 0) is LLVMGetOperand(value, 0)."""

    RESULTS = [(ctypes.c_char_p, "ValueName|ToString"), (ctypes.c_uint64, "ZExt|Offset|ABISize"),
               (ctypes.c_int, "Kind|Num|Count|Width|Predicate|DebugLoc|Parse|IsGlobalConstant")]

    def __init__(self):
        self.library = ctypes.CDLL("libLLVM-14.so.1")

    def __getattr__(self, name):
        function = getattr(self.library, "LLVM" + name)
        function.restype = next((kind for kind, names in self.RESULTS if re.search(names, name)),
                                Ref)
        setattr(self, name, function)
        return function


llvm = Llvm()


class State:
    """One path: what holds on it, and its memory.  Copied where paths part."""

    def __init__(self, path=(), memory=(), steps=0):
        self.path = path
        self.memory = dict(memory)
        self.steps = steps

    def where(self, cond):
        """This path where @cond holds: a list of one state, or of none."""
        cond = z3.simplify(cond)
        if z3.is_true(cond):
            return [State(self.path, self.memory, self.steps)]
        if self.model(cond) is None:
            return []
        return [State((*self.path, cond), self.memory, self.steps)]

    def model(self, cond=z3.BoolVal(True)):
        """Values for which @cond holds on this path, None if there are none."""
        cond = z3.simplify(cond)
        if z3.is_false(cond):
            return None
        solver = z3.SolverFor("QF_BV")
        solver.add(*self.path, cond)
        answer = solver.check()
        assert answer != z3.unknown
        return solver.model() if answer == z3.sat else None

    def fail(self, what):
        raise Refuted(what, self.model())

    def claim(self, what, got, want):
        """That they are the same for all values of this path."""
        if isinstance(want, int):
            want = z3.BitVecVal(want, got.size())
        model = self.model(got != want)
        if model is not None:
            got, want = (model.eval(value, True).as_long() for value in (got, want))
            raise Refuted(f"{what} is {got:#x} and not {want:#x}", model)

    def new(self, size):
        pointer = Pointer(len(self.memory), 0)
        self.memory[pointer.object] = (None,) * size
        return pointer

    def bytes(self, pointer, size):
        data = self.memory.get(pointer.object, ())
        if not 0 <= pointer.offset <= len(data) - size:
            self.fail(f"access to byte {pointer.offset} of an object of {len(data)}")
        return data[pointer.offset:pointer.offset + size]

    def put(self, pointer, data):
        self.bytes(pointer, len(data))
        assert not isinstance(pointer.object, str), "a write to a constant"
        old = self.memory[pointer.object]
        self.memory[pointer.object] = (*old[:pointer.offset], *data,
                                       *old[pointer.offset + len(data):])

    def load(self, pointer, bits):
        data = self.bytes(pointer, (bits + 7) // 8)
        if None in data:
            self.fail("use of memory that was never written")
        if isinstance(data[0], tuple):
            assert data == tuple((data[0][0], i) for i in range(8)), "a pointer in pieces"
            return data[0][0]
        value = z3.Concat(*reversed(data)) if len(data) > 1 else data[0]
        return z3.simplify(z3.Extract(bits - 1, 0, value))

    def store(self, pointer, value):
        if isinstance(value, Pointer):
            self.put(pointer, [(value, i) for i in range(8)])
        else:
            value = z3.ZeroExt(-value.size() % 8, value)
            self.put(pointer, [z3.simplify(z3.Extract(i + 7, i, value))
                               for i in range(0, value.size(), 8)])


def number(value):
    value = z3.simplify(value)
    assert z3.is_bv_value(value), f"known only as {value}"
    return value.as_signed_long()


class Machine:
    """The functions and constants of one C file."""

    def __init__(self, source, options):
        text = subprocess.run([*CLANG, *options], input=source.encode(), stdout=subprocess.PIPE,
                              check=True).stdout
        self.module, error = Ref(), ctypes.c_char_p()
        buffer = llvm.CreateMemoryBufferWithMemoryRangeCopy(text, ctypes.c_size_t(len(text)), b"")
        if llvm.ParseIRInContext(llvm.ContextCreate(), buffer, ctypes.byref(self.module),
                                 ctypes.byref(error)):
            raise ValueError(error.value.decode())
        self.layout = llvm.GetModuleDataLayout(self.module)
        self.texts = {}

    def size(self, kind):
        return llvm.ABISizeOfType(self.layout, kind)

    def struct(self, name):
        """Size of a struct, and offset and size of each member."""
        kind = llvm.GetTypeByName(self.module, f"struct.{name}".encode())
        return self.size(kind), [(llvm.OffsetOfElement(self.layout, kind, i),
                                  self.size(llvm.StructGetTypeAtIndex(kind, i)))
                                 for i in range(llvm.CountStructElementTypes(kind))]

    def text(self, insn):
        if insn.value not in self.texts:
            self.texts[insn.value] = llvm.PrintValueToString(insn).decode()
        return self.texts[insn.value]

    # --- values --------------------------------------------------------------

    def value(self, state, regs, ref):
        if llvm.IsAConstantInt(ref):
            bits = llvm.GetIntTypeWidth(llvm.TypeOf(ref))
            return z3.BitVecVal(llvm.ConstIntGetZExtValue(ref), bits)
        if llvm.IsAGlobalVariable(ref):
            return self.constant(state, llvm.GetValueName(ref).decode())
        assert ref.value in regs, f"unknown operand {self.text(ref)}"
        return regs[ref.value]

    def constant(self, state, name):
        """A global constant; it comes into memory on first use."""
        if name not in state.memory:
            ref = llvm.GetNamedGlobal(self.module, name.encode())
            assert llvm.IsGlobalConstant(ref), f"{name} is a variable"
            state.memory[name] = tuple(self.initializer(llvm.GetInitializer(ref)))
        return Pointer(name, 0)

    def initializer(self, ref):
        """Its bytes; None where it has neither numbers nor functions."""
        kind = llvm.TypeOf(ref)
        size = self.size(kind)
        if llvm.IsAConstantInt(ref):
            return [z3.BitVecVal(llvm.ConstIntGetZExtValue(ref) >> 8 * i, 8) for i in range(size)]
        if llvm.IsAConstantAggregateZero(ref):
            return [z3.BitVecVal(0, 8)] * size
        if llvm.IsAFunction(ref):
            return [(Pointer(llvm.GetValueName(ref).decode(), 0), i) for i in range(size)]
        data = [None] * size
        if llvm.GetTypeKind(kind) in (STRUCT, ARRAY):
            for i in range(llvm.GetNumOperands(ref)):
                part = self.initializer(llvm.GetOperand(ref, i))
                at = (llvm.OffsetOfElement(self.layout, kind, i)
                      if llvm.GetTypeKind(kind) == STRUCT else i * len(part))
                data[at:at + len(part)] = part
        return data

    # --- execution -----------------------------------------------------------

    def call(self, state, name, *args):
        """All paths through a function: pairs of the state and the result."""
        function = llvm.GetNamedFunction(self.module, name.encode())
        assert function and llvm.CountParams(function) == len(args), f"no such function: {name}"
        regs = {llvm.GetParam(function, i).value: arg for i, arg in enumerate(args)}
        first = llvm.GetFirstInstruction(llvm.GetEntryBasicBlock(function))
        yield from self.run(*state.where(z3.BoolVal(True)), name, regs, first)

    def run(self, state, name, regs, insn):
        """All paths from @insn on to the end of the function @name."""
        while True:
            op = re.match(r"\s*(?:%\S+ = )?(\w+)", self.text(insn))[1]
            args = [llvm.GetOperand(insn, i) for i in range(llvm.GetNumOperands(insn))]
            callee = llvm.GetValueName(args[-1]).decode() if op == "call" else ""
            state.steps += 1
            if state.steps > MAX_STEPS:
                state.fail(f"{name}() does not end")
            if callee.startswith("llvm.ubsantrap"):
                kind = number(self.value(state, regs, args[0]))
                state.fail(f"{name}(), line {llvm.GetDebugLocLine(insn)}: undefined behaviour"
                           f" (UBSan's check {kind})")
            if op == "ret":
                yield state, self.value(state, regs, args[0]) if args else None
                return
            if op in ("br", "switch"):
                ways = self.ways(state, regs, op, insn, args)
                for state, block in ways[1:]:
                    copy = dict(regs)
                    yield from self.run(state, name, copy, self.enter(state, copy, insn, block))
                state, block = ways[0]
                insn = self.enter(state, regs, insn, block)
                continue
            following = llvm.GetNextInstruction(insn)
            if callee and not callee.startswith("llvm."):
                values = [self.value(state, regs, arg) for arg in args[:-1]]
                for after, result in self.call(state, callee, *values):
                    yield from self.run(after, name, {**regs, insn.value: result}, following)
                return
            values = [self.value(state, regs, arg) for arg in args[:-1 if callee else None]]
            regs[insn.value] = self.step(state, callee or op, insn, values)
            insn = following

    def ways(self, state, regs, op, insn, args):
        """Where a branch can go: pairs of the state and the block."""
        if len(args) == 1:
            return [(state, llvm.GetSuccessor(insn, 0))]
        value = self.value(state, regs, args[0])
        if op == "br":
            conds = [value == 1, value == 0]
        else:
            cases = [value == self.value(state, regs, arg) for arg in args[2::2]]
            conds = [z3.Not(z3.Or(cases)), *cases]
        return [(branch, llvm.GetSuccessor(insn, i)) for i, cond in enumerate(conds)
                for branch in state.where(cond)]

    def enter(self, state, regs, branch, block):
        """Sets the phis of a block; its first other instruction."""
        came, values = llvm.GetInstructionParent(branch).value, {}
        insn = llvm.GetFirstInstruction(block)
        while llvm.IsAPHINode(insn):
            for i in range(llvm.CountIncoming(insn)):
                if llvm.GetIncomingBlock(insn, i).value == came:
                    values[insn.value] = self.value(state, regs, llvm.GetIncomingValue(insn, i))
            insn = llvm.GetNextInstruction(insn)
        regs.update(values)
        return insn

    def step(self, state, op, insn, args):
        """One instruction that neither branches nor calls C; its result."""
        kind = llvm.TypeOf(insn)
        bits = llvm.GetIntTypeWidth(kind) if llvm.GetTypeKind(kind) == INTEGER else 64
        if op in ARITHMETIC:
            flags = set(re.findall(r"\b(?:nsw|nuw|exact)\b", self.text(insn)))
            if flags:	# UBSan leaves out what cannot be: make sure
                assert op == "add" and flags == {"nsw"}, self.text(insn)
                fine = z3.And(z3.BVAddNoOverflow(*args, True), z3.BVAddNoUnderflow(*args))
                assert not state.where(z3.Not(fine)), self.text(insn)
            result = ARITHMETIC[op](*args)
        elif op == "icmp":
            result = z3.If(COMPARE[llvm.GetICmpPredicate(insn)](*args),
                           z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))
        elif op == "select":
            result = z3.If(args[0] == 1, args[1], args[2])
        elif op == "zext":
            result = z3.ZeroExt(bits - args[0].size(), args[0])
        elif op == "sext":
            result = z3.SignExt(bits - args[0].size(), args[0])
        elif op == "trunc":
            result = z3.Extract(bits - 1, 0, args[0])
        elif op == "load":
            return state.load(args[0], bits)
        elif op == "store":
            return state.store(args[1], args[0])
        elif op == "alloca":
            return state.new(self.size(llvm.GetAllocatedType(insn)))
        elif op == "bitcast":
            return args[0]
        elif op == "getelementptr":
            return self.element(llvm.GetGEPSourceElementType(insn), *args)
        elif op.startswith("llvm.memset."):
            return state.put(args[0], [args[1]] * number(args[2]))
        elif op.startswith("llvm.memcpy."):
            return state.put(args[0], state.bytes(args[1], number(args[2])))
        else:
            raise NotImplementedError(self.text(insn))
        return z3.simplify(result)

    def element(self, kind, base, first, *rest):
        at = base.offset + number(first) * self.size(kind)
        for index in map(number, rest):
            if llvm.GetTypeKind(kind) == STRUCT:
                at += llvm.OffsetOfElement(self.layout, kind, index)
                kind = llvm.StructGetTypeAtIndex(kind, index)
            else:
                kind = llvm.GetElementType(kind)
                at += index * self.size(kind)
        return Pointer(base.object, at)
