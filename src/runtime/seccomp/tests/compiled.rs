//! The compiler against the reference, for policies nobody would write.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::runtime::seccomp::compile::TooLong;

fn any_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => Just(Action::Allow),
        1 => Just(Action::Log),
        1 => (0..3u16).prop_map(Action::Trace),
        1 => Just(Action::Notify),
        4 => select(vec![Action::Errno(1), Action::Errno(38), Action::Errno(22), Action::Errno(4095)]),
        1 => Just(Action::Trap),
        1 => Just(Action::KillThread),
        1 => Just(Action::KillProcess),
    ]
}

fn any_value() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..4u64,
        any::<u64>(),
        any::<u32>().prop_map(u64::from),
        (0..4u64).prop_map(|value| value << 32)
    ]
}

fn any_condition() -> impl Strategy<Value = Condition> {
    let test = (0..7, any_value(), any_value()).prop_map(|(kind, value, mask)| match kind {
        0 => Test::Equal(value),
        1 => Test::NotEqual(value),
        2 => Test::Less(value),
        3 => Test::LessEqual(value),
        4 => Test::Greater(value),
        5 => Test::GreaterEqual(value),
        _ => Test::Masked {
            mask,
            value: value & mask,
        },
    });
    (0..6u8, test).prop_map(|(argument, test)| Condition { argument, test })
}

const NAMES: [&str; 24] = [
    "read",
    "write",
    "open",
    "openat",
    "close",
    "stat",
    "socket",
    "bind",
    "shmat",
    "semop",
    "socketcall",
    "ipc",
    "ioctl",
    "clone",
    "clone3",
    "mmap",
    "personality",
    "futex_wait",
    "file_setattr",
    "set_tls",
    "newfstatat",
    "fork",
    "clock_gettime64",
    "nonsense",
];

fn any_rule() -> impl Strategy<Value = Rule<'static>> {
    let conditions = prop_oneof![Just(Vec::new()), vec(any_condition(), 1..4)];
    (vec(select(&NAMES[..]), 1..6), conditions, any_action()).prop_map(|(names, conditions, action)| Rule {
        names,
        conditions,
        action,
    })
}

fn any_policy() -> impl Strategy<Value = Policy<'static>> {
    let abis = select(vec![
        vec![Abi::X86_64],
        vec![Abi::X86_64, Abi::X86],
        vec![Abi::Aarch64, Abi::Arm],
        vec![Abi::Aarch64],
    ]);
    (any_action(), vec(any_rule(), 0..12), abis).prop_map(|(default, rules, abis)| Policy {
        default,
        rules,
        abis,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn programs_do_what_their_policies_say(policy in any_policy()) {
        agrees(&policy, &compiled(&policy), 40);
    }
}

/// Every name there is, each with conditions of its own: jumps over far more than 255 instructions.
fn long(conditions: u64) -> Policy<'static> {
    let mut rules = Vec::new();
    for number in 0..400u64 {
        let Some(call) = syscalls::x86_64::Sysno::new(number as usize) else {
            continue;
        };
        for index in 0..conditions {
            let condition = Condition {
                argument: 1,
                test: Test::Equal(number * 1000 + index),
            };
            let action = if index % 2 == 0 {
                Action::Allow
            } else {
                Action::Errno(1 + number as u16)
            };
            rules.push(Rule {
                names: vec![call.name()],
                conditions: vec![condition],
                action,
            });
        }
    }
    Policy {
        default: ENOSYS,
        rules,
        abis: vec![Abi::X86_64],
    }
}

#[test]
fn jumps_of_any_length_arrive() {
    let policy = long(1);
    let program = compiled(&policy);
    assert!(program.len() > 1000, "{}", program.len());
    let numbers = Numbers::of(Abi::X86_64);
    for number in 0..500u32 {
        for value in [
            0,
            u64::from(number) * 1000,
            u64::from(number) * 1000 + 1,
            u64::MAX,
        ] {
            let arguments = [value; 6];
            let expected = Reference::new(&policy, &numbers, Abi::X86_64, number)
                .answer(&arguments)
                .code();
            assert_eq!(
                run(&program, &Call::new(Abi::X86_64, number, arguments)),
                expected,
                "call {number}"
            );
        }
    }
}

#[test]
fn a_program_the_kernel_would_refuse_is_an_error() {
    match compile(&long(4).tables()) {
        Err(TooLong(length)) => assert!(length > 4096),
        Ok(program) => panic!("{} instructions", program.len()),
    }
}

#[test]
fn one_verdict_for_everything_needs_no_tree() {
    let policy = Policy {
        default: Action::Allow,
        rules: Vec::new(),
        abis: vec![Abi::Aarch64],
    };
    assert!(compiled(&policy).len() <= 6);
    agrees(&policy, &compiled(&policy), 1);
}

#[test]
fn depth_is_logarithmic() {
    let policy = crate::runtime::seccomp::default::policy(Default::default(), Abi::X86_64);
    let program = compiled(&policy);
    let deepest = (0..500)
        .map(|number| steps(&program, &Call::new(Abi::X86_64, number, [0; 6])))
        .max();
    assert!(deepest.unwrap() <= 20, "{deepest:?}");
}

/// Comparisons made on the way to an answer.
fn steps(program: &[Instruction], call: &Call) -> usize {
    let mut accumulator = 0;
    let mut position = 0;
    for steps in 0.. {
        let Instruction { code, jt, jf, k } = program[position];
        let taken = match code {
            LOAD => {
                accumulator = call.word(k);
                0
            }
            AND => {
                accumulator &= k;
                0
            }
            JUMP => k as usize,
            RETURN => return steps,
            _ => {
                let holds = match code {
                    JUMP_EQUAL => accumulator == k,
                    JUMP_GREATER => accumulator > k,
                    _ => accumulator >= k,
                };
                usize::from(if holds { jt } else { jf })
            }
        };
        position += 1 + taken;
    }
    unreachable!("every program returns")
}
