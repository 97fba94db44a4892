//! The command line as people write it: options before and behind the command, other names of the program, names by
//! patterns.

use crate::support::Sandbox;

const IMAGE: &str = "busybox";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    sandbox
}

#[test]
fn options_of_the_program_stand_behind_the_command_too() {
    let sandbox = Sandbox::new();
    let elsewhere = sandbox.path("elsewhere");
    let root = |format: &str| {
        let words = ["info", "--format", format, "--root"];
        let outcome = sandbox.coracle(words).arg(&elsewhere).run().succeeds();
        outcome.text().to_owned()
    };
    assert_eq!(root("{{.Store.GraphRoot}}"), elsewhere.display().to_string());
    let words = [
        "info",
        "--events-backend=none",
        "--format",
        "{{.Host.EventLogger}}",
    ];
    sandbox.coracle(words).run().succeeds().prints("none\n");
    sandbox.coracle(["ps", "--root"]).run().exits(125).says("--root");
    // Behind the image it is the container's.
    sandbox.busybox();
    let words = ["run", "--rm", "--network", "none", IMAGE, "echo", "--root", "/x"];
    sandbox.coracle(words).run().succeeds().prints("--root /x\n");
}

#[test]
fn results_go_where_they_are_wanted() {
    let sandbox = sandbox();
    let file = sandbox.path("results");
    let words = ["create", "--name", "one", IMAGE, "true", "--out"];
    // Behind the image it is no option of ours.
    sandbox.coracle(words).arg(&file).run().succeeds();
    assert!(!file.exists());
    let kept = sandbox
        .coracle(["--out"])
        .arg(&file)
        .args(["create", "--name", "two", IMAGE])
        .run()
        .succeeds();
    assert_eq!(kept.text(), "");
    let id = sandbox
        .coracle(["inspect", "--format", "{{.Id}}", "two"])
        .run()
        .succeeds();
    assert_eq!(
        std::fs::read_to_string(&file).expect("made"),
        format!("{}\n", id.text())
    );
    let words = [
        "--noout",
        "run",
        "--rm",
        "--network",
        "none",
        IMAGE,
        "echo",
        "lost",
    ];
    sandbox.coracle(words).run().succeeds().prints("");
    sandbox
        .coracle(["--noout", "rm", "nosuch"])
        .run()
        .exits(1)
        .says("no such container");
}

#[test]
fn a_line_without_a_command_says_so() {
    let sandbox = Sandbox::new();
    for (words, command) in [(&[][..], "coracle"), (&["image"], "coracle image")] {
        let outcome = sandbox.coracle([] as [&str; 0]).args(words).run().exits(125);
        outcome
            .says("Usage:")
            .says(&format!("Error: missing command '{command} COMMAND'"));
    }
}

#[test]
fn other_names_of_the_program_have_their_versions() {
    let sandbox = Sandbox::new();
    for (name, line, version, api) in [
        ("podman", "podman version 5.", "5.", "5."),
        ("docker", "Docker version 28.", "28.", "1."),
    ] {
        let link = sandbox.path(name);
        std::os::unix::fs::symlink(sandbox.binary(), &link).expect("link in our own directory");
        let tell = |words: &[&str]| {
            let outcome = sandbox.program(&link).args(words).run().succeeds();
            outcome.text().to_owned()
        };
        assert!(tell(&["--version"]).starts_with(line), "{name}");
        let versions = tell(&[
            "version",
            "--format",
            "{{.Client.Version}} {{.Server.ApiVersion}} {{.Client.Coracle}}",
        ]);
        let versions: Vec<&str> = versions.split(' ').collect();
        assert!(
            versions[0].starts_with(version) && versions[1].starts_with(api),
            "{versions:?}"
        );
        assert_eq!(versions[2], env!("CARGO_PKG_VERSION"));
    }
}

#[test]
fn names_are_filtered_by_regular_expressions() {
    let sandbox = sandbox();
    for name in ["web1", "web2", "db"] {
        sandbox
            .coracle(["create", "--name", name, IMAGE])
            .run()
            .succeeds();
        sandbox.coracle(["volume", "create", name]).run().succeeds();
    }
    for (pattern, names) in [
        ("web", "web1 web2"),
        ("^/?db$", "db"),
        ("^(db|web2)$", "db web2"),
        ("web[^1]", "web2"),
        ("web1*", "web1 web2"),
        ("nosuch", ""),
    ] {
        for words in [
            &["ps", "-a", "--format", "{{.Names}}"][..],
            &["volume", "ls", "-q"],
        ] {
            let filter = format!("name={pattern}");
            let outcome = sandbox
                .coracle(words)
                .args(["--filter", &filter])
                .run()
                .succeeds();
            let mut found: Vec<&str> = outcome.text().lines().collect();
            found.sort_unstable();
            let mut wanted: Vec<&str> = names.split_whitespace().collect();
            wanted.sort_unstable();
            assert_eq!(found, wanted, "{words:?} {pattern}");
        }
    }
    sandbox
        .coracle(["ps", "--filter", "name=("])
        .run()
        .exits(125)
        .says("not a regular expression");
}

#[test]
fn who_gives_input_alone_gets_the_identifier() {
    let sandbox = sandbox();
    let words = [
        "run",
        "-a",
        "stdin",
        "--name",
        "one",
        "--network",
        "none",
        IMAGE,
        "echo",
        "x",
    ];
    let told = sandbox.coracle(words).run().succeeds();
    let id = sandbox
        .coracle(["inspect", "--format", "{{.Id}}", "one"])
        .run()
        .succeeds();
    assert_eq!(told.text(), id.text());
}

#[test]
fn what_is_not_there_is_told_as_podman_tells_it() {
    let sandbox = Sandbox::new();
    let nothing = sandbox.coracle(["inspect", "nosuch"]).run().exits(125);
    nothing.prints("[]\n").says("Error: no such object: \"nosuch\"");
    let words = ["rm", "nosuch"];
    let gone = sandbox.coracle(words).run().exits(1);
    gone.says("no container with ID or name \"nosuch\" found: no such container");
    let missing = sandbox.path("no-file");
    let stop = |options: &[&str]| {
        let words = ["stop", "--cidfile"];
        sandbox.coracle(words).arg(&missing).args(options).run()
    };
    stop(&[]).exits(125).says("reading CIDFile: open");
    stop(&["--ignore"]).succeeds().prints("");
}

#[test]
fn the_kind_of_terminal_is_known_in_every_process() {
    let sandbox = sandbox();
    for (run, exec, expected) in [
        (&["-t"][..], &[][..], "xterm"),
        (&[], &["-t"], "xterm\r"),
        (&[], &[], ""),
        (&["-t", "-e", "TERM=vt100"], &["-e", "TERM=dumb"], "dumb"),
        (&["-t", "-e", "TERM=vt100"], &[], "vt100"),
    ] {
        let words = ["run", "-d", "--name", "one", "--network", "none"];
        sandbox
            .coracle(words)
            .args(run)
            .args([IMAGE, "sleep", "1000"])
            .run()
            .succeeds();
        let words = ["one", "sh", "-c", "echo $TERM"];
        let told = sandbox.coracle(["exec"]).args(exec).args(words).run().succeeds();
        assert_eq!(
            told.stdout,
            format!("{expected}\n").as_bytes(),
            "{run:?} {exec:?}"
        );
        sandbox.coracle(["rm", "-f", "-t", "0", "one"]).run().succeeds();
    }
}
