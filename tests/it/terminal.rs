//! Containers with a terminal: sizes, keys that detach, coming back, and a terminal that is always given back.

use std::time::Duration;

use rustix::process::Signal;

use super::death::eventually;
use crate::support::Sandbox;
use crate::support::terminal::Terminal;

#[test]
fn the_size_follows_the_callers_terminal() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let script = "stty size; trap 'stty size; exit 5' WINCH; echo ready; while :; do sleep 0.05; done";
    let terminal = sandbox
        .coracle(["run", "--rm", "-it", image, "sh", "-c", script])
        .start_on_terminal();
    terminal.expect("24 80");
    terminal.expect("ready");
    terminal.resize(33, 77);
    terminal.expect("33 77");
    terminal.wait().exits(5);
}

#[test]
fn the_size_is_there_from_the_start() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    for words in [["run", "--rm", "-t"], ["run", "--rm", "-it"]] {
        let terminal = sandbox
            .coracle(words)
            .args([image, "stty", "size"])
            .start_on_terminal_of(41, 123);
        let outcome = terminal.wait().succeeds();
        assert_eq!(outcome.text().trim_end(), "41 123", "{outcome}");
    }
}

/// Waits until what is typed is shown by the container's terminal alone.
#[track_caller]
fn is_given_over(terminal: &Terminal) {
    eventually("the terminal is raw", || terminal.is_raw());
}

/// `cat` in the container `one` on a terminal; it answers.
#[track_caller]
fn cat(sandbox: &Sandbox) -> Terminal {
    let image = sandbox.busybox();
    let terminal = sandbox
        .coracle(["run", "-it", "--name", "one", image, "cat"])
        .start_on_terminal();
    is_given_over(&terminal);
    terminal.types("here\n");
    terminal.expect("here\r\nhere");
    terminal
}

#[test]
fn keys_detach_and_attach_comes_back() {
    let sandbox = Sandbox::new();
    let terminal = cat(&sandbox);
    terminal.types(b"\x10\x11");
    terminal.wait().exits(0);
    sandbox
        .coracle(["ps", "--format", "{{.Names}} {{.State}}"])
        .run()
        .succeeds()
        .prints("one running\n");

    let terminal = sandbox
        .coracle(["attach", "--detach-keys", "a,b", "one"])
        .start_on_terminal();
    is_given_over(&terminal);
    terminal.types("again\n");
    terminal.expect("again\r\nagain");
    // Half of the keys is input.
    terminal.types("ac\n");
    terminal.expect("ac\r\nac");
    terminal.types("ab");
    terminal.wait().exits(0);

    let terminal = sandbox.coracle(["start", "-ai", "one"]).start_on_terminal();
    is_given_over(&terminal);
    terminal.types("third\n");
    terminal.expect("third\r\nthird");
    terminal.types(b"\x04");
    terminal.wait().exits(0);
    sandbox.coracle(["rm", "one"]).run().succeeds();
}

#[test]
fn a_signal_to_the_caller_ends_it_and_not_the_container() {
    let sandbox = Sandbox::new();
    let terminal = cat(&sandbox);
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.wait().signal, Some(15));
    sandbox.coracle(["ps", "-q"]).run().succeeds();
    sandbox
        .coracle(["inspect", "-f", "{{.State.Status}}", "one"])
        .run()
        .prints("running\n");
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
}

#[test]
fn a_second_interrupt_kills_what_cannot_hear_the_first() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    // A shell would catch an interrupt; `sleep` handles nothing, and as process 1 it does not notice one. It is that
    // process long before anything is printed.
    let terminal = sandbox
        .coracle([
            "run",
            "--rm",
            image,
            "sh",
            "-c",
            "(sleep 1.2; echo up) & exec sleep 1000",
        ])
        .start_on_terminal();
    terminal.expect("up");
    terminal.types(b"\x03");
    terminal.expect("^C");
    // Two signals that wait are one: the first has to be taken before the second comes.
    let status = format!("/proc/{}/status", terminal.pid());
    let waits = || {
        let status = std::fs::read_to_string(&status).unwrap();
        !status.contains("ShdPnd:\t0000000000000000")
    };
    while waits() {
        std::thread::sleep(Duration::from_millis(1));
    }
    terminal.types(b"\x03");
    terminal.expect("no handler for SIGINT");
    terminal.wait().exits(137);
}

