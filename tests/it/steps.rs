//! Commands killed at one step after the other: what is left is what the next command can go on from.

use std::time::Duration;

use rustix::process::Signal;

use super::death::{IMAGE, assert_clean, empties, eventually, vanishing};
use crate::support::group::Group;
use crate::support::registry::{Answer, Asked, Content, Distribution, Fake};
use crate::support::{Compression, Entry, Format, Image, Invocation, Sandbox, killer, requires};

/// Kills at one step after the other, until the command ends by itself, and checks after each. Every step is tried with
/// `CORACLE_TEST_STEPS=1`; else one of seven.
pub fn at_every_step(invocation: impl Fn() -> Invocation, check: impl Fn()) {
    let stride = std::env::var("CORACLE_TEST_STEPS").map_or(7, |text| text.parse().unwrap());
    let mut number = 0;
    while let Some(step) = killer::kill_at(invocation(), number) {
        eprintln!("step {number}: {}", step.call);
        check();
        number += stride;
    }
    assert!(number > 0, "no step was seen");
}

#[test]
fn a_run_killed_at_every_step_leaves_nothing() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let group = Group::if_possible();
    let run = || {
        let invocation = sandbox.coracle(["run", "--rm", "--name", "one", "-v", "/etc", IMAGE, "true"]);
        Group::enter(&group, invocation)
    };
    at_every_step(run, || {
        // Whoever outlives the kill ends by itself, and the next command takes up what it has left.
        eventually("the name is free", || run().run().code == Some(0));
        eventually("all is gone", || {
            let volumes = sandbox.coracle(["volume", "ls", "-q"]).run().succeeds();
            let containers = sandbox.coracle(["ps", "-aq"]).run().succeeds();
            volumes.text().is_empty() && containers.text().is_empty()
        });
        empties(&sandbox, &["containers", "names", "active", "staging", "trash"]);
        if let Some(group) = &group {
            eventually("no group is left", || group.others().is_empty());
        }
    });
}

#[test]
fn a_start_killed_at_every_step_can_be_repeated() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let group = Group::if_possible();
    let start = || Group::enter(&group, sandbox.coracle(["start", "-a", "one"]));
    sandbox
        .coracle(["create", "--name", "one", IMAGE, "true"])
        .run()
        .succeeds();
    at_every_step(start, || {
        eventually("it starts and ends", || start().run().code == Some(0));
    });
    sandbox.coracle(["rm", "one"]).run().succeeds();
    assert_clean(&sandbox);
    if let Some(group) = &group {
        assert_eq!(group.others(), Vec::<String>::new());
    }
}

#[test]
fn a_container_whose_renaming_is_killed_has_one_name() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let coracle = |words: &[&str]| sandbox.coracle(words).run();
    for running in [false, true] {
        coracle(&["create", "--name", "one", IMAGE, "sleep", "1000"]).succeeds();
        if running {
            coracle(&["start", "one"]).succeeds();
        }
        at_every_step(
            || sandbox.coracle(["rename", "one", "two"]),
            || {
                let listed = coracle(&["ps", "-a", "--format", "{{.Names}}"]).succeeds();
                let (name, other) = match listed.text() {
                    "one" => ("one", "two"),
                    "two" => ("two", "one"),
                    _ => panic!("{listed}"),
                };
                coracle(&["container", "exists", name]).succeeds();
                coracle(&["container", "exists", other]).exits(1);
                coracle(&["create", "--name", other, IMAGE, "true"]).succeeds();
                coracle(&["rm", other]).succeeds();
                if name == "two" {
                    coracle(&["rename", "two", "one"]).succeeds();
                }
                let names = std::fs::read_dir(sandbox.data_root().join("names")).unwrap();
                assert_eq!(names.count(), 1);
            },
        );
        coracle(&["rm", "-f", "two"]).succeeds();
        assert_clean(&sandbox);
    }
}

#[test]
fn a_vanishing_container_takes_its_new_name_along() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let running = vanishing(&sandbox);
    sandbox.coracle(["rename", "one", "two"]).run().succeeds();
    sandbox.coracle(["kill", "two"]).run().succeeds();
    running.wait().exits(137);
    empties(&sandbox, &["containers", "names", "active"]);
}

