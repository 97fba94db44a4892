//! What a filter shall do, by name, and the same by number for one system call interface.

use std::collections::BTreeMap;

use super::abi::{self, Abi, Numbers, X32_BIT};

/// What the kernel does with a call, from the mildest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Allow,
    Log,
    Trace(u16),
    Notify,
    Errno(u16),
    Trap,
    KillThread,
    KillProcess,
}

pub const EPERM: Action = Action::Errno(1);
pub const ENOSYS: Action = Action::Errno(38);

impl Action {
    /// The value a filter returns for it: `SECCOMP_RET_*` of `linux/seccomp.h`.
    pub const fn code(self) -> u32 {
        match self {
            Action::Allow => 0x7fff_0000,
            Action::Log => 0x7ffc_0000,
            Action::Trace(data) => 0x7ff0_0000 | data as u32,
            Action::Notify => 0x7fc0_0000,
            Action::Errno(errno) => 0x0005_0000 | errno as u32,
            Action::Trap => 0x0003_0000,
            Action::KillThread => 0,
            Action::KillProcess => 0x8000_0000,
        }
    }

    /// The kernel's own precedence where several filters answer.
    const fn strictness(self) -> u8 {
        match self {
            Action::Allow => 0,
            Action::Log => 1,
            Action::Trace(_) => 2,
            Action::Notify => 3,
            Action::Errno(_) => 4,
            Action::Trap => 5,
            Action::KillThread => 6,
            Action::KillProcess => 7,
        }
    }

    /// Does the call run, as far as this filter goes? A tracer is expected to know calls newer than the profile.
    pub const fn permits(self) -> bool {
        matches!(self, Action::Allow | Action::Log | Action::Trace(_))
    }
}

/// How a 64-bit argument is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    Equal(u64),
    NotEqual(u64),
    Less(u64),
    LessEqual(u64),
    Greater(u64),
    GreaterEqual(u64),
    Masked { mask: u64, value: u64 },
}

impl Test {
    /// An argument the kernel takes as `int`: what lies above its 32 bits has no effect and must not hide it.
    pub const fn int(value: u32) -> Test {
        Test::Masked {
            mask: 0xffff_ffff,
            value: value as u64,
        }
    }

    /// The test for arguments of which there are only the bits of `mask`. Profiles write minus one with 64 bits.
    fn cut(self, mask: u64) -> Test {
        match self {
            Test::Equal(value) => Test::Equal(value & mask),
            Test::NotEqual(value) => Test::NotEqual(value & mask),
            Test::Less(value) => Test::Less(value & mask),
            Test::LessEqual(value) => Test::LessEqual(value & mask),
            Test::Greater(value) => Test::Greater(value & mask),
            Test::GreaterEqual(value) => Test::GreaterEqual(value & mask),
            Test::Masked { mask: bits, value } => Test::Masked {
                mask: bits & mask,
                value: value & mask,
            },
        }
    }
}

/// A test of one of the six arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Condition {
    pub argument: u8,
    pub test: Test,
}

/// An action for some calls, taken when all conditions hold.
#[derive(Clone, Debug)]
pub struct Rule<'a> {
    pub names: Vec<&'a str>,
    pub conditions: Vec<Condition>,
    pub action: Action,
}

/// A whole filter by name.
///
/// As with libseccomp, which the profiles were written for: a rule whose action is the default says nothing; for one
/// call, a rule without conditions beats those with, and the first of several without beats the rest. Where
/// conditions of several rules hold at once the strictest action is taken (libseccomp's answer depends on the values).
#[derive(Clone, Debug)]
pub struct Policy<'a> {
    pub default: Action,
    pub rules: Vec<Rule<'a>>,
    /// The interfaces that may be used, the native one first. Any other kills the process.
    pub abis: Vec<Abi>,
}

/// What happens with one call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Verdict {
    /// Taken in order: the first case whose conditions all hold decides.
    pub cases: Vec<Case>,
    pub otherwise: Action,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Case {
    pub conditions: Vec<Condition>,
    pub action: Action,
}

impl Verdict {
    pub const fn plain(action: Action) -> Verdict {
        Verdict {
            cases: Vec::new(),
            otherwise: action,
        }
    }
}

