//! `container clone`: the configuration of one container for another one.

use serde_json::json;

use super::death::{IMAGE, assert_clean};
use super::steps::at_every_step;
use super::support::{Image, Sandbox};

#[track_caller]
fn clone(sandbox: &Sandbox, words: &[&str]) -> String {
    let outcome = sandbox
        .coracle(["container", "clone"])
        .args(words)
        .run()
        .succeeds();
    let id = outcome.text().trim_end().to_owned();
    assert_eq!(id.len(), 64, "{outcome}");
    id
}

#[track_caller]
fn show(sandbox: &Sandbox, container: &str, format: &str) -> String {
    let outcome = sandbox
        .coracle(["inspect", "--format", format, container])
        .run()
        .succeeds();
    outcome.text().trim_end().to_owned()
}

fn names(sandbox: &Sandbox) -> String {
    let outcome = sandbox.coracle(["ps", "-a", "--format", "{{.Names}}"]).run();
    let mut names: Vec<String> = outcome.succeeds().text().lines().map(str::to_owned).collect();
    names.sort();
    names.join(" ")
}

#[test]
fn a_clone_has_the_configuration() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let pidfile = sandbox.path("work/pid");
    sandbox
        .coracle([
            "create",
            "--name=one",
            "-e=A=1",
            "--label=a=b",
            "-m=32m",
            "--pids-limit=7",
            "--cpu-shares=512",
        ])
        .args([
            "--user=nobody",
            "--workdir=/tmp",
            "-v=data:/data",
            "-v=/own",
            "--health-cmd=true",
        ])
        .arg("--pidfile")
        .arg(&pidfile)
        .args([IMAGE, "sh", "-c", "echo $A; echo written > /tmp/file"])
        .run()
        .succeeds();
    let clone_id = clone(&sandbox, &["one"]);
    assert_eq!(names(&sandbox), "one one-clone");
    for format in [
        "{{.Config.Cmd}} {{.Config.Env}} {{.Config.Labels}} {{.Config.User}} {{.Config.WorkingDir}}",
        "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}} {{.HostConfig.CpuShares}}",
        "{{.Config.Healthcheck}} {{.Config.CreateCommand}} {{.ImageName}} {{.Image}}",
    ] {
        assert_eq!(show(&sandbox, "one", format), show(&sandbox, "one-clone", format));
    }
    let host = "{{.Config.Hostname}}";
    assert_eq!(show(&sandbox, "one-clone", host), &clone_id[..12]);
    assert_eq!(show(&sandbox, "one-clone", "{{.PidFile}}"), "");
    let volumes = "{{range .Mounts}}{{.Destination}}={{.Name}} {{end}}";
    let (of_one, of_clone) = (
        show(&sandbox, "one", volumes),
        show(&sandbox, "one-clone", volumes),
    );
    assert!(
        of_one.contains("/data=data") && of_clone.contains("/data=data"),
        "{of_clone}"
    );
    assert_ne!(of_one, of_clone);
    let limits = "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}} {{.HostConfig.CpuShares}} \
                  {{.HostConfig.CpusetCpus}}";
    clone(&sandbox, &["--cpus=0.5", "-m", "0", "--cpuset-cpus=0", "one"]);
    assert_eq!(show(&sandbox, "one-clone1", limits), "0 500000000 7 512 0");
    clone(&sandbox, &["one-clone"]);
    clone(&sandbox, &["--name=two", "one"]);
    clone(&sandbox, &["one", "three"]);
    assert_eq!(names(&sandbox), "one one-clone one-clone1 one-clone2 three two");
    sandbox.coracle(["rm", "-av"]).run().succeeds();
    sandbox.coracle(["volume", "rm", "data"]).run().succeeds();
    assert_clean(&sandbox);
}

#[test]
fn a_clone_has_another_image_and_runs() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let other = "localhost/other:latest";
    sandbox.load(&Image::busybox().configure(json!({"Cmd": ["nosuch"]})).name(other));
    let made = ["run", "--name=one", "-e=A=1", "--hostname=box", IMAGE, "sh", "-c"];
    let script = "echo $A; hostname; ls /tmp; echo > /tmp/written";
    sandbox
        .coracle(made)
        .arg(script)
        .run()
        .succeeds()
        .prints("1\nbox\n");
    let id = clone(&sandbox, &["--run", "one", "two", other]);
    sandbox.coracle(["wait", "two"]).run().prints("0\n");
    sandbox.coracle(["logs", &id]).run().prints("1\nbox\n");
    assert_eq!(show(&sandbox, "two", "{{.ImageName}}"), other);
    for (words, said) in [
        (&["one", "four", "localhost/nosuch:latest"][..], "nosuch"),
        (&["nosuch"], "no such container"),
        (&["-f", "one"], "cannot set --force without --destroy"),
        (&["one", "two"], "already in use"),
        (&["--name=two", "one"], "already in use"),
        (&["--memory=1k", "one"], "6 MiB"),
        (
            &["--pod=x", "one"],
            "--pod is not supported yet: there are no pods",
        ),
        (&["--memory-swap=1g", "one"], "always set a memory limit"),
    ] {
        let outcome = sandbox.coracle(["container", "clone"]).args(words).run();
        outcome.exits(125).says(said);
    }
    assert_eq!(names(&sandbox), "one two");
    sandbox.coracle(["rm", "-a"]).run().succeeds();
    assert_clean(&sandbox);
}

#[test]
fn a_clone_takes_the_place_of_the_other() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let made = [
        "run",
        "-d",
        "--name=one",
        "--stop-timeout=0",
        IMAGE,
        "sleep",
        "1000",
    ];
    sandbox.coracle(made).run().succeeds();
    sandbox
        .coracle(["container", "clone", "--destroy", "one"])
        .run()
        .exits(125)
        .says("as it is running");
    assert_eq!(names(&sandbox), "one");
    clone(&sandbox, &["--destroy", "-f", "--run", "one", "two"]);
    assert_eq!(names(&sandbox), "two");
    assert_eq!(show(&sandbox, "two", "{{.State.Status}}"), "running");
    let top = ["create", "--name=top", "--requires=two", IMAGE, "true"];
    sandbox.coracle(top).run().succeeds();
    sandbox
        .coracle(["container", "clone", "--destroy", "-f", "two"])
        .run()
        .exits(125)
        .says("dependent containers");
    assert_eq!(names(&sandbox), "top two");
    // What the other one requires the clone does, too.
    clone(&sandbox, &["--destroy", "top"]);
    sandbox
        .coracle(["rm", "-f", "two"])
        .run()
        .exits(125)
        .says("dependent containers");
    sandbox.coracle(["rm", "-fa"]).run().succeeds();
    assert_clean(&sandbox);
}

#[test]
fn killed_at_any_step_a_clone_is_whole_or_none() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let create = || {
        let words = ["create", "--replace", "--name=one", IMAGE, "echo", "ran"];
        sandbox.coracle(words).run().succeeds();
    };
    create();
    at_every_step(
        || sandbox.coracle(["container", "clone", "--destroy", "one"]),
        || {
            let names = names(&sandbox);
            for name in names.split(' ') {
                sandbox
                    .coracle(["start", "-a", name])
                    .run()
                    .succeeds()
                    .prints("ran\n");
            }
            assert!(
                ["one", "one one-clone", "one-clone"].contains(&names.as_str()),
                "{names}"
            );
            sandbox.coracle(["rm", "-a"]).run().succeeds();
            create();
        },
    );
    sandbox.coracle(["rm", "-a"]).run().succeeds();
    assert_clean(&sandbox);
}
