//! Our answers beside libseccomp's for the same profile: the containers project's, as the distribution packages it
//! (any of the years 2022 to 2026).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use super::skip::skip;
use super::*;
use crate::runtime::capabilities::{self, CapabilitySet};
use crate::runtime::seccomp::default;
use crate::runtime::seccomp::profile::{Machine, Profile};

/// Not the first of the path: the distribution's, for which it packages the module.
const PYTHON: &str = "/usr/bin/python3";

/// The profile's path, unless something is missing for the comparison.
fn reference() -> Option<String> {
    let path = std::env::var("CORACLE_SECCOMP_PROFILE")
        .unwrap_or_else(|_| "/usr/share/containers/seccomp.json".to_owned());
    let bound = Command::new(PYTHON).args(["-c", "import seccomp"]).output();
    if !Path::new(&path).exists() {
        skip(&format!("no profile {path}"));
    } else if !bound.is_ok_and(|output| output.status.success()) {
        skip("no libseccomp for Python");
    } else {
        return Some(path);
    }
    None
}

/// libseccomp's program for x86-64 with 32-bit x86, and the names it does not know.
fn libseccomp(profile: &str, held: &[&str]) -> (Vec<Instruction>, Vec<String>) {
    let output = Command::new(PYTHON)
        .args(["-c", include_str!("oracle.py"), profile])
        .args(held)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let words = output.stdout.chunks_exact(8);
    let program = words.map(|bytes| Instruction {
        code: u16::from_le_bytes([bytes[0], bytes[1]]),
        jt: bytes[2],
        jf: bytes[3],
        k: u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
    });
    (program.collect(), said.lines().map(str::to_owned).collect())
}

const SETS: [&[&str]; 5] = [
    &[],
    &["CAP_CHOWN", "CAP_SYS_CHROOT"],
    &["CAP_SYS_ADMIN"],
    &["CAP_AUDIT_WRITE", "CAP_BPF", "CAP_PERFMON", "CAP_DAC_READ_SEARCH"],
    &[
        "CAP_SYS_ADMIN",
        "CAP_SYS_MODULE",
        "CAP_SYS_TIME",
        "CAP_SYS_PTRACE",
        "CAP_SYS_RAWIO",
        "CAP_AUDIT_WRITE",
    ],
];

/// A call on which our program and libseccomp's differ, and both answers.
type Difference = (Abi, &'static str, u32, u32);

/// Where the program of `ours` and libseccomp's of the profile, in our reading `theirs`, differ, with an example.
fn differences(ours: &Policy, theirs: &Policy, path: &str, held: &[&str]) -> BTreeMap<Difference, [u64; 6]> {
    let program = compiled(ours);
    let (reference, unknown) = libseccomp(path, held);
    let rules = ours.rules.iter().chain(&theirs.rules);
    let conditional: BTreeSet<_> = rules
        .filter(|rule| !rule.conditions.is_empty())
        .flat_map(|rule| &rule.names)
        .collect();
    let mut found = BTreeMap::new();
    for abi in [Abi::X86_64, Abi::X86] {
        let numbers = Numbers::of(abi);
        let samples = samples(ours, abi, 400);
        let skipped: Vec<u32> = unknown.iter().filter_map(|name| numbers.get(name)).collect();
        let named = ours.rules.iter().flat_map(|rule| &rule.names);
        let newest = named.filter_map(|name| numbers.get(name)).max().unwrap();
        for number in (0..1100).filter(|number| !skipped.contains(number)) {
            let name = numbers.name(number).unwrap_or("?");
            // Some for the others too: our reading of the conditions may be what is wrong.
            let wanted = if conditional.contains(&name) {
                usize::MAX
            } else {
                20
            };
            for arguments in samples.iter().rev().take(wanted) {
                let call = Call::new(abi, number, *arguments);
                let (one, other) = (run(&program, &call), run(&reference, &call));
                // Newer than the profile: ENOSYS from us, as from runc.
                if one == other || (number > newest && one == ENOSYS.code() && other == ours.default.code()) {
                    continue;
                }
                found.insert((abi, name, one, other), *arguments);
            }
        }
    }
    found
}

fn machine(held: &[&str]) -> Machine {
    let held: Vec<_> = held
        .iter()
        .map(|name| capabilities::parse(name).unwrap())
        .collect();
    Machine {
        capabilities: CapabilitySet::of(&held),
        abi: Abi::X86_64,
        kernel: (6, 1),
    }
}

#[test]
fn the_same_profile_gives_the_same_answers_as_libseccomp() {
    let Some(path) = reference() else { return };
    let profile = Profile::parse(&std::fs::read(&path).unwrap()).unwrap();
    for held in SETS {
        let policy = profile.policy(&machine(held)).unwrap();
        let found = differences(&policy, &policy, &path, held);
        assert!(found.is_empty(), "{held:?}: {found:x?}");
    }
}

/// Calls that the project treated otherwise before March 2026, whose profile is the model of our default.
const CHANGED: [&str; 11] = [
    "bpf",
    "fanotify_init",
    "futex_requeue",
    "futex_wait",
    "futex_waitv",
    "futex_wake",
    "perf_event_open",
    "readdir",
    "sigaction",
    "sigpending",
    "sigsuspend",
];

#[test]
fn the_default_differs_from_the_profile_only_where_it_says_so() {
    let Some(path) = reference() else { return };
    let profile = Profile::parse(&std::fs::read(&path).unwrap()).unwrap();
    for held in SETS {
        let mut expected = BTreeSet::from(["ioctl", "keyctl", "socket"]);
        if !held.contains(&"CAP_SYS_ADMIN") {
            expected.extend([
                "clone", "clone3", "fsconfig", "fsmount", "fsopen", "fspick", "unshare",
            ]);
        }
        let machine = machine(held);
        let theirs = profile.policy(&machine).unwrap();
        let ours = default::policy(machine.capabilities, machine.abi);
        let mut found = differences(&ours, &theirs, &path, held);
        // An older profile says nothing about the calls that came after it.
        let named: BTreeSet<_> = theirs
            .rules
            .iter()
            .flat_map(|rule| &rule.names)
            .copied()
            .collect();
        found.retain(|(_, name, ..), _| named.contains(name) && !CHANGED.contains(name));
        for abi in [Abi::X86_64, Abi::X86] {
            let names: BTreeSet<_> = found.keys().filter(|one| one.0 == abi).map(|one| one.1).collect();
            assert_eq!(names, expected, "{abi:?} {held:?}: {found:x?}");
        }
        let milder = found.keys().find(|(_, _, ours, _)| *ours == Action::Allow.code());
        assert_eq!(milder, None, "{held:?}");
    }
}
