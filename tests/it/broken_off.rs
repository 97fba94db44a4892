//! A pull that has failed ends at once, whatever else is on its way, and what had come is kept.
//!
//! Nothing that is silent here says anything before the pull has ended, and half a minute of silence would be waited for:
//! the pulls have less time than that.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::registries::configure;
use super::registry::{noise, registry, told};
use super::support::registry::{Answer, Asked, Content, Fake};
use super::support::tar::Entry;
use super::support::{Compression, Image, Sandbox};

const LIMIT: Duration = Duration::from_secs(25);

/// Something that has happened so often.
#[derive(Default)]
struct Events(Mutex<usize>, Condvar);

impl Events {
    fn tell(&self) {
        *self.0.lock().unwrap() += 1;
        self.1.notify_all();
    }

    fn wait(&self, count: usize) {
        let happened = self.0.lock().unwrap();
        let limit = Duration::from_secs(60);
        let waited = self.1.wait_timeout_while(happened, limit, |now| *now < count);
        assert!(*waited.unwrap().0 >= count, "{count} of them");
    }
}

/// Three layers, the last of which is large enough to be kept while it arrives.
fn image() -> Image {
    Image::busybox()
        .compressed_layer(&[Entry::file("etc/one", "1")], Compression::Gzip)
        .compressed_layer(&[Entry::file("big", noise(6 << 20))], Compression::Gzip)
}

/// How the second layer fails, and what is said of it.
type Failure = (&'static str, fn(Answer) -> Answer, &'static str);

const FAILURES: [Failure; 3] = [
    ("404", |_| Answer::new(404, ""), "has no blob"),
    ("500", |_| Answer::new(500, ""), "answered 500"),
    (
        "a lie",
        |mut answer| {
            *answer.body.last_mut().unwrap() ^= 1;
            answer
        },
        "layer",
    ),
];

fn pull_fails(sandbox: &Sandbox, name: &str, said: &str) {
    let failed = sandbox
        .coracle(["pull", "--retry", "1", "--retry-delay", "10ms", name])
        .limit(LIMIT)
        .run()
        .exits(125);
    let all = told(&failed);
    assert!(all.contains(said), "{said} is not in {all}");
    assert!(!all.contains("broken off"), "{all}");
}

#[test]
fn by_a_layer_that_says_nothing() {
    for (failure, fail, said) in FAILURES {
        // Not even an answer; nothing after it; nothing after some of it; a wait of a minute that is asked for.
        for silent in 0..4 {
            let sandbox = Sandbox::new();
            let content = Content::of(&image(), &sandbox.path("tmp"));
            let (bad, late) = (content.layers[1].clone(), content.layers[2].clone());
            let (reached, ended) = (Arc::<Events>::default(), Arc::<Events>::default());
            let is_ended = Arc::clone(&ended);
            let (_, fake) = registry(content, move |asked, mut answer| {
                if asked.target.ends_with(&bad) {
                    reached.wait(1);
                    return fail(answer);
                }
                if asked.target.ends_with(&late) {
                    reached.tell();
                    match silent {
                        0 => is_ended.wait(1),
                        1 => answer.stall = Some(0),
                        2 => answer.stall = Some(100_000),
                        _ => return Answer::new(503, "").header("Retry-After", "60"),
                    }
                }
                answer
            });
            let name = format!("{}/test:v1", fake.host);
            pull_fails(&sandbox, &name, said);
            ended.tell();
            let images = ["images", "--all", "--quiet"];
            sandbox.coracle(images).run().succeeds().prints("");
            sandbox.coracle(["system", "check"]).run().succeeds().prints("");
            assert!(fake.count("/blobs/") > 2, "{failure} {silent}");
        }
    }
}

