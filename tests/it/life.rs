//! What ends a container, who is told, and what is told of it afterwards.

use std::fs;
use std::os::unix::net::UnixDatagram;

use rustix::process::Signal;

use super::death::{IMAGE, assert_clean, eventually, monitors};
use crate::support::Sandbox;

/// Sleeps until it is told to end, which it does with 7.
const SLEEPER: &str = "trap 'exit 7' TERM; echo on; while :; do sleep 1; done";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    sandbox
}

/// What `why` says of the container `one`, by a template.
#[track_caller]
fn why(sandbox: &Sandbox, format: &str) -> String {
    let told = sandbox
        .coracle(["why", "--format", format, "one"])
        .run()
        .succeeds();
    told.text().trim_end().to_owned()
}

#[test]
fn time_is_over() {
    let sandbox = sandbox();
    let run = ["run", "--timeout", "1", "--name", "one", IMAGE, "sleep", "1000"];
    // As Podman, which has no exit code of it.
    sandbox.coracle(run).run().exits(255);
    assert_eq!(why(&sandbox, "{{.cause}} {{.exitCode}}"), "timeout -1");
    let started = ["start", "-a", "one"];
    sandbox.coracle(started).run().exits(255);
    sandbox.coracle(["wait", "one"]).run().succeeds().prints("-1\n");
    let listed = sandbox
        .coracle(["ps", "-a", "--format", "{{.Status}} {{.ExitCode}}"])
        .run()
        .succeeds();
    assert!(
        listed.text().starts_with("Exited (-1) ") && listed.text().ends_with(" -1"),
        "{listed}"
    );
    sandbox
        .coracle(["run", "--rm", "--timeout", "0", IMAGE, "true"])
        .run()
        .succeeds();
    sandbox.coracle(["rm", "one"]).run().succeeds();
    assert_clean(&sandbox);
}

/// Killed itself, its caller takes the container along; the container may clean up.
#[test]
fn a_guarded_container_ends_with_its_caller() {
    for (words, environment, code) in [
        (&["--guard"][..], None, "caller-gone 7"),
        (&[], Some("CI"), "caller-gone 7"),
        (
            &["--init", "--guard", "--stop-signal=KILL"],
            None,
            "caller-gone 137",
        ),
    ] {
        let sandbox = sandbox();
        let mut run = sandbox
            .coracle(["run"])
            .args(words)
            .args(["--name", "one", IMAGE, "sh", "-c", SLEEPER]);
        if let Some(name) = environment {
            run = run.env(name, "true");
        }
        let running = run.start();
        running.expect("on");
        running.signal(Signal::KILL);
        running.wait();
        eventually("its monitor ends", || monitors(&sandbox).is_empty());
        assert_eq!(why(&sandbox, "{{.cause}} {{.exitCode}}"), code, "{words:?}");
    }
}

#[test]
fn without_a_guard_it_goes_on() {
    let sandbox = sandbox();
    for words in [&["run"][..], &["run", "--guard=false"]] {
        let is_plain = words.len() == 1;
        let mut run = sandbox
            .coracle(words)
            .args(["--rm", "--name", "one", IMAGE, "sh", "-c", SLEEPER]);
        if !is_plain {
            run = run.env("CI", "true");
        }
        let running = run.start();
        running.expect("on");
        running.signal(Signal::KILL);
        running.wait();
        let status = ["inspect", "--format", "{{.State.Status}}", "one"];
        sandbox.coracle(status).run().succeeds().prints("running\n");
        sandbox.coracle(["stop", "one"]).run().succeeds();
        eventually("its monitor ends", || monitors(&sandbox).is_empty());
    }
    // What stays in the background is meant to stay.
    let detached = ["run", "--rm", "-d", "--name", "one", IMAGE, "sh", "-c", SLEEPER];
    sandbox.coracle(detached).env("CI", "true").run().succeeds();
    assert!(!monitors(&sandbox).is_empty());
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    for (words, part) in [
        (&["-d"][..], "--detach"),
        (&["--restart=always"], "--restart=always"),
    ] {
        let refused = sandbox
            .coracle(["run", "--guard"])
            .args(words)
            .args([IMAGE, "true"])
            .run();
        refused.exits(125).says(part);
    }
}

