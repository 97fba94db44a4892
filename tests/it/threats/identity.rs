//! Users, groups, environment, and the account files that we read from a container.

use std::time::Duration;

use serde_json::json;

use super::{IMAGE, load};
use crate::support::requires::{is_root, requires};
use crate::support::run::contains;
use crate::support::{Canary, Entry, Sandbox};

/// CVE-2026-30892: a user is exactly who was named, or it is an error.
#[test]
fn cve_2026_30892_every_string_of_a_user_is_right_or_refused() {
    let sandbox = Sandbox::new();
    let passwd = "root:x:0:0::/:/bin/sh\nme:x:5:6::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n0x1:x:0:0::/:\n1e0:x:9:9::/:\n";
    let group = "root:x:0:\nmine:x:6:\nmore:x:8:me\n";
    let files = [Entry::file("etc/passwd", passwd), Entry::file("etc/group", group)];
    load(&sandbox, &files, json!({}));
    let start = [
        "run", "-d", "--name", "one", "--user", "5", IMAGE, "sleep", "1000",
    ];
    sandbox.coracle(start).run().succeeds();
    let table = [
        ("1", "1:0:"),
        ("01", "1:0:"),
        ("5", "5:6:8"),
        ("me", "5:6:8"),
        ("me:mine", "5:6:"),
        ("me:7", "5:7:"),
        ("1:1", "1:1:"),
        // As whoever the container is for.
        ("", "5:6:8"),
        // By that name alone, digit or not.
        ("1e0", "9:9:"),
        ("1:", ""),
        ("+1", ""),
        (" 1", ""),
        ("1 ", ""),
        ("1\n", ""),
        ("1:1:1", ""),
        (":", ""),
        ("::", ""),
        ("4294967295", ""),
        ("4294967296", ""),
        ("18446744073709551616", ""),
        ("2147483648", ""),
        ("1:4294967296", ""),
        ("1:-1", ""),
        ("-1", ""),
        ("nobody:", ""),
        ("nosuch", ""),
        ("me:nosuch", ""),
        ("ME", ""),
        ("me ", ""),
        ("/etc/passwd", ""),
        ("\u{ff11}", ""),
    ];
    let script = "echo $(id -u):$(id -g):$(grep ^Groups /proc/self/status | cut -f2 | sed 's/ *$//')";
    let mut wrong = Vec::new();
    for (user, expected) in table {
        let option = format!("--user={user}");
        let exec = sandbox
            .coracle(["exec", &option, "one", "sh", "-c", script])
            .run();
        let run = sandbox
            .coracle(["run", "--rm", &option, IMAGE, "sh", "-c", script])
            .run();
        for (command, outcome) in [("exec", exec), ("run", run)] {
            // Without a user of the image, `run` starts as the superuser.
            let expected = if user.is_empty() && command == "run" {
                "0:0:"
            } else {
                expected
            };
            let right = match expected {
                "" => matches!(outcome.code, Some(125 | 126)) && outcome.stdout.is_empty(),
                expected => outcome.code == Some(0) && outcome.text() == expected,
            };
            if !right {
                wrong.push(format!("{command} {user:?}: expected {expected:?}: {outcome}"));
            }
        }
    }
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    // An empty word does not take the image's user away.
    load(&sandbox, &files, json!({ "User": "me" }));
    let words = ["run", "--rm", "--user=", IMAGE, "sh", "-c", script];
    sandbox.coracle(words).run().succeeds().prints("5:6:8\n");
}

