//! `--timing`: the phases of a command, with those of the monitor.

use std::fs;

use serde_json::Value;

use super::death::IMAGE;
use super::registry::{image, registry};
use super::support::Sandbox;
use super::support::registry::Content;

/// The phases of a command, which are in order and together the whole.
fn phases(sandbox: &Sandbox, words: &[&str], code: i32) -> (Value, Vec<String>) {
    let file = sandbox.path("tmp/times.json");
    let _ = fs::remove_file(&file);
    sandbox
        .coracle(["--timing"])
        .arg(&file)
        .args(words)
        .run()
        .exits(code);
    let told: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let number = |value: &Value| value.as_u64().unwrap();
    let mut at = 0;
    let mut names = Vec::new();
    for phase in told["phases"].as_array().unwrap() {
        assert_eq!(number(&phase["start_us"]), at, "{told:#}");
        at += number(&phase["duration_us"]);
        names.push(phase["name"].as_str().unwrap().to_owned());
    }
    assert_eq!(number(&told["total_us"]), at, "{told:#}");
    assert!(told["started"].as_str().unwrap().ends_with('Z'), "{told:#}");
    assert_eq!(names.first().map(String::as_str), Some("command-line"));
    assert_eq!(names.last().map(String::as_str), Some("end"), "{names:?}");
    (told, names)
}

/// That these come in this order, whatever is between them.
fn in_order(names: &[String], wanted: &[&str]) {
    let mut rest = names.iter();
    for name in wanted {
        assert!(rest.any(|other| other == name), "{name}: {names:?}");
    }
}

#[test]
fn a_run_is_told_phase_by_phase() {
    let sandbox = Sandbox::new();
    let name = sandbox.busybox();
    assert_eq!(name, IMAGE);
    let start = [
        "configuration",
        "store",
        "image",
        "record",
        "monitor",
        "prepare",
        "control-group",
        "namespaces",
        "mounts",
        "exec",
    ];
    let (told, names) = phases(
        &sandbox,
        &["run", "--rm", IMAGE, "sh", "-c", "echo x; sleep 0.2"],
        0,
    );
    assert_eq!(told["command"], "run");
    let after = ["status", "first-output", "payload", "end"];
    in_order(&names, &[&start[..], &after].concat());
    // Nothing is written, and then nothing runs.
    let (_, names) = phases(&sandbox, &["run", "--rm", IMAGE, "true"], 0);
    assert!(!names.contains(&"payload".to_owned()), "{names:?}");
    let (told, names) = phases(&sandbox, &["container", "run", "--rm", IMAGE, "/nosuch"], 127);
    assert_eq!(told["command"], "container run");
    in_order(&names, &start);
    assert!(!names.contains(&"first-output".to_owned()), "{names:?}");
    let (_, names) = phases(&sandbox, &["run", "--pull=never", "nosuch"], 125);
    in_order(&names, &["command-line", "image", "end"]);
    assert!(!names.contains(&"record".to_owned()), "{names:?}");
}

#[test]
fn other_commands_have_phases_too() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let (_, names) = phases(
        &sandbox,
        &["run", "-d", "--name", "one", image, "sleep", "1000"],
        0,
    );
    in_order(&names, &["monitor", "exec", "started", "end"]);
    let (told, names) = phases(&sandbox, &["exec", "one", "echo", "x"], 0);
    assert_eq!(told["command"], "exec");
    let wanted = ["store", "container", "exec", "first-output", "payload", "end"];
    in_order(&names, &wanted);
    let (_, names) = phases(&sandbox, &["ps"], 0);
    in_order(&names, &["command-line", "store", "end"]);
    sandbox.coracle(["rm", "-f", "-t", "0", "one"]).run().succeeds();
}

#[test]
fn a_pull_is_resolved_then_fetched() {
    let sandbox = Sandbox::new();
    let (_, fake) = registry(Content::of(&image(), &sandbox.path("tmp")), |_, answer| answer);
    let name = format!("{}/test:v1", fake.host);
    let (_, names) = phases(&sandbox, &["pull", "--quiet", &name], 0);
    in_order(&names, &["resolve", "layers", "publish", "end"]);
    let (_, names) = phases(&sandbox, &["run", "--rm", "--pull=always", &name], 0);
    in_order(&names, &["resolve", "record", "exec", "end"]);
}

#[test]
fn a_file_that_cannot_be_written_is_told_before_anything_is_done() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let refused = |words: &[&str]| {
        let refused = sandbox.coracle(words).run().exits(125);
        refused.says("cannot write --timing /nosuch/file").says_one_line();
    };
    refused(&["--timing", "/nosuch/file", "volume", "create", "v"]);
    refused(&["volume", "create", "--timing=/nosuch/file", "v"]);
    sandbox.coracle(["volume", "ls", "-q"]).run().prints("");
    // What a container's command is given is its own.
    let given = ["run", "--rm", IMAGE, "echo", "--timing", "/nosuch/file"];
    sandbox.coracle(given).run().prints("--timing /nosuch/file\n");
}
