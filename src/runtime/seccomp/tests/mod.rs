//! Filters are run here by an interpreter of our own and compared with what their policies say.

mod compiled;
mod oracle;
mod profiles;
mod shipped;
#[path = "../../../../tests/it/support/skip.rs"]
mod skip;

use super::abi::{self, Abi, Numbers, X32_BIT};
use super::compile::{AND, JUMP, JUMP_EQUAL, JUMP_GREATER, JUMP_GREATER_EQUAL, LOAD, RETURN, compile};
use super::policy::{Action, Condition, ENOSYS, Policy, Rule, Test};
use crate::sys::seccomp::Instruction;

/// `struct seccomp_data` without the instruction pointer, which no filter of ours reads.
#[derive(Clone, Copy, Debug)]
struct Call {
    architecture: u32,
    number: u32,
    arguments: [u64; 6],
}

impl Call {
    fn new(abi: Abi, number: u32, arguments: [u64; 6]) -> Call {
        Call {
            architecture: abi.audit(),
            number,
            arguments,
        }
    }

    fn word(&self, offset: u32) -> u32 {
        match offset {
            0 => self.number,
            4 => self.architecture,
            16..64 if offset.is_multiple_of(4) => {
                let argument = self.arguments[(offset as usize - 16) / 8];
                if offset.is_multiple_of(8) {
                    argument as u32
                } else {
                    (argument >> 32) as u32
                }
            }
            _ => panic!("load from offset {offset}"),
        }
    }
}

/// What the kernel's interpreter answers. Panics where its checker (`seccomp_check_filter`) would refuse the program.
fn run(program: &[Instruction], call: &Call) -> u32 {
    assert!(program.len() <= 4096);
    let mut accumulator = None;
    let mut position = 0;
    loop {
        let Instruction { code, jt, jf, k } = program[position];
        position += 1;
        let value = || accumulator.expect("the accumulator is loaded before it is used");
        let mut branch = |taken: bool| position += usize::from(if taken { jt } else { jf });
        match code {
            LOAD => accumulator = Some(call.word(k)),
            AND => accumulator = Some(value() & k),
            JUMP => position += k as usize,
            JUMP_EQUAL => branch(value() == k),
            JUMP_GREATER => branch(value() > k),
            JUMP_GREATER_EQUAL => branch(value() >= k),
            RETURN => return k,
            _ => panic!("unknown instruction {code:#x}"),
        }
    }
}

/// Compares as many bits as the interface has.
fn holds(condition: &Condition, arguments: &[u64; 6], abi: Abi) -> bool {
    let argument = arguments[usize::from(condition.argument)];
    if abi.argument_mask() != u64::MAX {
        let argument = argument as u32;
        return match condition.test {
            Test::Equal(value) => argument == value as u32,
            Test::NotEqual(value) => argument != value as u32,
            Test::Less(value) => argument < value as u32,
            Test::LessEqual(value) => argument <= value as u32,
            Test::Greater(value) => argument > value as u32,
            Test::GreaterEqual(value) => argument >= value as u32,
            Test::Masked { mask, value } => argument & mask as u32 == value as u32,
        };
    }
    match condition.test {
        Test::Equal(value) => argument == value,
        Test::NotEqual(value) => argument != value,
        Test::Less(value) => argument < value,
        Test::LessEqual(value) => argument <= value,
        Test::Greater(value) => argument > value,
        Test::GreaterEqual(value) => argument >= value,
        Test::Masked { mask, value } => argument & mask == value,
    }
}

/// What a policy says about one number, straight from its rules: apart from tables and compiler.
struct Reference<'a> {
    /// In the order of the policy. A rule for a call inside this one asks what its first argument holds instead of
    /// its own conditions.
    rules: Vec<(&'a Rule<'a>, Option<abi::Multiplexed>)>,
    unnamed: Action,
    abi: Abi,
}

