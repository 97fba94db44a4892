//! Pausing: what is frozen, how it is shown, and what becomes of it when somebody stops, kills or removes it.

use std::fs;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};

use super::death::{IMAGE, assert_clean, eventually, monitors};
use super::steps::at_every_step;
use crate::support::group::Group;
use crate::support::run::Outcome;
use crate::support::{Invocation, Sandbox, requires};

/// A sandbox whose containers have control groups, in one of the test's own.
struct Frozen {
    sandbox: Sandbox,
    group: Option<Group>,
}

impl Frozen {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        sandbox.busybox();
        let group = Some(Group::new().expect("the test requires one"));
        Self { sandbox, group }
    }

    fn command(&self, words: &[&str]) -> Invocation {
        Group::enter(&self.group, self.sandbox.coracle(words))
    }

    #[track_caller]
    fn coracle(&self, words: &[&str]) -> Outcome {
        self.command(words).run()
    }

    #[track_caller]
    fn show(&self, name: &str, format: &str) -> String {
        let outcome = self.coracle(&["inspect", "--format", format, name]).succeeds();
        outcome.text().trim_end().to_owned()
    }

    /// A container that does nothing.
    #[track_caller]
    fn sleeper(&self, name: &str) {
        self.coracle(&["run", "-d", "--name", name, IMAGE, "sleep", "1000"])
            .succeeds();
    }

    /// The container `one`, which ends with 7 by SIGTERM and with 9 by SIGUSR1, paused.
    #[track_caller]
    fn paused(&self) {
        let script = "trap 'exit 7' TERM; trap 'exit 9' USR1; echo ready; while :; do sleep 0.05; done";
        self.coracle(&["run", "-d", "--name", "one", IMAGE, "sh", "-c", script])
            .succeeds();
        eventually("it is ready", || {
            self.coracle(&["logs", "one"]).text().contains("ready")
        });
        self.coracle(&["pause", "one"]).succeeds().prints("one\n");
        assert_eq!(self.show("one", "{{.State.Status}}"), "paused");
    }

    /// Whether the kernel says that all processes of a container are frozen.
    fn is_frozen(&self, name: &str) -> bool {
        let path = PathBuf::from(self.show(name, "{{.State.CgroupPath}}"));
        let events = fs::read_to_string(path.join("cgroup.events")).expect("it has a group");
        events.contains("frozen 1")
    }

    /// Removes what is left; no group stays.
    #[track_caller]
    fn end(self) {
        self.coracle(&["rm", "-fa", "-t", "0"]).succeeds();
        assert_clean(&self.sandbox);
        assert_eq!(
            self.group.as_ref().expect("made by new").others(),
            Vec::<String>::new()
        );
    }
}

#[test]
fn a_paused_container_is_frozen_and_shown_so() {
    requires!("cgroup");
    let test = Frozen::new();
    test.sleeper("one");
    assert!(!test.is_frozen("one"));
    test.coracle(&["pause", "one"]).succeeds().prints("one\n");
    assert!(test.is_frozen("one"), "when the command has ended it is done");
    let state = "{{.State.Status}} {{.State.Paused}} {{.State.Running}} {{gt .State.Pid 0}}";
    assert_eq!(test.show("one", state), "paused true true true");
    let listed = test
        .coracle(&["ps", "--format", "{{.State}} {{.Status}}"])
        .succeeds();
    let listed = listed.text();
    assert!(
        listed.starts_with("paused Up ") && listed.ends_with(" (Paused)"),
        "{listed}"
    );
    for (filter, expected) in [("status=paused", "one\n"), ("status=running", "")] {
        test.coracle(&["ps", "--filter", filter, "--format", "{{.Names}}"])
            .succeeds()
            .prints(expected);
    }
    let counts = "{{.ContainersRunning}} {{.ContainersPaused}} {{.ContainersStopped}}";
    test.coracle(&["info", "--format", counts]).prints("0 1 0\n");
    // It can still be looked at.
    test.coracle(&["top", "one", "args"]).succeeds();
    let refusals: [(&[&str], i32, &str); 6] = [
        (&["pause", "one"], 125, "is already paused"),
        (
            &["exec", "one", "true"],
            125,
            "is paused, unpause the container before exec",
        ),
        (
            &["attach", "one"],
            125,
            "is paused, unpause the container before attach",
        ),
        (&["start", "one"], 125, "try unpause instead"),
        (&["rm", "one"], 2, "as it is paused"),
        (&["container", "pause", "nosuch"], 125, "nosuch"),
    ];
    for (words, code, said) in refusals {
        test.coracle(words).exits(code).says(said);
    }
    test.coracle(&["container", "prune", "-f"]).succeeds();
    test.coracle(&["container", "unpause", "one"])
        .succeeds()
        .prints("one\n");
    assert!(!test.is_frozen("one"));
    test.coracle(&["exec", "one", "true"]).succeeds();
    test.coracle(&["unpause", "one"]).exits(125).says("is not paused");
    test.coracle(&["stop", "-t", "0", "one"]).succeeds();
    for command in ["pause", "unpause"] {
        test.coracle(&[command, "one"]).exits(125).says("is not running");
    }
    test.end();
}

