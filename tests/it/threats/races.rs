//! A process in a container changes what we are about to open.

use serde_json::json;

use super::{IMAGE, compiled, host_view, load, load_with, race};
use crate::support::programs::{RACER, TRACER};
use crate::support::requires::is_root;
use crate::support::run::contains;
use crate::support::{Canary, Entry, Sandbox};

/// Starts a container `racer` that prepares the volume `v` and then swaps two names in it.
fn start_racer(sandbox: &Sandbox, prepare: &str, one: &str, other: &str) {
    let script = format!("cd /v; {prepare}; exec racer {one} {other}");
    sandbox
        .coracle([
            "run", "-d", "--name", "racer", "-v", "v:/v", IMAGE, "sh", "-c", &script,
        ])
        .run()
        .succeeds();
    let wait = format!("until [ -L /v/{one} ] || [ -L /v/{other} ]; do usleep 1000; done");
    sandbox
        .coracle(["exec", "racer", "sh", "-c", &wait])
        .run()
        .succeeds();
}

fn end_racer(sandbox: &Sandbox) {
    // It must have raced to the end.
    let state = ["inspect", "--format", "{{.State.Status}}", "racer"];
    sandbox.coracle(state).run().succeeds().prints("running\n");
    sandbox.coracle(["rm", "-f", "-v", "racer"]).run().succeeds();
}

/// CVE-2021-30465 and CVE-2024-45310: the target of a mount, there or to be made, is swapped for a link out of the root.
#[test]
fn cve_2021_30465_a_swapped_target_leads_nowhere_outside() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    load_with(&sandbox, &[RACER]);
    let before = host_view(&sandbox);
    let source = sandbox.file("source/mark", "ours");
    let source = source.parent().unwrap().to_str().unwrap();
    let outside = canary.directory().join("dir");
    // A link to the root, and one to the canary by a path that only the host has.
    for target in ["/", outside.to_str().unwrap(), "../../../../../../../.."] {
        start_racer(&sandbox, &format!("mkdir -p t/x; ln -s {target} l"), "t", "l");
        let (mut hits, mut outcomes) = (0, Vec::new());
        race(|number| {
            let there = format!("{source}:/v/t/x");
            let new = format!("{source}:/v/t/new{number}/deep");
            let script = "cat /v/t/x/mark /secret /dir/file 2>/dev/null; ls / | grep -c '^canary'; true";
            let words = ["run", "--rm", "-v", "v:/v", "-v", &there, "-v", &new, IMAGE];
            let outcome = sandbox.coracle(words).args(["sh", "-c", script]).run();
            assert!(matches!(outcome.code, Some(0 | 125)), "{outcome}");
            hits += usize::from(outcome.code == Some(0));
            outcomes.push(outcome);
        });
        assert!(hits > 0, "no try came through: {}", outcomes[0]);
        end_racer(&sandbox);
        assert_eq!(host_view(&sandbox), before);
        canary.check(&outcomes.iter().collect::<Vec<_>>());
        sandbox.coracle(["volume", "rm", "v"]).run().succeeds();
    }
}

/// CVE-2026-55686: the working directory of an image is made through a link that is swapped meanwhile.
#[test]
fn cve_2026_55686_a_working_directory_is_made_in_the_root() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    let outside = canary.directory().join("dir");
    let outside = outside.to_str().unwrap();
    let racer = compiled(&sandbox, RACER);
    load(
        &sandbox,
        &[Entry::symlink("l", outside)],
        json!({ "WorkingDir": "/l/new", "User": "nobody" }),
    );
    let outcome = sandbox.coracle(["run", "--rm", IMAGE, "pwd"]).run();
    // In the root, or refused.
    assert!(matches!(outcome.code, Some(0 | 125..=127)), "{outcome}");
    canary.check(&[&outcome]);
    load(&sandbox, &[racer], json!({}));
    start_racer(
        &sandbox,
        &format!("mkdir t; ln -s {outside} l; ln -s / l2"),
        "t",
        "l",
    );
    race(|number| {
        let directory = format!("/v/t/new{number}");
        let words = ["-v", "v:/v", "-w", &directory, IMAGE, "pwd"];
        let outcome = sandbox.coracle(["run", "--rm"]).args(words).run();
        canary.check(&[&outcome]);
        let outcome = sandbox.coracle(["exec", "-w", &directory, "racer", "pwd"]).run();
        canary.check(&[&outcome]);
    });
    end_racer(&sandbox);
}

