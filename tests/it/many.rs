//! Much at once, and what costs nothing however long it takes.

use std::collections::BTreeSet;

use super::death::{IMAGE, assert_clean, eventually, is_waiting, monitors};
use super::support::Sandbox;

#[test]
fn many_commands_at_once_in_one_container() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    sandbox
        .coracle(["run", "-d", "--name", "one", IMAGE, "sleep", "1000"])
        .run()
        .succeeds();
    let id = {
        let words = ["inspect", "--format", "{{.Id}}", "one"];
        sandbox.coracle(words).run().succeeds().text().to_owned()
    };
    let directory = sandbox.data_root().join("containers").join(id);
    let files = || -> BTreeSet<_> {
        let all = std::fs::read_dir(&directory).unwrap();
        all.map(|entry| entry.unwrap().file_name()).collect()
    };
    let before = files();
    let (at_once, each) = (32, 4);
    std::thread::scope(|scope| {
        for thread in 0..at_once {
            let sandbox = &sandbox;
            scope.spawn(move || {
                for number in 0..each {
                    let text = format!("{thread} {number}");
                    let exec = sandbox.coracle(["exec", "one", "echo", &text]).run();
                    exec.succeeds().prints(&(text + "\n"));
                }
            });
        }
    });
    assert_eq!(files(), before);
    let processes = sandbox.coracle(["top", "one", "comm"]).run().succeeds();
    assert_eq!(processes.text().lines().count(), 2, "{processes}");
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    assert_clean(&sandbox);
}

/// How often a process has waited for something and gone on, its ticks of processor time, and whether it waits.
fn wakes(pid: i32) -> (u64, u64, bool) {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    let status = read("status");
    let waits = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))
        .unwrap();
    let stat = read("stat");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // Fields 14 and 15, of which the two before the name's end are not here.
    let ticks = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    (waits.trim().parse().unwrap(), ticks, fields[0] == "S")
}

#[test]
fn the_monitor_of_an_idle_container_sleeps() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    sandbox
        .coracle(["run", "-d", "--name", "one", IMAGE, "sleep", "1000"])
        .run()
        .succeeds();
    let monitor = {
        let mut pids = Vec::new();
        eventually("it has a monitor", || {
            pids = monitors(&sandbox).into_iter().collect();
            pids.len() == 1
        });
        pids[0]
    };
    // It may still have to do with its start.
    let mut before = wakes(monitor);
    eventually("it waits", || {
        sandbox.coracle(["exec", "one", "true"]).run().succeeds();
        let now = wakes(monitor);
        std::mem::replace(&mut before, now) == now
    });
    sandbox.coracle(["exec", "one", "sleep", "3"]).run().succeeds();
    assert_eq!(wakes(monitor), before, "it was woken though nothing happened");
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
}

#[test]
fn whoever_waits_for_an_idle_container_sleeps() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    sandbox
        .coracle(["run", "-d", "--name", "one", IMAGE, "sleep", "1000"])
        .run()
        .succeeds();
    for words in [&["wait", "one"][..], &["wait", "--condition", "removed", "one"]] {
        let waiting = sandbox.coracle(words).start();
        is_waiting(&waiting);
        let pid = i32::try_from(waiting.pid()).unwrap();
        // It may still be on its way, or be given no time by a busy machine.
        let mut before = wakes(pid);
        eventually("it waits", || {
            sandbox.coracle(["exec", "one", "true"]).run().succeeds();
            let now = wakes(pid);
            std::mem::replace(&mut before, now) == now && now.2
        });
        sandbox.coracle(["exec", "one", "sleep", "3"]).run().succeeds();
        assert_eq!(wakes(pid), before, "it was woken though nothing happened");
    }
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
}