/// CVE-2022-2989, CVE-2022-2990, CVE-2022-36109, CVE-2023-25173: a permission that a group is denied is denied.
#[test]
fn cve_2022_2989_members_of_a_group_are_members() {
    let sandbox = Sandbox::new();
    let files = [
        Entry::file("etc/passwd", "root:x:0:0::/:/bin/sh\nme:x:5:6::/:/bin/sh\n"),
        Entry::file("etc/group", "root:x:0:\nmine:x:6:\ndenied:x:77:me\n"),
        Entry::file("secret", "for all but the group\n")
            .mode(0o604)
            .owner(0, 77),
        Entry::file("primary", "the same\n").mode(0o604).owner(0, 6),
        Entry::file("superusers", "the same\n").mode(0o604).owner(0, 0),
    ];
    load(&sandbox, &files, json!({ "User": "me" }));
    sandbox
        .coracle(["run", "-d", "--name", "one", IMAGE, "sleep", "1000"])
        .run()
        .succeeds();
    let read = |options: &[&str], file: &str| {
        let run = sandbox.coracle(["run", "--rm"]).args(options);
        let run = run.args([IMAGE, "cat", file]).run();
        let exec = sandbox.coracle(["exec"]).args(options);
        let exec = exec.args(["one", "cat", file]).run();
        assert_eq!(run.code, exec.code, "{run}\n{exec}");
        run.code == Some(0)
    };
    for options in [&[][..], &["-u", "me"], &["-u", "5"]] {
        assert!(!read(options, "/secret"), "{options:?}");
        assert!(!read(options, "/primary"), "{options:?}");
        assert!(read(options, "/superusers"), "{options:?}");
    }
    // With a group named, those of the file do not count.
    assert!(read(&["-u", "5:6"], "/secret"));
    assert!(!read(&["-u", "5:77"], "/secret"));
    assert!(!read(&["-u", "5:0"], "/superusers"));
    // Someone who is listed nowhere has the superuser's group, as elsewhere, and no other.
    assert!(!read(&["-u", "1234"], "/superusers"));
    assert!(read(&["-u", "1234"], "/secret"));
    let added = sandbox
        .coracle([
            "run",
            "--rm",
            "-u",
            "1234:1234",
            "--group-add",
            "denied",
            IMAGE,
            "cat",
            "/secret",
        ])
        .run();
    added.exits(1);
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
}

/// CVE-2024-9676, CVE-2026-47262: account files of any kind and size cost neither time nor memory, and tell nothing.
#[test]
fn cve_2024_9676_account_files_change_in_a_running_container() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    sandbox.busybox();
    let secret = canary.secret();
    // Starts a container that changes the files itself.
    let start = |script: &str| {
        let script = format!("{script}; echo ready; exec sleep 1000");
        let words = ["run", "-d", "--name", "one", IMAGE, "sh", "-c", &script];
        sandbox.coracle(words).run().succeeds();
        let logs = sandbox.coracle(["logs", "--follow", "one"]).start();
        logs.expect("ready");
    };
    for prepare in [
        "ln -s /dev/zero",
        &format!("ln -s {}", secret.display()),
        "ln -s /proc/1/mem",
        "ln -s /proc/kmsg",
        "ln -s /dev/tty",
        "ln -s /dev/pts/ptmx",
        "mkfifo",
        "mkdir",
        "truncate -s 2G",
        "dd if=/dev/zero bs=1M count=20 of=/etc/big 2>/dev/null; mv /etc/big",
    ] {
        start(&format!(
            "for f in passwd group; do rm -rf /etc/$f; {prepare} /etc/$f; done"
        ));
        for words in [
            &["exec", "-u", "x", "one", "true"][..],
            &["exec", "-u", "0:x", "one", "true"],
            &["top", "one"],
        ] {
            // The program and its libraries need less than that; to read a big file whole would need more.
            let outcome = sandbox
                .coracle(words)
                .through_shell("ulimit -v 524288; exec \"$0\" \"$@\"")
                .limit(Duration::from_secs(10))
                .run();
            let is_listing = words[0] == "top" && outcome.code == Some(0);
            assert!(
                is_listing || matches!(outcome.code, Some(125 | 126)),
                "{prepare}: {outcome}"
            );
            assert!(outcome.elapsed.as_secs() < 2, "{prepare}: {outcome}");
            canary.check(&[&outcome]);
        }
        sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    }
    // A group with hundreds of thousands of members, below the limit of length.
    start(
        "s=,member; while [ ${#s} -lt 4000 ]; do s=$s$s; done; \
         (printf 'root:x:0:root\\ng:x:5:a'; yes $s | head -n 1500 | tr -d '\\n'; echo ,root) >/etc/group",
    );
    let words = ["exec", "-u", "root", "one", "id", "-G"];
    let outcome = sandbox.coracle(words).run().succeeds();
    assert!(outcome.elapsed.as_secs() < 5, "{outcome}");
    assert_eq!(outcome.text(), "0 5");
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
}

