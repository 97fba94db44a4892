//! Containers that require others: `--requires`.

use super::death::{IMAGE, assert_clean};
use super::steps::at_every_step;
use super::support::Sandbox;

#[track_caller]
fn create(sandbox: &Sandbox, name: &str, flags: &[&str]) -> String {
    let outcome = sandbox
        .coracle(["create", "--stop-timeout=0", "--name", name])
        .args(flags)
        .args([IMAGE, "sleep", "1000"])
        .run()
        .succeeds();
    outcome.text().trim_end().to_owned()
}

fn listed(sandbox: &Sandbox, flags: &[&str]) -> String {
    let outcome = sandbox
        .coracle(["ps", "--format", "{{.Names}}"])
        .args(flags)
        .run();
    let mut names: Vec<String> = outcome.succeeds().text().lines().map(str::to_owned).collect();
    names.sort();
    names.join(" ")
}

#[test]
fn what_is_required_is_started_before() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let base = create(&sandbox, "base", &[]);
    let middle = create(&sandbox, "middle", &["--requires", "base"]);
    create(
        &sandbox,
        "top",
        &[
            "--requires",
            &format!("{},middle", &base[..12]),
            "--requires=base",
        ],
    );
    let show = ["inspect", "--format", "{{.Dependencies}}", "base", "top"];
    let expected = format!("[]\n[{base} {middle}]\n");
    sandbox.coracle(show).run().succeeds().prints(&expected);
    sandbox.coracle(["start", "top"]).run().succeeds().prints("top\n");
    assert_eq!(listed(&sandbox, &[]), "base middle top");
    // Only what does not run is started.
    sandbox.coracle(["stop", "base", "top"]).run().succeeds();
    sandbox.coracle(["restart", "top"]).run().succeeds();
    assert_eq!(listed(&sandbox, &[]), "base middle top");
    sandbox.coracle(["stop", "-a"]).run().succeeds();
    sandbox
        .coracle([
            "run",
            "--rm",
            "--guard",
            "--requires=middle",
            IMAGE,
            "echo",
            "ran",
        ])
        .run()
        .succeeds()
        .prints("ran\n");
    assert_eq!(listed(&sandbox, &[]), "base middle");
    let words = ["create", "--requires=nosuch", IMAGE, "true"];
    let said = "\"nosuch\" is not a valid container, cannot be used as a dependency";
    sandbox.coracle(words).run().exits(125).says(said);
    sandbox.coracle(["rm", "-fa"]).run().succeeds();
    assert_clean(&sandbox);
}

#[test]
fn what_cannot_be_started_keeps_others_from_it() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let made = ["create", "--name=broken", IMAGE, "nosuch"];
    sandbox.coracle(made).run().succeeds();
    create(&sandbox, "top", &["--requires=broken"]);
    sandbox
        .coracle(["start", "top"])
        .run()
        .exits(125)
        .says("which is required: ")
        .says("nosuch");
    let words = ["run", "--name=other", "--requires=broken", IMAGE, "true"];
    sandbox
        .coracle(words)
        .run()
        .exits(125)
        .says("which is required: ");
    assert_eq!(listed(&sandbox, &["-a"]), "broken top");
    // One that vanishes with its end is not kept by that.
    let brief = [
        "run",
        "-d",
        "--rm",
        "--name=brief",
        "--stop-timeout=0",
        IMAGE,
        "sleep",
        "1000",
    ];
    sandbox.coracle(brief).run().succeeds();
    create(&sandbox, "late", &["--requires=brief"]);
    sandbox.coracle(["stop", "brief"]).run().succeeds();
    sandbox
        .coracle(["start", "late"])
        .run()
        .exits(125)
        .says("was removed");
    sandbox.coracle(["rm", "-a"]).run().succeeds();
    assert_clean(&sandbox);
}

