//! `run` and what lives on it: start, exec, attach, stop, wait, rm.

use std::fs;

use rustix::process::Signal;

use crate::support::files::write_program;
use crate::support::requires::requires;
use crate::support::{Image, Sandbox};

#[test]
fn output_errors_and_exit_codes_are_the_payloads() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let script = "echo out; echo err >&2; exit 3";
    let outcome = sandbox.coracle(["run", "--rm", image, "sh", "-c", script]).run();
    outcome.exits(3).prints("out\n").says("err");
    for (words, code) in [
        (&["/nosuch"][..], 127),
        (&["nosuch"], 127),
        (&["/etc/passwd"], 126),
        (&["/etc"], 126),
    ] {
        sandbox
            .coracle(["run", "--rm", image])
            .args(words)
            .run()
            .exits(code);
    }
    // A first process cannot be killed from inside, so it is one of ours here.
    let killed = ["run", "--rm", "--init", image, "sh", "-c", "kill -9 $$"];
    sandbox.coracle(killed).run().exits(137);
    // What cannot be run leaves nothing behind.
    sandbox.coracle(["ps", "-aq"]).run().succeeds().prints("");
}

#[test]
fn bad_words_are_one_sentence_and_125() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    for words in [
        &["run", "--rm", "--pull", "never", "nosuchimage", "true"][..],
        &["run", "--rm", "--user", "nosuch:x", image, "true"],
        &["run", "--rm", "-e", "=x", image, "true"],
        &["run", "--rm", "--env-file", "/nosuch", image, "true"],
        &["run", "--rm", "-v", "/nosuch:relative", image, "true"],
        &["run", "--rm", "--ulimit", "nofile=x", image, "true"],
        &["run", "--rm", "--cap-add", "nosuch", image, "true"],
        &["run", "--rm", "--name", "../x", image, "true"],
        &["run", "--rm", "-p", "80:80", image, "true"],
        &["run", "--rm", "--security-opt", "seccomp=/nosuch", image, "true"],
    ] {
        let outcome = sandbox.coracle(words).run();
        let code = outcome.code;
        assert!(
            code == Some(125) || (words.contains(&"nosuch:x") && code == Some(126)),
            "{outcome}"
        );
        outcome.says_one_line();
    }
    sandbox.coracle(["ps", "-aq"]).run().succeeds().prints("");
}

#[test]
fn input_reaches_the_payload_and_ends() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let outcome = sandbox
        .coracle(["run", "--rm", "-i", image, "cat"])
        .input(&bytes)
        .run()
        .succeeds();
    assert!(
        outcome.stdout == bytes,
        "{} bytes came back",
        outcome.stdout.len()
    );
    // Without -i there is none.
    sandbox
        .coracle(["run", "--rm", image, "cat"])
        .input("x")
        .run()
        .succeeds()
        .prints("");
}

/// CVE-2022-24769: no capability is inheritable or ambient.
#[test]
fn the_container_is_isolated() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let script = "hostname; echo $$; cat /proc/self/status | grep -E '^(CapInh|CapEff|CapAmb|Seccomp):' | tr '\\t' ' '; \
                  ls /proc | grep -c '^[0-9]'; ip link | grep -c '^[0-9]'; id -u";
    let outcome = sandbox
        .coracle(["run", "--rm", "--hostname", "box", image, "sh", "-c", script])
        .run()
        .succeeds();
    let lines: Vec<_> = outcome.text().lines().collect();
    assert_eq!(lines[0], "box");
    assert_eq!(lines[1], "1");
    assert_eq!(
        lines[2..5],
        [
            "CapInh: 0000000000000000",
            "CapEff: 00000000800405fb",
            "CapAmb: 0000000000000000"
        ]
    );
    assert_eq!(lines[5], "Seccomp: 2");
    // The shell, ls and grep; and loopback alone.
    assert!(lines[6].parse::<u32>().unwrap() <= 4, "{outcome}");
    assert_eq!(lines[7], "1");
    assert_eq!(lines[8], "0");
}

