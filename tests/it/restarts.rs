//! Restart policies: the monitor starts again what has ended by itself, and nothing that its user has ended.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::death::{IMAGE, assert_clean, eventually, monitors};
use super::support::Sandbox;
use super::support::run::Running;

/// Every life of it leaves a line in /lives. The first two end with 3, the third one stays.
const THREE_LIVES: &str =
    "echo >>/lives; n=$(wc -l </lives); echo life $n; [ $n -lt 3 ] && exit 3; sleep 1000";

fn start(sandbox: &Sandbox, policy: &str, script: &str) {
    let words = [
        "run",
        "-d",
        "--name",
        "one",
        "--stop-timeout",
        "0",
        "--restart",
        policy,
    ];
    sandbox
        .coracle(words)
        .args([IMAGE, "sh", "-c", script])
        .run()
        .succeeds();
}

fn inspect(sandbox: &Sandbox, format: &str) -> String {
    let outcome = sandbox.coracle(["inspect", "--format", format, "one"]).run();
    outcome.succeeds().text().to_owned()
}

/// Waits until inspection says so.
#[track_caller]
fn becomes(sandbox: &Sandbox, format: &str, expected: &str) {
    eventually(&format!("{format} is {expected}"), || {
        inspect(sandbox, format) == expected
    });
}

/// The host's pid of the payload.
fn payload(sandbox: &Sandbox) -> Pid {
    Pid::from_raw(inspect(sandbox, "{{.State.Pid}}").parse().unwrap()).unwrap()
}

/// Waits until a command has found the monitor.
#[track_caller]
fn is_connected(running: &Running) {
    let descriptors = format!("/proc/{}/fd", running.pid());
    eventually("a socket is open", || {
        let all = std::fs::read_dir(&descriptors).into_iter().flatten().flatten();
        let mut targets = all.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        targets.any(|target| target.to_string_lossy().starts_with("socket:"))
    });
}

/// A container that fails so often that its next start is seconds away.
fn resting(sandbox: &Sandbox, policy: &str) {
    start(sandbox, policy, "exit 7");
    becomes(sandbox, "{{.RestartCount}} {{.State.Restarting}}", "5 true");
}

#[test]
fn failures_are_started_again_as_often_as_said() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    start(&sandbox, "on-failure:2", "echo on; exit 3");
    becomes(
        &sandbox,
        "{{.State.Status}} {{.RestartCount}} {{.State.ExitCode}}",
        "exited 2 3",
    );
    sandbox.coracle(["logs", "one"]).run().prints("on\non\non\n");
    let policy = "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}";
    assert_eq!(inspect(&sandbox, policy), "on-failure 2");
    // Started by hand it counts anew.
    sandbox.coracle(["start", "one"]).run().succeeds();
    becomes(&sandbox, "{{.State.Status}} {{.RestartCount}}", "exited 2");
    sandbox.coracle(["rm", "one"]).run().succeeds();
    // Success is none.
    start(&sandbox, "on-failure", "exit 0");
    becomes(&sandbox, "{{.State.Status}} {{.RestartCount}}", "exited 0");
    sandbox.coracle(["rm", "one"]).run().succeeds();
    assert_clean(&sandbox);
}