impl<'a> Reference<'a> {
    fn new(policy: &'a Policy<'a>, numbers: &Numbers, abi: Abi, number: u32) -> Reference<'a> {
        let mut newest = None;
        let mut rules = Vec::new();
        for rule in &policy.rules {
            for name in &rule.names {
                let found = numbers.get(name);
                newest = newest.max(found.filter(|number| abi::is_ordinary(*number)));
                if rule.action == policy.default {
                    continue;
                }
                if found == Some(number) {
                    rules.push((rule, None));
                }
                let testable = rule.conditions.is_empty() || !rule.action.permits();
                if let Some(inner) =
                    abi::multiplexed(abi, name).filter(|inner| testable && inner.call == number)
                {
                    rules.push((rule, Some(inner)));
                }
            }
        }
        let unknown = newest.is_some_and(|newest| number > newest) && rules.is_empty();
        let absent = unknown && !policy.default.permits();
        let unnamed = if absent { ENOSYS } else { policy.default };
        Reference { rules, unnamed, abi }
    }

    fn answer(&self, arguments: &[u64; 6]) -> Action {
        let plain = |(rule, inner): &&(&Rule, Option<abi::Multiplexed>)| {
            inner.is_none() && rule.conditions.is_empty()
        };
        if let Some((rule, _)) = self.rules.iter().find(plain) {
            return rule.action;
        }
        let matching = self.rules.iter().filter(|(rule, inner)| match inner {
            Some(inner) => arguments[0] & inner.mask == inner.value,
            None => rule.conditions.iter().all(|one| holds(one, arguments, self.abi)),
        });
        // The first of the strictest.
        let rank = |action: &Action| (action.code() ^ 0x8000_0000) >> 16;
        matching
            .map(|(rule, _)| rule.action)
            .min_by_key(rank)
            .unwrap_or(self.unnamed)
    }

    /// Do arguments matter?
    fn is_conditional(&self) -> bool {
        self.rules
            .iter()
            .any(|(rule, inner)| inner.is_some() || !rule.conditions.is_empty())
    }
}

/// Values at and beside every value that a rule compares with, also with other upper halves.
fn interesting(policy: &Policy) -> Vec<u64> {
    let mut values = vec![0, 1, u64::MAX, 1 << 32, 1 << 63];
    for condition in policy.rules.iter().flat_map(|rule| &rule.conditions) {
        let value = match condition.test {
            Test::Equal(value) | Test::NotEqual(value) | Test::Less(value) => value,
            Test::LessEqual(value) | Test::Greater(value) | Test::GreaterEqual(value) => value,
            Test::Masked { mask, value } => {
                values.extend([mask, value | !mask]);
                value
            }
        };
        let beside = [value, value.wrapping_add(1), value.wrapping_sub(1)];
        values.extend(beside);
        values.extend(beside.map(|one| one ^ 1 << 32));
    }
    values.sort_unstable();
    values.dedup();
    values
}

/// A stream of numbers that is the same in every run.
struct Stream(u64);

impl Stream {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.next() as usize % from.len()]
    }
}

/// Argument lists that hit what the rules test: every value in every place alone, and mixtures.
fn samples(policy: &Policy, abi: Abi, mixtures: usize) -> Vec<[u64; 6]> {
    let values = interesting(policy);
    let mut stream = Stream(7);
    let mut samples = vec![[0; 6]];
    for value in &values {
        samples.push([*value; 6]);
    }
    for _ in 0..mixtures {
        samples.push(std::array::from_fn(|_| stream.pick(&values)));
    }
    for sample in samples.iter_mut().flatten() {
        *sample &= abi.argument_mask();
    }
    samples
}

/// Runs the program of `policy` over every number of every interface and compares.
fn agrees(policy: &Policy, program: &[Instruction], mixtures: usize) {
    for abi in policy.abis.iter().copied() {
        let samples = samples(policy, abi, mixtures);
        let numbers = Numbers::of(abi);
        let private = 0xf_0000..0xf_0010;
        for number in (0..1100)
            .chain(private)
            .chain([X32_BIT - 1, 0x7fff_ffff, u32::MAX])
        {
            let reference = Reference::new(policy, &numbers, abi, number);
            let x32 = abi == Abi::X86_64 && number & X32_BIT != 0;
            for arguments in samples
                .iter()
                .take(if reference.is_conditional() { usize::MAX } else { 2 })
            {
                let expected = if x32 { ENOSYS } else { reference.answer(arguments) }.code();
                let answer = run(program, &Call::new(abi, number, *arguments));
                assert_eq!(
                    answer, expected,
                    "{abi:?} call {number} {arguments:x?}: {answer:#x}, {expected:#x}"
                );
            }
            if abi == Abi::X86_64 && number < X32_BIT {
                let call = Call::new(abi, number | X32_BIT, samples[0]);
                assert_eq!(run(program, &call), ENOSYS.code(), "x32 call {number}");
            }
        }
    }
}

fn compiled(policy: &Policy) -> Vec<Instruction> {
    compile(&policy.tables()).unwrap()
}
