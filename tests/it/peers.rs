//! What people type, against what Podman answered to the same: `tests/peers/record` runs every line of
//! `tests/peers/lines` with a tool, `tests/peers/podman` is what it wrote down of Podman, and `tests/peers/differences`
//! are the lines whose answer is another one with us, each with the reason.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::support::requires::program;
use crate::support::run::Invocation;
use crate::support::sandbox::Sandbox;
use crate::support::skip::skip;

const PODMAN: &str = include_str!("../peers/podman");
const DIFFERENCES: &str = include_str!("../peers/differences");

/// A line, and how many of the same stood before it.
type Key = (String, usize);

/// What a line was answered: standard output and the exit code, and whether something was said on standard error, where
/// each tool has words of its own.
#[derive(PartialEq, Eq, Debug)]
struct Answer {
    lines: Vec<String>,
    complains: bool,
}

fn answers(text: &str) -> BTreeMap<Key, Answer> {
    let mut answers: BTreeMap<Key, Answer> = BTreeMap::new();
    let mut key = None;
    for line in text.lines() {
        if let Some(asked) = line.strip_prefix("$ ") {
            let before = answers.keys().filter(|(known, _)| known == asked).count();
            let new = (asked.to_owned(), before);
            answers.insert(
                new.clone(),
                Answer {
                    lines: Vec::new(),
                    complains: false,
                },
            );
            key = Some(new);
        } else if let Some(answer) = key.as_ref().and_then(|key| answers.get_mut(key)) {
            match line.as_bytes().first() {
                Some(b'!') => answer.complains = true,
                Some(b'|' | b'=') => answer.lines.push(line.to_owned()),
                // The reason for a difference.
                _ => {}
            }
        }
    }
    answers
}

#[test]
fn lines_are_answered_as_podman_answers_them() {
    if !program("busybox") {
        return skip("busybox makes the root file system of the lines");
    }
    let sandbox = Sandbox::new();
    // The script looks for the lines beside itself.
    sandbox.file("lines", include_str!("../peers/lines"));
    let outcome = Invocation::new("sh")
        .arg(sandbox.file("record", include_str!("../peers/record")))
        .arg(sandbox.binary())
        .arg("--root")
        .arg(sandbox.data_root())
        .arg("--runroot")
        .arg(sandbox.run_root())
        .env("TMPDIR", sandbox.path("tmp"))
        .limit(Duration::from_secs(300))
        .run()
        .succeeds();
    let (podman, differences, ours) = (answers(PODMAN), answers(DIFFERENCES), answers(outcome.text()));
    assert!(podman.len() >= 150, "{} lines are recorded", podman.len());
    assert_eq!(
        podman.keys().collect::<Vec<_>>(),
        ours.keys().collect::<Vec<_>>(),
        "tests/peers/podman is out of date: run tests/peers/record again"
    );
    let mut wrong = Vec::new();
    for (key, theirs) in &podman {
        let ours = &ours[key];
        match differences.get(key) {
            None if ours != theirs => {
                wrong.push(format!("{key:?}\n  podman: {theirs:?}\n  here:   {ours:?}"))
            }
            Some(known) if ours != known => {
                wrong.push(format!(
                    "{key:?}\n  known difference: {known:?}\n  here: {ours:?}"
                ));
            }
            Some(_) if ours == theirs => wrong.push(format!("{key:?} is no difference any more")),
            _ => {}
        }
    }
    for key in differences.keys().filter(|key| !podman.contains_key(key)) {
        wrong.push(format!("{key:?} is a difference of no line"));
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        podman.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_difference_has_its_reason() {
    let known = DIFFERENCES.split("\n\n").filter(|part| !part.trim().is_empty());
    for part in known {
        let has_reason = part.lines().any(|line| line.starts_with("# "));
        assert!(has_reason, "{part}");
    }
}