#[test]
fn a_container_lives_on_in_the_background() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let script = "trap 'exit 5' TERM; echo ready; while :; do sleep 0.1; done";
    let id = sandbox
        .coracle(["run", "-d", "--name", "one", image, "sh", "-c", script])
        .run()
        .succeeds();
    assert_eq!(id.text().len(), 64);
    sandbox
        .coracle(["exec", "one", "sh", "-c", "exit 4"])
        .run()
        .exits(4);
    sandbox
        .coracle([
            "exec",
            "-e",
            "A=b",
            "-w",
            "/tmp",
            "one",
            "sh",
            "-c",
            "echo $A; pwd",
        ])
        .run()
        .prints("b\n/tmp\n");
    sandbox
        .coracle(["exec", "-i", "one", "cat"])
        .input("text")
        .run()
        .succeeds()
        .prints("text");
    sandbox.coracle(["exec", "one", "nosuch"]).run().exits(127);
    sandbox.coracle(["rm", "one"]).run().exits(2);
    sandbox
        .coracle(["run", "--name", "one", image, "true"])
        .run()
        .exits(125)
        .says("in use");
    sandbox.coracle(["stop", "one"]).run().succeeds().prints("one\n");
    sandbox.coracle(["wait", "one"]).run().succeeds().prints("5\n");
    sandbox
        .coracle(["logs", "one"])
        .run()
        .succeeds()
        .prints("ready\n");
    sandbox.coracle(["start", "one"]).run().succeeds().prints("one\n");
    sandbox.coracle(["rename", "one", "two"]).run().succeeds();
    sandbox.coracle(["kill", "-s", "KILL", "two"]).run().succeeds();
    sandbox.coracle(["wait", "two"]).run().succeeds().prints("137\n");
    sandbox.coracle(["rm", "two"]).run().succeeds();
    sandbox.coracle(["inspect", "two"]).run().exits(125);
}

#[test]
fn what_was_written_survives_a_restart() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    sandbox
        .coracle([
            "run",
            "--name",
            "one",
            image,
            "sh",
            "-c",
            "echo x >>/file; wc -l </file",
        ])
        .run()
        .prints("1\n");
    for expected in ["2\n", "3\n"] {
        sandbox
            .coracle(["start", "-a", "one"])
            .run()
            .succeeds()
            .prints(expected);
    }
    sandbox.coracle(["rm", "one"]).run().succeeds();
}

#[test]
fn a_first_process_that_cannot_hear_is_killed_at_once() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    sandbox
        .coracle(["run", "-d", "--name", "one", image, "sleep", "1000"])
        .run()
        .succeeds();
    // Older than a second, so that it could have installed a handler.
    sandbox.coracle(["exec", "one", "sleep", "1.2"]).run().succeeds();
    let outcome = sandbox.coracle(["stop", "one"]).run().succeeds().says("--init");
    assert!(outcome.elapsed.as_secs() < 5, "{outcome}");
    sandbox.coracle(["rm", "one"]).run().succeeds();
}

#[test]
fn an_init_of_ours_passes_signals_on_and_reaps() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let script = "trap 'exit 9' TERM; (true &); echo $$; while :; do sleep 0.1; done";
    let running = sandbox
        .coracle(["run", "--rm", "--init", image, "sh", "-c", script])
        .start();
    running.expect("2\n");
    running.signal(Signal::TERM);
    running.wait().exits(9);
    let real_time = sandbox
        .coracle([
            "run",
            "--rm",
            "--init",
            image,
            "sh",
            "-c",
            "trap 'exit 4' 40; echo on; sleep 1000 & wait",
        ])
        .start();
    real_time.expect("on");
    let id = sandbox.coracle(["ps", "-q"]).run().succeeds();
    sandbox.coracle(["kill", "-s", "40", id.text()]).run().succeeds();
    real_time.wait().exits(4);
    sandbox
        .coracle(["run", "--rm", "--init", image, "nosuch"])
        .run()
        .exits(127);
    sandbox
        .coracle(["run", "--rm", "--init", image, "sh", "-c", "exit 6"])
        .run()
        .exits(6);
}