/// What happens with every number of one interface: each entry is good up to the next one. The first starts at 0, and
/// neighbours differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub abi: Abi,
    pub ranges: Vec<(u32, Verdict)>,
}

impl Policy<'_> {
    pub fn tables(&self) -> Vec<Table> {
        self.abis.iter().map(|abi| self.table(*abi)).collect()
    }

    fn table(&self, abi: Abi) -> Table {
        let numbers = Numbers::of(abi);
        let mut newest = None;
        let mut calls: BTreeMap<u32, Vec<Case>> = BTreeMap::new();
        for rule in &self.rules {
            for name in &rule.names {
                if let Some(number) = numbers.get(name) {
                    if abi::is_ordinary(number) {
                        newest = newest.max(Some(number));
                    }
                    if rule.action != self.default {
                        calls.entry(number).or_default().push(rule.case(abi));
                    }
                }
                if let Some((number, case)) = self.multiplexed_case(abi, name, rule) {
                    calls.entry(number).or_default().push(case);
                }
            }
        }
        let verdicts = calls
            .into_iter()
            .map(|(number, cases)| (number, self.decide(cases)));
        Table {
            abi,
            ranges: ranges(verdicts, self.default, newest, abi),
        }
    }

    /// The same rule for the multiplexer that also reaches the call. Conditions cannot be tested there, since the
    /// arguments lie behind a pointer: a conditional permission is not carried over, a conditional refusal is, whole.
    fn multiplexed_case(&self, abi: Abi, name: &str, rule: &Rule) -> Option<(u32, Case)> {
        let inner = abi::multiplexed(abi, name)?;
        if rule.action == self.default || (rule.action.permits() && !rule.conditions.is_empty()) {
            return None;
        }
        let test = Test::Masked {
            mask: inner.mask,
            value: inner.value,
        };
        let conditions = vec![Condition { argument: 0, test }];
        Some((
            inner.call,
            Case {
                conditions,
                action: rule.action,
            },
        ))
    }

    fn decide(&self, mut cases: Vec<Case>) -> Verdict {
        if let Some(plain) = cases.iter().find(|case| case.conditions.is_empty()) {
            return Verdict::plain(plain.action);
        }
        // The sort keeps the order of the profile among equals.
        cases.sort_by_key(|case| std::cmp::Reverse(case.action.strictness()));
        Verdict {
            cases,
            otherwise: self.default,
        }
    }
}

impl Rule<'_> {
    fn case(&self, abi: Abi) -> Case {
        let cut = |one: &Condition| Condition {
            argument: one.argument,
            test: one.test.cut(abi.argument_mask()),
        };
        Case {
            conditions: self.conditions.iter().map(cut).collect(),
            action: self.action,
        }
    }
}

/// Lays the verdicts out over all numbers. What is newer than every call of the profile did not exist when it was
/// written, so programs must see a kernel that lacks it (`ENOSYS`, for which they have another way), unless unnamed
/// calls run anyway.
fn ranges(
    verdicts: impl Iterator<Item = (u32, Verdict)>,
    default: Action,
    newest: Option<u32>,
    abi: Abi,
) -> Vec<(u32, Verdict)> {
    let unknown = if default.permits() { default } else { ENOSYS };
    let gap = |number: u32| {
        if newest.is_some_and(|newest| number > newest) {
            unknown
        } else {
            default
        }
    };
    let mut ranges: Vec<(u32, Verdict)> = Vec::new();
    let mut push = |start: u32, verdict: Verdict| {
        if ranges.last().is_none_or(|(_, last)| *last != verdict) {
            ranges.push((start, verdict));
        }
    };
    let mut next = 0;
    for (number, verdict) in verdicts {
        if next < number {
            push(next, Verdict::plain(gap(next)));
            if let Some(newest) = newest.filter(|newest| (next..number - 1).contains(newest)) {
                push(newest + 1, Verdict::plain(unknown));
            }
        }
        push(number, verdict);
        next = number + 1;
    }
    push(next, Verdict::plain(gap(next)));
    if let Some(newest) = newest.filter(|newest| *newest >= next) {
        push(newest + 1, Verdict::plain(unknown));
    }
    if abi == Abi::X86_64 {
        push(X32_BIT, Verdict::plain(ENOSYS));
    }
    ranges
}
