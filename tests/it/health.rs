//! Health checks: made by the monitor, bounded in time and output, and acted upon.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::death::{IMAGE, assert_clean, eventually, monitors};
use super::support::run::Outcome;
use super::support::{Image, Sandbox};

/// Starts the container `one`, which is well as long as it has a file `/well`.
#[track_caller]
fn start(sandbox: &Sandbox, options: &[&str], script: &str) {
    sandbox
        .coracle(["run", "-d", "--name", "one", "--stop-timeout", "0"])
        .args(options)
        .args([IMAGE, "sh", "-c", script])
        .run()
        .succeeds();
}

const STAY: &str = "exec sleep 1000";
const WELL: &str = "echo said; test -e /well";

fn inspect(sandbox: &Sandbox, format: &str) -> String {
    let outcome = sandbox.coracle(["inspect", "--format", format, "one"]).run();
    outcome.succeeds().text().to_owned()
}

#[track_caller]
fn becomes(sandbox: &Sandbox, format: &str, expected: &str) {
    eventually(&format!("{format} is {expected}"), || {
        inspect(sandbox, format) == expected
    });
}

fn check(sandbox: &Sandbox) -> Outcome {
    sandbox.coracle(["healthcheck", "run", "one"]).run()
}

#[track_caller]
fn remove(sandbox: &Sandbox) {
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
}

#[test]
fn what_checks_find_is_shown() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let manual = [
        "--health-cmd",
        WELL,
        "--health-interval",
        "disable",
        "--health-retries",
        "2",
    ];
    start(&sandbox, &manual, STAY);
    let status = || {
        let outcome = sandbox
            .coracle(["ps", "--format", "{{.Status}}"])
            .run()
            .succeeds();
        outcome
            .text()
            .split_once(" (")
            .map(|(_, health)| format!("({health}"))
            .unwrap_or_default()
    };
    let listed = |health: &str| {
        let words = ["ps", "--format", "{{.Names}}", "--filter", health];
        sandbox.coracle(words).run().succeeds().text() == "one"
    };
    assert_eq!(status(), "(health: starting)");
    assert!(listed("health=starting") && !listed("health=none"));
    check(&sandbox).exits(1).prints("unhealthy\n");
    check(&sandbox).exits(1).prints("unhealthy\n");
    assert_eq!(status(), "(unhealthy)");
    assert!(listed("health=unhealthy") && !listed("health=starting"));
    let log = "{{.State.Health.Status}} {{.State.Healthcheck.FailingStreak}} \
               {{range .State.Health.Log}}{{.ExitCode}} {{.Output}}{{end}}";
    assert_eq!(inspect(&sandbox, log), "unhealthy 2 1 said\n1 said");
    let ignoring = ["healthcheck", "run", "--ignore-result", "one"];
    sandbox.coracle(ignoring).run().succeeds();
    sandbox
        .coracle(["exec", "one", "touch", "/well"])
        .run()
        .succeeds();
    check(&sandbox).succeeds().prints("");
    assert_eq!(status(), "(healthy)");
    assert_eq!(
        inspect(
            &sandbox,
            "{{.State.Health.FailingStreak}} {{len .State.Health.Log}}"
        ),
        "0 4"
    );
    assert_eq!(
        inspect(&sandbox, "{{.Config.Healthcheck.Test}}"),
        format!("[CMD-SHELL {WELL}]")
    );
    let reached = ["wait", "--condition", "healthy", "one"];
    sandbox.coracle(reached).run().succeeds().prints("-1\n");
    // Each change was told once.
    let told = [
        "events",
        "--stream=false",
        "--since",
        "1h",
        "--filter",
        "event=health_status",
        "--format",
        "{{.HealthStatus}}",
    ];
    sandbox.coracle(told).run().prints("unhealthy\nhealthy\n");
    // A new life has a new health.
    sandbox.coracle(["restart", "one"]).run().succeeds();
    assert_eq!(status(), "(health: starting)");
    sandbox.coracle(["stop", "one"]).run().succeeds();
    check(&sandbox).exits(125).says("not running");
    remove(&sandbox);
    start(&sandbox, &[], STAY);
    assert_eq!(status(), "");
    assert!(listed("health=none"));
    check(&sandbox).exits(125).says("has no health check");
    remove(&sandbox);
    let invalid = ["ps", "--filter", "health=fine"];
    sandbox.coracle(invalid).run().exits(125).says("invalid --filter");
    assert_clean(&sandbox);
}

