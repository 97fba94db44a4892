//! Profiles in JSON: what is read, what is in force, what is refused.

use caps::Capability::{self, *};
use proptest::prelude::*;

use super::*;
use crate::runtime::capabilities::CapabilitySet;
use crate::runtime::seccomp::profile::{Machine, Profile};
use crate::runtime::seccomp::{MAX_SIZE, ProfileError, from_oci, from_profile};
use crate::sys::seccomp::{FLAG_LOG, FLAG_NEW_LISTENER, FLAG_SPEC_ALLOW, FLAG_WAIT_KILLABLE_RECV};

fn machine(capabilities: &[Capability]) -> Machine {
    Machine {
        capabilities: CapabilitySet::of(capabilities),
        abi: Abi::X86_64,
        kernel: (5, 10),
    }
}

/// What a profile answers to a call of x86-64.
fn answer(json: &str, machine: &Machine, name: &str, arguments: [u64; 6]) -> u32 {
    let profile = Profile::parse(json.as_bytes()).unwrap();
    let program = compiled(&profile.policy(machine).unwrap());
    let number = Numbers::of(Abi::X86_64).get(name).unwrap();
    run(&program, &Call::new(Abi::X86_64, number, arguments))
}

/// A profile of these rules that otherwise answers EPERM.
fn of(rules: &str) -> String {
    format!(r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{rules}]}}"#)
}

fn refusal(json: &str) -> String {
    let read = |json: &str| {
        let profile = Profile::parse(json.as_bytes())?;
        profile.flags(false)?;
        profile.policy(&machine(&[])).map(|_| ())
    };
    match read(json) {
        Ok(()) => panic!("{json} is accepted"),
        Err(error) => error.to_string(),
    }
}

const EPERM: u32 = Action::Errno(1).code();
const ALLOW: u32 = Action::Allow.code();

