//! Containers whose command is systemd. What it does there itself needs a machine of its own (`tests/vm`).

use super::death::IMAGE;
use super::support::tar::Entry;
use super::support::{Image, Sandbox};

/// What a payload sees of it all.
const LOOK: &str = "echo ${#container_uuid}; while read -r _ place kind options _; do \
                    case $place in /run|/run/lock|/tmp|/var/log/journal) echo $place $kind ${options%%,*};; \
                    /sys/fs/cgroup) echo cgroup ${options%%,*};; esac; done </proc/mounts | sort";

const PREPARED: &str =
    "32\n/run tmpfs rw\n/run/lock tmpfs rw\n/tmp tmpfs rw\n/var/log/journal tmpfs rw\ncgroup rw\n";
const PLAIN: &str = "0\ncgroup ro\n";

#[test]
fn a_container_is_prepared_for_systemd() {
    let sandbox = Sandbox::new();
    let init = Entry::program("sbin/init", format!("#!/bin/sh\n{LOOK}\n"));
    sandbox.load(&Image::busybox().layer(&[Entry::directory("sbin/"), init]));
    let by_name: &[&str] = &[IMAGE, "/sbin/init"];
    let by_shell: &[&str] = &[IMAGE, "sh", "-c", LOOK];
    let cases: [(&[&str], &[&str], &str); 7] = [
        (&[], by_name, PREPARED),
        (&["--read-only"], by_name, PREPARED),
        (&["--systemd=true"], by_shell, PLAIN),
        (&["--systemd", "always"], by_shell, PREPARED),
        (&["--systemd=false"], by_name, PLAIN),
        (
            &["--entrypoint", "/sbin/init"],
            &[IMAGE, "--log-level=info"],
            PREPARED,
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