#[test]
fn checks_are_made_by_themselves() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let often = [
        "--health-cmd",
        WELL,
        "--health-interval",
        "20ms",
        "--health-start-period",
        "1h",
    ];
    // In its first hour failures do not count, and the start interval holds where it is shorter.
    start(&sandbox, &often, STAY);
    eventually("five results", || {
        inspect(&sandbox, "{{len .State.Health.Log}}") == "5"
    });
    assert_eq!(inspect(&sandbox, "{{.State.Health.Status}}"), "starting");
    let waiting = sandbox.coracle(["wait", "--condition", "healthy", "one"]).start();
    sandbox
        .coracle(["exec", "one", "touch", "/well"])
        .run()
        .succeeds();
    waiting.wait().succeeds().prints("-1\n");
    let waiting = sandbox
        .coracle(["wait", "--condition", "unhealthy", "one"])
        .start();
    sandbox.coracle(["exec", "one", "rm", "/well"]).run().succeeds();
    waiting.wait().succeeds().prints("-1\n");
    // Whoever waits for what does not come any more hears that.
    let waiting = sandbox.coracle(["wait", "--condition", "healthy", "one"]).start();
    sandbox.coracle(["stop", "one"]).run().succeeds();
    waiting.wait().exits(125).says("not running");
    remove(&sandbox);
    assert_clean(&sandbox);
}

#[test]
fn time_and_output_are_bounded() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let result = "{{range .State.Health.Log}}{{.ExitCode}} {{len .Output}}{{end}}";
    let flood = [
        "--health-cmd",
        "head -c 9000000 /dev/zero | tr '\\0' x; exit 9",
        "--health-interval",
        "1h",
    ];
    start(&sandbox, &flood, STAY);
    check(&sandbox).exits(1);
    assert_eq!(inspect(&sandbox, result), "9 4096");
    remove(&sandbox);

    let hanging = [
        "--health-cmd",
        "echo begun; sleep 999",
        "--health-timeout",
        "200ms",
        "--health-interval",
        "1h",
    ];
    start(&sandbox, &hanging, STAY);
    check(&sandbox).exits(1);
    let output = inspect(
        &sandbox,
        "{{range .State.Health.Log}}{{.ExitCode}} {{.Output}}{{end}}",
    );
    assert_eq!(
        output,
        "-1 the check took longer than 200ms and was killed: begun"
    );
    remove(&sandbox);

    let small = [
        "--health-cmd",
        "echo 123456",
        "--health-max-log-size",
        "3",
        "--health-max-log-count",
        "1",
    ];
    start(&sandbox, &small, STAY);
    check(&sandbox).succeeds();
    check(&sandbox).succeeds();
    assert_eq!(inspect(&sandbox, result), "0 3");
    remove(&sandbox);

    start(&sandbox, &["--health-cmd", "[\"/no/such\", \"program\"]"], STAY);
    check(&sandbox).exits(1);
    let output = inspect(
        &sandbox,
        "{{range .State.Health.Log}}{{.ExitCode}} {{.Output}}{{end}}",
    );
    assert!(
        output.starts_with("-1 ") && output.contains("/no/such"),
        "{output}"
    );
    remove(&sandbox);
    assert_clean(&sandbox);
}

#[test]
fn the_unhealthy_are_treated_as_said() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let failing = |action| {
        let options = [
            "--health-cmd",
            "false",
            "--health-interval",
            "20ms",
            "--health-retries",
            "1",
        ];
        start(
            &sandbox,
            &[&options[..], &["--health-on-failure", action]].concat(),
            STAY,
        );
    };
    for action in ["kill", "stop"] {
        failing(action);
        becomes(&sandbox, "{{.State.Status}} {{.State.ExitCode}}", "exited 137");
        assert_eq!(inspect(&sandbox, "{{.State.Error}}"), "its health check failed");
        remove(&sandbox);
    }
    failing("restart");
    eventually("it has started anew", || {
        inspect(&sandbox, "{{.RestartCount}}").parse::<u32>().unwrap() >= 2
    });
    sandbox.coracle(["stop", "one"]).run().succeeds();
    becomes(&sandbox, "{{.State.Status}}", "exited");
    remove(&sandbox);
    failing("none");
    becomes(
        &sandbox,
        "{{.State.Health.Status}} {{.State.Status}}",
        "unhealthy running",
    );
    remove(&sandbox);
    // Whoever asks for a check learns of its result when what follows from it is done.
    for (action, after) in [("kill", "exited"), ("stop", "exited"), ("restart", "running")] {
        let options = ["--health-cmd", "test ! -e /bad", "--health-interval", "disable"];
        let more = ["--health-retries", "1", "--health-on-failure", action];
        start(&sandbox, &[&options[..], &more].concat(), STAY);
        let spoil = ["exec", "one", "touch", "/bad"];
        sandbox.coracle(spoil).run().succeeds();
        let check = sandbox.coracle(["healthcheck", "run", "one"]).run();
        check.exits(1).prints("unhealthy\n");
        if action == "restart" {
            let wait = ["wait", "--condition", "running", "one"];
            sandbox.coracle(wait).run().succeeds();
            assert_eq!(inspect(&sandbox, "{{.State.Health.FailingStreak}}"), "0");
        }
        assert_eq!(inspect(&sandbox, "{{.State.Status}}"), after, "{action}");
        remove(&sandbox);
    }
    // Killed for its health it goes on as its policy says.
    let policy = [
        "--restart",
        "on-failure:1",
        "--health-cmd",
        "false",
        "--health-interval",
        "20ms",
    ];
    start(
        &sandbox,
        &[&policy[..], &["--health-on-failure", "kill"]].concat(),
        STAY,
    );
    becomes(&sandbox, "{{.State.Status}} {{.RestartCount}}", "exited 1");
    remove(&sandbox);
    assert_clean(&sandbox);
}