#[test]
fn a_load_killed_at_every_step_leaves_nothing() {
    let sandbox = Sandbox::new();
    let archive = sandbox.path("tmp/image.tar");
    Image::new()
        .layer(&[
            Entry::directory("d"),
            Entry::file("d/one", "1"),
            Entry::hard_link("d/two", "d/one"),
            Entry::file("gone", "2"),
        ])
        .compressed_layer(
            &[Entry::file(".wh.gone", ""), Entry::symlink("d/three", "one")],
            Compression::Gzip,
        )
        .name(IMAGE)
        .write(&archive, Format::DockerArchive);
    let load = || sandbox.coracle(["load", "-q", "-i"]).arg(&archive);
    let remove = || sandbox.coracle(["rmi", IMAGE]).run();
    at_every_step(
        || {
            let _ = remove();
            load()
        },
        || {
            load().run().succeeds();
            sandbox.coracle(["system", "check"]).run().succeeds();
            remove().succeeds();
            empties(&sandbox, &["images", "layers", "staging", "trash"]);
        },
    );
}

#[test]
fn a_pull_killed_at_every_step_can_be_repeated() {
    let sandbox = Sandbox::new();
    let image = Image::new()
        .layer(&[Entry::directory("d"), Entry::file("d/one", "1")])
        .compressed_layer(
            &[Entry::file("d/.wh.one", ""), Entry::symlink("d/three", "one")],
            Compression::Gzip,
        );
    let content = Content::of(&image, &sandbox.path("tmp"));
    let registry = Fake::start(move |asked| content.answer(asked));
    let name = format!("{}/test:v1", registry.host);
    let pull = || sandbox.coracle(["pull", "--quiet", &name]);
    let remove = || sandbox.coracle(["rmi", &name]).run();
    at_every_step(
        || {
            let _ = remove();
            pull()
        },
        || {
            pull().run().succeeds();
            sandbox.coracle(["system", "check"]).run().succeeds();
            remove().succeeds();
            empties(&sandbox, &["images", "layers", "downloads", "staging", "trash"]);
        },
    );
}

#[test]
fn a_push_killed_at_every_step_can_be_repeated() {
    let sandbox = Sandbox::new();
    let image = Image::new()
        .layer(&[Entry::directory("d"), Entry::file("d/one", "1")])
        .name(IMAGE);
    sandbox.load(&image);
    // It never has what it was given, so that each push is a whole one.
    let registry = Fake::start(|asked| match asked.method.as_str() {
        "HEAD" => Answer::new(404, ""),
        "POST" | "PATCH" => Answer::new(202, "").header("Location", "/upload"),
        _ => Answer::new(201, ""),
    });
    let name = format!("{}/test:v1", registry.host);
    let push = || sandbox.coracle(["push", "--quiet", IMAGE, &name]);
    at_every_step(push, || {
        push().run().succeeds();
        sandbox.coracle(["system", "check"]).run().succeeds();
        empties(&sandbox, &["staging", "trash"]);
    });
    let inspected = sandbox
        .coracle(["image", "inspect", IMAGE])
        .run()
        .succeeds()
        .json();
    let digests = inspected[0]["RepoDigests"].as_array().unwrap().iter();
    // The same bytes every time.
    let pushed = digests.filter(|digest| digest.as_str().unwrap().starts_with(&registry.host));
    assert_eq!(pushed.count(), 1, "{inspected}");
}

/// Ten at once, each killed after a time of its own or left to end, and somebody who removes what they pull.
#[test]
fn pulls_that_are_killed_while_others_remove_leave_a_sound_store() {
    let sandbox = Sandbox::new();
    let lower = [Entry::directory("d"), Entry::file("d/one", vec![b'1'; 5 << 20])];
    let images: Vec<Image> = (0..3u8)
        .map(|number| {
            Image::new()
                .compressed_layer(&lower, Compression::None)
                .compressed_layer(&[Entry::file("own", [number])], Compression::Gzip)
        })
        .collect();
    let contents: Vec<Content> = images
        .iter()
        .map(|image| Content::of(image, &sandbox.path("tmp")))
        .collect();
    let registry = Fake::start(move |asked| {
        // The image's number is its tag: its own documents are found by their digests alone.
        let number = asked
            .target
            .rsplit("manifests/t")
            .next()
            .and_then(|tag| tag.parse::<usize>().ok());
        match number {
            Some(number) => contents[number].answer(&Asked {
                target: "/v2/test/manifests/v1".into(),
                ..asked.clone()
            }),
            None => {
                let answers = contents.iter().map(|content| content.answer(asked));
                answers
                    .into_iter()
                    .find(|answer| answer.status != 404)
                    .unwrap_or_else(|| Answer::new(404, ""))
            }
        }
    });
    let name = |number: usize| format!("{}/test:t{number}", registry.host);
    for round in 0..6u64 {
        let pulls: Vec<_> = (0..10)
            .map(|number| sandbox.coracle(["pull", "--quiet", &name(number % 3)]).start())
            .collect();
        let remover = sandbox.coracle(["rmi", "--force", &name(1)]).start();
        for (number, pull) in pulls.into_iter().enumerate() {
            // Spread over the time that a pull takes, the same in no two rounds.
            if number % 2 == 0 {
                let moment = Duration::from_millis((round * 17 + number as u64 * 5) % 60);
                if !pull.ends_within(moment) {
                    pull.signal(Signal::KILL);
                }
            }
            pull.wait();
        }
        remover.wait();
        sandbox.coracle(["system", "check"]).run().succeeds();
    }
    for number in 0..3 {
        sandbox
            .coracle(["pull", "--quiet", &name(number)])
            .run()
            .succeeds();
    }
    sandbox.coracle(["system", "check"]).run().succeeds();
    sandbox.coracle(["rmi", "--all", "--force"]).run().succeeds();
    empties(&sandbox, &["images", "layers", "downloads", "staging", "trash"]);
}

