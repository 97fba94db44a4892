//! Changing what exists. That the kernel keeps the new limits is tested in the VM (`tests/vm/suites/limits.sh`).

use std::fs;
use std::path::PathBuf;

use super::death::{IMAGE, assert_clean, eventually};
use super::steps::at_every_step;
use crate::support::Sandbox;

const LIMITS: &str = "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}";

#[track_caller]
fn show(sandbox: &Sandbox, format: &str) -> String {
    let outcome = sandbox
        .coracle(["inspect", "--format", format, "one"])
        .run()
        .succeeds();
    outcome.text().trim_end().to_owned()
}

#[test]
fn what_does_not_run_is_changed_in_its_record() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    sandbox
        .coracle(["create", "--name", "one", "--memory", "32m", IMAGE, "true"])
        .run()
        .succeeds();
    let steps: [(&[&str], &str); 6] = [
        (&["--memory", "64m"], "67108864 0 0"),
        (&["--cpus=0.5", "--pids-limit", "20"], "67108864 500000000 20"),
        (&["-m", "0", "--pids-limit=-1"], "0 500000000 0"),
        (&["--cpus", "0"], "0 0 0"),
        (&["--restart", "on-failure:3"], "0 0 0"),
        (
            &["--cpu-rt-period=0", "--memory-swappiness", "5", "--cpus=0"],
            "0 0 0",
        ),
    ];
    for (words, expected) in steps {
        let outcome = sandbox.coracle(["update"]).args(words).arg("one").run();
        outcome.succeeds().prints("one\n");
        assert_eq!(show(&sandbox, LIMITS), expected, "{words:?}");
    }
    let policy = "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}";
    assert_eq!(show(&sandbox, policy), "on-failure 3");
    for (words, said) in [
        (&["one"][..], "name something to change"),
        (&["--memory", "lots", "one"], "lots"),
        (&["--memory", "1k", "one"], "6 MiB"),
        (&["--cpus", "many", "one"], "many"),
        (&["--restart", "sometimes", "one"], "sometimes"),
        (&["--memory-swap", "1g", "one"], "always set a memory limit"),
        (
            &["--cpus=1", "--cpu-quota=1", "one"],
            "--cpu-quota and --cpus cannot be set together",
        ),
        (
            &["--device-read-bps=/dev/zero:1m", "one"],
            "/dev/zero: not a block device",
        ),
        (&["--restart", "always", "nosuch"], "nosuch"),
        (&["--restart", "always"], "container"),
    ] {
        let outcome = sandbox.coracle(["container", "update"]).args(words).run();
        outcome.exits(125).says(said);
    }
    assert_eq!(show(&sandbox, policy), "on-failure 3");
    sandbox.coracle(["rm", "one"]).run().succeeds();
    sandbox
        .coracle(["create", "--rm", "--name", "one", IMAGE, "true"])
        .run()
        .succeeds();
    sandbox
        .coracle(["update", "--restart=always", "--latest"])
        .run()
        .exits(125)
        .says("--rm");
    sandbox.coracle(["rm", "one"]).run().succeeds();
}

#[test]
fn other_limits_are_changed_in_the_record() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    sandbox
        .coracle([
            "create",
            "--name=one",
            "-c=1024",
            "--memory=64m",
            "--memory-swap=-1",
        ])
        .args([
            "--cpuset-cpus=0-1",
            "--blkio-weight=300",
            "--cgroup-conf=memory.high=1G",
        ])
        .args([IMAGE, "true"])
        .run()
        .succeeds();
    let format = "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.MemoryReservation}} \
                  {{.HostConfig.CpuShares}} {{.HostConfig.CpuPeriod}} {{.HostConfig.CpuQuota}} {{.HostConfig.NanoCpus}} \
                  {{.HostConfig.CpusetCpus}} {{.HostConfig.BlkioWeight}} {{.HostConfig.CgroupConf}}";
    let steps: [(&[&str], &str); 5] = [
        (&[], "67108864 -1 0 1024 0 0 0 0-1 300 map[memory.high:1G]"),
        (
            &[
                "--memory-swap=96m",
                "--memory-reservation=32m",
                "--cpu-shares=0",
                "--cpus=0.5",
            ],
            "67108864 100663296 33554432 0 0 0 500000000 0-1 300 map[memory.high:1G]",
        ),
        (
            &[
                "--cpu-period=20000",
                "--cpuset-cpus=",
                "--blkio-weight=0",
                "--cgroup-conf=memory.high=max",
            ],
            "67108864 100663296 33554432 0 20000 50000 0  0 map[memory.high:max]",
        ),
        (
            &["--memory=0", "--memory-reservation=0"],
            "0 0 0 0 20000 50000 0  0 map[memory.high:max]",
        ),
        (&["--cpus=0"], "0 0 0 0 0 0 0  0 map[memory.high:max]"),
    ];
    for (words, expected) in steps {
        if !words.is_empty() {
            sandbox
                .coracle(["update"])
                .args(words)
                .arg("one")
                .run()
                .succeeds();
        }
        assert_eq!(show(&sandbox, format), expected, "{words:?}");
    }
    sandbox.coracle(["rm", "one"]).run().succeeds();
}