#[test]
fn what_is_required_stays() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let base = create(&sandbox, "base", &[]);
    let top = create(&sandbox, "top", &["--requires=base"]);
    let said = format!(
        "Error: container {base} has dependent containers which must be removed before it: {top}: container already exists"
    );
    for words in [&["rm", "base"][..], &["rm", "-f", "base"]] {
        sandbox.coracle(words).run().exits(125).says(&said);
    }
    sandbox.coracle(["start", "top"]).run().succeeds();
    sandbox.coracle(["rm", "-f", "base"]).run().exits(125).says(&said);
    sandbox.coracle(["rm", "base"]).run().exits(2).says("running");
    sandbox
        .coracle(["create", "--replace", "--name=base", IMAGE, "true"])
        .run()
        .exits(125)
        .says("dependent containers");
    assert_eq!(listed(&sandbox, &[]), "base top");
    sandbox.coracle(["stop", "base"]).run().succeeds();
    sandbox
        .coracle(["rm", "--depend", "base"])
        .run()
        .exits(2)
        .says(&top);
    sandbox
        .coracle(["container", "prune", "-f"])
        .run()
        .succeeds()
        .says(&said);
    assert_eq!(listed(&sandbox, &["-a"]), "base top");
    let expected = format!("{top}\nbase\n");
    sandbox
        .coracle(["rm", "-f", "--depend", "base"])
        .run()
        .succeeds()
        .prints(&expected);
    let base = create(&sandbox, "base", &[]);
    let middle = create(&sandbox, "middle", &["--requires=base"]);
    let top = create(&sandbox, "top", &["--requires=base,middle"]);
    let pruned = sandbox.coracle(["container", "prune", "-f"]).run().succeeds();
    for id in [&base, &middle, &top] {
        assert!(pruned.text().contains(id.as_str()), "{pruned}");
    }
    // A container is required only as long as somebody is there who requires it.
    create(&sandbox, "base", &[]);
    create(&sandbox, "top", &["--requires=base"]);
    sandbox.coracle(["rm", "top"]).run().succeeds();
    sandbox.coracle(["rm", "base"]).run().succeeds();
    assert_clean(&sandbox);
}

#[test]
fn killed_at_any_step_a_create_leaves_nothing_that_is_required() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    create(&sandbox, "base", &[]);
    at_every_step(
        || sandbox.coracle(["create", "--name=top", "--requires=base", IMAGE, "true"]),
        || {
            match listed(&sandbox, &["-a"]).as_str() {
                "base" => {}
                "base top" => {
                    sandbox.coracle(["rm", "base"]).run().exits(125).says("dependent");
                    sandbox.coracle(["rm", "top"]).run().succeeds();
                }
                other => panic!("there is {other}"),
            };
            sandbox.coracle(["rm", "base"]).run().succeeds();
            create(&sandbox, "base", &[]);
        },
    );
    sandbox.coracle(["rm", "-a"]).run().succeeds();
    assert_clean(&sandbox);
}

/// The streams of whoever starts a container are for that container alone.
#[test]
fn what_is_required_does_not_get_the_streams_of_the_caller() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let streams =
        "seen=$(for n in 0 1 2; do readlink /proc/$$/fd/$n; done); echo \"$seen\" >/seen; sleep 1000";
    let first = [
        "create",
        "--name",
        "first",
        "--log-driver",
        "passthrough",
        IMAGE,
        "sh",
        "-c",
        streams,
    ];
    sandbox.coracle(first).run().succeeds();
    let second = ["run", "--rm", "-i", "--requires", "first", IMAGE, "cat"];
    sandbox
        .coracle(second)
        .input("word")
        .run()
        .succeeds()
        .prints("word");
    let seen = [
        "exec",
        "first",
        "sh",
        "-c",
        "until test $(wc -l </seen) = 3; do :; done; cat /seen",
    ];
    sandbox
        .coracle(seen)
        .run()
        .succeeds()
        .prints("/dev/null\n/dev/null\n/dev/null\n");
    sandbox.coracle(["rm", "-f", "first"]).run().succeeds();
}
