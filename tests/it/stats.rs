//! What containers use, shown once and again and again.

use serde_json::Value;

use super::death::IMAGE;
use super::pause::start_without_group;
use crate::support::{Sandbox, requires};

/// A container that is never idle.
#[track_caller]
fn busy(sandbox: &Sandbox, name: &str) {
    let script = "while :; do :; done";
    sandbox
        .coracle(["run", "-d", "--name", name, IMAGE, "sh", "-c", script])
        .run()
        .succeeds();
}

#[track_caller]
fn shown(sandbox: &Sandbox, words: &[&str]) -> String {
    let outcome = sandbox
        .coracle(["stats", "--no-stream"])
        .args(words)
        .run()
        .succeeds();
    outcome.text().to_owned()
}

/// The number that a text begins with.
#[track_caller]
fn number(text: &Value) -> f64 {
    let text = text.as_str().expect("a text");
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    text[..end]
        .parse()
        .unwrap_or_else(|_| panic!("no number: {text}"))
}

#[track_caller]
fn assert_busy(sandbox: &Sandbox) {
    let document: Value = serde_json::from_str(&shown(sandbox, &["--format", "json", "one"])).unwrap();
    let one = &document[0];
    assert_eq!(one["name"], "one");
    // Others use this machine as well, but not all of it.
    assert!(number(&one["cpu_percent"]) > 1.0, "{one}");
    assert!(number(&one["avg_cpu"]) > 0.0, "{one}");
    assert!(number(&one["mem_usage"]) > 0.0, "{one}");
    assert!(number(&one["mem_percent"]) < 100.0, "{one}");
    assert_eq!(number(&one["pids"]), 1.0, "{one}");
    assert_eq!(one["net_io"], "0B / 0B");
}

#[test]
fn a_busy_container_uses_something() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    busy(&sandbox, "one");
    assert_busy(&sandbox);
    let table = shown(&sandbox, &[]);
    let heading = table.lines().next().unwrap();
    for title in [
        "CONTAINER ID",
        "NAME",
        "CPU %",
        "MEM USAGE / LIMIT",
        "NET I/O",
        "PIDS",
    ] {
        assert!(heading.contains(title), "{table}");
    }
    let names = |words: &[&str]| {
        let shown = shown(
            &sandbox,
            &[&["--format", "{{.Name}} {{.PIDs}}"][..], words].concat(),
        );
        let mut lines: Vec<String> = shown.lines().map(str::to_owned).collect();
        lines.sort();
        lines.join(",")
    };
    sandbox
        .coracle(["create", "--name", "two", IMAGE, "true"])
        .run()
        .succeeds();
    for (words, expected) in [
        (&[][..], "one 1"),
        (&["--all"], "one 1,two --"),
        (&["two"], "two --"),
        (&["--latest"], "two --"),
        (&["two", "one"], "one 1,two --"),
    ] {
        assert_eq!(names(words), expected, "{words:?}");
    }
    let whole = shown(
        &sandbox,
        &["--no-trunc", "--format", "{{.ID}} {{.Container}}", "one"],
    );
    assert!(
        whole.trim_end().len() == 64 + 4 && whole.trim_end().ends_with(" one"),
        "{whole}"
    );
    for (words, said) in [
        (&["nosuch"][..], "nosuch"),
        (&["--all", "one"], "--all"),
        (&["--interval", "0"], "0"),
        (&["--format", "{{.Nosuch}}", "one"], "Nosuch"),
    ] {
        sandbox.coracle(["stats"]).args(words).run().exits(125).says(said);
    }
    sandbox.coracle(["rm", "-fa"]).run().succeeds();
    assert_eq!(shown(&sandbox, &[]).lines().count(), 1);
}

#[test]
fn without_a_control_group_proc_tells() {
    requires!("root");
    let sandbox = Sandbox::new();
    sandbox.busybox();
    start_without_group(&sandbox);
    assert_busy(&sandbox);
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
}

#[test]
fn it_goes_on_until_nothing_is_left_to_show_or_to_read_it() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    busy(&sandbox, "one");
    let stats = ["stats", "-i", "1", "--format", "{{.Name}}={{.CPUPerc}}"];
    let running = sandbox.coracle(stats).arg("one").start();
    running.expect("one=");
    sandbox.coracle(["stop", "-t", "0", "one"]).run().succeeds();
    // It stands still, and is shown so, until it is removed.
    running.expect("one=--");
    sandbox.coracle(["rm", "one"]).run().succeeds();
    running.wait().succeeds();

    busy(&sandbox, "one");
    // An hour between two looks: it does not wait for the next one to find that nobody reads.
    sandbox
        .coracle(["stats", "-i", "3600"])
        .through_shell("\"$0\" \"$@\" | head -n 1")
        .run()
        .succeeds();
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
}

#[test]
fn the_screen_is_redrawn_on_a_terminal_alone() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    busy(&sandbox, "one");
    let terminal = sandbox
        .coracle(["stats", "--interval=1", "one"])
        .start_on_terminal();
    terminal.expect("\u{1b}[H\u{1b}[2J");
    terminal.expect("one ");
    terminal.expect("\u{1b}[HCONTAINER ID");
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    terminal.wait().exits(0);

    busy(&sandbox, "one");
    for words in [&["--no-stream"][..], &["--no-reset", "-i", "1"]] {
        let terminal = sandbox.coracle(["stats", "one"]).args(words).start_on_terminal();
        terminal.expect("one ");
        if words[0] == "--no-reset" {
            terminal.expect("\nCONTAINER ID");
            sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
        }
        let outcome = terminal.wait().succeeds();
        assert!(!outcome.text().contains('\u{1b}'), "{outcome}");
    }
}