/// Pushes, loads, pulls and removals of the same layers at once, half of them killed.
#[test]
fn pushes_that_are_killed_while_others_remove_leave_a_sound_store() {
    requires!("program:docker-registry", "program:skopeo");
    let sandbox = Sandbox::new();
    let registry = Distribution::start(&sandbox.path, "");
    let lower = [Entry::directory("d"), Entry::file("d/one", vec![b'1'; 3 << 20])];
    let image = |own: &str| {
        Image::new()
            .compressed_layer(&lower, Compression::None)
            .compressed_layer(&[Entry::file("own", own)], Compression::Gzip)
    };
    let theirs = registry.publish(&sandbox, &image("theirs"), "theirs:v1");
    let archive = sandbox.path("tmp/ours.tar");
    image("ours").name(IMAGE).write(&archive, Format::OciArchive);
    let load = || sandbox.coracle(["load", "--quiet", "--input"]).arg(&archive);
    let pushed = |number: usize| format!("{}/ours:v{number}", registry.host);
    for round in 0..6u64 {
        load().run().succeeds();
        let commands: Vec<_> = (0..10)
            .map(|number| match number {
                0..4 => sandbox.coracle(["push", "--quiet", IMAGE, &pushed(number)]),
                4..7 => sandbox.coracle(["pull", "--quiet", &theirs]),
                7 => sandbox.coracle(["rmi", "--force", IMAGE]),
                8 => sandbox.coracle(["rmi", "--force", &theirs]),
                _ => load(),
            })
            .map(Invocation::start)
            .collect();
        for (number, command) in commands.into_iter().enumerate() {
            // Spread over the time that a push takes, the same in no two rounds.
            if number % 2 == 0 {
                let moment = Duration::from_millis((round * 23 + number as u64 * 7) % 90);
                if !command.ends_within(moment) {
                    command.signal(Signal::KILL);
                }
            }
            command.wait();
        }
        sandbox.coracle(["system", "check"]).run().succeeds();
    }
    load().run().succeeds();
    sandbox
        .coracle(["push", "--quiet", IMAGE, &pushed(0)])
        .run()
        .succeeds();
    sandbox.coracle(["rmi", "--all", "--force"]).run().succeeds();
    empties(&sandbox, &["images", "layers", "downloads", "staging", "trash"]);
    // What was pushed is whole.
    sandbox.coracle(["pull", "--quiet", &pushed(0)]).run().succeeds();
    sandbox.coracle(["system", "check"]).run().succeeds();
}

#[test]
fn a_volume_whose_filling_is_killed_is_filled_whole_the_next_time() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let run = |command: &[&str]| {
        sandbox
            .coracle(["run", "--rm", "-v", "vol:/etc", IMAGE])
            .args(command)
    };
    let remove = || sandbox.coracle(["volume", "rm", "-f", "vol"]).run();
    at_every_step(
        || {
            eventually("no container uses the volume", || remove().code == Some(0));
            run(&["true"])
        },
        || {
            let outcome = run(&["ls", "/etc"]).run().succeeds();
            assert_eq!(outcome.text(), "group\npasswd", "{outcome}");
        },
    );
    eventually("no container uses the volume", || remove().code == Some(0));
    assert_clean(&sandbox);
}
