//! `events`: what happened, what happens, and what is not believed.

use std::fs;

use super::death::eventually;
use super::support::files::write_program;
use super::support::{Image, Sandbox, requires};

const WORDS: &str = "{{.Type}} {{.Status}} {{.Name}}";

/// The events so far, by a template.
fn events(sandbox: &Sandbox, more: &[&str], format: &str) -> String {
    let outcome = sandbox
        .coracle(["events", "--stream=false", "--format", format])
        .args(more)
        .run()
        .succeeds();
    String::from_utf8(outcome.stdout).expect("events are UTF-8")
}

#[test]
fn a_container_that_vanishes_does_so_under_its_new_name() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let words = [
        "run",
        "-d",
        "--rm",
        "--name",
        "one",
        super::death::IMAGE,
        "sleep",
        "1000",
    ];
    sandbox.coracle(words).run().succeeds();
    sandbox.coracle(["rename", "one", "two"]).run().succeeds();
    sandbox.coracle(["kill", "two"]).run().succeeds();
    let gone = [
        "events",
        "--since",
        "1h",
        "--filter",
        "event=remove",
        "--format",
        "{{.Name}}",
    ];
    let follower = sandbox.coracle(gone).start();
    follower.expect("two");
    let all = [
        "events",
        "--stream=false",
        "--since",
        "1h",
        "--filter",
        "type=container",
        "--format",
        "{{.Status}} {{.Name}}",
    ];
    let outcome = sandbox.coracle(all).run().succeeds();
    assert!(outcome.text().contains("died two\nremove two"), "{outcome}");
    assert!(
        outcome.text().starts_with("create one\ninit one\nstart one\n"),
        "{outcome}"
    );
}

#[test]
fn what_happened_is_told_in_its_order() {
    // No name can be the beginning of an identifier.
    let sandbox = Sandbox::new();
    assert_eq!(events(&sandbox, &[], WORDS), "");
    let image = sandbox.busybox();
    let run = |words: &[&str]| sandbox.coracle(words).run();
    run(&[
        "run",
        "--rm",
        "--network=none",
        "--name=one",
        "--label=k=v",
        image,
        "sh",
        "-c",
        "exit 3",
    ])
    .exits(3);
    run(&[
        "run",
        "-d",
        "--network=none",
        "--name=two",
        "-v=data:/data",
        image,
        "sleep",
        "1000",
    ])
    .succeeds();
    run(&["exec", "two", "false"]).exits(1);
    run(&["rename", "two", "three"]).succeeds();
    run(&["restart", "-t=0", "three"]).succeeds();
    run(&["kill", "-s=WINCH", "three"]).succeeds();
    run(&["stop", "-t=0", "three"]).succeeds();
    run(&["rm", "three"]).succeeds();
    run(&["tag", image, "other"]).succeeds();
    run(&["rmi", "other"]).succeeds();
    run(&["volume", "rm", "data"]).succeeds();
    let expected = [
        "container create one",
        "container init one",
        "container start one",
        "container attach one",
        "container died one",
        "container remove one",
        "volume create data",
        "container create two",
        "container init two",
        "container start two",
        "container exec two",
        "container exec_died two",
        "container rename three",
        "container died three",
        "container cleanup three",
        "container stop three",
        "container init three",
        "container start three",
        "container restart three",
        "container kill three",
        "container died three",
        "container cleanup three",
        "container stop three",
        "container remove three",
        "image tag other",
        "image untag localhost/other:latest",
        "volume remove data",
    ];
    let told = events(&sandbox, &[], WORDS);
    let told: Vec<&str> = told
        .lines()
        .filter(|line| !line.contains("loadfromarchive"))
        .collect();
    assert_eq!(told, expected);
    for (filters, format, expected) in [
        (
            &["-f=event=die", "-f=container=one"][..],
            "{{.ContainerExitCode}} {{.Actor.Attributes.exitCode}}",
            "3 3\n",
        ),
        (
            &["-f=label=k=v", "-f=event=destroy"],
            "{{.Action}} {{.Attributes.k}}",
            "destroy v\n",
        ),
        (
            &["-f=event=exec_die"],
            "{{.ContainerExitCode}} {{.Action}}",
            "1 exec_die\n",
        ),
        (
            &["-f=type=volume"],
            "{{.Name}} {{.Action}}",
            "data create\ndata destroy\n",
        ),
        (&["--since=1h", "--until=30m"], "{{.ID}}", ""),
        (&["--until=1"], "{{.ID}}", ""),
    ] {
        assert_eq!(events(&sandbox, filters, format), expected, "{filters:?}");
    }
}