#[test]
fn what_had_come_is_kept() {
    let sandbox = Sandbox::new();
    let content = Content::of(&image(), &sandbox.path("tmp"));
    let (bad, late) = (content.layers[1].clone(), content.layers[2].clone());
    let target = late.clone();
    let (reached, bads, times) = (Events::default(), AtomicUsize::new(0), AtomicUsize::new(0));
    let (_, fake) = registry(content, move |asked, mut answer| {
        if asked.target.ends_with(&bad) && bads.fetch_add(1, Ordering::SeqCst) == 0 {
            reached.wait(1);
            return Answer::new(404, "");
        }
        if asked.target.ends_with(&target) {
            match times.fetch_add(1, Ordering::SeqCst) {
                0 => {
                    answer.length = Some(answer.body.len());
                    answer.cut = Some(5 << 20);
                }
                // It has all that came.
                1 => {
                    reached.tell();
                    answer.stall = Some(0);
                }
                _ => {}
            }
        }
        answer
    });
    let name = format!("{}/test:v1", fake.host);
    pull_fails(&sandbox, &name, "has no blob");
    sandbox.coracle(["pull", "-q", &name]).run().succeeds();
    let asked = fake.asked();
    let offsets = asked
        .iter()
        .filter(|asked| asked.target.ends_with(&late))
        .map(Asked::offset);
    assert_eq!(offsets.collect::<Vec<_>>(), [0, 5 << 20, 5 << 20]);
    let downloads = fs::read_dir(sandbox.data_root().join("downloads")).unwrap();
    assert_eq!(downloads.count(), 0);
}

/// One layer over four connections: a part of it fails, and all others are silent.
#[test]
fn by_parts_of_the_same_layer() {
    const PART: usize = 8 << 20;
    let big = Image::new().layer(&[Entry::file("big", noise(36 << 20))]);
    for first in [1 << 20, PART - 1] {
        let sandbox = Sandbox::new();
        let (begun, reached) = (Events::default(), Events::default());
        let (_, fake) = registry(
            Content::of(&big, &sandbox.path("tmp")),
            move |asked, mut answer| {
                match asked.range(usize::MAX).map(|range| range.start / PART) {
                    Some(2) => {
                        reached.wait(2);
                        begun.wait(1);
                        return Answer::new(404, "");
                    }
                    Some(0) => {
                        // What comes of it lets the others begin.
                        answer.stall = Some(first);
                        begun.tell();
                    }
                    Some(_) => {
                        reached.tell();
                        answer.stall = Some(0);
                    }
                    None => {}
                }
                answer
            },
        );
        let name = format!("{}/test:v1", fake.host);
        pull_fails(&sandbox, &name, "has no blob");
    }
}

/// Storage that registries lead to is another host, with connections of its own.
#[test]
fn behind_a_redirect() {
    let sandbox = Sandbox::new();
    let (reached, ended) = (Arc::<Events>::default(), Arc::<Events>::default());
    let (is_reached, is_ended) = (Arc::clone(&reached), Arc::clone(&ended));
    let storage = Fake::start(move |_| {
        is_reached.tell();
        is_ended.wait(1);
        Answer::new(404, "")
    });
    let elsewhere = format!("http://{}/blob", storage.host);
    let content = Content::of(&image(), &sandbox.path("tmp"));
    let (bad, late) = (content.layers[1].clone(), content.layers[2].clone());
    let (_, fake) = registry(content, move |asked, answer| {
        if asked.target.ends_with(&bad) {
            reached.wait(1);
            return Answer::new(404, "");
        }
        match asked.target.ends_with(&late) {
            true => Answer::new(307, "").header("Location", &elsewhere),
            false => answer,
        }
    });
    pull_fails(&sandbox, &format!("{}/test:v1", fake.host), "has no blob");
    ended.tell();
}

/// What a mirror lied about is fetched from the registry itself, at once as well.
#[test]
fn a_mirror_that_lies_and_is_silent() {
    let sandbox = Sandbox::new();
    let content = Content::of(&image(), &sandbox.path("tmp"));
    let (bad, late) = (content.layers[1].clone(), content.layers[2].clone());
    let reached = Events::default();
    let (_, mirror) = registry(content, move |asked, mut answer| {
        if asked.target.ends_with(&bad) {
            reached.wait(1);
            *answer.body.last_mut().unwrap() ^= 1;
        } else if asked.target.ends_with(&late) {
            reached.tell();
            answer.stall = Some(100_000);
        }
        answer
    });
    let (_, own) = registry(Content::of(&image(), &sandbox.path("tmp")), |_, answer| answer);
    let text = format!(
        "[[registry]]\nlocation = '{}'\nmirror = [{{location = '{}'}}]",
        own.host, mirror.host
    );
    configure(&sandbox, "registries.conf", text);
    let name = format!("{}/test:v1", own.host);
    let pulled = sandbox.coracle(["pull", &name]).limit(LIMIT).run().succeeds();
    let said = told(&pulled);
    assert!(
        said.contains(&format!("the mirror {} is passed over", mirror.host)),
        "{said}"
    );
    assert!(!said.contains("broken off"), "{said}");
}
