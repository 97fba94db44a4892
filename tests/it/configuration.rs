//! containers.conf: which files count, what they come to in a container, and what is told of them.

use std::fs;

use super::death::IMAGE;
use crate::support::Sandbox;

/// What a container sees by the files that count, found where they are by a user who names none.
#[track_caller]
fn seen(sandbox: &Sandbox, options: &[&str], container: &[&str], environment: &[(&str, &str)]) -> String {
    let mut run = sandbox.coracle(options).args(["run", "--rm"]).args(container);
    for (name, value) in environment {
        run = run.env(name, value);
    }
    let script = "echo $A $B $C $D; df -k /dev/shm | tail -n 1 | awk '{print $2}'";
    let outcome = run.args([IMAGE, "sh", "-c", script]).run().succeeds();
    outcome.text().replace('\n', " ").trim().to_owned()
}

fn write(sandbox: &Sandbox, name: &str, text: &str) -> String {
    let path = sandbox.path("config/containers").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn files_count_in_their_order() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    write(
        &sandbox,
        "containers.conf",
        "[containers]\nshm_size = \"1m\"\nenv = [\"A=user\", \"B=user\"]\n",
    );
    write(
        &sandbox,
        "containers.conf.d/2.conf",
        "[containers]\nenv = [\"B=second\", {append = true}]\n",
    );
    write(
        &sandbox,
        "containers.conf.d/1.conf",
        "[containers]\nenv = [\"B=first\", \"C=first\", {append = true}]\n",
    );
    write(&sandbox, "containers.conf.d/ignored.txt", "broken");
    write(
        &sandbox,
        "containers.conf.modules/mine.conf",
        "[containers]\nshm_size = \"2m\"\nenv = [\"D=module\"]\n",
    );
    let named = write(&sandbox, "named", "[containers]\nenv = [\"A=named\"]\n");
    let over = write(
        &sandbox,
        "over",
        "[containers]\nshm_size = \"3m\"\nenv = [\"D=over\"]\n",
    );
    let unnamed = ("CONTAINERS_CONF", "");
    for (options, container, environment, expected) in [
        (&[][..], &[][..], &[unnamed][..], "user second first 1024"),
        (
            &[],
            &["--shm-size=4m", "--env=A=line"],
            &[unnamed],
            "line second first 4096",
        ),
        (
            &["--module", "mine.conf"],
            &[],
            &[unnamed],
            "user second first module 2048",
        ),
        (
            &["--module", "mine.conf"],
            &[],
            &[unnamed, ("CONTAINERS_CONF_OVERRIDE", &over)],
            "user second first module over 3072",
        ),
        (&[], &[], &[("CONTAINERS_CONF", &named)], "named 65536"),
        (
            &["--module", &over],
            &[],
            &[("CONTAINERS_CONF", &named)],
            "over 3072",
        ),
    ] {
        let seen = seen(&sandbox, options, container, environment);
        // Each of the two that say D adds to the list, where the later one wins.
        let expected = expected.replace("module over", "over");
        assert_eq!(seen, expected, "{options:?} {container:?} {environment:?}");
    }
}

#[test]
fn what_is_wrong_or_not_used_is_told() {
    let sandbox = Sandbox::new();
    let run = |text: &str, words: &[&str]| {
        let path = write(&sandbox, "named", text);
        sandbox.coracle(words).env("CONTAINERS_CONF", path).run()
    };
    let told = run(
        "[containers]\nkeyring = true\ninit = true\n[engine]\nlock_type = \"shm\"\n",
        &["info", "--format", "{{json .host.ignored}}"],
    );
    told.succeeds()
        .prints("[\"containers.keyring\",\"engine.lock_type\"]\n");
    let told = run("[engine]\nlock_type = \"shm\"\n", &["info"]).succeeds();
    assert!(told.text().contains("- engine.lock_type"), "{told}");
    run("[containers]\n\ninit = 3\n", &["create", "x"])
        .exits(125)
        .says("named: line 3: ");
    run("", &["--module", "nosuch", "create", "x"])
        .exits(125)
        .says("--module=nosuch: there is no such file in ");
    let absent = sandbox
        .coracle(["create", "x"])
        .env("CONTAINERS_CONF", "/nosuch")
        .run();
    absent.exits(125).says("/nosuch: there is no such file");
}

#[test]
fn names_of_hosts_and_events() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let path = write(
        &sandbox,
        "named",
        "[containers]\ncontainer_name_as_hostname = true\n[engine]\nevents_logger = \"none\"\n",
    );
    let coracle = |words: &[&str]| sandbox.coracle(words).env("CONTAINERS_CONF", &path);
    let name = coracle(&["run", "--rm", "--name", "my_box", IMAGE, "hostname"]).run();
    name.succeeds().prints("mybox\n");
    let name = coracle(&["run", "--rm", "--name", "box", "-h", "other", IMAGE, "hostname"]).run();
    name.succeeds().prints("other\n");
    coracle(&["events", "--stream=false"])
        .run()
        .exits(125)
        .says("cannot read events");
    let events = [
        "--events-backend=file",
        "events",
        "--stream=false",
        "--filter",
        "container=box",
    ];
    coracle(&events).run().succeeds().prints("");
}
