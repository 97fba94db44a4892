//! Every process of ours killed at any moment: nothing is lost, nothing is left, nobody hangs.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::group::Group;
use crate::support::run::Running;
use crate::support::{Compression, Entry, Format, Image, Sandbox};

pub const IMAGE: &str = "localhost/busybox:latest";

/// The pids of this sandbox's monitors.
pub fn monitors(sandbox: &Sandbox) -> Vec<i32> {
    let root = sandbox.data_root().to_str().unwrap().to_owned();
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let words: Vec<_> = line.split(|byte| *byte == 0).collect();
            words.get(1) == Some(&&b"monitor"[..]) && words.get(2) == Some(&root.as_bytes())
        })
        .collect()
}

fn kill(pid: i32) {
    let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
}

/// Waits for a condition that another process brings about; a container's own end has no event for a stranger.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::yield_now();
    }
}

/// Starts the container `one`, which vanishes with its end, in the foreground.
#[track_caller]
pub fn vanishing(sandbox: &Sandbox) -> Running {
    let script = "echo on; sleep 1000";
    let running = sandbox
        .coracle(["run", "--rm", "--name", "one", IMAGE, "sh", "-c", script])
        .start();
    running.expect("on");
    running
}

/// Starts the container `one` in the background.
#[track_caller]
fn detached(sandbox: &Sandbox) {
    sandbox
        .coracle(["run", "-d", "--name", "one", IMAGE, "sleep", "1000"])
        .run()
        .succeeds();
}

/// Waits until nothing of these kinds is in the store.
#[track_caller]
pub fn empties(sandbox: &Sandbox, kinds: &[&str]) {
    for kind in kinds {
        let path = sandbox.data_root().join(kind);
        eventually(&format!("{kind} is empty"), || {
            std::fs::read_dir(&path).unwrap().next().is_none()
        });
    }
}

/// No container, name, staged or discarded thing is left.
#[track_caller]
pub fn assert_clean(sandbox: &Sandbox) {
    sandbox.coracle(["ps", "-aq"]).run().succeeds().prints("");
    sandbox.coracle(["run", "--rm", IMAGE, "true"]).run().succeeds();
    empties(sandbox, &["containers", "names", "staging", "trash"]);
}

#[test]
fn the_death_of_a_monitor_is_the_end_of_its_container() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    detached(&sandbox);
    let pid = sandbox
        .coracle(["inspect", "--format", "{{.State.Pid}}", "one"])
        .run()
        .succeeds();
    let pid: i32 = pid.text().parse().unwrap();
    for monitor in monitors(&sandbox) {
        kill(monitor);
    }
    eventually("the payload is gone", || {
        std::fs::metadata(format!("/proc/{pid}/exe")).is_err()
    });
    let state = |format: &str| {
        sandbox
            .coracle(["inspect", "--format", format, "one"])
            .run()
            .succeeds()
    };
    assert_eq!(state("{{.State.Status}}").text(), "exited");
    sandbox.coracle(["wait", "one"]).run().succeeds().prints("137\n");
    sandbox.coracle(["exec", "one", "true"]).run().exits(255);
    // It can be started again.
    sandbox.coracle(["start", "one"]).run().succeeds();
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    assert_clean(&sandbox);
}

/// A monitor that is killed writes nothing: whoever waits for what it would have written has to see its end.
#[test]
fn whoever_waits_is_told_of_the_death_of_the_monitor() {
    for (options, condition, code, told) in [
        (&[][..], "exited", 0, "-1\n"),
        (&[], "stopped", 0, "137\n"),
        (&["--rm"], "removed", 0, "-1\n"),
        (&["--rm"], "removing", 0, "-1\n"),
        (&["--health-cmd=false"], "healthy", 125, ""),
        (&[], "paused", 125, ""),
    ] {
        let sandbox = Sandbox::new();
        sandbox.busybox();
        let group = Group::if_possible();
        if condition == "paused" && group.is_none() {
            continue;
        }
        let run = sandbox.coracle(["run", "-d", "--name", "one"]).args(options);
        Group::enter(&group, run.args([IMAGE, "sleep", "1000"]))
            .run()
            .succeeds();
        // The first of the two is told by the record alone, as it comes with another condition.
        let more = match condition {
            "exited" => &["--condition", "initialized"][..],
            _ => &[],
        };
        let wait = sandbox.coracle(["wait", "--condition", condition]).args(more);
        let waiting = wait.arg("one").start();
        is_waiting(&waiting);
        for monitor in monitors(&sandbox) {
            kill(monitor);
        }
        waiting.wait().exits(code).prints(told);
        let _ = sandbox.coracle(["rm", "-f", "one"]).run();
        assert_clean(&sandbox);
    }
}

