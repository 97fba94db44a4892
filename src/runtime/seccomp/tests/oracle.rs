//! Our answers beside libseccomp's for the same profile. Needs Debian's python3-seccomp and a profile, so these run
//! when asked for: `cargo test oracle -- --ignored`, with the profile's path in `CORACLE_SECCOMP_PROFILE`
//! (else `/usr/share/containers/seccomp.json`).

use std::collections::BTreeMap;
use std::process::Command;

use super::*;
use crate::runtime::capabilities::{self, CapabilitySet};
use crate::runtime::seccomp::default;
use crate::runtime::seccomp::profile::{Machine, Profile};

fn path() -> String {
    std::env::var("CORACLE_SECCOMP_PROFILE")
        .unwrap_or_else(|_| "/usr/share/containers/seccomp.json".to_owned())
}

/// libseccomp's program for x86-64 with 32-bit x86, and the names it does not know.
fn libseccomp(held: &[&str]) -> (Vec<Instruction>, Vec<String>) {
    let output = Command::new("/usr/bin/python3")
        .args(["-c", include_str!("oracle.py"), &path()])
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

fn differences(ours: &Policy, held: &[&str]) -> BTreeMap<Difference, [u64; 6]> {
    let program = compiled(ours);
    let (theirs, unknown) = libseccomp(held);
    let mut found = BTreeMap::new();
    for abi in [Abi::X86_64, Abi::X86] {
        let numbers = Numbers::of(abi);
        let samples = samples(ours, abi, 400);
        let skipped: Vec<u32> = unknown.iter().filter_map(|name| numbers.get(name)).collect();
        let named = ours.rules.iter().flat_map(|rule| &rule.names);
        let newest = named.filter_map(|name| numbers.get(name)).max().unwrap();
        for number in (0..1100).filter(|number| !skipped.contains(number)) {
            for arguments in &samples {
                let call = Call::new(abi, number, *arguments);
                let (one, other) = (run(&program, &call), run(&theirs, &call));
                // Newer than the profile: ENOSYS from us, as from runc.
                if one == other || (number > newest && one == ENOSYS.code() && other == ours.default.code()) {
                    continue;
                }
                let name = numbers.name(number).unwrap_or("?");
                found.insert((abi, name, one, other), *arguments);
            }
        }
    }
    found
}

fn set(held: &[&str]) -> CapabilitySet {
    CapabilitySet::of(
        &held
            .iter()
            .map(|name| capabilities::parse(name).unwrap())
            .collect::<Vec<_>>(),
    )
}

#[test]
#[ignore = "needs libseccomp and a profile"]
fn oracle_the_same_profile_gives_the_same_answers() {
    let json = std::fs::read(path()).unwrap();
    for held in SETS {
        let profile = Profile::parse(&json).unwrap();
        let machine = Machine {
            capabilities: set(held),
            abi: Abi::X86_64,
            kernel: (6, 1),
        };
        let found = differences(&profile.policy(&machine).unwrap(), held);
        assert!(found.is_empty(), "{held:?}: {found:x?}");
    }
}

#[test]
#[ignore = "needs libseccomp and the containers project's newest profile"]
fn oracle_the_default_differs_only_where_it_says_so() {
    for held in SETS {
        let mut expected = vec!["ioctl", "keyctl", "socket"];
        if !held.contains(&"CAP_SYS_ADMIN") {
            expected.extend([
                "clone", "clone3", "fsconfig", "fsmount", "fsopen", "fspick", "unshare",
            ]);
        }
        let found = differences(&default::policy(set(held), Abi::X86_64), held);
        for abi in [Abi::X86_64, Abi::X86] {
            let mut names: Vec<_> = found.keys().filter(|one| one.0 == abi).map(|one| one.1).collect();
            names.sort_unstable();
            names.dedup();
            let mut expected = expected.clone();
            expected.sort_unstable();
            assert_eq!(names, expected, "{abi:?} {held:?}: {found:x?}");
        }
        let milder = found.keys().find(|(_, _, ours, _)| *ours == Action::Allow.code());
        assert_eq!(milder, None, "{held:?}");
    }
}