#[test]
fn its_image_goes_with_it() {
    let sandbox = sandbox();
    sandbox
        .coracle(["create", "--name", "other", IMAGE, "true"])
        .run()
        .succeeds();
    sandbox.coracle(["run", "--rmi", IMAGE, "true"]).run().succeeds();
    sandbox.coracle(["image", "exists", IMAGE]).run().succeeds();
    sandbox.coracle(["rm", "other"]).run().succeeds();
    sandbox
        .coracle(["run", "--rmi", IMAGE, "sh", "-c", "exit 3"])
        .run()
        .exits(3);
    sandbox.coracle(["image", "exists", IMAGE]).run().exits(1);
    sandbox.coracle(["ps", "-aq"]).run().succeeds().prints("");
}

#[test]
fn the_time_of_another_place() {
    let sandbox = sandbox();
    let run = |zone: &str| {
        let words = [
            "run",
            "--rm",
            "--tz",
            zone,
            IMAGE,
            "sh",
            "-c",
            "head -c 4 /etc/localtime",
        ];
        sandbox.coracle(words).run()
    };
    if fs::exists("/usr/share/zoneinfo/Europe/Berlin").unwrap() {
        run("Europe/Berlin").succeeds().prints("TZif");
    }
    if fs::exists("/etc/localtime").unwrap() {
        run("local").succeeds().prints("TZif");
    }
    run("Europe/Nowhere").exits(125).says("time zone Europe/Nowhere");
    run("../../../etc/passwd").exits(125).says("--tz");
    run("zone.tab").exits(125).says("zone.tab");
}

#[test]
fn reports_and_pids() {
    let sandbox = sandbox();
    let report = |path: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(sandbox.path("work").join(path)).unwrap()).unwrap()
    };
    let options = ["run", "--rm", "--name", "one", "--exit-report", "report.json"];
    sandbox
        .coracle(options)
        .args([IMAGE, "sh", "-c", "exit 5"])
        .run()
        .exits(5);
    let found = report("report.json");
    assert_eq!(
        (&found["cause"], &found["exitCode"], &found["name"]),
        (&"exited".into(), &5.into(), &"one".into())
    );
    sandbox.coracle(options).args([IMAGE, "/nosuch"]).run().exits(127);
    let found = report("report.json");
    assert_eq!(
        (&found["cause"], &found["exitCode"]),
        (&"start-failed".into(), &127.into())
    );
    assert!(found["error"].as_str().unwrap().contains("/nosuch"), "{found}");
    let background = [
        "run",
        "--rm",
        "-d",
        "--name",
        "one",
        "--conmon-pidfile",
        "pid",
        "--exit-report",
        "later",
    ];
    sandbox
        .coracle(background)
        .args([IMAGE, "sh", "-c", SLEEPER])
        .run()
        .succeeds();
    let pid: i32 = fs::read_to_string(sandbox.path("work/pid"))
        .unwrap()
        .parse()
        .unwrap();
    assert!(monitors(&sandbox).contains(&pid));
    sandbox.coracle(["kill", "--signal=KILL", "one"]).run().succeeds();
    eventually("it has ended", || monitors(&sandbox).is_empty());
    let found = report("later");
    assert_eq!((&found["cause"], &found["signal"]), (&"user".into(), &9.into()));
}