#[test]
fn an_init_of_the_host_runs_in_place_of_ours() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let script = "#!/bin/sh\necho init $$ \"$@\"\nshift\nexec \"$@\"\n";
    let init = sandbox.path("work/an init");
    write_program(&init, script);
    let init = init.to_str().expect("a path of ours");
    for flags in [
        &["--init-path", "an init"][..],
        &["--init-binary", init],
        &["--init-path", init, "--read-only"],
        &["--init-path", init, "--tmpfs=/run"],
    ] {
        sandbox
            .coracle(["run", "--rm", "--init"])
            .args(flags)
            .args([image, "sh", "-c", "echo $$; echo > /run/podman-init"])
            .run()
            .exits(1)
            .prints("init 1 -- sh -c echo $$; echo > /run/podman-init\n1\n");
    }
    // Without --init it is not used, as with Podman.
    sandbox
        .coracle([
            "run",
            "--init-path",
            init,
            "--name",
            "one",
            image,
            "echo",
            "alone",
        ])
        .run()
        .succeeds()
        .prints("alone\n");
    let made = [
        "create",
        "--init",
        "--init-path",
        init,
        "--name",
        "two",
        image,
        "true",
    ];
    sandbox.coracle(made).run().succeeds();
    sandbox
        .coracle(["start", "-a", "two"])
        .run()
        .succeeds()
        .prints("init 1 -- true\n");
    sandbox.coracle(["diff", "two"]).run().succeeds().prints("");
    std::fs::remove_file(init).unwrap();
    let said = "container-init binary not found on the host";
    sandbox.coracle(["start", "two"]).run().exits(125).says(said);
    for (flags, said) in [
        (&["--init-path", init][..], said),
        (&["--init-path", ""], "name a program"),
        (&["--init-path", "/tmp"], "it is no file"),
        (&["--init-path", "/bin/sh", "--pid=host"], "--pid=host"),
        (
            &["--init-path", "/bin/sh", "--systemd=always"],
            "--systemd=always",
        ),
        (
            &["--init-path", "/bin/sh", "--tmpfs=/run/podman-init"],
            "/run/podman-init",
        ),
    ] {
        let outcome = sandbox.coracle(["create", "--init"]).args(flags).arg(image).run();
        outcome.exits(125).says(said);
    }
    sandbox.coracle(["rm", "one", "two"]).run().succeeds();
}

#[test]
fn signals_of_the_caller_reach_the_payload() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let script = "trap 'echo got; exit 7' USR1; echo ready; while :; do sleep 0.1; done";
    let running = sandbox
        .coracle(["run", "--rm", image, "sh", "-c", script])
        .start();
    running.expect("ready");
    running.signal(Signal::USR1);
    running.wait().exits(7).prints("ready\ngot\n");
}

#[test]
fn a_terminal_is_the_containers_own() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let terminal = sandbox
        .coracle(["run", "--rm", "-it", image, "sh"])
        .start_on_terminal();
    terminal.resize(33, 77);
    terminal.types("stty size; tty; ls -l /dev/console | cut -c1; exit 4\n");
    let outcome = terminal.wait();
    for part in ["33 77", "/dev/pts/0", "c\r\n"] {
        assert!(
            String::from_utf8_lossy(&outcome.stdout).contains(part),
            "{part:?} of {outcome}"
        );
    }
    outcome.exits(4);
}