#[test]
fn actions_have_the_kernel_s_values() {
    let table = [
        (r#""action": "SCMP_ACT_ALLOW""#, 0x7fff_0000),
        (r#""action": "SCMP_ACT_LOG""#, 0x7ffc_0000),
        (r#""action": "SCMP_ACT_TRACE", "errnoRet": 7"#, 0x7ff0_0007),
        (r#""action": "SCMP_ACT_NOTIFY""#, 0x7fc0_0000),
        (r#""action": "SCMP_ACT_ERRNO""#, 0x0005_0001),
        (r#""action": "SCMP_ACT_ERRNO", "errnoRet": 0"#, 0x0005_0000),
        (r#""action": "SCMP_ACT_ERRNO", "errnoRet": 38"#, 0x0005_0026),
        (r#""action": "SCMP_ACT_ERRNO", "errno": "ENOTSUP""#, 0x0005_005f),
        // The name is the newer key.
        (
            r#""action": "SCMP_ACT_ERRNO", "errno": "ENOSYS", "errnoRet": 1"#,
            0x0005_0026,
        ),
        (r#""action": "SCMP_ACT_ERRNO", "errno": "12""#, 0x0005_000c),
        (r#""action": "SCMP_ACT_TRAP""#, 0x0003_0000),
        (r#""action": "SCMP_ACT_KILL""#, 0),
        (r#""action": "SCMP_ACT_KILL_THREAD""#, 0),
        (r#""action": "SCMP_ACT_KILL_PROCESS""#, 0x8000_0000),
    ];
    for (action, code) in table {
        let json = of(&format!(r#"{{"names": ["read"], {action}}}"#));
        assert_eq!(answer(&json, &machine(&[]), "read", [0; 6]), code, "{action}");
    }
}

#[test]
fn operators_compare_64_bits() {
    let table: &[(&str, &[(u64, bool)])] = &[
        (
            r#""value": 4294967301, "op": "SCMP_CMP_EQ""#,
            &[(0x1_0000_0005, true), (5, false)],
        ),
        (
            r#""value": 5, "op": "SCMP_CMP_NE""#,
            &[(5, false), (0x1_0000_0005, true)],
        ),
        (
            r#""value": 4294967296, "op": "SCMP_CMP_LT""#,
            &[(0xffff_ffff, true), (0x1_0000_0000, false)],
        ),
        (
            r#""value": 4294967296, "op": "SCMP_CMP_LE""#,
            &[(0x1_0000_0000, true), (0x1_0000_0001, false)],
        ),
        (
            r#""value": 4294967296, "op": "SCMP_CMP_GT""#,
            &[(0x1_0000_0000, false), (u64::MAX, true)],
        ),
        (
            r#""value": 4294967296, "op": "SCMP_CMP_GE""#,
            &[(0x1_0000_0000, true), (0xffff_ffff, false)],
        ),
        (
            r#""value": 240, "valueTwo": 16, "op": "SCMP_CMP_MASKED_EQ""#,
            &[(0x1f, true), (0x2f, false)],
        ),
        // Bits outside the mask do not count on either side.
        (
            r#""value": 240, "valueTwo": 31, "op": "SCMP_CMP_MASKED_EQ""#,
            &[(0x10, true), (0x20, false)],
        ),
        (
            r#""value": 240, "op": "SCMP_CMP_MASKED_EQ""#,
            &[(0xf, true), (0x10, false)],
        ),
    ];
    for (test, cases) in table {
        let args = format!(r#""args": [{{"index": 5, {test}}}]"#);
        let json = of(&format!(
            r#"{{"names": ["read"], "action": "SCMP_ACT_ALLOW", {args}}}"#
        ));
        for (argument, allowed) in *cases {
            let answer = answer(&json, &machine(&[]), "read", [0, 0, 0, 0, 0, *argument]);
            assert_eq!(
                answer,
                if *allowed { ALLOW } else { EPERM },
                "{test} {argument:#x}"
            );
        }
    }
}

#[test]
fn rules_are_in_force_by_capability_architecture_and_kernel() {
    let table: &[(&str, &[Capability], bool)] = &[
        (r#""includes": {}, "excludes": {}"#, &[], true),
        (r#""includes": null, "args": null"#, &[], true),
        (r#""includes": {"caps": ["CAP_SYS_ADMIN"]}"#, &[], false),
        (
            r#""includes": {"caps": ["CAP_SYS_ADMIN"]}"#,
            &[CAP_SYS_ADMIN],
            true,
        ),
        (
            r#""includes": {"caps": ["CAP_SYS_ADMIN", "CAP_BPF"]}"#,
            &[CAP_SYS_ADMIN],
            false,
        ),
        (
            r#""excludes": {"caps": ["CAP_SYS_ADMIN", "CAP_BPF"]}"#,
            &[CAP_BPF],
            false,
        ),
        (
            r#""excludes": {"caps": ["CAP_SYS_ADMIN", "CAP_BPF"]}"#,
            &[CAP_CHOWN],
            true,
        ),
        (r#""includes": {"arches": ["arm", "amd64"]}"#, &[], true),
        (r#""includes": {"arches": ["arm64", "s390x"]}"#, &[], false),
        (r#""excludes": {"arches": ["amd64"]}"#, &[], false),
        (r#""excludes": {"arches": ["s390"]}"#, &[], true),
        (r#""includes": {"minKernel": "4.8"}"#, &[], true),
        (r#""includes": {"minKernel": "5.10"}"#, &[], true),
        (r#""includes": {"minKernel": "5.11"}"#, &[], false),
        (r#""excludes": {"minKernel": "5.10"}"#, &[], false),
        (r#""excludes": {"minKernel": "6.0"}"#, &[], true),
        (
            r#""includes": {"minKernel": "4.8"}, "excludes": {"caps": ["CAP_CHOWN"]}"#,
            &[CAP_CHOWN],
            false,
        ),
    ];
    for (selectors, capabilities, in_force) in table {
        let json = of(&format!(
            r#"{{"names": ["read"], "action": "SCMP_ACT_ALLOW", {selectors}}}"#
        ));
        let expected = if *in_force { ALLOW } else { EPERM };
        assert_eq!(
            answer(&json, &machine(capabilities), "read", [0; 6]),
            expected,
            "{selectors} {capabilities:?}"
        );
    }
}

#[test]
fn rules_for_one_call_are_decided_as_documented() {
    let allow = |args: &str| format!(r#"{{"name": "read", "action": "SCMP_ACT_ALLOW", "args": [{args}]}}"#);
    let errno = |args: &str, errno: u32| {
        format!(r#"{{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": {errno}, "args": [{args}]}}"#)
    };
    let equal = |value: u64| format!(r#"{{"index": 0, "value": {value}, "op": "SCMP_CMP_EQ"}}"#);
    let not = |value: u64| format!(r#"{{"index": 0, "value": {value}, "op": "SCMP_CMP_NE"}}"#);
    let table: &[(String, u64, u32)] = &[
        // The first of two without conditions.
        (format!("{},{}", allow(""), errno("", 5)), 0, ALLOW),
        (
            format!("{},{}", errno("", 5), allow("")),
            0,
            Action::Errno(5).code(),
        ),
        // One without conditions beats one with them, wherever it stands.
        (format!("{},{}", errno(&equal(0), 5), allow("")), 0, ALLOW),
        // The stricter of two whose conditions hold, wherever it stands.
        (
            format!("{},{}", errno(&equal(3), 5), allow(&not(7))),
            3,
            Action::Errno(5).code(),
        ),
        (
            format!("{},{}", allow(&not(7)), errno(&equal(3), 5)),
            3,
            Action::Errno(5).code(),
        ),
        // A rule that says what the default says is none.
        (format!("{},{}", errno("", 1), allow(&equal(3))), 3, ALLOW),
        // Two conditions on one argument are two rules.
        (allow(&format!("{},{}", equal(3), equal(4))), 4, ALLOW),
    ];
    for (rules, argument, expected) in table {
        assert_eq!(
            answer(&of(rules), &machine(&[]), "read", [*argument; 6]),
            *expected,
            "{rules}"
        );
    }
}

#[test]
fn the_architectures_listed_are_open_and_others_kill() {
    let body = r#""defaultAction": "SCMP_ACT_ALLOW""#;
    let archmap = r#""archMap": [{"architecture": "SCMP_ARCH_S390X", "subArchitectures": ["SCMP_ARCH_S390"]},
        {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
        {"architecture": "SCMP_ARCH_RISCV64", "subArchitectures": null}]"#;
    let table: &[(String, Abi, u32)] = &[
        (format!("{{{body}}}"), Abi::X86_64, ALLOW),
        (format!("{{{body}}}"), Abi::X86, Action::KillProcess.code()),
        (format!("{{{body}, {archmap}}}"), Abi::X86, ALLOW),
        (
            format!("{{{body}, {archmap}}}"),
            Abi::Arm,
            Action::KillProcess.code(),
        ),
        (
            format!(r#"{{{body}, "architectures": ["SCMP_ARCH_X86"]}}"#),
            Abi::X86,
            ALLOW,
        ),
        (
            format!(r#"{{{body}, "architectures": ["SCMP_ARCH_X86"]}}"#),
            Abi::X86_64,
            ALLOW,
        ),
        (
            format!(r#"{{{body}, "architectures": ["SCMP_ARCH_NATIVE"]}}"#),
            Abi::X86,
            Action::KillProcess.code(),
        ),
    ];
    for (json, abi, expected) in table {
        let profile = Profile::parse(json.as_bytes()).unwrap();
        let program = compiled(&profile.policy(&machine(&[])).unwrap());
        assert_eq!(
            run(&program, &Call::new(*abi, 3, [0; 6])),
            *expected,
            "{json} {abi:?}"
        );
        // x32 would be a way round every rule, listed or not.
        assert_eq!(
            run(&program, &Call::new(Abi::X86_64, X32_BIT + 3, [0; 6])),
            ENOSYS.code()
        );
    }
}

#[test]
fn what_the_profile_cannot_know_seems_absent_unless_it_permits_everything() {
    let named = r#"{"names": ["read", "openat2"], "action": "SCMP_ACT_LOG"}"#;
    for (default, beyond) in [
        ("ERRNO", 0x0005_0026),
        ("KILL", 0x0005_0026),
        ("ALLOW", ALLOW),
        ("TRACE", 0x7ff0_0001),
    ] {
        let json = format!(r#"{{"defaultAction": "SCMP_ACT_{default}", "syscalls": [{named}]}}"#);
        assert_eq!(
            answer(&json, &machine(&[]), "pidfd_getfd", [0; 6]),
            beyond,
            "{default}"
        );
    }
    // Older than openat2 and not named: the default, though other rules for newer calls say the same.
    let json = of(r#"{"names": ["openat2"], "action": "SCMP_ACT_ERRNO"}"#);
    assert_eq!(answer(&json, &machine(&[]), "clone3", [0; 6]), EPERM);
    assert_eq!(answer(&json, &machine(&[]), "pidfd_getfd", [0; 6]), ENOSYS.code());
}

#[test]
fn socketcall_is_no_way_round_a_refusal() {
    let refusing = |args: &str| {
        format!(
            r#"{{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"], "syscalls": [
            {{"names": ["socket", "shmat"], "action": "SCMP_ACT_ERRNO", "args": [{args}]}}]}}"#
        )
    };
    for args in ["", r#"{"index": 0, "value": 38, "op": "SCMP_CMP_EQ"}"#] {
        let profile = refusing(args);
        let profile = Profile::parse(profile.as_bytes()).unwrap();
        let program = compiled(&profile.policy(&machine(&[])).unwrap());
        let answer = |number, first| run(&program, &Call::new(Abi::X86, number, [first, 0, 0, 0, 0, 0]));
        assert_eq!(answer(102, 1), EPERM);
        assert_eq!(answer(102, 2), ALLOW);
        assert_eq!(answer(117, 21), EPERM);
        assert_eq!(
            answer(117, 21 | 1 << 16),
            EPERM,
            "ipc has a version in the upper half"
        );
        assert_eq!(answer(359, 38), EPERM);
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    let rule = |rest: &str| of(&format!(r#"{{"names": ["read"], {rest}}}"#));
    let table = [
        ("{}".to_owned(), "missing field `defaultAction`"),
        (
            r#"{"defaultAction": "SCMP_ACT_NOPE"}"#.to_owned(),
            r#"unknown action "SCMP_ACT_NOPE""#,
        ),
        (
            r#"{"defaultAction": "ALLOW"}"#.to_owned(),
            r#"unknown action "ALLOW""#,
        ),
        (
            r#"{"defaultAction": "SCMP_ACT_NOTIFY"}"#.to_owned(),
            "SCMP_ACT_NOTIFY cannot be the default",
        ),
        (
            r#"{"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1}"#.to_owned(),
            "takes no errno",
        ),
        (
            r#"{"defaultAction": "SCMP_ACT_ALLOW", "defaultaction": "SCMP_ACT_ERRNO"}"#.to_owned(),
            "unknown field",
        ),
        (
            r#"{"defaultAction": "SCMP_ACT_ALLOW", "defaultAction": "SCMP_ACT_ERRNO"}"#.to_owned(),
            "duplicate field",
        ),
        (
            r#"{"defaultAction": "SCMP_ACT_ALLOW", "archMap": [], "architectures": []}"#.to_owned(),
            "both",
        ),
        (
            r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["X86"]}"#.to_owned(),
            r#"architecture "X86""#,
        ),
        (
            r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_VAX"]}"#.to_owned(),
            "SCMP_ARCH_VAX",
        ),
        (r#"{"defaultAction": "SCMP_ACT_ALLOW"} x"#.to_owned(), "trailing"),
        (
            of(r#"{"action": "SCMP_ACT_ALLOW"}"#),
            "rule 1 of the profile: no system call is named",
        ),
        (
            of(r#"{"names": [], "action": "SCMP_ACT_ALLOW"}"#),
            "no system call is named",
        ),
        (
            of(r#"{"name": "a", "names": ["b"], "action": "SCMP_ACT_ALLOW"}"#),
            r#"both "name" and "names""#,
        ),
        (
            rule(r#""action": "SCMP_ACT_ALLOW", "arg": []"#),
            "unknown field `arg`",
        ),
        (
            rule(r#""action": "SCMP_ACT_ALLOW", "errnoRet": 1"#),
            "SCMP_ACT_ALLOW takes no errno",
        ),
        (
            rule(r#""action": "SCMP_ACT_ERRNO", "errnoRet": 4096"#),
            "4096 is out of range",
        ),
        (
            rule(r#""action": "SCMP_ACT_ERRNO", "errnoRet": -1"#),
            "invalid value",
        ),
        (
            rule(r#""action": "SCMP_ACT_TRACE", "errnoRet": 65536"#),
            "65536 is out of range",
        ),
        (
            rule(r#""action": "SCMP_ACT_ERRNO", "errno": "EWHAT""#),
            r#"unknown errno "EWHAT""#,
        ),
        (
            rule(r#""action": "SCMP_ACT_ALLOW", "includes": {"cap": []}"#),
            "unknown field `cap`",
        ),
        (
            rule(r#""action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_NOPE"]}"#),
            "unknown capability",
        ),
        (
            rule(r#""action": "SCMP_ACT_ALLOW", "includes": {"arches": ["x86_64"]}"#),
            r#"architecture "x86_64""#,
        ),
        (
            rule(r#""action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "5"}"#),
            r#"kernel version "5""#,
        ),
        (
            rule(r#""action": "SCMP_ACT_ALLOW", "excludes": {"minKernel": "5.x"}"#),
            r#"kernel version "5.x""#,
        ),
        (
            rule(r#""action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 0, "op": "=="}]"#),
            r#"unknown operator "==""#,
        ),
        (
            rule(r#""action": "SCMP_ACT_ALLOW", "args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]"#),
            "no argument 6",
        ),
        (
            rule(r#""action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "op": "SCMP_CMP_EQ"}]"#),
            "missing field",
        ),
        (
            of(r#"{"names": ["read", "write"], "action": "SCMP_ACT_NOTIFY"}"#),
            r#"cannot be used for "write""#,
        ),
    ];
    for (json, expected) in table {
        let message = refusal(&json);
        assert!(message.contains(expected), "{json}: {message}");
    }
    let permissive = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["very_new"], "action": "SCMP_ACT_ERRNO"}]}"#;
    assert!(refusal(permissive).contains(r#"cannot refuse "very_new""#));
}

#[test]
fn a_profile_has_a_largest_size() {
    let json = format!(r#"{{"defaultAction": "SCMP_ACT_ALLOW"{}}}"#, " ".repeat(MAX_SIZE));
    assert!(matches!(
        from_profile(json.as_bytes(), CapabilitySet::EMPTY),
        Err(ProfileError::TooLarge(_))
    ));
}

#[test]
fn flags_are_passed_on_where_they_mean_something() {
    let flags = |flags: &str, action: &str| {
        let json = format!(
            r#"{{"defaultAction": "SCMP_ACT_ERRNO", {flags}
            "syscalls": [{{"names": ["read"], "action": "{action}"}}]}}"#
        );
        from_oci(&serde_json::from_str(&json).unwrap()).unwrap().flags
    };
    let all = r#""flags": ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
        "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],"#;
    assert_eq!(flags("", "SCMP_ACT_ALLOW"), FLAG_SPEC_ALLOW);
    assert_eq!(flags(r#""flags": [],"#, "SCMP_ACT_ALLOW"), 0);
    assert_eq!(flags(all, "SCMP_ACT_ALLOW"), FLAG_LOG | FLAG_SPEC_ALLOW);
    assert_eq!(flags("", "SCMP_ACT_NOTIFY"), FLAG_SPEC_ALLOW | FLAG_NEW_LISTENER);
    let listening = FLAG_LOG | FLAG_SPEC_ALLOW | FLAG_NEW_LISTENER | FLAG_WAIT_KILLABLE_RECV;
    assert_eq!(flags(all, "SCMP_ACT_NOTIFY"), listening);
    assert!(
        refusal(r#"{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["NEW"]}"#).contains(r#"unknown flag "NEW""#)
    );
}

#[test]
fn notifications_need_a_configuration_that_names_a_listener() {
    let json = of(r#"{"names": ["mount"], "action": "SCMP_ACT_NOTIFY"}"#);
    assert!(matches!(
        from_profile(json.as_bytes(), CapabilitySet::EMPTY),
        Err(ProfileError::Notify(_))
    ));
    assert!(from_oci(&serde_json::from_str(&json).unwrap()).is_ok());
}

proptest! {
    #[test]
    fn reading_never_panics(json in r#"[{}\[\]",:a-zA-Z_0-9]{0,80}"#) {
        let _ = from_profile(json.as_bytes(), CapabilitySet::DEFAULT);
    }

    #[test]
    fn a_damaged_profile_never_panics(position in 0..200usize, byte in any::<u8>()) {
        let mut json = of(r#"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"},
            "args": [{"index": 0, "value": 7, "op": "SCMP_CMP_GE"}]}"#).into_bytes();
        let position = position % json.len();
        json[position] = byte;
        let _ = from_profile(&json, CapabilitySet::DEFAULT);
    }
}
