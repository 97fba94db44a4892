//! Ends that nobody could record, and what is left after them.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use crate::death::{IMAGE, assert_clean, empties, eventually, monitors};
use crate::support::Sandbox;

fn inspect(sandbox: &Sandbox, name: &str, format: &str) -> String {
    let told = sandbox
        .coracle(["inspect", "--format", format, name])
        .run()
        .succeeds();
    told.text().trim_end().to_owned()
}

/// A copy of a store in which containers run, as from before the machine was restarted.
#[test]
fn containers_of_another_boot_have_ended_for_every_command() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    for (name, option) in [("kept", "--rm=false"), ("gone", "--rm")] {
        let run = ["run", "-d", option, "--name", name, IMAGE, "sleep", "1000"];
        sandbox.coracle(run).run().succeeds();
    }
    let pid = inspect(&sandbox, "kept", "{{.State.Pid}}");
    let copy = sandbox.path("copy");
    // What overlayfs keeps to itself an ordinary user cannot copy, and need not.
    let line = "cp -a \"$0\" \"$1\" 2>/dev/null || [ -d \"$1/containers\" ]";
    let places = [sandbox.data_root(), copy.clone()];
    sandbox
        .program("sh")
        .args(["-c", line])
        .args(places)
        .run()
        .succeeds();
    let own = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    for entry in fs::read_dir(copy.join("containers")).unwrap().flatten() {
        let record = entry.path().join("state.json");
        let state = fs::read_to_string(&record).unwrap();
        assert!(state.contains(own.trim_end()), "{state}");
        let other = "11111111-2222-3333-4444-555555555555";
        fs::write(&record, state.replace(own.trim_end(), other)).unwrap();
    }
    let coracle = |words: &[&str]| {
        let place = sandbox.program(sandbox.binary()).arg("--root").arg(&copy);
        place
            .arg("--runroot")
            .arg(sandbox.path("other-run"))
            .args(words)
            .run()
    };
    let listed = coracle(&[
        "ps",
        "-a",
        "--filter",
        "name=kept",
        "--format",
        "{{.State}} {{.ExitCode}}",
    ]);
    listed.succeeds().prints("exited 137\n");
    coracle(&["ps", "-q"]).succeeds().prints("");
    coracle(&["exec", "kept", "true"]).exits(255);
    coracle(&["why", "--format", "{{.cause}}", "kept"])
        .succeeds()
        .prints("machine-restarted\n");
    coracle(&["wait", "kept"]).succeeds().prints("137\n");
    // What has the same numbers today is somebody else's.
    assert_eq!(
        inspect(&sandbox, "kept", "{{.State.Status}} {{.State.Pid}}"),
        format!("running {pid}")
    );
    sandbox.coracle(["rm", "-f", "--all"]).run().succeeds();
    // The name of what was to vanish is free, and so is the other one when its container was removed.
    coracle(&["run", "--rm", "--name", "gone", IMAGE, "true"]).succeeds();
    coracle(&["start", "kept"]).succeeds();
    coracle(&["stop", "-t", "0", "kept"]).succeeds();
    coracle(&["rm", "kept"]).succeeds();
    coracle(&["run", "--rm", "--name", "kept", IMAGE, "true"]).succeeds();
    coracle(&["ps", "-aq"]).succeeds().prints("");
    assert_clean(&sandbox);
}

#[test]
fn a_monitor_and_its_container_killed_at_once_leave_an_end() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    for option in ["--rm=false", "--rm"] {
        let run = ["run", "-d", option, "--name", "one", IMAGE, "sleep", "1000"];
        sandbox.coracle(run).run().succeeds();
        let payload: i32 = inspect(&sandbox, "one", "{{.State.Pid}}").parse().unwrap();
        let mut pids = monitors(&sandbox);
        pids.push(payload);
        for pid in pids {
            kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
        }
        sandbox.coracle(["ps", "-q"]).run().succeeds().prints("");
        if option == "--rm" {
            sandbox
                .coracle(["run", "--rm", "--name", "one", IMAGE, "true"])
                .run()
                .succeeds();
        } else {
            let told = inspect(&sandbox, "one", "{{.State.Status}} {{.State.ExitCode}}");
            assert_eq!(told, "exited 137");
            sandbox.coracle(["start", "one"]).run().succeeds();
            sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
        }
        assert_clean(&sandbox);
    }
}

/// Whoever is killed, the command, all of its group, or the monitor: what was to end with the command does.
#[test]
fn nothing_of_a_guarded_container_outlives_its_command() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    for moment in 0..12 {
        for whom in ["command", "group", "monitor"] {
            let script = "sleep 1000 & echo on; while :; do sleep 1; done";
            let run = [
                "run", "--rm", "--guard", "-v", "/data", "--name", "one", IMAGE, "sh", "-c", script,
            ];
            let running = sandbox.coracle(run).start();
            // The last moment is when it runs.
            let begin = std::time::Instant::now();
            match moment {
                11 => running.expect("on"),
                _ => {
                    while begin.elapsed().as_micros() < moment * 3_000 {
                        std::hint::spin_loop();
                    }
                }
            }
            match whom {
                "command" => running.signal(Signal::KILL),
                "group" => running.signal_group(Signal::KILL),
                _ => {
                    eventually("it has a monitor", || !monitors(&sandbox).is_empty());
                    for pid in monitors(&sandbox) {
                        let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
                    }
                }
            }
            running.wait();
            // One that had just been forked is no monitor yet, and holds the name for a moment. What a killed one has left
            // the next command takes up.
            eventually("the name is free", || {
                let run = sandbox.coracle(["run", "--rm", "--name", "one", IMAGE, "true"]);
                run.run().code == Some(0)
            });
            eventually("its monitor ends", || monitors(&sandbox).is_empty());
            sandbox
                .coracle(["volume", "ls", "-q"])
                .run()
                .succeeds()
                .prints("");
            empties(&sandbox, &["containers", "names", "active", "staging", "trash"]);
            eventually("nothing is left", || sandbox.leaks().is_empty());
        }
    }
}