#[test]
fn several_are_chosen_by_options() {
    requires!("cgroup");
    let test = Frozen::new();
    for name in ["one", "two"] {
        test.sleeper(name);
    }
    test.coracle(&["create", "--name", "three", "--cidfile", "id", IMAGE, "true"])
        .succeeds();
    let paused = || {
        let paused = test
            .coracle(&["ps", "-f", "status=paused", "--format", "{{.Names}}"])
            .succeeds();
        let mut names: Vec<String> = paused.text().lines().map(str::to_owned).collect();
        names.sort();
        names.join(" ")
    };
    let steps: [(&[&str], &str); 7] = [
        (&["pause", "--filter", "name=^one$"], "one"),
        // The one that is paused already and the one that does not run are passed over.
        (&["pause", "--all"], "one two"),
        (&["unpause", "-f", "name=two"], "one"),
        (&["pause", "-a"], "one two"),
        (&["unpause", "-a"], ""),
        (&["unpause", "-a"], ""),
        (&["pause", "one", "two"], "one two"),
    ];
    for (words, expected) in steps {
        test.coracle(words).succeeds();
        assert_eq!(paused(), expected, "{words:?}");
    }
    for words in [&["pause", "--latest"][..], &["pause", "--cidfile", "id"]] {
        test.coracle(words).exits(125).says("is not running");
    }
    test.coracle(&["pause"]).exits(125);
    test.end();
}

#[test]
fn a_paused_container_hears_that_it_is_to_end() {
    requires!("cgroup");
    let test = Frozen::new();
    let endings: [(&[&str], i32); 4] = [
        (&["stop", "one"], 7),
        (&["kill", "one"], 137),
        (&["kill", "-s", "TERM", "one"], 7),
        (&["stop", "-s", "USR1", "one"], 9),
    ];
    for (words, code) in endings {
        test.paused();
        test.coracle(words).succeeds();
        test.coracle(&["wait", "one"]).prints(&format!("{code}\n"));
        test.coracle(&["rm", "one"]).succeeds();
    }
    // Other signals wait.
    test.paused();
    test.coracle(&["kill", "-s", "USR1", "one"]).succeeds();
    assert!(test.is_frozen("one"));
    test.coracle(&["unpause", "one"]).succeeds();
    test.coracle(&["wait", "one"]).prints("9\n");
    test.coracle(&["rm", "one"]).succeeds();

    test.paused();
    test.coracle(&["restart", "one"]).succeeds();
    assert_eq!(test.show("one", "{{.State.Status}}"), "running");
    test.coracle(&["rm", "-f", "one"]).succeeds();

    test.paused();
    test.coracle(&["rm", "-f", "one"]).succeeds();
    test.end();
}

