//! Logs: nothing of them is lost, whoever reads them when.

use rustix::process::Signal;

use super::death::{IMAGE, eventually};
use super::support::Sandbox;

fn log(sandbox: &Sandbox) -> Vec<u8> {
    sandbox.coracle(["logs", "one"]).run().succeeds().stdout
}

#[test]
fn whoever_has_waited_finds_the_last_output_in_the_log() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let running = sandbox
        .coracle(["run", "--name", "one", IMAGE, "yes"])
        .output_to(writer)
        .start();
    let exec = || sandbox.coracle(["exec", "one", "true"]).run();
    eventually("the container runs", || exec().code == Some(0));
    // Until everything between the payload and the reader is full.
    let mut length = 0;
    eventually("the payload cannot write", || {
        let before = std::mem::replace(&mut length, log(&sandbox).len());
        length > 0 && length == before
    });
    sandbox.coracle(["kill", "one"]).run().succeeds();
    sandbox.coracle(["wait", "one"]).run().prints("137\n");
    let after_wait = log(&sandbox);
    let mut given = Vec::new();
    std::io::Read::read_to_end(&mut std::fs::File::from(reader), &mut given).unwrap();
    running.wait();
    assert!(after_wait.len() > length);
    assert_eq!(log(&sandbox).len(), after_wait.len());
    assert_eq!(given.len(), after_wait.len());
    sandbox.coracle(["rm", "one"]).run().succeeds();
}

#[test]
fn a_last_line_without_an_end_is_in_the_log_when_the_end_is_known() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let script = "printf one; printf two >&2; read line; printf three";
    let running = sandbox
        .coracle(["run", "-i", "--name", "one", IMAGE, "sh", "-c", script])
        .start();
    running.expect("one");
    let follower = sandbox.coracle(["logs", "-f", "one"]).start();
    let waiter = sandbox.coracle(["wait", "one"]).start();
    running.signal(Signal::KILL);
    running.wait();
    waiter.wait().prints("0\n");
    assert_eq!(log(&sandbox), b"onethree");
    follower.wait().prints("onethree").says("two");
    sandbox.coracle(["rm", "one"]).run().succeeds();
}

#[test]
fn several_logs_at_once_are_told_apart() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    for name in ["one", "two"] {
        let script =
            format!("echo of {name}; echo bad >&2; while [ ! -e /end ]; do sleep 0.05; done; echo last");
        let words = ["run", "-d", "--name", name, IMAGE, "sh", "-c", &script];
        sandbox.coracle(words).run().succeeds();
    }
    let follower = sandbox.coracle(["logs", "-f", "--names", "one", "two"]).start();
    follower.expect("one of one\n");
    follower.expect("two of two\n");
    // Which may end with the container, whose end it is.
    sandbox.coracle(["exec", "two", "touch", "/end"]).run();
    follower.expect("two last\n");
    sandbox.coracle(["exec", "one", "touch", "/end"]).run();
    let outcome = follower.wait().succeeds();
    assert!(outcome.text().ends_with("two last\none last"), "{outcome}");
    outcome.says("one bad").says("two bad");
    let both = ["logs", "--color", "one", "two"];
    let colored = sandbox.coracle(both).run().succeeds();
    let ids = ["one", "two"].map(|name| {
        let words = ["inspect", "--format", "{{.Id}}", name];
        sandbox.coracle(words).run().succeeds().text()[..12].to_owned()
    });
    let line =
        |number: usize, color: &str, text: &str| format!("\x1b[{color}m{} {text}\x1b[0m\n", ids[number]);
    let expected = [
        line(0, "36", "of one"),
        line(0, "36", "last"),
        line(1, "33", "of two"),
        line(1, "33", "last"),
    ];
    colored.prints(&expected.concat());
    let plain = sandbox.coracle(both).env("NO_COLOR", "1").run().succeeds();
    assert!(!plain.text().contains('\x1b'));
    sandbox.coracle(["rm", "one", "two"]).run().succeeds();
}

