//! The default policy and the programs that are made of it beforehand.

use std::fmt::Write;
use std::fs;

use caps::Capability::{self, *};

use super::*;
use crate::runtime::capabilities::CapabilitySet;
use crate::runtime::seccomp::{default, default_aarch64, default_filter, default_x86_64};

const EPERM: u32 = Action::Errno(1).code();
const EINVAL: u32 = Action::Errno(22).code();
const ALLOW: u32 = Action::Allow.code();
const NONE: u32 = ENOSYS.code();

/// The source text of a table.
fn rendered(abi: Abi, program: &[Instruction]) -> String {
    let mut text = format!(
        "//! The default filter for {abi:?} and the default capabilities, compiled from `default.rs`.\n\
         //! Generated: `CORACLE_REGENERATE=1 cargo test shipped_programs` writes it anew.\n\
         \n\
         use crate::sys::seccomp::Instruction;\n\
         \n\
         const fn i(code: u16, jt: u8, jf: u8, k: u32) -> Instruction {{\n    \
         Instruction {{ code, jt, jf, k }}\n\
         }}\n\
         \n\
         pub static PROGRAM: [Instruction; {}] = [\n",
        program.len()
    );
    for Instruction { code, jt, jf, k } in program {
        writeln!(text, "    i({code:#04x}, {jt}, {jf}, {k:#x}),").unwrap();
    }
    text + "];\n"
}

#[test]
fn shipped_programs_are_what_the_compiler_makes_of_the_policy() {
    for (abi, file) in [
        (Abi::X86_64, "default_x86_64.rs"),
        (Abi::Aarch64, "default_aarch64.rs"),
    ] {
        let text = rendered(abi, &compiled(&default::policy(CapabilitySet::DEFAULT, abi)));
        let path = format!("{}/src/runtime/seccomp/{file}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("CORACLE_REGENERATE").is_some() {
            fs::write(&path, &text).unwrap();
        }
        assert!(
            fs::read_to_string(&path).unwrap() == text,
            "{file} is out of date"
        );
    }
}

#[test]
fn shipped_programs_do_what_the_policy_says() {
    let programs: [(Abi, &[Instruction]); 2] = [
        (Abi::X86_64, &default_x86_64::PROGRAM),
        (Abi::Aarch64, &default_aarch64::PROGRAM),
    ];
    for (abi, program) in programs {
        agrees(&default::policy(CapabilitySet::DEFAULT, abi), program, 300);
    }
}

#[test]
fn shipped_programs_are_short() {
    assert!(
        default_x86_64::PROGRAM.len() <= 455,
        "{}",
        default_x86_64::PROGRAM.len()
    );
    assert!(
        default_aarch64::PROGRAM.len() <= 455,
        "{}",
        default_aarch64::PROGRAM.len()
    );
}

#[test]
fn other_capabilities_compile_to_what_their_policy_says() {
    for capabilities in [
        CapabilitySet::EMPTY,
        CapabilitySet::ALL,
        CapabilitySet::of(&[CAP_AUDIT_WRITE]),
        CapabilitySet::of(&[CAP_SYS_ADMIN]),
        CapabilitySet::of(&[CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE]),
    ] {
        for abi in [Abi::X86_64, Abi::Aarch64] {
            let policy = default::policy(capabilities, abi);
            agrees(&policy, &compiled(&policy), 50);
        }
        let filter = default_filter(capabilities);
        assert_eq!(
            filter.program,
            compiled(&default::policy(capabilities, Abi::NATIVE))
        );
    }
}

/// What the default filter answers on x86-64 for a container with the default capabilities and `more`.
fn answer(more: &[Capability], name: &str, arguments: &[u64]) -> u32 {
    let capabilities = CapabilitySet::DEFAULT.union(CapabilitySet::of(more));
    let program = compiled(&default::policy(capabilities, Abi::X86_64));
    let number = Numbers::of(Abi::X86_64).get(name).unwrap();
    let mut all = [0; 6];
    all[..arguments.len()].copy_from_slice(arguments);
    run(&program, &Call::new(Abi::X86_64, number, all))
}

