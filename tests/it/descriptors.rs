//! Descriptors of the caller that go on to a container, and that no others do.

use super::death::{IMAGE, eventually};
use super::support::Sandbox;
use super::support::run::Outcome;

/// What a payload has open, but for what `ls` itself opens to look.
const OPEN: &str = "for n in /proc/self/fd/*; do echo ${n##*/}; done";

/// The numbers that a shell in the container finds open, without those of its streams. Its own look is the last.
fn open(outcome: &Outcome) -> Vec<u32> {
    let numbers = outcome.text().lines().filter_map(|line| line.trim().parse().ok());
    numbers.filter(|number| *number > 2).collect()
}

#[test]
fn those_that_are_named_are_passed_on_and_no_others() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    sandbox.file("three", "three");
    sandbox.file("far", "far");
    let caller = r#"exec "$0" "$@" 3<three 4<three 5<far 7<far 9<far"#;
    sandbox
        .coracle(["run", "-d", "--name", "there", IMAGE, "sleep", "1000"])
        .run()
        .succeeds();
    let commands: [&[&str]; 4] = [
        &["run", "--rm"],
        &["run", "--rm", "--init", "--log-driver=none"],
        &["run", "--rm", "--restart=no", "--tty"],
        &["exec"],
    ];
    for command in commands {
        let place = if command[0] == "exec" { "there" } else { IMAGE };
        let look = |words: &[&str], script: &str| {
            let outcome = sandbox
                .coracle(command)
                .args(words)
                .args([place, "sh", "-c", script])
                .through_shell(caller)
                .run();
            outcome.succeeds()
        };
        // A look by the shell's own expansion opens the directory as well, by the first number that is free.
        let none = open(&look(&[], OPEN));
        assert_eq!(none, [3], "{command:?}");
        let some = open(&look(&["--preserve-fds=2", "--preserve-fd", "7,9"], OPEN));
        assert_eq!(some, [3, 4, 5, 7, 9], "{command:?}: 5 is the look's own");
        let outcome = look(&["--preserve-fd=3", "--preserve-fd=9"], "cat <&3; cat <&9");
        assert_eq!(outcome.text(), "threefar", "{command:?}");
    }
    // Many, which are where others would be on their way.
    let names: Vec<String> = (3..10).map(|number| format!("{number}<far")).collect();
    let caller = format!(r#"exec "$0" "$@" {}"#, names.join(" "));
    sandbox
        .coracle(["run", "--rm", "--preserve-fds", "7", IMAGE, "sh", "-c"])
        .arg("for n in 3 4 5 6 7 8 9; do eval \"cat <&$n\"; done")
        .through_shell(&caller)
        .run()
        .succeeds()
        .prints(&"far".repeat(7));
}

#[test]
fn what_is_not_there_cannot_be_passed_on() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    for (words, said) in [
        (&["--preserve-fds=2"][..], "file descriptor 4 is not available"),
        (
            &["--preserve-fds=2000000000"],
            "file descriptor 4 is not available",
        ),
        (&["--preserve-fds=2147483647"], "expected a number"),
        (&["--preserve-fds=-1"], "expected a number"),
        (&["--preserve-fd=3,9"], "file descriptor 9 is not available"),
        (&["--preserve-fd=1"], "--log-driver=passthrough"),
        (&["--preserve-fd=x"], "x"),
    ] {
        for command in [&["run", "--rm"][..], &["exec"]] {
            let outcome = sandbox
                .coracle(command)
                .args(words)
                .args([image, "true"])
                .through_shell(r#"exec "$0" "$@" 3</dev/null"#)
                .run();
            outcome.exits(125).says(said);
        }
    }
}