#[test]
fn a_container_without_a_group_stays_in_that_of_its_caller() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let words = [
        "run",
        "-d",
        "--name=one",
        "--cgroups=disabled",
        "--cgroupns=host",
        IMAGE,
    ];
    let script = "cat /proc/self/cgroup; exec sleep 1000";
    sandbox.coracle(words).args(["sh", "-c", script]).run().succeeds();
    let own = fs::read_to_string("/proc/self/cgroup").unwrap();
    let logs = || sandbox.coracle(["logs", "one"]).run().text().to_owned();
    eventually("it says its group", || logs().contains("0::"));
    assert_eq!(logs(), own.trim_end());
    assert_eq!(
        show(&sandbox, "{{.HostConfig.Cgroups}}{{.State.CgroupPath}}"),
        "disabled"
    );
    let outcome = sandbox.coracle(["update", "--memory=64m", "one"]).run();
    outcome.exits(125).says("it has no control group");
    sandbox.coracle(["rm", "-f", "-t=0", "one"]).run().succeeds();
    assert_clean(&sandbox);
}

/// Options that need a controller each, and what is said where it is missing.
const BY_CONTROLLER: [(&str, &str); 7] = [
    ("--memory-reservation=32m", "memory"),
    ("--cpu-shares=512", "cpu"),
    ("--cpu-quota=50000", "cpu"),
    ("--cpuset-cpus=0", "cpuset"),
    ("--cpuset-mems=0", "cpuset"),
    ("--blkio-weight=300", "io"),
    ("--cgroup-conf=memory.high=1G", "memory"),
];

#[test]
fn each_limit_is_refused_where_its_controller_is_missing() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    sandbox
        .coracle(["run", "-d", "--name", "one", IMAGE, "sleep", "1000"])
        .run()
        .succeeds();
    let path = PathBuf::from(show(&sandbox, "{{.State.CgroupPath}}"));
    let has = |controller: &str| {
        path.ancestors().any(|level| {
            let text = fs::read_to_string(level.join("cgroup.controllers")).unwrap_or_default();
            text.split_whitespace().any(|name| name == controller)
        })
    };
    for (option, controller) in BY_CONTROLLER {
        // The kernel has it in this hierarchy, so that it can be had.
        if has(controller) {
            continue;
        }
        let said = format!("cannot limit {controller}: ");
        let words = ["run", "--rm", option, IMAGE, "true"];
        sandbox.coracle(words).run().exits(125).says(&said);
        let outcome = sandbox.coracle(["update", option, "one"]).run();
        outcome.exits(125).says(&said).says("nothing was changed");
    }
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    assert_clean(&sandbox);
}

#[test]
fn what_runs_keeps_its_limits_or_has_new_ones() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    sandbox
        .coracle(["run", "-d", "--name", "one", IMAGE, "sleep", "1000"])
        .run()
        .succeeds();
    let path = PathBuf::from(show(&sandbox, "{{.State.CgroupPath}}"));
    let controllers = fs::read_to_string(path.join("cgroup.controllers")).unwrap_or_default();
    let outcome = sandbox.coracle(["update", "--memory", "64m", "one"]).run();
    if controllers.split_whitespace().any(|name| name == "memory") {
        outcome.succeeds();
        assert_eq!(fs::read_to_string(path.join("memory.max")).unwrap(), "67108864\n");
    } else {
        outcome
            .exits(125)
            .says("cannot limit memory")
            .says("nothing was changed");
        assert_eq!(show(&sandbox, LIMITS), "0 0 0");
    }
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
}

#[test]
fn a_policy_counts_from_the_next_end_on() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let script = "trap 'exit 3' USR1; echo ready; while :; do sleep 0.05; done";
    sandbox
        .coracle(["run", "-d", "--name", "one", IMAGE, "sh", "-c", script])
        .run()
        .succeeds();
    let is_ready = |times: usize| {
        let logs = sandbox.coracle(["logs", "one"]).run();
        logs.text().matches("ready").count() == times
    };
    eventually("it is ready", || is_ready(1));
    sandbox
        .coracle(["update", "--restart", "on-failure:1", "one"])
        .run()
        .succeeds();
    for state in ["running 1", "exited 1"] {
        sandbox.coracle(["kill", "-s", "USR1", "one"]).run().succeeds();
        eventually(state, || {
            show(&sandbox, "{{.State.Status}} {{.RestartCount}}") == state
        });
        eventually("it is ready", || is_ready(2));
    }
    sandbox.coracle(["rm", "one"]).run().succeeds();
}