#[test]
fn exec_has_a_terminal_of_its_own() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    sandbox
        .coracle(["run", "-d", "--name", "one", image, "sleep", "1000"])
        .run()
        .succeeds();
    let terminal = sandbox.coracle(["exec", "-it", "one", "sh"]).start_on_terminal();
    terminal.types("tty; stty size\n");
    terminal.expect("/dev/pts/0");
    terminal.expect("24 80");
    terminal.types("exit 4\n");
    terminal.wait().exits(4);
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    // A process without one in a container that has one gets nothing of the caller's: no stream, and no pipe kept open.
    sandbox
        .coracle(["run", "-dt", "--name", "one", image, "sleep", "1000"])
        .run()
        .succeeds();
    let streams = "for n in 0 1 2; do readlink /proc/$$/fd/$n; done; echo $TERM";
    let outcome = sandbox
        .coracle(["exec", "one", "sh", "-c", streams])
        .run()
        .succeeds();
    let lines: Vec<&str> = outcome.text().lines().collect();
    let [input, output, error, kind] = lines[..] else {
        panic!("{outcome}");
    };
    assert_eq!((input, kind), ("/dev/null", "xterm"), "{outcome}");
    assert!(
        output.starts_with("pipe:") && error.starts_with("pipe:"),
        "{outcome}"
    );
    let script = format!("mkfifo /log; ({streams}) >/log; exec sleep 1000");
    sandbox
        .coracle(["exec", "-d", "one", "sh", "-c", &script])
        .run()
        .succeeds()
        .prints("");
    let log = "until test -p /log; do :; done; cat /log";
    sandbox
        .coracle(["exec", "one", "sh", "-c", log])
        .run()
        .succeeds()
        .prints("/dev/null\n/dev/null\n/dev/null\nxterm\n");
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    // Without a terminal of the caller's the container has one all the same, and what comes is typed on it.
    let outcome = sandbox
        .coracle([
            "run",
            "--rm",
            "-it",
            image,
            "sh",
            "-c",
            "read word; tty; echo got $word",
        ])
        .input("something\n")
        .run()
        .succeeds();
    let outcome = outcome.says("The input device is not a TTY");
    assert!(
        outcome.text().contains("/dev/pts/0") && outcome.text().contains("got something"),
        "{}",
        outcome.text()
    );
}

#[test]
fn a_terminal_that_hangs_up_ends_the_caller_and_not_the_container() {
    let sandbox = Sandbox::new();
    let terminal = cat(&sandbox);
    terminal.hang_up().wait();
    sandbox.coracle(["exec", "one", "true"]).run().succeeds();
    // Its own terminal is whole.
    let terminal = sandbox.coracle(["attach", "one"]).start_on_terminal();
    terminal.types("again\n");
    terminal.expect("again\r\nagain");
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    terminal.wait().exits(137);
}

#[test]
fn a_shell_stops_the_caller_and_lets_it_go_on() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let shell = sandbox
        .program("bash")
        .args(["--norc", "--noprofile", "-i"])
        .start_on_terminal();
    let options = if rustix::process::geteuid().is_root() {
        format!("--root {}", sandbox.data_root().display())
    } else {
        String::new()
    };
    // What is typed appears as well, so what is waited for is not typed.
    let script = "echo o''n; read word; echo $word$word; exit 6";
    let line = format!(
        "{} {options} run --rm -i {image} sh -c \"{script}\"\n",
        sandbox.binary().display()
    );
    shell.types(line.replace('$', "\\$"));
    shell.expect("\non\r\n");
    shell.types(b"\x1a");
    shell.expect("Stopped");
    shell.types("fg; echo code $?; exit 3\n");
    shell.types("ab\n");
    shell.expect("abab");
    shell.expect("code 6");
    shell.wait().exits(3);
}
