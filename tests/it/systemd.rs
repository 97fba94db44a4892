//! Containers whose command is systemd. What it does there itself needs a machine of its own (`tests/vm`).

use super::death::IMAGE;
use super::support::tar::Entry;
use super::support::{Image, Sandbox, requires};

/// What a payload sees of it all.
const LOOK: &str = "echo ${#container_uuid}; while read -r _ place kind options _; do \
                    case $place in /run|/run/lock|/tmp|/var/log/journal) echo $place $kind ${options%%,*};; \
                    /sys/fs/cgroup) echo cgroup ${options%%,*};; esac; done </proc/mounts | sort";

/// The control group can be written to where the kernel keeps the container's limits from it.
fn prepared() -> String {
    let table = std::fs::read_to_string("/proc/self/mountinfo").expect("a kernel with /proc");
    let mut groups = table.lines().filter(|line| line.contains(" - cgroup2 "));
    let access = match groups.any(|line| line.contains("nsdelegate")) {
        true => "rw",
        false => "ro",
    };
    let places = "/run tmpfs rw\n/run/lock tmpfs rw\n/tmp tmpfs rw\n/var/log/journal tmpfs rw";
    format!("32\n{places}\ncgroup {access}\n")
}

const PLAIN: &str = "0\ncgroup ro\n";

#[test]
fn a_container_is_prepared_for_systemd() {
    let sandbox = Sandbox::new();
    let init = Entry::program("sbin/init", format!("#!/bin/sh\n{LOOK}\n"));
    sandbox.load(&Image::busybox().layer(&[Entry::directory("sbin/"), init]));
    let prepared = prepared();
    let prepared = prepared.as_str();
    let by_name: &[&str] = &[IMAGE, "/sbin/init"];
    let by_shell: &[&str] = &[IMAGE, "sh", "-c", LOOK];
    let cases: [(&[&str], &[&str], &str); 7] = [
        (&[], by_name, prepared),
        (&["--read-only"], by_name, prepared),
        (&["--systemd=true"], by_shell, PLAIN),
        (&["--systemd", "always"], by_shell, prepared),
        (&["--systemd=false"], by_name, PLAIN),
        (
            &["--entrypoint", "/sbin/init"],
            &[IMAGE, "--log-level=info"],
            prepared,
        ),
        (&[], by_shell, PLAIN),
    ];
    for (words, command, expected) in cases {
        let outcome = sandbox.coracle(["run", "--rm"]).args(words).args(command).run();
        outcome.succeeds().prints(expected);
    }
    // What its owner mounts there is not covered, and the size is his.
    let outcome = sandbox
        .coracle(["run", "--rm", "--systemd=always", "--shm-size-systemd=4m", "--tmpfs", "/tmp:size=1m", IMAGE, "sh", "-c"])
        .arg("df -k /run /run/lock /tmp | while read -r _ blocks _; do echo $blocks; done; stat -c %a /run /run/lock /tmp; \
              test -e /run/.containerenv")
        .run();
    outcome
        .succeeds()
        .prints("1K-blocks\n4096\n4096\n1024\n755\n1777\n1777\n");
}

#[test]
fn systemd_is_ended_by_its_own_signal() {
    let sandbox = Sandbox::new();
    sandbox
        .load(&Image::busybox().layer(&[Entry::directory("sbin/"), Entry::symlink("sbin/init", "/bin/sh")]));
    let cases: [(&[&str], &str); 4] = [
        (&[], "37"),
        (&["--stop-signal=TERM"], "15"),
        (&["--systemd=0"], "15"),
        (&["--systemd=always", "--entrypoint", "sh"], "37"),
    ];
    for (words, expected) in cases {
        sandbox
            .coracle(["create", "--name", "one"])
            .args(words)
            .args([IMAGE, "/sbin/init"])
            .run()
            .succeeds();
        let record = sandbox
            .coracle(["inspect", "--format", "{{.Config.StopSignal}}", "one"])
            .run();
        let shown = record.succeeds().text().to_owned();
        let names = [("37", "SIGRTMIN+3"), ("15", "SIGTERM")];
        let is_it = names
            .iter()
            .any(|(number, name)| *number == expected && (shown == *name || shown == expected));
        assert!(is_it, "{words:?}: {shown}");
        sandbox.coracle(["rm", "one"]).run().succeeds();
    }
    for words in [&["--systemd=sometimes"][..], &["--shm-size-systemd=lots"]] {
        let outcome = sandbox
            .coracle(["run", "--rm"])
            .args(words)
            .args([IMAGE, "true"])
            .run();
        outcome
            .exits(125)
            .says(words[0].split('=').nth(1).expect("a value"));
    }
}

/// systemd moves itself to a group of its own and gives controllers to those below: nobody can be born in the container's
/// own then.
#[test]
fn commands_join_the_group_of_the_first_process() {
    requires!("root", "cgroup");
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let first = "mkdir /sys/fs/cgroup/init.scope && echo 1 >/sys/fs/cgroup/init.scope/cgroup.procs && \
                 for one in $(cat /sys/fs/cgroup/cgroup.controllers); do echo +$one >/sys/fs/cgroup/cgroup.subtree_control; done; \
                 echo ready; exec sleep 1000";
    let words = ["run", "--privileged", "--name", "one", IMAGE, "sh", "-c", first];
    let running = sandbox.coracle(words).start();
    running.expect("ready");
    let words = ["exec", "one", "cat", "/proc/self/cgroup"];
    let told = sandbox.coracle(words).run().succeeds();
    assert!(told.text().lines().any(|line| line == "0::/init.scope"), "{told}");
    sandbox.coracle(["rm", "-f", "-t", "0", "one"]).run().succeeds();
    running.wait().exits(137);
}