#[test]
fn users_are_those_of_the_container() {
    let sandbox = Sandbox::new();
    requires!("sub-ids");
    let image = Image::busybox().layer(&[
        crate::support::Entry::file(
            "etc/passwd",
            "root:x:0:0::/root:/bin/sh\nu:x:1000:100::/home/u:/bin/sh\n",
        ),
        crate::support::Entry::file("etc/group", "root:x:0:\ng:x:42:u\nusers:x:100:\n"),
    ]);
    sandbox.load(&image);
    let id = |user: &str| {
        let script = "id -u; id -g; id -G; echo $HOME";
        let outcome = sandbox
            .coracle([
                "run",
                "--rm",
                "--user",
                user,
                "localhost/busybox:latest",
                "sh",
                "-c",
                script,
            ])
            .run()
            .succeeds();
        outcome.text().replace('\n', " ")
    };
    assert_eq!(id("u"), "1000 100 100 42 /home/u");
    assert_eq!(id("1000"), "1000 100 100 42 /home/u");
    assert_eq!(id("u:g"), "1000 42 42 /home/u");
    assert_eq!(id("7"), "7 0 0 /");
    for user in ["nobody", "1:", "-1", "4294967296"] {
        let outcome = sandbox
            .coracle(["run", "--rm", "--user", user, "localhost/busybox:latest", "true"])
            .run();
        assert!(matches!(outcome.code, Some(125 | 126)), "{outcome}");
    }
    let script = "grep -E '^(CapPrm|CapEff|CapInh|CapAmb)' /proc/self/status | grep -vc 0000000000000000";
    sandbox
        .coracle([
            "run",
            "--rm",
            "--user",
            "u",
            "localhost/busybox:latest",
            "sh",
            "-c",
            script,
        ])
        .run()
        .prints("0\n");
}

/// A file of `--cidfile` that a killed service has left keeps nobody from starting it again; another container's is kept.
#[test]
fn a_file_of_an_identifier_is_written_anew_when_its_container_is_gone() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let gone = "0123456789abcdef".repeat(4);
    let file = sandbox.file("id", &gone);
    let create = |name: &str, file: &str, words: &[&str]| {
        let create = sandbox.coracle(["create", "--name", name, "--cidfile", file]);
        create.args(words).args([image, "true"]).run()
    };
    let content = || fs::read_to_string(&file).unwrap();
    let first = create("one", "id", &[]).succeeds().text().trim().to_owned();
    assert_eq!(content(), first);
    create("one", "id", &[])
        .exits(125)
        .says("container ID file found");
    assert_eq!(content(), first);
    let second = create("one", "id", &["--replace"]).succeeds();
    assert_eq!(content(), second.text().trim());
    // What is no identifier is the user's own, and a link may lead to it. What fails writes nothing.
    sandbox.file("own", "precious\n");
    std::os::unix::fs::symlink("id", sandbox.path("work/link")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        sandbox.path("work/pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    let kept = content();
    for file in ["own", "link", "pipe"] {
        create("two", file, &[])
            .exits(125)
            .says("container ID file found");
    }
    assert_eq!(
        fs::read_to_string(sandbox.path("work/own")).unwrap(),
        "precious\n"
    );
    sandbox.file("left", &gone);
    create("one", "left", &[]).exits(125).says("already in use");
    assert_eq!(fs::read_to_string(sandbox.path("work/left")).unwrap(), gone);
    assert_eq!(content(), kept);
}

/// Who may not make a process dearer to the kernel than his own are makes it as dear as they are.
#[test]
fn how_soon_memory_is_taken_from_it_is_lowered_as_far_as_allowed() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let may_lower = caps::has_cap(None, caps::CapSet::Effective, caps::Capability::CAP_SYS_RESOURCE).unwrap();
    let own = fs::read_to_string("/proc/self/oom_score_adj").unwrap();
    let score = ["cat", "/proc/self/oom_score_adj"];
    let run = |value: &str| {
        let run = sandbox.coracle(["run", "--rm", "--oom-score-adj", value, image]);
        run.args(score).run().succeeds()
    };
    assert_eq!(run("1000").text(), "1000");
    let least = run("-1000");
    if may_lower {
        assert_eq!(least.text(), "-1000");
    } else {
        assert_eq!(least.text(), own.trim());
        let least = least.says("Requested oom_score_adj=-1000 is lower than the current one");
        assert!(!least.text().is_empty());
    }
}