#[test]
fn followers_see_what_happens_and_end_in_time() {
    let sandbox = Sandbox::new();
    sandbox.coracle(["volume", "create", "old"]).run().succeeds();
    let follow = |more: &[&str]| {
        let words = ["events", "--format", "{{.Name}}.", "-f=event=create"];
        sandbox.coracle(words).args(more).start()
    };
    let all = follow(&["--since=1h"]);
    all.expect("old.");
    let log = sandbox.data_root().join("events/log");
    for (number, name) in ["v1", "v2", "v3"].into_iter().enumerate() {
        sandbox.coracle(["volume", "create", name]).run().succeeds();
        all.expect(&format!("{name}."));
        fs::rename(&log, log.with_file_name(format!("log.{}", number + 1))).unwrap();
    }
    all.signal(rustix::process::Signal::TERM);
    assert_eq!(all.wait().text(), "old.\nv1.\nv2.\nv3.");
    follow(&["--until=1s"])
        .wait()
        .succeeds()
        .prints("old.\nv1.\nv2.\nv3.\n");
}

#[test]
fn what_is_torn_or_foreign_is_passed_over() {
    let sandbox = Sandbox::new();
    sandbox.coracle(["volume", "create", "a"]).run().succeeds();
    let log = sandbox.data_root().join("events/log");
    let mut bytes = fs::read(&log).unwrap();
    let whole = bytes.clone();
    bytes.extend(b"\xff\0nonsense\n{\"v\":1,\"type\":[]}\n");
    bytes.extend(vec![b'['; 1 << 20]);
    bytes.push(b'\n');
    bytes.extend(&whole[..whole.len() / 2]);
    fs::write(&log, &bytes).unwrap();
    sandbox.coracle(["volume", "create", "b"]).run().succeeds();
    assert_eq!(events(&sandbox, &[], "{{.Name}}"), "a\nb\n");
    // Where nothing can be recorded everything works all the same.
    fs::remove_dir_all(log.parent().unwrap()).unwrap();
    fs::write(log.parent().unwrap(), "").unwrap();
    sandbox.coracle(["volume", "create", "c"]).run().succeeds();
    sandbox.coracle(["events", "--stream=false"]).run().exits(125);
}

#[test]
fn without_a_backend_nothing_is_recorded() {
    let sandbox = Sandbox::new();
    sandbox.load(&Image::busybox());
    let _ = fs::remove_dir_all(sandbox.data_root().join("events"));
    let none = |words: &[&str]| sandbox.coracle(["--events-backend=none"]).args(words).run();
    none(&["run", "--rm", "--network=none", "busybox", "true"]).succeeds();
    assert!(!sandbox.data_root().join("events").exists());
    none(&["events", "--stream=false"]).exits(125);
}

#[test]
fn a_file_of_the_users_has_podmans_lines() {
    let sandbox = Sandbox::new();
    let file = sandbox.path("tmp/events.txt");
    let configuration = sandbox.path("tmp/containers.conf");
    let configure = |limit: &str| {
        let text = format!("[engine]\nevents_logfile_path={file:?}\n{limit}\n");
        fs::write(&configuration, text).unwrap();
    };
    let coracle = |words: &[&str]| {
        sandbox
            .coracle(words)
            .env("CONTAINERS_CONF_OVERRIDE", &configuration)
    };
    let theirs = |number: usize| {
        format!(
            "{{\"Name\":\"busybox\",\"Status\":\"pull\",\"Time\":\"2022-04-06T11:26:42.7236679{number:02}+02:00\",\
             \"Type\":\"image\",\"Attributes\":null}}\n"
        )
    };
    let before: String = (0..100).map(theirs).collect();
    configure("");
    coracle(&["events", "--stream=false"]).run().succeeds().prints("");
    fs::write(&file, &before).unwrap();
    coracle(&["volume", "create", "one"]).run().succeeds();
    let after = fs::read_to_string(&file).unwrap();
    let added = after.strip_prefix(&before).expect("nothing else was changed");
    assert!(
        added.starts_with("{\"Name\":\"one\",\"Status\":\"create\",\"Time\":\""),
        "{added}"
    );
    assert!(
        added.ends_with("\",\"Type\":\"volume\",\"Attributes\":null}\n"),
        "{added}"
    );
    // Whoever follows sees nothing twice when the file is cut, and whoever comes later its younger half.
    fs::write(&file, &before).unwrap();
    configure("events_logfile_max_size=11300");
    let words = ["events", "--since=2022-01-01", "--format={{.Status}} {{.Name}}."];
    let follower = coracle(&words).start();
    follower.expect(&"pull busybox.\n".repeat(100));
    coracle(&["volume", "create", "two"]).run().succeeds();
    follower.expect("create two.");
    follower.signal(rustix::process::Signal::TERM);
    let cut = format!("log-rotation {}.", file.display());
    let expected = "pull busybox.\n".repeat(100) + &cut + "\ncreate two.";
    assert_eq!(follower.wait().text(), expected);
    let kept = fs::read_to_string(&file).unwrap();
    assert_eq!(kept.lines().count(), 49 + 3, "{kept}");
    let whole = coracle(&words).args(["--stream=false"]).run().succeeds();
    assert_eq!(whole.text().lines().count(), 49 + 3, "{whole}");
    assert!(whole.text().starts_with(&cut), "{whole}");
    // A container's monitor knows the place, too.
    sandbox.busybox();
    let run = ["run", "--rm", "--network=none", "busybox", "true"];
    coracle(&run).run().succeeds();
    let told = coracle(&words).args(["--stream=false", "-f=event=died"]).run();
    assert_eq!(told.text().lines().count(), 1, "{told}");
    configure("events_logfile_max_size=[]");
    coracle(&["volume", "create", "three"])
        .run()
        .exits(125)
        .says("events_logfile_max_size");
}

