//! From tables to a classic BPF program.
//!
//! The program loads the architecture, then the number, and walks a balanced tree of comparisons over ranges of
//! numbers with one verdict: the kernel runs a filter once for every number when it is loaded, so depth is what
//! costs. It is written from its end to its beginning, because jumps only go forward: every target exists, and its
//! distance is known, when the jump to it is written.

use std::collections::HashMap;

use thiserror::Error;

use super::policy::{Action, Case, Condition, Table, Test, Verdict};
use crate::sys::seccomp::Instruction;

/// `BPF_MAXINSNS` of `linux/bpf_common.h`.
const MAX_INSTRUCTIONS: usize = 4096;

/// A program with more instructions than the kernel takes.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the filter has {0} instructions, the kernel takes {MAX_INSTRUCTIONS}")]
pub struct TooLong(pub usize);

// linux/bpf_common.h: class, size, mode, operation.
pub(super) const LOAD: u16 = 0x20;
pub(super) const AND: u16 = 0x54;
pub(super) const JUMP: u16 = 0x05;
pub(super) const JUMP_EQUAL: u16 = 0x15;
pub(super) const JUMP_GREATER: u16 = 0x25;
pub(super) const JUMP_GREATER_EQUAL: u16 = 0x35;
pub(super) const RETURN: u16 = 0x06;

// Offsets in struct seccomp_data (linux/seccomp.h), on a little-endian machine.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

/// The program for `tables`, the most used first. Any other architecture kills the process.
pub fn compile(tables: &[Table]) -> Result<Vec<Instruction>, TooLong> {
    let mut program = Assembler::default();
    let roots: Vec<Label> = tables
        .iter()
        .rev()
        .map(|table| {
            let root = program.tree(&table.ranges);
            program.load(NUMBER, root)
        })
        .collect();
    let mut next = program.ret(Action::KillProcess);
    for (table, root) in tables.iter().rev().zip(roots) {
        next = program.jump(JUMP_EQUAL, table.abi.audit(), root, next);
    }
    program.load(ARCHITECTURE, next);
    program.finish()
}

/// An instruction, by its distance from the end of the program.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Label(usize);

#[derive(Default)]
struct Assembler {
    reversed: Vec<Instruction>,
    /// The nearest return of each value.
    returns: HashMap<u32, Label>,
    /// Verdicts with cases, which calls and architectures share.
    blocks: HashMap<Verdict, Label>,
}

impl Assembler {
    fn finish(mut self) -> Result<Vec<Instruction>, TooLong> {
        if self.reversed.len() > MAX_INSTRUCTIONS {
            return Err(TooLong(self.reversed.len()));
        }
        self.reversed.reverse();
        Ok(self.reversed)
    }

    fn push(&mut self, code: u16, jt: u8, jf: u8, k: u32) -> Label {
        self.reversed.push(Instruction { code, jt, jf, k });
        Label(self.reversed.len() - 1)
    }

    /// How many instructions a jump written after `more` others would skip to get to `target`.
    fn distance(&self, target: Label, more: usize) -> usize {
        self.reversed.len() + more - target.0 - 1
    }

    /// A label for `target` that a conditional jump can still reach after `more` other instructions: `target` itself,
    /// or else a copy of it if it is a return, or else a long jump to it.
    fn reach(&mut self, target: Label, more: usize) -> Label {
        if self.distance(target, more) <= usize::from(u8::MAX) {
            return target;
        }
        let instruction = self.reversed[target.0];
        if instruction.code == RETURN {
            let copy = self.push(RETURN, 0, 0, instruction.k);
            self.returns.insert(instruction.k, copy);
            return copy;
        }
        let distance = self.distance(target, 0);
        self.push(JUMP, 0, 0, distance as u32)
    }

    fn jump(&mut self, code: u16, k: u32, yes: Label, no: Label) -> Label {
        // Reaching `no` may put one instruction between.
        let yes = self.reach(yes, 1);
        let no = self.reach(no, 0);
        let (jt, jf) = (self.distance(yes, 0), self.distance(no, 0));
        self.push(code, jt as u8, jf as u8, k)
    }