#[test]
fn checks_at_the_start_come_first() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let options = [
        "--health-cmd",
        "true",
        "--health-interval",
        "20ms",
        "--health-startup-cmd",
        "test -e /up",
        "--health-startup-interval",
        "20ms",
        "--health-startup-success",
        "2",
    ];
    start(&sandbox, &options, STAY);
    eventually("five results", || {
        inspect(&sandbox, "{{len .State.Health.Log}}") == "5"
    });
    assert_eq!(inspect(&sandbox, "{{.State.Health.Status}}"), "starting");
    sandbox.coracle(["exec", "one", "touch", "/up"]).run().succeeds();
    becomes(&sandbox, "{{.State.Health.Status}}", "healthy");
    remove(&sandbox);
    let limited = [&options[..], &["--health-startup-retries", "3"]].concat();
    start(&sandbox, &limited, STAY);
    eventually("it has started anew", || {
        inspect(&sandbox, "{{.RestartCount}}").parse::<u32>().unwrap() >= 1
    });
    remove(&sandbox);
    assert_clean(&sandbox);
}

#[test]
fn checks_of_images() {
    let sandbox = Sandbox::new();
    let checked = json!({ "Healthcheck": { "Test": ["CMD", "test", "-e", "/well"], "Retries": 1, "Interval": 3_600_000_000_000u64 } });
    sandbox.load(&Image::busybox().configure(checked));
    start(&sandbox, &[], STAY);
    assert_eq!(
        inspect(
            &sandbox,
            "{{.Config.Healthcheck.Test}} {{.Config.Healthcheck.Interval}}"
        ),
        "[CMD test -e /well] 1h0m0s"
    );
    check(&sandbox).exits(1).prints("unhealthy\n");
    remove(&sandbox);
    start(&sandbox, &["--health-cmd", "true"], STAY);
    check(&sandbox).succeeds();
    remove(&sandbox);
    for none in [&["--no-healthcheck"][..], &["--health-cmd", "none"]] {
        start(&sandbox, none, STAY);
        check(&sandbox).exits(125).says("has no health check");
        remove(&sandbox);
    }
    assert_clean(&sandbox);
}

#[test]
fn a_check_dies_with_the_monitor() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let hanging = [
        "--health-cmd",
        "touch /begun; sleep 999",
        "--health-interval",
        "10ms",
        "--health-timeout",
        "1h",
    ];
    start(&sandbox, &hanging, STAY);
    eventually("a check is being made", || {
        sandbox
            .coracle(["exec", "one", "test", "-e", "/begun"])
            .run()
            .code
            == Some(0)
    });
    let asking = sandbox.coracle(["healthcheck", "run", "one"]).start();
    for monitor in monitors(&sandbox) {
        kill_process(Pid::from_raw(monitor).unwrap(), Signal::KILL).unwrap();
    }
    asking.wait().exits(125);
    becomes(&sandbox, "{{.State.Status}} {{.State.ExitCode}}", "exited 137");
    remove(&sandbox);
    // And with its container.
    start(&sandbox, &hanging, STAY);
    sandbox.coracle(["stop", "one"]).run().succeeds();
    remove(&sandbox);
    assert_clean(&sandbox);
}