#[test]
fn a_log_is_followed_until_its_container_ends_for_good() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let script = "while [ ! -e /go ]; do sleep 0.05; done; echo >>/lives; n=$(wc -l </lives); echo life $n; \
                  [ $n -lt 3 ] && exit 3; exit 0";
    let words = [
        "run",
        "-d",
        "--name",
        "one",
        "--restart",
        "on-failure",
        "--log-opt",
        "max-size=1",
    ];
    sandbox
        .coracle(words)
        .args(["--log-opt", "max-file=9", IMAGE, "sh", "-c", script])
        .run()
        .succeeds();
    let follower = sandbox.coracle(["logs", "--follow", "one"]).start();
    let descriptors = format!("/proc/{}/fd", follower.pid());
    eventually("it is connected", || {
        let all = std::fs::read_dir(&descriptors).into_iter().flatten().flatten();
        let mut targets = all.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        targets.any(|target| target.to_string_lossy().starts_with("socket:"))
    });
    sandbox.coracle(["exec", "one", "touch", "/go"]).run();
    follower.wait().succeeds().prints("life 1\nlife 2\nlife 3\n");
    sandbox.coracle(["rm", "one"]).run().succeeds();
}

#[test]
fn logs_of_podmans_format_elsewhere() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let path = sandbox.path("my.log");
    let option = format!("path={}", path.display());
    sandbox
        .coracle([
            "run",
            "--name",
            "one",
            "--log-driver",
            "k8s-file",
            "--log-opt",
            &option,
            IMAGE,
        ])
        .args(["sh", "-c", "echo a; printf '\\377\\n'; printf b"])
        .run()
        .succeeds();
    let content = std::fs::read(&path).unwrap();
    let lines: Vec<&[u8]> = content.split(|byte| *byte == b'\n').collect();
    assert!(lines[0].ends_with(b"Z stdout F a"), "{content:?}");
    assert!(lines[2].ends_with(b" stdout P b"), "{content:?}");
    assert_eq!(log(&sandbox), b"a\n\xff\nb");
    let words = [
        "inspect",
        "--format",
        "{{.LogPath}} {{.HostConfig.LogConfig.Type}}|{{with .HostConfig.LogConfig}}{{.Path}} {{.Size}}|{{.Tag}}{{end}}",
        "one",
    ];
    sandbox
        .coracle(words)
        .run()
        .prints(&format!("{0} k8s-file|{0} -1B|\n", path.display()));
    sandbox.coracle(["rm", "one"]).run().succeeds();
    assert!(path.exists(), "it is its owner's");
}

#[test]
fn containers_without_a_file_say_where_their_log_is() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    for (driver, name, cause) in [
        ("none", "one", "cannot read logs"),
        ("journald", "two", "journalctl CONTAINER_ID="),
    ] {
        let words = ["create", "--log-driver", driver, "--name", name, IMAGE, "true"];
        sandbox.coracle(words).run().succeeds();
        sandbox.coracle(["logs", name]).run().exits(125).says(cause);
    }
    if !std::path::Path::new("/run/systemd/journal/socket").exists() {
        let cure = "--log-driver=json-file";
        sandbox.coracle(["start", "two"]).run().exits(125).says(cure);
    }
    sandbox.coracle(["rm", "one", "two"]).run().succeeds();
}

#[test]
fn a_container_can_have_its_callers_streams() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let words = [
        "run",
        "--name",
        "one",
        "--log-driver",
        "passthrough",
        IMAGE,
        "sh",
        "-c",
    ];
    let script = "readlink /proc/self/fd/1; cat; echo bad >&2; exit 3";
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let status = rustix::fs::fstat(&writer).unwrap();
    let outcome = sandbox
        .coracle(words)
        .arg(script)
        .input("given\n")
        .output_to(writer)
        .run()
        .exits(3)
        .says("bad");
    drop(outcome);
    let mut output = String::new();
    std::io::Read::read_to_string(&mut std::fs::File::from(reader), &mut output).unwrap();
    assert_eq!(output, format!("pipe:[{}]\ngiven\n", status.st_ino));
    sandbox
        .coracle(["logs", "one"])
        .run()
        .exits(125)
        .says("passthrough");
    // Another start has other streams.
    let again = sandbox.coracle(["start", "one"]).run().succeeds();
    again.says("bad");
    sandbox.coracle(["wait", "one"]).run().prints("3\n");
    let detached = [
        "run",
        "-d",
        "--rm",
        "--log-driver",
        "passthrough",
        IMAGE,
        "sh",
        "-c",
        "sleep 1; echo late",
    ];
    let outcome = sandbox.coracle(detached).run().succeeds();
    assert!(outcome.text().ends_with("\nlate"), "{outcome}");
    sandbox.coracle(["rm", "one"]).run().succeeds();
}