/// Which of our commands has sent the signal is known without events, and to the report as well; what was not meant as
/// an end is not blamed for it.
#[test]
fn whoever_has_sent_a_signal_is_known() {
    let sandbox = sandbox();
    let coracle = |words: &[&str]| {
        sandbox
            .coracle([&["--events-backend", "none"], words].concat())
            .run()
    };
    let script = "trap 'echo again' HUP; trap 'exit 7' TERM; trap 'exit 8' USR1; trap 'exit 9' INT; echo on; \
                  while :; do sleep 0.05; done";
    let last = || -> serde_json::Value {
        serde_json::from_slice(&fs::read(sandbox.path("work/report")).unwrap()).unwrap()
    };
    let logged = |word: &str| {
        eventually("it is told", || coracle(&["logs", "one"]).text().ends_with(word));
    };
    let options = [
        "--name",
        "one",
        "--exit-report",
        "report",
        IMAGE,
        "sh",
        "-c",
        script,
    ];
    let create = [&["create"][..], &options].concat();
    let payload = || -> i32 {
        let pid = coracle(&["inspect", "--format", "{{.State.Pid}}", "one"]);
        pid.text().trim().parse().unwrap()
    };
    let from_outside = |signal| {
        rustix::process::kill_process(rustix::process::Pid::from_raw(payload()).unwrap(), signal).unwrap();
    };
    for (act, cause, code, part) in [
        (
            "stop",
            "user",
            7,
            "it ended with exit code 7 after `coracle stop`, `restart` or `rm` sent it signal 15",
        ),
        ("kill -s KILL", "user", 137, "`coracle kill` sent it signal 9"),
        (
            "kill -s HUP, USR1 from outside",
            "exited",
            8,
            "by itself with exit code 8",
        ),
        (
            "kill -s HUP, KILL from outside",
            "signal",
            137,
            "before that `coracle kill` sent it signal 1",
        ),
        (
            "KILL from outside",
            "signal",
            137,
            "which no command of coracle's had sent",
        ),
        (
            "TERM to the monitor",
            "user",
            7,
            "such as a service manager, had signal 15 sent to it",
        ),
        (
            "INT to the caller",
            "user",
            9,
            "the command in its foreground passed signal 2 on to it",
        ),
    ] {
        coracle(&create).succeeds();
        let caller = match act {
            "INT to the caller" => Some(sandbox.coracle(["start", "--attach", "one"]).start()),
            _ => {
                coracle(&["start", "one"]).succeeds();
                None
            }
        };
        logged("on");
        match act {
            "stop" => drop(coracle(&["stop", "one"]).succeeds()),
            "kill -s KILL" => drop(coracle(&["kill", "one"]).succeeds()),
            "TERM to the monitor" => {
                let monitor = rustix::process::Pid::from_raw(monitors(&sandbox)[0]).unwrap();
                rustix::process::kill_process(monitor, Signal::TERM).unwrap();
            }
            _ => {}
        }
        if act.starts_with("kill -s HUP") {
            coracle(&["kill", "-s", "HUP", "one"]).succeeds();
            logged("again");
        }
        if act.contains("from outside") {
            from_outside(if act.contains("USR1") {
                Signal::USR1
            } else {
                Signal::KILL
            });
        }
        if let Some(caller) = caller {
            caller.expect("on");
            caller.signal(Signal::INT);
            caller.wait().exits(9);
        }
        eventually("its monitor ends", || monitors(&sandbox).is_empty());
        for told in [last(), serde_json::from_str(&why(&sandbox, "json")).unwrap()] {
            assert_eq!(
                (&told["cause"], &told["exitCode"]),
                (&cause.into(), &code.into()),
                "{act}: {told}"
            );
            assert!(
                told["explanation"].as_str().unwrap().contains(part),
                "{act}: {told}"
            );
        }
        coracle(&["rm", "one"]).succeeds();
    }
}

/// Until its end it runs, and is shown as Podman shows it; when its user gives up it is as before.
#[test]
fn a_long_stop_is_shown() {
    let sandbox = sandbox();
    let coracle = |words: &[&str]| sandbox.coracle(words).run();
    let script = "trap 'echo no' TERM; echo on; while :; do sleep 0.05; done";
    coracle(&["run", "-d", "--name", "one", IMAGE, "sh", "-c", script]).succeeds();
    eventually("it has begun", || !coracle(&["logs", "one"]).text().is_empty());
    let shown = || {
        let state = coracle(&[
            "inspect",
            "--format",
            "{{.State.Status}} {{.State.Running}}",
            "one",
        ]);
        let listed = coracle(&[
            "ps",
            "--filter",
            "status=running",
            "--format",
            "{{.State}} {{.Status}}",
        ]);
        format!("{}|{}", state.text().trim_end(), listed.text().trim_end())
    };
    let stop = sandbox.coracle(["stop", "-t", "1000", "one"]).start();
    eventually("it is stopping", || shown() == "stopping true|stopping Stopping");
    coracle(&[
        "ps",
        "-q",
        "--filter",
        "status=stopping",
        "--format",
        "{{.Names}}",
    ])
    .prints("one\n");
    coracle(&["rm", "one"]).exits(2);
    stop.signal(Signal::KILL);
    stop.wait();
    eventually("it goes on", || shown().starts_with("running true|running Up "));
    let stop = sandbox.coracle(["stop", "-t", "1000", "one"]).start();
    eventually("it is stopping", || shown() == "stopping true|stopping Stopping");
    coracle(&["kill", "one"]).succeeds();
    stop.wait().succeeds();
    assert!(shown().starts_with("exited false|"), "{}", shown());
    coracle(&["rm", "one"]).succeeds();
}