#[test]
fn ways_to_kernel_holes_are_closed() {
    const NEWUSER: u64 = 0x1000_0000;
    let table: &[(&str, &[u64], u32)] = &[
        ("unshare", &[NEWUSER], EPERM),
        ("unshare", &[NEWUSER | 0x2_0000], EPERM),
        ("unshare", &[NEWUSER | 1 << 40], EPERM),
        ("unshare", &[0x2_0000], ALLOW),
        ("clone", &[NEWUSER | 17], EPERM),
        ("clone", &[0x50_f000 | 17], ALLOW),
        ("clone3", &[0], NONE),
        ("fsopen", &[], EPERM),
        ("fsconfig", &[], EPERM),
        ("fsmount", &[], EPERM),
        ("fspick", &[], EPERM),
        ("socket", &[38, 5, 0], EPERM),
        ("socket", &[40, 1, 0], EPERM),
        ("socket", &[40 | 1 << 32, 1, 0], EPERM),
        ("socket", &[16, 3, 9], EINVAL),
        ("socket", &[16 | 1 << 32, 3, 9 | 1 << 63], EINVAL),
        ("socket", &[16, 3, 0], ALLOW),
        ("socket", &[2, 1, 9], ALLOW),
        ("io_uring_setup", &[], NONE),
        ("io_uring_enter", &[], NONE),
        ("io_uring_register", &[], NONE),
        ("keyctl", &[], EPERM),
        ("add_key", &[], NONE),
        ("request_key", &[], NONE),
        ("bpf", &[], EPERM),
        ("userfaultfd", &[], EPERM),
        ("perf_event_open", &[], EPERM),
        ("kexec_load", &[], EPERM),
        ("kexec_file_load", &[], EPERM),
        ("open_by_handle_at", &[], EPERM),
        ("init_module", &[], EPERM),
        ("finit_module", &[], EPERM),
    ];
    for (name, arguments, expected) in table {
        assert_eq!(answer(&[], name, arguments), *expected, "{name} {arguments:x?}");
    }
}

#[test]
fn typing_into_a_terminal_is_refused_also_with_high_bits() {
    for request in [0x5412, 0x541c] {
        for high in [0, 1 << 32, 1 << 63, 0xffff_ffff << 32] {
            assert_eq!(answer(&[], "ioctl", &[0, request | high]), EPERM);
            assert_eq!(answer(&[CAP_SYS_ADMIN], "ioctl", &[0, request | high]), EPERM);
        }
    }
    assert_eq!(answer(&[], "ioctl", &[0, 0x5413]), ALLOW);
    assert_eq!(answer(&[], "ioctl", &[0x5412, 0x5401]), ALLOW);
}

#[test]
fn calls_newer_than_the_policy_seem_absent() {
    let program = &default_x86_64::PROGRAM;
    for number in [470, 999, 1 << 20, 0x4000_0000 + 39, u32::MAX] {
        assert_eq!(
            run(program, &Call::new(Abi::X86_64, number, [0; 6])),
            NONE,
            "{number}"
        );
    }
    for number in [470, 999, u32::MAX] {
        assert_eq!(
            run(program, &Call::new(Abi::X86, number, [0; 6])),
            NONE,
            "{number}"
        );
    }
}

#[test]
fn another_architecture_kills_the_process() {
    let call = Call {
        architecture: Abi::Arm.audit(),
        number: 0,
        arguments: [0; 6],
    };
    assert_eq!(run(&default_x86_64::PROGRAM, &call), Action::KillProcess.code());
}

#[test]
fn capabilities_open_what_they_are_for() {
    let table: &[(Capability, &str, &[u64])] = &[
        (CAP_SYS_ADMIN, "unshare", &[0x1000_0000]),
        (CAP_SYS_ADMIN, "clone3", &[]),
        (CAP_SYS_ADMIN, "fsopen", &[]),
        (CAP_SYS_ADMIN, "sethostname", &[]),
        (CAP_SYS_ADMIN, "bpf", &[]),
        (CAP_BPF, "bpf", &[]),
        (CAP_PERFMON, "perf_event_open", &[]),
        (CAP_DAC_READ_SEARCH, "open_by_handle_at", &[]),
        (CAP_SYS_TIME, "settimeofday", &[]),
        (CAP_SYS_MODULE, "init_module", &[]),
        (CAP_AUDIT_WRITE, "socket", &[16, 3, 9]),
    ];
    for (capability, name, arguments) in table {
        assert_ne!(answer(&[], name, arguments), ALLOW, "{name} without {capability}");
        assert_eq!(
            answer(&[*capability], name, arguments),
            ALLOW,
            "{name} with {capability}"
        );
    }
}