/// Waits until a command has something open by which it is told of what happens.
#[track_caller]
pub fn is_waiting(running: &Running) {
    let descriptors = format!("/proc/{}/fd", running.pid());
    eventually("it can be told", || {
        let all = std::fs::read_dir(&descriptors).into_iter().flatten().flatten();
        let mut targets = all.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        targets.any(|target| {
            let target = target.to_string_lossy();
            target.starts_with("socket:") || target.contains("inotify")
        })
    });
}

#[test]
fn a_killed_monitor_of_a_vanishing_container_leaves_nothing() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let running = vanishing(&sandbox);
    for monitor in monitors(&sandbox) {
        kill(monitor);
    }
    let outcome = running.wait();
    assert_ne!(outcome.code, Some(0), "{outcome}");
    sandbox
        .coracle(["run", "--rm", "--name", "one", IMAGE, "true"])
        .run()
        .succeeds();
    assert_clean(&sandbox);
}

#[test]
fn a_killed_caller_leaves_its_container_and_closes_its_output() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let running = vanishing(&sandbox);
    running.signal(Signal::KILL);
    let outcome = running.wait();
    assert!(
        outcome.output_open_after_exit < Duration::from_millis(100),
        "{outcome}"
    );
    sandbox.coracle(["exec", "one", "true"]).run().succeeds();
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    assert_clean(&sandbox);
}

#[test]
fn a_killed_payload_is_noticed() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let running = vanishing(&sandbox);
    sandbox.coracle(["kill", "one"]).run().succeeds();
    running.wait().exits(137);
    assert_clean(&sandbox);
}

#[test]
fn kills_at_random_moments() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    // Moments spread over the whole of a start and an end, which take some milliseconds.
    for round in 0..40u64 {
        let running = sandbox
            .coracle(["run", "--rm", "--name", "one", IMAGE, "sh", "-c", "echo on"])
            .start();
        let moment = Duration::from_micros(round * 997 % 40_000);
        let begin = Instant::now();
        while begin.elapsed() < moment {
            std::hint::spin_loop();
        }
        if round % 2 == 0 {
            running.signal(Signal::KILL);
        } else {
            for monitor in monitors(&sandbox) {
                kill(monitor);
            }
        }
        running.wait();
        // Whatever is left, the name can be had again: now, or once a container that lives on has ended.
        eventually("the name is free", || {
            let outcome = sandbox
                .coracle(["run", "--rm", "--name", "one", IMAGE, "true"])
                .run();
            outcome.code == Some(0)
        });
    }
    assert_clean(&sandbox);
}

#[test]
fn many_at_once_with_one_name() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let winners = std::sync::atomic::AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let outcome = sandbox
                    .coracle(["run", "-d", "--name", "one", IMAGE, "sleep", "1000"])
                    .run();
                match outcome.code {
                    Some(0) => _ = winners.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
                    _ => drop(outcome.exits(125).says("in use")),
                }
            });
        }
    });
    assert_eq!(winners.into_inner(), 1);
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    assert_clean(&sandbox);
}

#[test]
fn runs_side_by_side_do_not_disturb_each_other() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    // Namespaces are joined, left and made anew all the time.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..40 {
                    sandbox.coracle(["run", "--rm", IMAGE, "true"]).run().succeeds();
                }
            });
        }
    });
    assert_clean(&sandbox);
}

#[test]
fn two_first_commands_at_once() {
    for _ in 0..5 {
        let sandbox = Sandbox::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    sandbox
                        .coracle(["create", "--rootfs", "/", "true"])
                        .run()
                        .succeeds()
                });
            }
        });
        let outcome = sandbox.coracle(["ps", "-aq"]).run().succeeds();
        assert_eq!(outcome.text().lines().count(), 4, "{outcome}");
        for id in outcome.text().lines() {
            sandbox.coracle(["rm", id]).run().succeeds();
        }
    }
}

#[test]
fn a_reader_that_leaves_ends_the_caller_and_not_the_container() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let outcome = sandbox
        .coracle(["run", "--name", "one", IMAGE, "yes"])
        .through_shell("\"$0\" \"$@\" | head -n 1")
        .run()
        .succeeds();
    outcome.prints("y\n");
    sandbox.coracle(["exec", "one", "true"]).run().succeeds();
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    assert_clean(&sandbox);
}

#[test]
fn a_reader_that_does_not_read_blocks_nobody_else() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let (_reader, writer) = rustix::pipe::pipe().unwrap();
    let running = sandbox
        .coracle([
            "run",
            "--name",
            "one",
            IMAGE,
            "sh",
            "-c",
            "trap 'exit 3' TERM; while :; do echo text; done",
        ])
        .output_to(writer)
        .start();
    let container = || sandbox.coracle(["exec", "one", "true"]).run();
    eventually("the container runs", || container().code == Some(0));
    let stopped = sandbox.coracle(["stop", "-t", "2", "one"]).run().succeeds();
    assert!(stopped.elapsed < Duration::from_secs(8), "{stopped}");
    running.signal(Signal::KILL);
    running.wait();
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    assert_clean(&sandbox);
}