#[test]
fn a_service_manager_is_told() {
    let sandbox = sandbox();
    let path = sandbox.path("work/manager");
    let manager = UnixDatagram::bind(&path).unwrap();
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let heard = || {
        manager
            .set_read_timeout(Some(std::time::Duration::from_secs(20)))
            .unwrap();
        let mut buffer = [0; 256];
        let length = manager.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let run = |words: &[&str], script: &str| {
        let run = ["run", "--rm", "-d", "--name", "one", "--conmon-pidfile", "pid"];
        let run = sandbox.coracle(run).args(words).args([IMAGE, "sh", "-c", script]);
        run.env("NOTIFY_SOCKET", &path).run().succeeds();
        let pid = fs::read_to_string(sandbox.path("work/pid")).unwrap();
        fs::remove_file(sandbox.path("work/pid")).unwrap();
        pid
    };
    let stop = || {
        sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    };
    let pid = run(&["--sdnotify=conmon"], SLEEPER);
    assert_eq!(heard(), format!("MAINPID={pid}\nREADY=1"));
    stop();
    let pid = run(
        &[
            "--sdnotify=healthy",
            "--health-cmd=true",
            "--health-interval=100ms",
        ],
        SLEEPER,
    );
    assert_eq!(
        (heard(), heard()),
        (format!("MAINPID={pid}"), "READY=1".to_owned())
    );
    stop();
    let pid = run(&[], "test -S $NOTIFY_SOCKET && echo $NOTIFY_SOCKET; sleep 1000");
    assert_eq!(heard(), format!("MAINPID={pid}"));
    eventually("it has said where the socket is", || {
        let log = sandbox.coracle(["logs", "one"]).run().succeeds();
        log.text() == "/run/notify/notify.sock"
    });
    // It is the service's, and not that of whatever else runs in its container.
    let elsewhere = ["exec", "one", "sh", "-c", "echo ${NOTIFY_SOCKET-none}"];
    sandbox.coracle(elsewhere).run().succeeds().prints("none\n");
    stop();
    run(&["--sdnotify=ignore"], "test -z $NOTIFY_SOCKET && sleep 1000");
    sandbox.coracle(["exec", "one", "true"]).run().succeeds();
    stop();
    manager.set_nonblocking(true).unwrap();
    assert!(manager.recv(&mut [0; 9]).is_err());
    for (word, part) in [
        ("--sdnotify=healthy", "health check"),
        ("--sdnotify=all", "conmon, healthy"),
    ] {
        sandbox
            .coracle(["create", word, IMAGE])
            .run()
            .exits(125)
            .says(part);
    }
}

#[test]
fn causes_are_told() {
    let sandbox = sandbox();
    sandbox
        .coracle(["why", "one"])
        .run()
        .exits(125)
        .says("no such container");
    let create = ["create", "--name", "one", IMAGE, "sh", "-c", SLEEPER];
    sandbox.coracle(create).run().succeeds();
    assert_eq!(why(&sandbox, "{{.cause}} {{.status}}"), "never-started created");
    sandbox.coracle(["start", "one"]).run().succeeds();
    assert_eq!(why(&sandbox, "{{.cause}} {{.status}}"), "none running");
    eventually("it has begun", || {
        !sandbox.coracle(["logs", "one"]).run().text().is_empty()
    });
    sandbox.coracle(["stop", "one"]).run().succeeds();
    assert_eq!(
        why(&sandbox, "{{.cause}} {{.exitCode}} {{.lastOutput}}"),
        "user 7 [on\n]"
    );
    sandbox.coracle(["start", "one"]).run().succeeds();
    sandbox.coracle(["kill", "one"]).run().succeeds();
    sandbox.coracle(["wait", "one"]).run().succeeds().prints("137\n");
    let told = sandbox.coracle(["why", "one"]).run().succeeds();
    for part in [
        "one: `coracle kill` sent it signal 9\n",
        "Signal:    SIGKILL\n",
        "Last output:\n  on\n  on",
    ] {
        assert!(told.text().contains(part), "{part}: {told}");
    }
    sandbox.coracle(["rm", "one"]).run().succeeds();
    sandbox
        .coracle(["run", "--name", "one", IMAGE, "sh", "-c", "kill -9 1; exit 4"])
        .run()
        .exits(4);
    assert_eq!(why(&sandbox, "{{.cause}} {{.exitCode}}"), "exited 4");
}

#[test]
fn the_doctor_finds_what_is_wrong() {
    let sandbox = Sandbox::new();
    let told = sandbox.coracle(["doctor", "--format", "json"]).run();
    let found = told.json();
    let state = |document: &serde_json::Value, what: &str| {
        let checks = document["checks"].as_array().unwrap().iter();
        let mut found = checks.filter(|check| check["what"] == what);
        found.next().unwrap()["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(&found, "configuration"), "ok");
    assert_eq!(state(&found, "store"), "ok");
    assert_eq!(told.code, Some(if found["healthy"] == true { 0 } else { 1 }));
    let broken = sandbox.file("work/broken.conf", "[containers]\ninit = 3\n");
    let told = sandbox
        .coracle(["doctor"])
        .env("CONTAINERS_CONF", &broken)
        .run()
        .exits(1);
    assert!(told.text().contains("bad   configuration"), "{told}");
    assert!(told.text().contains("broken.conf: line 2"), "{told}");
    assert!(told.text().contains("cure: mend that file"), "{told}");
}

#[test]
fn what_is_asked_for_after_an_end() {
    let sandbox = sandbox();
    sandbox
        .coracle(["run", "--name", "one", IMAGE, "true"])
        .run()
        .succeeds();
    let run = ["run", "-d", "--name", "two", IMAGE, "sh", "-c", SLEEPER];
    sandbox.coracle(run).run().succeeds();
    sandbox
        .coracle(["container", "cleanup", "one"])
        .run()
        .succeeds()
        .prints("one\n");
    sandbox
        .coracle(["container", "cleanup", "two"])
        .run()
        .exits(125)
        .says("two is running");
    sandbox
        .coracle(["container", "cleanup", "--all", "--rm", "--rmi"])
        .run()
        .succeeds();
    let names = ["ps", "-a", "--format", "{{.Names}}"];
    sandbox.coracle(names).run().succeeds().prints("two\n");
    sandbox.coracle(["rm", "-f", "two"]).run().succeeds();
    for words in [
        &["system", "migrate", "--new-runtime", "crun"][..],
        &["system", "renumber"],
    ] {
        sandbox.coracle(words).run().succeeds().prints("");
    }
    let words = [
        "--syslog",
        "--tmpdir",
        "/x",
        "--cgroup-manager=cgroupfs",
        "ps",
        "-q",
    ];
    sandbox.coracle(words).run().succeeds().prints("");
}

/// What the units execute starts what is to start, and nothing else.
#[test]
fn units_start_what_is_to_start() {
    for unit in [
        include_str!("../../systemd/system/coracle-restart.service"),
        include_str!("../../systemd/user/coracle-restart.service"),
    ] {
        let line = unit
            .lines()
            .find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/coracle "))
            .unwrap();
        let sandbox = sandbox();
        for (name, policy) in [("one", "always"), ("two", "no")] {
            let create = [
                "create",
                "--name",
                name,
                "--restart",
                policy,
                IMAGE,
                "sh",
                "-c",
                SLEEPER,
            ];
            sandbox.coracle(create).run().succeeds();
        }
        sandbox.coracle(line.split(' ')).run().succeeds();
        let running = ["ps", "--format", "{{.Names}}"];
        sandbox.coracle(running).run().succeeds().prints("one\n");
        sandbox.coracle(["rm", "-fa"]).run().succeeds();
    }
}