/// What could not be started again is not stopped, and what is refused leaves no trace.
#[test]
fn streams_that_are_a_terminal_are_refused_before_anything_is_changed() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let passed = ["--log-driver", "passthrough", "--name", "one", IMAGE];
    let on_terminal = |words: &[&str]| {
        let refused = sandbox.coracle(words).start_on_terminal().wait().exits(125);
        assert!(refused.text().contains("passthrough-tty"), "{refused}");
    };
    on_terminal(&[&["run"][..], &passed, &["true"]].concat());
    sandbox.coracle(["ps", "-aq"]).run().succeeds().prints("");
    let create = sandbox.coracle(["create"]).args(passed).args(["sleep", "1000"]);
    let id = create.run().succeeds().text().trim_end().to_owned();
    let inspect = || {
        let all = sandbox.coracle(["inspect", "one"]).run().succeeds();
        let record = std::fs::read(
            sandbox
                .data_root()
                .join("containers")
                .join(&id)
                .join("state.json"),
        );
        (all.text().to_owned(), record.ok())
    };
    let before = inspect();
    on_terminal(&["start", "one"]);
    assert_eq!(inspect(), before);
    // It keeps the streams that it is started with.
    let start = sandbox.coracle(["start", "one"]).with(|command| {
        command
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
    });
    start.run().succeeds();
    let before = inspect();
    on_terminal(&["restart", "one"]);
    assert_eq!(inspect(), before);
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
}

#[test]
fn a_log_is_followed_until_its_time_is_over() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let script = "echo on; exec sleep 1000";
    sandbox
        .coracle(["run", "-d", "--name", "one", IMAGE, "sh", "-c", script])
        .run()
        .succeeds();
    eventually("it has begun", || {
        !sandbox.coracle(["logs", "one"]).run().text().is_empty()
    });
    // Nothing happens any more: the end comes of the clock alone.
    for until in ["2s", "1"] {
        let end = std::time::SystemTime::now() + std::time::Duration::from_secs(2);
        let end = end.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        let is_ahead = until == "2s";
        let followed = sandbox.coracle(["logs", "-f", "--until", until, "one"]).run();
        followed.succeeds().prints(if is_ahead { "on\n" } else { "" });
        let now = std::time::SystemTime::now();
        let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        assert!(now + 0.01 >= end || !is_ahead, "it ended before its time");
    }
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
}

#[test]
fn the_pieces_of_a_line_count_as_one() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let run = |words: &[&str]| sandbox.coracle(words).run();
    run(&["run", "--name=one", "--log-driver=k8s-file", IMAGE, "echo", "hi"]).succeeds();
    let path = run(&["inspect", "-f", "{{.HostConfig.LogConfig.Path}}", "one"]);
    let lines =
        ["F one", "P two", "F ", "F three"].map(|line| format!("2026-01-02T00:00:00Z stdout {line}\n"));
    std::fs::write(path.text().trim(), lines.concat()).unwrap();
    for (count, expected) in [
        ("1", "three\n"),
        ("2", "two\nthree\n"),
        ("3", "one\ntwo\nthree\n"),
        ("9", "one\ntwo\nthree\n"),
    ] {
        for more in [&[][..], &["--since=2026-01-01"]] {
            let words = [&["logs", "--tail", count][..], more, &["one"]].concat();
            run(&words).succeeds().prints(expected);
        }
    }
}

#[test]
fn lines_can_tell_of_their_container() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let run = |words: &[&str]| sandbox.coracle(words).run();
    let options = [
        "--log-opt=labels=a,none",
        "--log-opt=env=B",
        "--log-opt=label=c d=e/f",
        "--log-opt=tag={{.Name}}",
        "--log-opt=max-size=3.089m",
    ];
    let container = [
        "--name=one",
        "--label=a=1",
        "--label=x=2",
        "-e=B=3",
        IMAGE,
        "echo",
        "hi",
    ];
    run(&[&["run"][..], &options, &container].concat()).succeeds();
    let path = run(&["inspect", "-f", "{{.LogPath}}", "one"]);
    let log = std::fs::read_to_string(path.text().trim()).unwrap();
    let attributes = r#","stream":"stdout","attrs":{"B":"3","a":"1","c d":"e/f","tag":"one"},"time":""#;
    assert!(log.contains(attributes), "{log}");
    run(&["logs", "one"]).succeeds().prints("hi\n");
    run(&["logs", "--details", "one"])
        .succeeds()
        .prints("B=3,a=1,c+d=e%2Ff,tag=one hi\n");
    let format = "{{.HostConfig.LogConfig.Size}} {{.HostConfig.LogConfig.Tag}} {{.HostConfig.LogConfig.Config.labels}}";
    run(&["inspect", "-f", format, "one"])
        .succeeds()
        .prints("3.089MB {{.Name}} a,none\n");
}