/// The journal and journalctl are ours here, in a mount namespace of the command's own.
#[test]
fn events_go_to_the_journal_and_are_read_from_it() {
    requires!("root");
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let directory = sandbox.path("tmp/journal");
    fs::create_dir(&directory).unwrap();
    let journal = std::os::unix::net::UnixDatagram::bind(directory.join("socket")).unwrap();
    journal.set_nonblocking(true).unwrap();
    let line = format!(
        "exec unshare -m sh -c 'mount -t tmpfs none /run && mkdir -p /run/systemd/journal && \
         mount --bind {} /run/systemd/journal && exec \"$0\" \"$@\"' \"$0\" \"$@\"",
        directory.display()
    );
    let with_journal = |words: &[&str]| {
        let words = [&["--events-backend=journald"][..], words].concat();
        sandbox.coracle(words)
    };
    let run = [
        "run",
        "--rm",
        "--network=none",
        "--name=one",
        "busybox",
        "sh",
        "-c",
        "exit 3",
    ];
    with_journal(&run).through_shell(&line).run().exits(3);
    let mut told = String::new();
    let mut buffer = [0; 65536];
    while let Ok(length) = journal.recv(&mut buffer) {
        told.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    let actions: Vec<&str> = told
        .lines()
        .filter_map(|line| line.strip_prefix("CORACLE_EVENT="))
        .collect();
    assert_eq!(actions, ["create", "init", "start", "attach", "died", "remove"]);
    assert!(told.contains("SYSLOG_IDENTIFIER=coracle\n"), "{told}");
    assert!(told.contains("CORACLE_NAME=one\nCORACLE_IMAGE="), "{told}");
    assert!(told.contains("\nCORACLE_EXIT_CODE=3\n"), "{told}");
    let programs = sandbox.path("tmp/programs");
    fs::create_dir(&programs).unwrap();
    let journalctl = programs.join("journalctl");
    let entry = r#"{"CORACLE_TYPE":"container","CORACLE_EVENT":"died","CORACLE_NAME":"one","CORACLE_EXIT_CODE":"3","CORACLE_TIME":"2026-01-01T00:00:00Z"}"#;
    let script = format!(
        "#!/bin/sh\necho \"$@\" >{}/words\necho '{entry}'\necho nonsense\ncase \"$*\" in *--follow*) exec sleep 1000;; esac\n",
        programs.display()
    );
    write_program(&journalctl, &script);
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let read = |words: &[&str]| {
        let words = [
            &["events", "--format={{.Name}} {{.ContainerExitCode}}"][..],
            words,
        ]
        .concat();
        with_journal(&words).env("PATH", &path).through_shell(&line)
    };
    read(&["--stream=false"]).run().succeeds().prints("one 3\n");
    read(&["--stream=false", "-f=event=start"])
        .run()
        .succeeds()
        .prints("");
    let asked = fs::read_to_string(programs.join("words")).unwrap();
    let store = format!("CORACLE_STORE={}", sandbox.data_root().display());
    assert!(
        asked.contains("SYSLOG_IDENTIFIER=coracle _UID=0") && asked.contains(&store),
        "{asked}"
    );
    read(&["--until=1s"]).run().succeeds().prints("one 3\n");
    assert!(
        fs::read_to_string(programs.join("words"))
            .unwrap()
            .contains("--follow --no-tail")
    );
}

#[test]
fn a_journal_that_is_not_there_is_missed_where_it_was_asked_for_by_name() {
    let sandbox = Sandbox::new();
    if std::path::Path::new("/run/systemd/journal/socket").exists() {
        return;
    }
    sandbox
        .coracle(["--events-backend=journald", "volume", "create", "one"])
        .run()
        .exits(125)
        .says("--events-backend file");
    let configuration = sandbox.path("tmp/containers.conf");
    fs::write(&configuration, "[engine]\nevents_logger=\"journald\"\n").unwrap();
    sandbox
        .coracle(["volume", "create", "one"])
        .env("CONTAINERS_CONF_OVERRIDE", &configuration)
        .run()
        .succeeds();
    assert_eq!(events(&sandbox, &[], "{{.Name}}"), "one\n");
}

/// Nobody stays with such a process but a process of ours, which holds nothing of its caller's open.
#[test]
fn the_end_of_a_detached_process_is_told() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let coracle = |words: &[&str]| sandbox.coracle(words).run();
    coracle(&["run", "-d", "--name", "one", image, "sleep", "1000"]).succeeds();
    let told = |words: &[&str], count: usize| {
        let mut told = String::new();
        eventually("its end is told", || {
            told = events(
                &sandbox,
                &["--filter", "container=one"],
                "{{.Status}} {{.ContainerExitCode}}",
            );
            told.matches("exec_died").count() == count
        });
        assert!(told.trim_end().ends_with(&words.join("\n")), "{told}");
    };
    // The last words of a shell that has our pipe and a descriptor of its own: both end with it.
    let line = "exec 9>&1; \"$0\" \"$@\"; echo done";
    let exec = sandbox.coracle([
        "exec",
        "-d",
        "one",
        "sh",
        "-c",
        "while [ ! -e /go ]; do sleep 0.05; done; exit 3",
    ]);
    exec.through_shell(line).run().succeeds().prints("done\n");
    coracle(&["exec", "one", "touch", "/go"]).succeeds();
    told(&[], 2);
    let all = events(
        &sandbox,
        &["--filter", "event=exec_died"],
        "{{.ContainerExitCode}}",
    );
    let mut codes: Vec<&str> = all.lines().collect();
    codes.sort_unstable();
    assert_eq!(codes, ["0", "3"]);
    // One with a terminal writes more than that holds.
    coracle(&["exec", "-dt", "one", "sh", "-c", "yes | head -c 100000; exit 4"]).succeeds();
    told(&["exec_died 4"], 3);
    coracle(&["exec", "-d", "one", "sleep", "1000"]).succeeds();
    coracle(&["kill", "one"]).succeeds();
    eventually("its end is told", || {
        let all = events(
            &sandbox,
            &["--filter", "event=exec_died"],
            "{{.ContainerExitCode}}",
        );
        all.lines().filter(|code| *code == "137").count() == 1
    });
    coracle(&["rm", "-f", "one"]).succeeds();
}