#[test]
fn what_its_user_ends_stays_ended() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    start(&sandbox, "always", THREE_LIVES);
    becomes(&sandbox, "{{.State.Status}} {{.RestartCount}}", "running 2");
    eventually("the third life speaks", || {
        sandbox.coracle(["logs", "one"]).run().text() == "life 1\nlife 2\nlife 3"
    });
    for end in [
        &["stop", "one"][..],
        &["kill", "one"],
        &["stop", "--time", "5", "one"],
    ] {
        sandbox.coracle(end.iter().copied()).run().succeeds();
        becomes(
            &sandbox,
            "{{.State.Status}} {{.State.Restarting}} {{.State.Pid}}",
            "exited false 0",
        );
        eventually("the monitor has left", || monitors(&sandbox).is_empty());
        sandbox.coracle(["start", "one"]).run().succeeds();
        assert_eq!(
            inspect(&sandbox, "{{.State.Status}} {{.RestartCount}}"),
            "running 0",
            "{end:?}"
        );
    }
    // What others end is started again, and whoever waited has heard of the end.
    let waiting = sandbox.coracle(["wait", "one"]).start();
    is_connected(&waiting);
    kill_process(payload(&sandbox), Signal::KILL).unwrap();
    waiting.wait().succeeds().prints("137\n");
    becomes(&sandbox, "{{.State.Status}} {{.RestartCount}}", "running 1");
    sandbox.coracle(["restart", "one"]).run().succeeds();
    assert_eq!(
        inspect(&sandbox, "{{.State.Status}} {{.RestartCount}}"),
        "running 0"
    );
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    assert_clean(&sandbox);
}

#[test]
fn the_caller_sees_the_first_end() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let words = ["run", "--name", "one", "--restart", "on-failure:1", IMAGE];
    let outcome = sandbox.coracle(words).args(["sh", "-c", "echo on; exit 4"]).run();
    outcome.exits(4).prints("on\n");
    becomes(&sandbox, "{{.State.Status}} {{.RestartCount}}", "exited 1");
    // What cannot be started is not tried again, neither at first nor later.
    sandbox.coracle(["rm", "one"]).run().succeeds();
    let words = [
        "run",
        "-d",
        "--name",
        "one",
        "--restart",
        "always",
        IMAGE,
        "/nosuch",
    ];
    sandbox.coracle(words).run().exits(127);
    assert_eq!(
        inspect(&sandbox, "{{.State.Status}} {{.RestartCount}}"),
        "created 0"
    );
    sandbox.coracle(["rm", "one"]).run().succeeds();
    start(&sandbox, "always", "rm /bin/sh; exit 1");
    becomes(&sandbox, "{{.State.Status}} {{.State.ExitCode}}", "exited 127");
    assert!(inspect(&sandbox, "{{.State.Error}}").contains("sh"));
    sandbox.coracle(["rm", "one"]).run().succeeds();
    assert_clean(&sandbox);
}

#[test]
fn one_that_waits_for_its_start_is_shown_and_ended() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    resting(&sandbox, "always");
    let status = sandbox
        .coracle(["ps", "--format", "{{.State}} {{.Status}}"])
        .run();
    assert!(
        status.text().starts_with("restarting Restarting (7) "),
        "{status}"
    );
    assert_eq!(
        inspect(&sandbox, "{{.State.Running}} {{.State.Pid}} {{.State.ExitCode}}"),
        "true 0 7"
    );
    for (words, code) in [
        (&["exec", "one", "true"][..], 125),
        (&["attach", "one"], 125),
        (&["rm", "one"], 2),
    ] {
        let outcome = sandbox.coracle(words.iter().copied()).run();
        outcome.exits(code).says("is restarting").says_one_line();
    }
    // It runs already, so to say.
    sandbox.coracle(["start", "one"]).run().succeeds();
    let waiting = sandbox.coracle(["wait", "one"]).start();
    is_connected(&waiting);
    sandbox.coracle(["stop", "one"]).run().succeeds();
    waiting.wait().succeeds().prints("7\n");
    assert_eq!(
        inspect(&sandbox, "{{.State.Status}} {{.State.Running}}"),
        "exited false"
    );
    eventually("the monitor has left", || monitors(&sandbox).is_empty());
    assert_eq!(
        inspect(&sandbox, "{{.State.Status}} {{.RestartCount}}"),
        "exited 5"
    );
    sandbox.coracle(["rm", "one"]).run().succeeds();

    resting(&sandbox, "on-failure");
    sandbox.coracle(["kill", "one"]).run().succeeds();
    becomes(&sandbox, "{{.State.Status}}", "exited");
    sandbox.coracle(["rm", "one"]).run().succeeds();

    resting(&sandbox, "unless-stopped");
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    assert_clean(&sandbox);
}