#[test]
fn results_go_where_they_are_wanted() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let directory = sandbox.file("logs/outside", "untouched");
    let directory = directory.parent().unwrap().to_str().unwrap().to_owned();
    let options = ["--health-cmd", "echo found", "--health-interval", "disable"];
    let to = |place: &str| {
        let more = [
            "--health-log-destination",
            place,
            "-v",
            &format!("{directory}:/logs"),
        ];
        start(&sandbox, &[&options[..], &more].concat(), STAY);
        assert_eq!(inspect(&sandbox, "{{.Config.HealthLogDestination}}"), place);
    };
    to(&directory);
    let id = inspect(&sandbox, "{{.Id}}");
    // The container has the directory too, and leads nobody elsewhere by it.
    let link = format!("ln -sf /logs/outside /logs/{id}-healthcheck.log");
    sandbox
        .coracle(["exec", "one", "sh", "-c", &link])
        .run()
        .succeeds();
    check(&sandbox).succeeds();
    let file = format!("{directory}/{id}-healthcheck.log");
    let text = std::fs::read_to_string(file).unwrap();
    let parts = [
        "\"Status\":\"healthy\"",
        "\"FailingStreak\":0",
        "\"Output\":\"found\\n\"",
    ];
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    let outside = std::fs::read_to_string(format!("{directory}/outside")).unwrap();
    assert_eq!(outside, "untouched");
    remove(&sandbox);
    // A directory that the container has put a link in the place of is another one.
    let inner = format!("{directory}/inner");
    std::fs::create_dir(&inner).unwrap();
    to(&inner);
    let swap = "rm -r /logs/inner && ln -s /logs /logs/inner";
    sandbox
        .coracle(["exec", "one", "sh", "-c", swap])
        .run()
        .succeeds();
    check(&sandbox).succeeds();
    let id = inspect(&sandbox, "{{.Id}}");
    let led = std::fs::symlink_metadata(format!("{directory}/{id}-healthcheck.log"));
    assert!(led.is_err(), "a link was followed");
    remove(&sandbox);
    to("events_logger");
    for _ in 0..2 {
        check(&sandbox).succeeds();
    }
    let words = [
        "events",
        "--stream=false",
        "--since",
        "1h",
        "--filter",
        "event=health_status",
    ];
    let format = ["--format", "{{.Attributes.health_log}}"];
    let told = sandbox.coracle(words).args(format).run().succeeds();
    assert_eq!(told.text().matches("found").count(), 2, "{told}");
    remove(&sandbox);
    let nowhere = [
        "create",
        "--health-cmd",
        "true",
        "--health-log-destination",
        "no/where",
    ];
    sandbox
        .coracle(nowhere)
        .args([super::death::IMAGE, "true"])
        .run()
        .exits(125)
        .says("there is no directory");
}

/// Neither a failure nor a success: what it looked for was taken from it.
#[test]
fn a_check_is_interrupted_by_the_end() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let hang = "echo on >/on; sleep 1000";
    let options = ["--health-cmd", hang, "--health-interval", "disable"];
    start(&sandbox, &options, STAY);
    let running = sandbox.coracle(["healthcheck", "run", "one"]).start();
    let wait = ["exec", "one", "sh", "-c", "until test -e /on; do :; done"];
    sandbox.coracle(wait).run().succeeds();
    sandbox.coracle(["stop", "-t", "0", "one"]).run().succeeds();
    running.wait().exits(1).prints("stopped\n");
    let format = "{{.State.Status}} {{.State.Health.Status}} {{.State.Health.FailingStreak}} {{len .State.Health.Log}}";
    assert_eq!(inspect(&sandbox, format), "exited stopped 0 0");
    remove(&sandbox);
}

#[test]
fn nothing_of_checks_is_recorded_where_nothing_is_to_be() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    sandbox.file("containers.conf", "[engine]\nevents_logger = \"none\"\n");
    let quiet = |words: &[&str]| {
        let command = sandbox.coracle(words.iter().copied());
        command.env("CONTAINERS_CONF", sandbox.path("work/containers.conf"))
    };
    let options = ["--health-cmd", "true", "--health-interval", "disable"];
    let run = ["run", "-d", "--name", "one"];
    quiet(&run)
        .args(options)
        .args([super::death::IMAGE, "sleep", "1000"])
        .run()
        .succeeds();
    quiet(&["healthcheck", "run", "one"]).run().succeeds();
    let told = [
        "events",
        "--stream=false",
        "--since",
        "1h",
        "--filter",
        "container=one",
    ];
    sandbox.coracle(told).run().succeeds().prints("");
    remove(&sandbox);
}