/// With `--read-only-tmpfs=false` nothing can be written, /dev and /dev/shm included; terminals work all the same.
#[test]
fn a_container_without_a_place_to_write_to() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let script = "for place in /x /tmp/x /run/x /dev/x /dev/shm/x; do touch $place 2>/dev/null && echo $place; done; \
                  echo out >/dev/null; tty";
    let options = ["run", "--rm", "--read-only", "--read-only-tmpfs=false"];
    let run = |more: &[&str]| {
        let run = sandbox.coracle(options).args(more);
        run.args([image, "sh", "-c", script]).run()
    };
    assert_eq!(run(&[]).text(), "not a tty");
    assert_eq!(run(&["-t"]).text(), "/dev/pts/0\r");
}

#[test]
fn mounts_of_daily_use() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    sandbox.file("host/inside/file", "text");
    let host = sandbox.path("work/host");
    let bind = format!("{}:/data", host.display());
    sandbox
        .coracle(["run", "--rm", "-v", &bind, image, "cat", "/data/inside/file"])
        .run()
        .prints("text");
    let read_only = format!("{bind}:ro");
    sandbox
        .coracle(["run", "--rm", "-v", &read_only, image, "touch", "/data/x"])
        .run()
        .exits(1);
    sandbox
        .coracle(["run", "--rm", "-v", &bind, image, "touch", "/data/y"])
        .run()
        .succeeds();
    assert!(host.join("y").exists());
    let mount = format!("type=bind,source={},target=/m,readonly", host.display());
    sandbox
        .coracle(["run", "--rm", "--mount", &mount, image, "cat", "/m/inside/file"])
        .run()
        .prints("text");
    sandbox
        .coracle([
            "run",
            "--rm",
            "--tmpfs",
            "/t:size=1m",
            image,
            "sh",
            "-c",
            "mount | grep ' /t ' | grep -c size=1024k",
        ])
        .run()
        .prints("1\n");
    sandbox
        .coracle(["run", "--rm", "--read-only", image, "touch", "/x"])
        .run()
        .exits(1);
    sandbox
        .coracle(["run", "--rm", "--read-only", image, "touch", "/tmp/x"])
        .run()
        .succeeds();
}

#[test]
fn a_detached_process_goes_on_without_its_caller() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    sandbox
        .coracle(["run", "-d", "--name", "one", image, "sleep", "1000"])
        .run()
        .succeeds();
    let script = "mkfifo /pipe; echo waits >/said; read line </pipe; echo $line >/said";
    sandbox
        .coracle(["exec", "--detach", "one", "sh", "-c", script])
        .run()
        .succeeds()
        .prints("");
    let said = |text: &str| {
        let wait = format!("until grep -qx {text} /said; do usleep 1000; done");
        sandbox
            .coracle(["exec", "one", "sh", "-c", &wait])
            .run()
            .succeeds();
    };
    said("waits");
    sandbox
        .coracle(["exec", "one", "sh", "-c", "echo goes >/pipe"])
        .run()
        .succeeds();
    said("goes");
    sandbox
        .coracle(["exec", "--detach", "one", "nosuch"])
        .run()
        .exits(125);
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
}

#[test]
fn a_time_that_no_clock_reaches_is_waited_for_ever() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    for stop in [
        &["rm", "-f", "-t=-1"][..],
        &["rm", "-f", "-t", "9223372036854775807"],
        &["stop", "-t", "9223372036854775807"],
    ] {
        let script = "trap 'exit 0' TERM; echo on; while :; do sleep 0.05; done";
        let running = sandbox
            .coracle(["run", "--rm", "--name", "one", image, "sh", "-c", script])
            .start();
        running.expect("on");
        sandbox.coracle(stop).arg("one").run().succeeds();
        running.wait().exits(0);
    }
}
