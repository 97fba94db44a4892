//! What is printed of containers: ps, logs, inspect, top, and the formats and filters they take.

use rustix::process::Signal;

use crate::support::Sandbox;

/// A container that has ended and one that runs.
fn two(sandbox: &Sandbox) -> &'static str {
    let image = sandbox.busybox();
    let ended = [
        "run",
        "--name",
        "ended",
        "--label",
        "kind=a",
        image,
        "sh",
        "-c",
        "echo out; echo err >&2; exit 3",
    ];
    sandbox.coracle(ended).run().exits(3);
    let running = [
        "run", "-d", "--name", "running", "--label", "kind=b", "--label", "x=1", image, "sleep", "1000",
    ];
    sandbox.coracle(running).run().succeeds();
    image
}

#[test]
fn ps_filters_sorts_and_formats() {
    let sandbox = Sandbox::new();
    let image = two(&sandbox);
    let names = |words: &[&str]| {
        let outcome = sandbox
            .coracle(["ps", "--format", "{{.Names}}"])
            .args(words)
            .run()
            .succeeds();
        outcome
            .text()
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (words, expected) in [
        (&[][..], "running"),
        (&["-a"], "running ended"),
        (&["-n", "1"], "running"),
        (&["-l"], "running"),
        (&["-a", "--sort", "names"], "ended running"),
        (&["--filter", "status=exited"], "ended"),
        (&["-a", "--filter", "exited=3"], "ended"),
        (&["-a", "--filter", "exited=4"], ""),
        (&["-a", "--filter", "label=kind"], "running ended"),
        (&["-a", "--filter", "label=kind=a"], "ended"),
        (
            &["-a", "--filter", "label=kind=b", "--filter", "label=x"],
            "running",
        ),
        (&["-a", "--filter", "name=nd"], "ended"),
        (
            &["-a", "--filter", "name=^running$", "--filter", "name=ended"],
            "running ended",
        ),
        (&["-a", "--filter", "since=ended"], "running"),
        (&["-a", "--filter", "before=running"], "ended"),
        (&["-a", "--filter", &format!("ancestor={image}")], "running ended"),
        (&["-a", "--filter", "ancestor=nosuch"], ""),
        (&["-a", "--filter", "network=none"], "running ended"),
        (&["-a", "--filter", "until=1h"], ""),
    ] {
        assert_eq!(names(words), expected, "{words:?}");
    }
    for words in [
        &["--filter", "bogus=1"][..],
        &["--filter", "status"],
        &["--sort", "bogus"],
        &["--format", "{{.Bogus}}"],
    ] {
        sandbox
            .coracle(["ps"])
            .args(words)
            .run()
            .exits(125)
            .says_one_line();
    }
    let table = sandbox
        .coracle(["ps", "-a", "--format", "table {{.Names}}\\t{{.Label \"kind\"}}"])
        .run();
    table.prints("NAMES     kind\nrunning   b\nended     a\n");
    let json = sandbox.coracle(["ps", "-a", "--format", "json"]).run().json();
    assert_eq!(json[1]["Names"][0], "ended");
    assert_eq!(json[1]["ExitCode"], 3);
    sandbox.coracle(["rm", "-f", "running", "ended"]).run().succeeds();
    sandbox.coracle(["ps", "-aq"]).run().prints("");
}

#[test]
fn inspect_answers_what_scripts_ask() {
    let sandbox = Sandbox::new();
    two(&sandbox);
    for (template, expected) in [
        (
            "{{.Name}} {{.State.Status}} {{.State.ExitCode}}",
            "ended exited 3",
        ),
        ("{{index .Config.Labels \"kind\"}} {{.Config.Labels.kind}}", "a a"),
        (
            "{{.HostConfig.NetworkMode}} {{.HostConfig.AutoRemove}} {{.Config.Tty}}",
            "none false false",
        ),
        (
            "{{join .Config.Cmd \" \"}}",
            "sh -c echo out; echo err >&2; exit 3",
        ),
        ("{{len .Id}}", "64"),
    ] {
        sandbox
            .coracle(["inspect", "-f", template, "ended"])
            .run()
            .succeeds()
            .prints(&format!("{expected}\n"));
    }
    let both = sandbox
        .coracle(["inspect", "running", "ended"])
        .run()
        .succeeds()
        .json();
    assert_eq!(both.as_array().unwrap().len(), 2);
    assert!(both[0]["State"]["Pid"].as_i64().unwrap() > 0);
    sandbox
        .coracle(["inspect", "nosuch"])
        .run()
        .exits(125)
        .prints("[]\n")
        .says("no such object");
    sandbox.coracle(["container", "exists", "ended"]).run().exits(0);
    sandbox.coracle(["container", "exists", "nosuch"]).run().exits(1);
    sandbox.coracle(["rm", "-f", "running", "ended"]).run().succeeds();
}

#[test]
fn a_list_that_is_printed_anew() {
    let sandbox = Sandbox::new();
    let image = two(&sandbox);
    let watch = sandbox.coracle(["ps", "-a", "--watch", "1"]).start();
    watch.expect("ended");
    sandbox
        .coracle(["create", "--name", "newcomer", image, "true"])
        .run()
        .succeeds();
    watch.expect("newcomer");
    watch.signal(Signal::KILL);
    watch.wait();
    sandbox
        .coracle(["ps", "--watch", "1", "--latest"])
        .run()
        .says("--latest");
    sandbox.coracle(["rm", "-f", "--all"]).run().succeeds();
}

#[test]
fn namespaces_are_listed_by_number() {
    let sandbox = Sandbox::new();
    two(&sandbox);
    let table = sandbox.coracle(["ps", "-a", "--ns"]).run().succeeds();
    let rows: Vec<Vec<&str>> = table
        .text()
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let headings = "CONTAINER ID NAMES PID CGROUPNS IPC MNT NET PIDNS USERNS UTS";
    assert_eq!(rows[0].join(" "), headings);
    let row = |name: &str| rows.iter().find(|row| row[1] == name).unwrap();
    assert_eq!(row("ended").len(), 3, "{table}");
    let running = row("running");
    assert_eq!(running.len(), 10, "{table}");
    assert!(
        running[2..].iter().all(|word| word.parse::<u32>().is_ok()),
        "{table}"
    );
    sandbox.coracle(["rm", "-f", "--all"]).run().succeeds();
}

#[test]
fn filters_for_names_find_what_fits() {
    let sandbox = Sandbox::new();
    two(&sandbox);
    let inspect = sandbox
        .coracle(["inspect", "--format", "{{.Id}}", "ended"])
        .run()
        .succeeds();
    let id = inspect.text();
    for (filters, expected) in [
        (["name=end", "id="], "ended\n"),
        (["name=^e.*d$", "status=exited"], "ended\n"),
        (["name=end", "status=running"], ""),
        (["name=nosuch", "id="], ""),
        ([&format!("id={}", &id[..12]), "label=kind"], "ended\n"),
        (["name=e", "name=running"], "running\nended\n"),
    ] {
        let filters = filters.map(|filter| format!("--filter={filter}"));
        for format in ["{{.Names}}", "table {{.Names}}"] {
            let outcome = sandbox
                .coracle(["ps", "-a", "--noheading", "--format", format])
                .args(&filters)
                .run();
            outcome.succeeds().prints(expected);
        }
        let outcome = sandbox
            .coracle(["ps", "-a", "--noheading"])
            .args(&filters)
            .run()
            .succeeds();
        let names: String = outcome
            .text()
            .lines()
            .filter_map(|line| Some(line.split_whitespace().last()?.to_owned() + "\n"))
            .collect();
        assert_eq!(names, expected, "{filters:?}");
    }
    sandbox.coracle(["rm", "-f", "--all"]).run().succeeds();
}

#[test]
fn logs_are_told_apart_cut_and_followed() {
    let sandbox = Sandbox::new();
    let image = two(&sandbox);
    sandbox
        .coracle(["logs", "ended"])
        .run()
        .succeeds()
        .prints("out\n")
        .says("err");
    sandbox
        .coracle(["logs", "--until", "2020-01-01", "ended"])
        .run()
        .succeeds()
        .prints("");
    let script = "i=0; while [ $i -lt 20 ]; do echo line $i; i=$((i+1)); sleep 0.02; done";
    sandbox
        .coracle(["run", "-d", "--name", "talks", image, "sh", "-c", script])
        .run()
        .succeeds();
    let all: String = (0..20).map(|number| format!("line {number}\n")).collect();
    sandbox
        .coracle(["logs", "-f", "talks"])
        .run()
        .succeeds()
        .prints(&all);
    sandbox
        .coracle(["logs", "--tail", "2", "talks"])
        .run()
        .succeeds()
        .prints("line 18\nline 19\n");
    sandbox
        .coracle(["logs", "-n", "1", "talks"])
        .run()
        .succeeds()
        .prints("line 19\n");
    sandbox
        .coracle(["logs", "-n", "talks"])
        .run()
        .succeeds()
        .prints(&all.replace("line", "talks line"));
    sandbox
        .coracle(["logs", "nosuch"])
        .run()
        .exits(125)
        .says_one_line();
    sandbox
        .coracle(["rm", "-f", "running", "ended", "talks"])
        .run()
        .succeeds();
}

/// CVE-2022-1227: they are read from the host's /proc.
#[test]
fn top_shows_processes_of_the_container_alone() {
    let sandbox = Sandbox::new();
    two(&sandbox);
    sandbox
        .coracle(["top", "running", "user", "pid"])
        .run()
        .succeeds()
        .prints("USER      PID\nroot      1\n");
    sandbox
        .coracle(["top", "running", "pid", "args"])
        .run()
        .succeeds()
        .prints("PID       COMMAND\n1         sleep 1000\n");
    sandbox.coracle(["top", "ended"]).run().exits(125).says_one_line();
    sandbox.coracle(["rename", "running", "renamed"]).run().succeeds();
    sandbox.coracle(["top", "running"]).run().exits(125);
    sandbox.coracle(["rm", "renamed"]).run().exits(2).says_one_line();
    sandbox.coracle(["rm", "-f", "renamed", "ended"]).run().succeeds();
    sandbox.coracle(["rm", "renamed"]).run().exits(1).says_one_line();
}

#[test]
fn what_is_unknown_or_refused_is_one_sentence() {
    let sandbox = Sandbox::new();
    for (words, part) in [
        (&["secret", "ls"][..], "secret is not supported yet"),
        (
            &["swarm", "init"],
            "swarm is not supported: coracle works on one machine",
        ),
        (
            &["-H", "tcp://x", "ps"],
            "--host is not supported: there is no server",
        ),
        (
            &["run", "--isolation", "x", "y"],
            "--isolation is not supported: it exists for Windows only",
        ),
        (&["nonsense"], "unrecognized command 'nonsense'"),
        (&["ps", "--nonsense"], "unknown flag: --nonsense"),
    ] {
        sandbox.coracle(words).run().exits(125).says(part);
    }
    sandbox.coracle(["--help"]).run().exits(0);
    sandbox
        .coracle(["version", "--format", "{{.Client.Version}}"])
        .run()
        .succeeds();
}

#[test]
fn the_log_level_decides_what_is_told() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let run = |options: &[&str]| {
        sandbox
            .coracle(options)
            .args(["run", "--rm", image, "true"])
            .run()
            .succeeds()
    };
    for options in [
        &["--log-level=debug"][..],
        &["-D"],
        &["-l", "DEBUG"],
        &["--log-level", "Trace"],
    ] {
        run(options).says("Debug: store ").says("runs as process");
    }
    for options in [
        &["--log-level=warning"][..],
        &["--log-level", "panic"],
        &["--log-level=INFO"],
        &[],
    ] {
        assert!(run(options).stderr.is_empty());
    }
    // As Podman says it, without more words.
    for (options, said) in [
        (
            &["--log-level=loud"][..],
            "Log Level \"loud\" is not supported, choose from: trace, debug, info, warn, warning, error, fatal, panic",
        ),
        (&["--log-level="], "Log Level \"\" is not supported"),
        (
            &["--debug", "--log-level=panic"],
            "Setting --log-level and --debug is not allowed",
        ),
    ] {
        let refused = sandbox.coracle(options).arg("ps").run().exits(1).says_one_line();
        assert!(refused.stderr.starts_with(said.as_bytes()), "{refused}");
    }
    // What has no effect is told to whoever looks for it.
    let skipped = [
        "--pull-option",
        "a=b",
        "--db-backend=sqlite",
        "--default-mounts-file",
        "/x",
    ];
    assert!(run(&skipped).stderr.is_empty());
    let told = sandbox
        .coracle(skipped)
        .args(["--log-level=info", "ps", "--storage-driver", "vfs"])
        .run();
    told.succeeds()
        .says("Info: --pull-option has no effect")
        .says("Info: --db-backend has no effect")
        .says("Info: --storage-driver vfs is not used");
}

/// Whose stores of images are used as well is nothing to containers.
#[test]
fn what_needs_no_images_does_not_read_where_they_are() {
    let sandbox = Sandbox::new();
    let with = |words: &[&str]| {
        sandbox
            .coracle(words)
            .env("CONTAINERS_STORAGE_CONF", sandbox.path("absent"))
            .run()
    };
    for words in [
        &["ps"][..],
        &["volume", "ls"],
        &["stop", "--all"],
        &["rm", "--all"],
    ] {
        with(words).succeeds();
    }
    with(&["images"]).exits(125).says("there is no such file");
    with(&["ps", "--filter", "ancestor=x"]).exits(125);
}