#[test]
fn the_death_of_the_monitor_that_waits() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    resting(&sandbox, "always");
    for monitor in monitors(&sandbox) {
        kill_process(Pid::from_raw(monitor).unwrap(), Signal::KILL).unwrap();
    }
    becomes(
        &sandbox,
        "{{.State.Status}} {{.State.Running}} {{.State.ExitCode}}",
        "exited false 7",
    );
    sandbox.coracle(["wait", "one"]).run().succeeds().prints("7\n");
    assert!(inspect(&sandbox, "{{.State.Error}}").contains("monitor was killed"));
    sandbox.coracle(["start", "one"]).run().succeeds();
    becomes(&sandbox, "{{.State.Restarting}}", "true");
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    assert_clean(&sandbox);
}

#[test]
fn which_are_started_with_the_machine() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    for policy in ["no", "on-failure", "always", "unless-stopped"] {
        let words = [
            "create",
            "--name",
            policy,
            "--restart",
            policy,
            "--stop-timeout",
            "0",
        ];
        sandbox
            .coracle(words)
            .args([image, "sleep", "1000"])
            .run()
            .succeeds();
    }
    let names = |filter: &str| {
        let words = [
            "ps",
            "-a",
            "--sort",
            "names",
            "--format",
            "{{.Names}}",
            "--filter",
            filter,
        ];
        let outcome = sandbox.coracle(words).run().succeeds();
        outcome
            .text()
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(names("restart-policy=always"), "always");
    assert_eq!(names("restart-policy=never"), "no");
    assert_eq!(names("should-start-on-boot=true"), "always unless-stopped");
    let all = ["start", "--all", "--filter", "should-start-on-boot=true"];
    sandbox.coracle(all).run().succeeds();
    assert_eq!(names("status=running"), "always unless-stopped");
    // The machine goes down: monitors are asked to end, and no user has ended anything.
    for monitor in monitors(&sandbox) {
        kill_process(Pid::from_raw(monitor).unwrap(), Signal::TERM).unwrap();
    }
    eventually("all have ended", || names("status=running").is_empty());
    assert_eq!(names("should-start-on-boot=true"), "always unless-stopped");
    sandbox.coracle(all).run().succeeds();
    sandbox.coracle(["stop", "--all"]).run().succeeds();
    assert_eq!(names("should-start-on-boot=true"), "always");
    assert_eq!(
        names("should-start-on-boot=false"),
        "no on-failure unless-stopped"
    );
    sandbox
        .coracle(["start", "--all", "--filter", "restart-policy=always"])
        .run()
        .succeeds();
    assert_eq!(names("status=running"), "always");
    for (filter, why) in [
        ("restart-policy=sometimes", "sometimes invalid restart policy"),
        ("should-start-on-boot=maybe", "invalid --filter"),
    ] {
        sandbox
            .coracle(["ps", "--filter", filter])
            .run()
            .exits(125)
            .says(why);
    }
    sandbox.coracle(["rm", "-f", "--all"]).run().succeeds();
    assert_clean(&sandbox);
}

#[test]
fn stops_at_any_moment_are_for_good() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    // Moments around an end and a start, which take some milliseconds.
    for round in 0..24u64 {
        start(&sandbox, "always", "exit 1");
        std::thread::sleep(Duration::from_micros(round * 9173 % 220_000));
        let end = if round % 2 == 0 { "stop" } else { "kill" };
        let outcome = sandbox.coracle([end, "one"]).run();
        assert!(matches!(outcome.code, Some(0 | 125)), "{outcome}");
        if outcome.code == Some(0) {
            eventually("the monitor has left", || monitors(&sandbox).is_empty());
            assert_eq!(
                inspect(&sandbox, "{{.State.Status}}"),
                "exited",
                "{end} in round {round}"
            );
        }
        sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    }
    assert_clean(&sandbox);
}