#[test]
fn events_of_images_name_what_was_typed() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let outcome = sandbox
        .coracle(["image", "inspect", "--format", "{{.ID}}", image])
        .run()
        .succeeds();
    let id = outcome.text().trim().to_owned();
    fs::remove_dir_all(sandbox.data_root().join("events")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let (pushed, tarball) = (
        directory.path().join("dir").display().to_string(),
        directory.path().join("ball.tar").display().to_string(),
    );
    let run = |words: &[&str]| sandbox.coracle(words).run();
    run(&["push", image, &format!("dir:{pushed}")]).succeeds();
    run(&["save", image, "-o", &tarball]).succeeds();
    run(&["load", "-i", &tarball]).succeeds();
    run(&["pull", &format!("docker-archive:{tarball}")]).succeeds();
    // Nobody listens at port 1.
    let bogus = "localhost:1/bogus";
    run(&["pull", "--retry=0", bogus]).exits(125);
    run(&["pull", &format!("oci:{tarball}.none")]).exits(125);
    run(&["tag", image, "other"]).succeeds();
    run(&["rmi", "other"]).succeeds();
    run(&["tag", image, "localhost/last:1"]).succeeds();
    run(&["rmi", "-f", &id]).succeeds();
    let told = events(&sandbox, &[], "{{.Status}} {{.Name}}");
    let expected = [
        &format!("push dir:{pushed}"),
        &format!("save {tarball}"),
        &format!("loadfromarchive {tarball}"),
        &format!("pull docker-archive:{tarball}"),
        &format!("pull-error {bogus}"),
        &format!("pull-error oci:{tarball}.none"),
        "tag other",
        "untag localhost/other:latest",
        "tag localhost/last:1",
        "untag localhost/last:1",
        &format!("untag {}", super::death::IMAGE),
        &format!("remove {id}"),
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
    let errors = events(&sandbox, &["--filter=event=pull-error"], "{{.Error}}");
    assert!(errors.contains("onnection refused"), "{errors}");
}