#[test]
fn what_runs_is_checked_as_it_says_now() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let script = "exec sleep 1000";
    let made = [
        "run",
        "-d",
        "--stop-timeout=0",
        "--name",
        "one",
        IMAGE,
        "sh",
        "-c",
        script,
    ];
    sandbox.coracle(made).run().succeeds();
    let update = |flags: &[&str]| sandbox.coracle(["update"]).args(flags).arg("one").run();
    let changes = |flags: &[&str]| {
        let outcome = update(flags).succeeds().prints("one\n");
        assert!(outcome.stderr.is_empty(), "{outcome}");
    };
    let check = || sandbox.coracle(["healthcheck", "run", "one"]).run();
    let status = "{{.State.Health.Status}}";
    for (flags, said) in [
        (&["--health-retries=5"][..], "healthcheck command is not set"),
        (
            &["--health-cmd=a", "--health-startup-success=5"],
            "healthcheck command is not set",
        ),
        (
            &["--health-cmd=a", "--health-log-destination=/no/where"],
            "there is no directory",
        ),
        (
            &["--health-cmd=a", "--health-on-failure=panic"],
            "--health-on-failure",
        ),
        (
            &["--health-cmd=a", "--no-healthcheck"],
            "--no-healthcheck does not go with",
        ),
    ] {
        update(flags).exits(125).says(said);
    }
    changes(&[
        "--health-cmd",
        "test -e /well",
        "--health-interval=disable",
        "--health-retries=2",
    ]);
    check().exits(1);
    assert_eq!(show(&sandbox, status), "starting");
    check().exits(1);
    assert_eq!(show(&sandbox, status), "unhealthy");
    // What was found stays until something else is found.
    changes(&["--health-interval", "50ms", "--health-max-log-count=9"]);
    assert_eq!(show(&sandbox, status), "unhealthy");
    let checks = "{{.Config.Healthcheck.Test}} {{.Config.Healthcheck.Retries}} {{.Config.HealthMaxLogCount}}";
    assert_eq!(show(&sandbox, checks), "[CMD-SHELL test -e /well] 2 9");
    sandbox
        .coracle(["exec", "one", "touch", "/well"])
        .run()
        .succeeds();
    eventually("it is healthy", || show(&sandbox, status) == "healthy");
    // Whoever waits for what is not looked for any more hears that.
    let waiting = sandbox
        .coracle(["wait", "--condition", "unhealthy", "one"])
        .start();
    changes(&["--no-healthcheck"]);
    waiting.wait().exits(125).says("has no health check");
    check().exits(125).says("has no health check");
    assert_eq!(
        show(&sandbox, "{{.State.Health.Status}}{{.Config.Healthcheck}}"),
        "<nil>"
    );
    changes(&[
        "--health-cmd=false",
        "--health-interval=50ms",
        "--health-retries=1",
        "--health-on-failure=kill",
    ]);
    eventually("it is killed", || show(&sandbox, "{{.State.Status}}") == "exited");
    // What does not run starts with it.
    changes(&["--health-cmd=true", "--health-on-failure=none"]);
    sandbox.coracle(["start", "one"]).run().succeeds();
    eventually("it is healthy", || show(&sandbox, status) == "healthy");
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    assert_clean(&sandbox);
}

#[test]
fn an_environment_counts_from_the_next_start_on() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let script = "trap 'exit 3' USR1; echo \"=$A$B\"; while :; do sleep 0.05; done";
    let made = [
        "run",
        "-d",
        "--restart=on-failure",
        "--stop-timeout=0",
        "--name=one",
        "-e=A=1",
        "-e=B=2",
    ];
    sandbox
        .coracle(made)
        .args([IMAGE, "sh", "-c", script])
        .run()
        .succeeds();
    let has_said = |text: &str| {
        eventually(text, || {
            sandbox.coracle(["logs", "one"]).run().text().replace('\n', "") == text
        });
    };
    has_said("=12");
    sandbox
        .coracle(["update", "-e", "A=3", "--env", "C", "--unsetenv", "B", "one"])
        .env("C", "4")
        .run()
        .succeeds()
        .prints("one\n")
        .says("one runs: its new environment counts from the next start on");
    let variables = show(&sandbox, "{{.Config.Env}}");
    assert!(variables.ends_with(" A=3 C=4]"), "{variables}");
    // A start by its policy is one as well.
    sandbox.coracle(["kill", "-s", "USR1", "one"]).run().succeeds();
    has_said("=12=3");
    sandbox.coracle(["stop", "one"]).run().succeeds();
    let words = ["update", "--unsetenv=A", "--env", "B=5", "one"];
    let outcome = sandbox.coracle(words).run().succeeds();
    assert!(outcome.stderr.is_empty(), "{outcome}");
    sandbox.coracle(["start", "one"]).run().succeeds();
    has_said("=12=3=5");
    for flag in ["=5", ""] {
        sandbox
            .coracle(["update", "-e", flag, "one"])
            .run()
            .exits(125)
            .says("--env");
    }
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    assert_clean(&sandbox);
}

#[test]
fn an_update_that_is_killed_at_any_step_is_whole_or_none() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    sandbox
        .coracle(["create", "--name", "one", IMAGE, "true"])
        .run()
        .succeeds();
    let update =
        |memory: &str, pids: &str| sandbox.coracle(["update", "-m", memory, "--pids-limit", pids, "one"]);
    at_every_step(
        || update("64m", "20"),
        || {
            let limits = show(&sandbox, LIMITS);
            assert!(limits == "67108864 0 20" || limits == "0 0 0", "{limits}");
            update("0", "0").run().succeeds();
        },
    );
    sandbox.coracle(["rm", "one"]).run().succeeds();
}