/// CVE-2025-31133: masks are made of the host's null device, not of what the container calls so.
#[test]
fn cve_2025_31133_masks_are_of_the_null_device() {
    let sandbox = Sandbox::new();
    let pattern = std::fs::read("/proc/sys/kernel/core_pattern").unwrap();
    let place = "/proc/sys/kernel/core_pattern";
    let entries = [
        compiled(&sandbox, RACER),
        Entry::directory("dev/"),
        Entry::symlink("dev/null", place),
    ];
    load(&sandbox, &entries, json!({}));
    let prepare = format!("mknod null c 1 3 || echo >null; ln -s {place} l");
    start_racer(&sandbox, &prepare, "null", "l");
    // Every mask is the null device or an empty directory; nothing of /proc/sys can be written.
    let script = "for f in /proc/kcore /proc/keys /proc/timer_list; do \
                    [ -e $f ] && [ \"$(stat -c %F:%t:%T $f)\" != 'character special file:1:3' ] && echo bare $f; done; \
                  for d in /proc/acpi /proc/scsi /sys/firmware; do [ -d $d ] && ls -A $d; done; \
                  (echo '|/x' >/proc/sys/kernel/core_pattern) 2>/dev/null && echo written; true";
    race(|_| {
        for volume in ["v:/dev", "v:/v"] {
            let words = ["-v", volume, IMAGE, "sh", "-c", script];
            let outcome = sandbox.coracle(["run", "--rm"]).args(words).run();
            match outcome.code {
                Some(0) => drop(outcome.prints("")),
                _ => drop(outcome.exits(125)),
            }
        }
    });
    end_racer(&sandbox);
    assert!(std::fs::read("/proc/sys/kernel/core_pattern").unwrap() == pattern);
}

/// CVE-2025-52565: the terminal at /dev/console is the one that was made, not what lies at its name.
#[test]
fn cve_2025_52565_the_console_is_the_containers_terminal() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    load_with(&sandbox, &[RACER]);
    let secret = canary.secret();
    let prepare = format!("echo >0; ln -s {0} l; ln -s {0} console", secret.display());
    start_racer(&sandbox, &prepare, "0", "l");
    let script = "stat -c '%F %t' /dev/console; [ -c /dev/pts/0 ] || head -c 40 /dev/pts/0; test -t 0 && test -t 1 && echo end";
    for volume in ["v:/dev/pts", "v:/dev", "v:/v"] {
        for _ in 0..10 {
            let words = ["run", "--rm", "-t", "-v", volume, IMAGE, "sh", "-c", script];
            let terminal = sandbox.coracle(words).start_on_terminal();
            let outcome = terminal.wait();
            canary.check(&[&outcome]);
            let text = String::from_utf8_lossy(&outcome.stdout).replace('\r', "");
            match volume {
                // Where the terminals should be there is something else.
                "v:/dev/pts" => assert_eq!(outcome.code, Some(125), "{outcome}"),
                "v:/dev" => assert!(text.contains("end"), "{outcome}"),
                _ => assert!(text.contains("character special file 88\n"), "{outcome}"),
            }
        }
    }
    end_racer(&sandbox);
}

/// CVE-2016-9962: nobody in a container can trace or look into a process of ours that comes in for `exec`. Not even with
/// the right to trace, where that is one over a user namespace; over the whole machine it is one over us as well.
#[test]
fn cve_2016_9962_a_joining_process_cannot_be_reached() {
    let sandbox = Sandbox::new();
    load_with(&sandbox, &[TRACER]);
    let added: &[&str] = if is_root() {
        &[]
    } else {
        &["--cap-add", "SYS_PTRACE"]
    };
    sandbox
        .coracle(["run", "-d", "--name", "one"])
        .args(added)
        .arg(IMAGE)
        .args(["tracer", "/bin/busybox"])
        .run()
        .succeeds();
    race(|_| {
        let outcome = sandbox.coracle(["exec", "one", "sleep", "0.01"]).run();
        // The tracer may get hold of the payload, which is its right.
        assert!(outcome.code.is_some(), "{outcome}");
    });
    let logs = sandbox.coracle(["logs", "one"]).run().succeeds();
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    assert!(contains(&logs.stdout, b"payload\n"), "it saw nobody: {logs}");
    assert!(!contains(&logs.stdout, b"reached"), "{logs}");
}