#[test]
fn a_container_is_activated_by_sockets() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let script = "echo $LISTEN_FDS:$LISTEN_FDNAMES; test \"$LISTEN_PID\" = $$ && echo own; ls /proc/$$/fd";
    let image = super::support::Image::busybox()
        .configure(serde_json::json!({"Env": ["PATH=/bin", "LISTEN_PID=1", "LISTEN_FDNAMES=evil"]}))
        .name("localhost/listens");
    sandbox.load(&image);
    let activated = |words: &[&str], command: &[&str]| {
        let outcome = sandbox
            .coracle(words)
            .args(command)
            .env("LISTEN_FDS", "2")
            .env("LISTEN_FDNAMES", "web:admin")
            .env("LISTEN_PID", "1")
            .through_shell(r#"exec "$0" "$@" 3</dev/null 4</dev/null"#)
            .run();
        outcome.succeeds().text().to_owned()
    };
    // The shell looks itself, with one more.
    let expected = "2:web:admin\nown\n0\n1\n2\n3\n4\n5";
    for words in [
        &["run", "--rm"][..],
        &["run", "--rm", "--init"],
        &["run", "--rm", "--pid=host"],
    ] {
        let printed = activated(words, &["localhost/listens", "sh", "-c", script]);
        assert_eq!(printed, expected, "{words:?}");
    }
    // A unit starts what was made before. Without sockets the same container has none.
    sandbox
        .coracle(["create", "--name", "made", IMAGE, "sh", "-c", script])
        .run()
        .succeeds();
    assert_eq!(activated(&["start", "-a"], &["made"]), expected);
    sandbox
        .coracle(["start", "-a", "made"])
        .run()
        .exits(0)
        .prints(":evil\nown\n0\n1\n2\n3\n");
    // What was meant for others, who have kept it, is nobody's.
    sandbox
        .coracle(["run", "--rm", IMAGE, "sh", "-c", "echo $LISTEN_FDS"])
        .env("LISTEN_FDS", "2")
        .env("LISTEN_PID", "1")
        .run()
        .succeeds()
        .prints("\n");
    sandbox
        .coracle(["run", "--rm", IMAGE, "true"])
        .env("LISTEN_FDS", "3")
        .through_shell(r#"LISTEN_PID=$$ exec "$0" "$@" 3</dev/null 5</dev/null"#)
        .run()
        .exits(125)
        .says("file descriptor 4 is not available");
}

/// Whoever waits for the end of a pipe waits for the container alone: neither its monitor nor our command holds it open,
/// and a container that starts again has it again.
#[test]
fn a_pipe_ends_when_the_container_closes_it() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    for init in ["--init=false", "--init"] {
        let outcome = sandbox
            .coracle([
                "run",
                "-d",
                "--name",
                "one",
                init,
                "--preserve-fds=1",
                IMAGE,
                "sh",
                "-c",
            ])
            .arg("echo ready >&3; exec 3>&-; sleep 1000")
            .through_shell(r#""$0" "$@" 3>&1 >/dev/null 2>&1 | cat"#)
            .run();
        outcome.succeeds().prints("ready\n");
        let outcome = sandbox
            .coracle(["exec", "-d", "--preserve-fds=1", "one", "sh", "-c"])
            .arg("echo there >&3; exec 3>&-; sleep 1000")
            .through_shell(r#""$0" "$@" 3>&1 >/dev/null 2>&1 | cat"#)
            .run();
        outcome.succeeds().prints("there\n");
        sandbox.coracle(["rm", "-f", "-t", "0", "one"]).run().succeeds();
    }
    sandbox
        .coracle([
            "run",
            "-d",
            "--name",
            "two",
            "--restart=on-failure:2",
            "--preserve-fds=1",
            IMAGE,
            "sh",
            "-c",
        ])
        .arg("echo life >&3; exit 3")
        .through_shell(r#"exec "$0" "$@" 3>lives"#)
        .run()
        .succeeds();
    eventually("it has ended for good", || {
        std::fs::read_to_string(sandbox.path("work/lives")).is_ok_and(|lives| lives == "life\n".repeat(3))
    });
    sandbox.coracle(["wait", "two"]).run().succeeds().prints("3\n");
    sandbox.coracle(["rm", "two"]).run().succeeds();
}

/// The monitor needs some above them.
#[test]
fn a_number_too_near_to_the_limit_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let caller = r#"ulimit -n 64; exec 63</dev/null; exec "$0" "$@""#;
    let bash = |words: &[&str]| {
        let outcome = sandbox.program("bash").args(["-c", caller]).arg(sandbox.binary());
        let outcome = match super::support::requires::is_root() {
            true => outcome
                .arg("--root")
                .arg(sandbox.data_root())
                .arg("--runroot")
                .arg(sandbox.run_root()),
            false => outcome,
        };
        outcome.args(words).run()
    };
    bash(&["run", "--rm", "--preserve-fd", "63", IMAGE, "true"])
        .exits(125)
        .says("too near to the limit of open files");
    sandbox.coracle(["ps", "-aq"]).run().succeeds().prints("");
}