    /// Loads a word and goes on at `next`, which must be the instruction written last.
    fn load(&mut self, offset: u32, next: Label) -> Label {
        if self.distance(next, 0) > 0 {
            let distance = self.distance(next, 0);
            self.push(JUMP, 0, 0, distance as u32);
        }
        self.push(LOAD, 0, 0, offset)
    }

    fn ret(&mut self, action: Action) -> Label {
        if let Some(label) = self.returns.get(&action.code()) {
            return *label;
        }
        let label = self.push(RETURN, 0, 0, action.code());
        self.returns.insert(action.code(), label);
        label
    }

    /// The tree over `ranges`, for the number in the accumulator.
    fn tree(&mut self, ranges: &[(u32, Verdict)]) -> Label {
        match ranges {
            [(_, only)] => self.verdict(only),
            // One call between two ranges of the same verdict.
            [(_, before), (start, inner), (end, after)] if before == after && start + 1 == *end => {
                let around = self.verdict(before);
                let inner = self.verdict(inner);
                self.jump(JUMP_EQUAL, *start, inner, around)
            }
            _ => {
                let (low, high) = ranges.split_at(ranges.len() / 2);
                let split = high[0].0;
                let high = self.tree(high);
                let low = self.tree(low);
                self.jump(JUMP_GREATER_EQUAL, split, high, low)
            }
        }
    }

    fn verdict(&mut self, verdict: &Verdict) -> Label {
        if verdict.cases.is_empty() {
            return self.ret(verdict.otherwise);
        }
        if let Some(label) = self.blocks.get(verdict) {
            return *label;
        }
        let mut label = self.ret(verdict.otherwise);
        for case in verdict.cases.iter().rev() {
            label = self.case(case, label);
        }
        self.blocks.insert(verdict.clone(), label);
        label
    }

    fn case(&mut self, case: &Case, otherwise: Label) -> Label {
        let mut label = self.ret(case.action);
        for condition in case.conditions.iter().rev() {
            label = self.condition(condition, label, otherwise);
        }
        label
    }

    /// Compares an argument, whose two halves are loaded one after the other.
    fn condition(&mut self, condition: &Condition, yes: Label, no: Label) -> Label {
        let low = ARGUMENTS + 8 * u32::from(condition.argument);
        let high = low + 4;
        match condition.test {
            Test::Equal(value) => self.masked(low, u64::MAX, value, yes, no),
            Test::NotEqual(value) => self.masked(low, u64::MAX, value, no, yes),
            Test::Masked { mask, value } => self.masked(low, mask, value, yes, no),
            Test::Greater(value) => self.ordered([low, high], JUMP_GREATER, value, yes, no),
            Test::GreaterEqual(value) => self.ordered([low, high], JUMP_GREATER_EQUAL, value, yes, no),
            Test::LessEqual(value) => self.ordered([low, high], JUMP_GREATER, value, no, yes),
            Test::Less(value) => self.ordered([low, high], JUMP_GREATER_EQUAL, value, no, yes),
        }
    }

    fn ordered(&mut self, [low, high]: [u32; 2], code: u16, value: u64, yes: Label, no: Label) -> Label {
        let half = (value >> 32) as u32;
        let lower = self.jump(code, value as u32, yes, no);
        let lower = self.load(low, lower);
        let equal = self.jump(JUMP_EQUAL, half, lower, no);
        let greater = self.jump(JUMP_GREATER, half, yes, equal);
        self.load(high, greater)
    }

    fn masked(&mut self, low: u32, mask: u64, value: u64, yes: Label, no: Label) -> Label {
        let lower = self.masked_half(low, mask as u32, value as u32, yes, no);
        self.masked_half(low + 4, (mask >> 32) as u32, (value >> 32) as u32, lower, no)
    }

    fn masked_half(&mut self, offset: u32, mask: u32, value: u32, yes: Label, no: Label) -> Label {
        if mask == 0 {
            return if value == 0 { yes } else { no };
        }
        let mut label = self.jump(JUMP_EQUAL, value, yes, no);
        if mask != u32::MAX {
            label = self.push(AND, 0, 0, mask);
        }
        self.load(offset, label)
    }
}