#[test]
fn the_end_of_the_monitor_is_that_of_a_paused_container() {
    requires!("cgroup");
    let test = Frozen::new();
    for (signal, code) in [(Signal::TERM, "7"), (Signal::KILL, "137")] {
        test.paused();
        let init = test.show("one", "/proc/{{.State.Pid}}/exe");
        for monitor in monitors(&test.sandbox) {
            kill_process(Pid::from_raw(monitor).unwrap(), signal).unwrap();
        }
        eventually("its payload has ended", || fs::metadata(&init).is_err());
        eventually("it has ended", || {
            test.show("one", "{{.State.Status}} {{.State.ExitCode}}") == format!("exited {code}")
        });
        test.coracle(&["start", "one"]).succeeds();
        assert_eq!(test.show("one", "{{.State.Status}}"), "running");
        test.coracle(&["rm", "-f", "one"]).succeeds();
    }
    test.end();
}

#[test]
fn a_pause_that_is_killed_at_any_step_is_one_or_none() {
    requires!("cgroup");
    let test = Frozen::new();
    test.sleeper("one");
    for command in ["pause", "unpause"] {
        let before = if command == "pause" { "unpause" } else { "pause" };
        test.coracle(&[before, "one"]);
        at_every_step(
            || test.command(&[command, "one"]),
            || {
                let state = test.show("one", "{{.State.Status}}");
                let undo = if state == "paused" { "unpause" } else { "pause" };
                test.coracle(&[undo, "one"]).succeeds();
                assert_eq!(test.is_frozen("one"), undo == "pause");
                if undo != before {
                    test.coracle(&[before, "one"]).succeeds();
                }
            },
        );
    }
    test.end();
}

#[test]
fn waiting_for_a_pause() {
    requires!("cgroup");
    let test = Frozen::new();
    test.sleeper("one");
    let wait = |conditions: &[&str]| {
        let words = conditions.iter().flat_map(|condition| ["--condition", condition]);
        test.command(&["wait", "one"]).args(words)
    };
    let waiting = wait(&["paused"]).start();
    test.coracle(&["pause", "one"]).succeeds();
    waiting.wait().succeeds().prints("-1\n");
    wait(&["paused", "exited"]).run().succeeds().prints("-1\n");
    test.coracle(&["unpause", "one"]).succeeds();
    let (pause, either) = (wait(&["paused"]).start(), wait(&["paused", "exited"]).start());
    // Whether they wait already does not change what they come to.
    test.coracle(&["kill", "one"]).succeeds();
    pause.wait().exits(125);
    either.wait().succeeds().prints("137\n");
    wait(&["paused"]).run().exits(125).says("is not running");
    wait(&["paused", "exited"]).run().succeeds().prints("137\n");
    test.end();
}

/// Starts the container `one` as root where no control group can be made.
#[track_caller]
pub fn start_without_group(sandbox: &Sandbox) {
    // Where version 2 is mounted nothing can be written.
    let hidden = "mount -t tmpfs none /sys/fs/cgroup && exec \"$0\" \"$@\"";
    sandbox
        .program("unshare")
        .args(["--mount", "sh", "-c", hidden])
        .arg(sandbox.binary())
        .arg("--root")
        .arg(sandbox.data_root())
        .arg("--runroot")
        .arg(sandbox.run_root())
        .args([
            "run",
            "-d",
            "--name",
            "one",
            IMAGE,
            "sh",
            "-c",
            "while :; do :; done",
        ])
        .run()
        .succeeds();
}

#[test]
fn without_a_control_group_the_cure_is_named() {
    requires!("root");
    let sandbox = Sandbox::new();
    sandbox.busybox();
    start_without_group(&sandbox);
    for words in [&["pause", "one"][..], &["wait", "--condition=paused", "one"]] {
        let outcome = sandbox.coracle(words).run().exits(125);
        outcome.says("has no control group").says("Delegate=yes");
    }
    sandbox.coracle(["unpause", "one"]).run().says("is not paused");
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
}
