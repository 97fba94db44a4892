//! Much at once, and many of each kind.

use std::fs;

use crate::death::{IMAGE, assert_clean};
use crate::support::Sandbox;
use crate::support::run::Outcome;

/// Numbers that are the same in each run of the tests (a linear congruential generator).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Whether a command had a right to fail while others act on the same container.
fn is_excused(outcome: &Outcome) -> bool {
    let error = String::from_utf8_lossy(&outcome.stderr);
    let told = ["no such container", "is not running"];
    outcome.code == Some(0) || told.iter().any(|text| error.contains(text))
}

/// 64 loops; `CORACLE_TEST_ROUNDS` makes them longer.
#[test]
fn commands_at_random_fail_for_nothing_but_a_container_that_is_gone() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let rounds = std::env::var("CORACLE_TEST_ROUNDS").map_or(4, |text| text.parse().unwrap());
    std::thread::scope(|scope| {
        for seed in 0..64 {
            let sandbox = &sandbox;
            scope.spawn(move || {
                let mut numbers = Numbers(seed);
                for _ in 0..rounds {
                    let name = format!("c{}", numbers.below(8));
                    match numbers.below(5) {
                        0 => drop(sandbox.coracle(["run", "--rm", IMAGE, "true"]).run().succeeds()),
                        1 => drop(sandbox.coracle(["ps", "-a"]).run().succeeds()),
                        2 => {
                            let made = ["run", "-d", "--name", &name, IMAGE, "sleep", "1000"];
                            let outcome = sandbox.coracle(made).run();
                            // Another may have removed it before it had begun.
                            let error = String::from_utf8_lossy(&outcome.stderr).into_owned();
                            let killed = error.contains("was killed before it had started");
                            assert!(
                                outcome.code == Some(0) || killed || error.contains("in use"),
                                "{outcome}"
                            );
                        }
                        3 => drop(sandbox.coracle(["images"]).run().succeeds()),
                        _ => {
                            let outcome = sandbox.coracle(["rm", "-f", &name]).run();
                            assert!(is_excused(&outcome), "{outcome}");
                        }
                    }
                }
            });
        }
    });
    sandbox.coracle(["rm", "-f", "--all"]).run().succeeds();
    assert_clean(&sandbox);
}

/// 32 loops that make and remove one name: it never has two bearers, and is free in the end.
#[test]
fn a_name_that_all_fight_for_has_one_bearer_and_is_free_in_the_end() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    std::thread::scope(|scope| {
        for number in 0..32 {
            let sandbox = &sandbox;
            scope.spawn(move || {
                for round in 0..3 {
                    if (number + round) % 2 == 0 {
                        let run = ["run", "-d", "--name", "x", IMAGE, "sleep", "1000"];
                        let outcome = sandbox.coracle(run).run();
                        let error = String::from_utf8_lossy(&outcome.stderr).into_owned();
                        let killed = error.contains("was killed before it had started");
                        assert!(
                            outcome.code == Some(0) || killed || error.contains("in use"),
                            "{outcome}"
                        );
                    } else {
                        let outcome = sandbox.coracle(["rm", "-f", "x"]).run();
                        assert!(is_excused(&outcome), "{outcome}");
                    }
                    let listed = sandbox
                        .coracle(["ps", "-aq", "--filter", "name=^x$"])
                        .run()
                        .succeeds();
                    assert!(listed.text().lines().count() < 2, "{listed}");
                }
            });
        }
    });
    sandbox.coracle(["rm", "-f", "--ignore", "x"]).run().succeeds();
    sandbox
        .coracle(["run", "--rm", "--name", "x", IMAGE, "true"])
        .run()
        .succeeds();
    assert_clean(&sandbox);
}

/// 20,000 volumes and 5,000 containers: more than any pool of locks holds. Made by copying what one of each looks like.
#[test]
fn nothing_is_used_up_by_many_objects() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    sandbox.coracle(["volume", "create", "first"]).run().succeeds();
    let create = sandbox
        .coracle(["create", "--name", "first", IMAGE, "true"])
        .run()
        .succeeds();
    let first = create.text().trim_end().to_owned();
    let root = sandbox.data_root();
    let volume = root.join("volumes/first");
    let record = fs::read_to_string(volume.join("volume.json")).unwrap();
    for number in 0..20_000 {
        let directory = root.join(format!("volumes/v{number}"));
        fs::create_dir_all(directory.join("_data")).unwrap();
        fs::write(
            directory.join("volume.json"),
            record.replace("first", &format!("v{number}")),
        )
        .unwrap();
    }
    let record = fs::read_to_string(root.join("containers").join(&first).join("container.json")).unwrap();
    for number in 0..5_000 {
        let id = format!("{number:064x}");
        let directory = root.join("containers").join(&id);
        fs::create_dir(&directory).unwrap();
        let record = record
            .replace(&first, &id)
            .replace("\"first\"", &format!("\"c{number}\""));
        fs::write(directory.join("container.json"), record).unwrap();
    }
    let count = |words: &[&str]| sandbox.coracle(words).run().succeeds().text().lines().count();
    assert_eq!(count(&["volume", "ls", "-q"]), 20_001);
    assert_eq!(count(&["ps", "-aq"]), 5_001);
    let run = [
        "run",
        "--rm",
        "--name",
        "next",
        "-v",
        "/anonymous",
        "-v",
        "v7:/seven",
        IMAGE,
        "true",
    ];
    sandbox.coracle(run).run().succeeds();
    sandbox.coracle(["volume", "create", "last"]).run().succeeds();
    assert_eq!(count(&["volume", "ls", "-q"]), 20_002);
    for place in ["containers", "volumes"] {
        for entry in fs::read_dir(root.join(place)).unwrap().flatten() {
            let name = entry.file_name();
            if name.to_string_lossy() != first {
                fs::remove_dir_all(entry.path()).unwrap();
            }
        }
    }
    sandbox.coracle(["rm", "first"]).run().succeeds();
    assert_clean(&sandbox);
}