/// CVE-2020-14370, CVE-2021-3602, CVE-2026-57231: what stands in the caller's environment stays there.
#[test]
fn cve_2020_14370_the_environment_is_the_containers_own() {
    let sandbox = Sandbox::new();
    let hostile = json!([
        "PATH=/bin",
        "TOKEN",
        "TOK*",
        "*",
        "=x",
        "",
        "A=1\nTOKEN",
        "OK=yes"
    ]);
    load(&sandbox, &[], json!({ "Env": hostile }));
    let host = |words: &[&str]| {
        let mut invocation = sandbox.coracle(words);
        for name in [
            "TOKEN",
            "http_proxy",
            "HTTPS_PROXY",
            "LD_PRELOAD_X",
            "SSH_AUTH_SOCK",
            "NOTIFY_SOCKET",
            "LISTEN_FDS",
        ] {
            invocation = invocation.env(name, "sesame");
        }
        invocation.run().succeeds()
    };
    let names = |outcome: &crate::support::run::Outcome| {
        assert!(!contains(&outcome.stdout, b"sesame"), "{outcome}");
        let mut names: Vec<String> = outcome
            .text()
            .lines()
            .filter_map(|line| Some(line.split_once('=')?.0.to_owned()))
            .collect();
        names.sort();
        names.join(" ")
    };
    // The second line of A is part of its value.
    let expected = "A HOME HOSTNAME OK PATH container";
    // Proxies are passed on unless that is refused (docs/decisions.md), and nothing beside them is.
    let alone = "--http-proxy=false";
    host(&["create", alone, "--name", "two", IMAGE, "/bin/env"]);
    host(&["run", alone, "-d", "--name", "one", IMAGE, "sleep", "1000"]);
    let passed = host(&["run", "--rm", IMAGE, "/bin/env"]);
    let sesame = passed.text().lines().filter(|line| line.contains("sesame"));
    let mut sesame: Vec<&str> = sesame.collect();
    sesame.sort_unstable();
    assert_eq!(sesame, ["HTTPS_PROXY=sesame", "http_proxy=sesame"]);
    for words in [
        &["run", alone, "--rm", IMAGE, "/bin/env"][..],
        &["start", "--attach", "two"],
        &["exec", "one", "/bin/env"],
    ] {
        assert_eq!(names(&host(words)), expected, "{words:?}");
    }
    // What the caller asks for by name he gets.
    let asked = host(&[
        "run", alone, "--rm", "-e", "OTHER=1", "-e", "NOSUCH", IMAGE, "/bin/env",
    ]);
    assert_eq!(names(&asked), "A HOME HOSTNAME OK OTHER PATH container");
    let documents = host(&["inspect", "one", "two"]);
    assert!(!contains(&documents.stdout, b"sesame"), "{documents}");
    sandbox.coracle(["rm", "-f", "one", "two"]).run().succeeds();
}

/// CVE-2024-40635, CVE-2026-46680: a group of the image that is out of range, and users that only look like numbers.
#[test]
fn cve_2026_46680_users_of_the_image_do_not_wrap() {
    let sandbox = Sandbox::new();
    for user in [
        "1:4294967296",
        "4294967295",
        "-1",
        "+0",
        "0x0",
        "65536:99999999999",
        "root:",
        "1:0x0",
    ] {
        let files = [
            Entry::file("etc/passwd", format!("root:x:0:0::/:\n{user}:x:0:0::/:\n")),
            Entry::file("etc/group", "root:x:0:\n4294967296:x:0:\n99999999999:x:0:\n"),
        ];
        load(&sandbox, &files, json!({ "User": user }));
        let outcome = sandbox.coracle(["run", "--rm", IMAGE, "true"]).run();
        // A name may be odd; then it is the one of the file.
        let is_name = user == "0x0";
        assert!(
            is_name || matches!(outcome.code, Some(125 | 126)),
            "{user}: {outcome}"
        );
    }
}

/// CVE-2021-41091, CVE-2021-21284: other users of the host get nowhere near what containers hold.
#[test]
fn cve_2021_41091_the_store_is_closed_to_others() {
    requires!("root", "program:setpriv");
    let sandbox = Sandbox::new();
    let tool = Entry::program("bin/raise", "#!/bin/sh\n").mode(0o4755);
    load(&sandbox, &[tool], json!({}));
    sandbox
        .coracle(["run", "-d", "--name", "one", "-v", "v:/v", IMAGE, "sleep", "1000"])
        .run()
        .succeeds();
    // The way there is open as far as it is the test's.
    for path in [sandbox.path.clone(), sandbox.path("share"), sandbox.path("run")] {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    for root in [sandbox.data_root(), sandbox.run_root()] {
        if !root.exists() {
            continue;
        }
        for command in ["ls", "find"] {
            let outcome = sandbox
                .program("setpriv")
                .args([
                    "--reuid",
                    "65534",
                    "--regid",
                    "65534",
                    "--clear-groups",
                    "--inh-caps=-all",
                    command,
                ])
                .arg(&root)
                .run();
            assert_ne!(outcome.code, Some(0), "{outcome}");
        }
    }
    assert!(is_root());
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
}