#[test]
fn a_stopped_monitor_hangs_nobody() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    detached(&sandbox);
    let each = |signal| {
        for pid in monitors(&sandbox) {
            kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
        }
    };
    each(Signal::STOP);
    sandbox.coracle(["exec", "one", "true"]).run().succeeds();
    sandbox.coracle(["logs", "one"]).run().succeeds();
    sandbox.coracle(["ps"]).run().succeeds();
    sandbox
        .coracle(["stop", "-t", "1", "one"])
        .run()
        .exits(125)
        .says("its monitor is stopped");
    each(Signal::CONT);
    sandbox.coracle(["wait", "one"]).run().succeeds().prints("137\n");
    sandbox.coracle(["rm", "one"]).run().succeeds();
    assert_clean(&sandbox);
}

#[test]
fn a_lost_run_directory_is_not_missed() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    detached(&sandbox);
    let _ = std::fs::remove_dir_all(sandbox.path("run"));
    sandbox
        .coracle(["ps", "--format", "{{.Names}} {{.State}}"])
        .run()
        .prints("one running\n");
    sandbox.coracle(["exec", "one", "true"]).run().succeeds();
    sandbox.coracle(["logs", "one"]).run().succeeds();
    sandbox.coracle(["stop", "-t", "0", "one"]).run().succeeds();
    sandbox.coracle(["rm", "one"]).run().succeeds();
    assert_clean(&sandbox);
}

#[test]
fn a_lock_of_the_callers_shell_is_not_ours() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let lock = sandbox.file("lock", "");
    let line = format!("exec 9>{}; flock -x 9; \"$0\" \"$@\"", lock.display());
    sandbox
        .coracle(["run", "-d", "--name", "one", IMAGE, "sleep", "1000"])
        .through_shell(&line)
        .run()
        .succeeds();
    // Had the monitor kept descriptor 9, the lock would still be held.
    let outcome = sandbox
        .program("flock")
        .args(["-n", "-x"])
        .arg(&lock)
        .arg("true")
        .run();
    outcome.succeeds();
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
}

#[test]
fn a_full_disk_is_one_sentence_and_leaves_nothing() {
    crate::support::requires::requires!("root");
    let sandbox = Sandbox::new();
    let script = format!(
        "mount -t tmpfs -o size=6m,nr_inodes=2000 none {root} && chmod 700 {root} && \"$0\" \"$@\" && \
         head -c 100m /dev/zero >{root}/filler; \
         \"$0\" --root {root} run --rm --rootfs / /bin/true; echo code $?; ls {root}/containers {root}/names; \
         rm {root}/filler; \"$0\" --root {root} run --rm --rootfs /:O /bin/true; echo code $?",
        root = sandbox.path("share/full").display()
    );
    std::fs::create_dir(sandbox.path("share/full")).unwrap();
    // In a mount namespace of its own, so that the disk vanishes with the test.
    let root = sandbox.path("share/full").display().to_string();
    let outcome = sandbox
        .program("unshare")
        .args(["-m", "sh", "-c", &script])
        .arg(sandbox.binary())
        .args(["--root", &root, "ps", "-q"])
        .run();
    let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
    assert!(text.contains("code 125"), "{outcome}");
    assert!(text.ends_with("code 0\n"), "{outcome}");
}

#[test]
fn a_disk_that_fills_during_a_load_leaves_nothing() {
    crate::support::requires::requires!("root");
    let sandbox = Sandbox::new();
    let archive = sandbox.path("tmp/image.tar");
    Image::new()
        .layer(&[Entry::file("one", "1")])
        .compressed_layer(&[Entry::file("big", vec![7; 8 << 20])], Compression::Gzip)
        .name(IMAGE)
        .write(&archive, Format::OciArchive);
    let root = sandbox.path("share/full");
    std::fs::create_dir(&root).unwrap();
    let script = format!(
        "mount -t tmpfs -o size=4m none {root} && chmod 700 {root}; \"$0\" --root {root} load -q -i {archive}; \
         echo code $?; \"$0\" --root {root} system check; ls {root}/images {root}/layers {root}/tags {root}/staging {root}/trash",
        root = root.display(),
        archive = archive.display(),
    );
    // In a mount namespace of its own, so that the disk vanishes with the test.
    let outcome = sandbox
        .program("unshare")
        .args(["-m", "sh", "-c", &script])
        .arg(sandbox.binary())
        .run()
        .says("no space left on device");
    let kinds = ["images", "layers", "staging", "tags", "trash"];
    let empty: Vec<_> = kinds
        .iter()
        .map(|kind| format!("{}/{kind}:\n", root.display()))
        .collect();
    assert_eq!(
        outcome.text(),
        format!("code 125\n{}", empty.join("\n")).trim_end(),
        "{outcome}"
    );
}
