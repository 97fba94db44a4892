//! Pulling a large blob over several connections at once, in parts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rustix::process::Signal;

use super::death::eventually;
use super::registry::{noise, registry, told};
use super::support::registry::{Answer, Content};
use super::support::tar::Entry;
use super::support::{Compression, Image, Sandbox};

/// Bytes of the parts in which a blob is asked for.
const PART: usize = 8 << 20;

fn large() -> Image {
    Image::new().compressed_layer(&[Entry::file("large", noise(5 * PART))], Compression::Gzip)
}

#[test]
fn one_large_layer_arrives_over_several_connections_at_once() {
    let sandbox = Sandbox::new();
    let content = Content::of(&large(), &sandbox.path("tmp"));
    let layer = content.layers[0].clone();
    // No part but the first is answered before two of them are asked for.
    let asked_for = Arc::new((Mutex::new(0), Condvar::new()));
    let gate = Arc::clone(&asked_for);
    let target = layer.clone();
    let (_, fake) = registry(content, move |asked, answer| {
        if asked.target.ends_with(&target) && asked.offset() > 0 {
            let (count, changed) = &*gate;
            *count.lock().unwrap() += 1;
            changed.notify_all();
            let limit = Duration::from_secs(20);
            let waited = changed.wait_timeout_while(count.lock().unwrap(), limit, |count| *count < 2);
            if waited.unwrap().1.timed_out() {
                return Answer::new(500, "the parts come one by one");
            }
        }
        answer
    });
    let name = format!("{}/test:v1", fake.host);
    sandbox.coracle(["pull", &name]).run().succeeds();
    let mut begins: Vec<usize> = fake
        .asked()
        .iter()
        .filter(|asked| asked.target.ends_with(&layer))
        .map(|asked| asked.range(usize::MAX).expect("a part").start)
        .collect();
    begins.sort_unstable();
    let parts = begins.len();
    assert_eq!(begins, (0..parts).map(|part| part * PART).collect::<Vec<_>>());
    assert!(parts >= 5, "{parts}");
    sandbox.coracle(["system", "check"]).run().succeeds();
}

#[test]
fn a_registry_that_always_sends_the_whole_is_asked_once() {
    let sandbox = Sandbox::new();
    let content = Content::of(&large(), &sandbox.path("tmp"));
    let layer = content.layers[0].clone();
    let bytes = content.documents[&format!("/v2/test/blobs/{layer}")].1.clone();
    let target = layer.clone();
    let (_, fake) = registry(content, move |asked, answer| {
        match asked.target.ends_with(&target) {
            true => Answer::new(200, bytes.clone()),
            false => answer,
        }
    });
    let name = format!("{}/test:v1", fake.host);
    sandbox.coracle(["pull", &name]).run().succeeds();
    assert_eq!(fake.count(&layer), 1);
}

#[test]
fn parts_that_break_are_asked_for_again_from_where_they_broke() {
    let sandbox = Sandbox::new();
    let content = Content::of(&large(), &sandbox.path("tmp"));
    let layer = content.layers[0].clone();
    let size = content.documents[&format!("/v2/test/blobs/{layer}")].1.len();
    let sent = Arc::new(AtomicUsize::new(0));
    let (counted, target) = (Arc::clone(&sent), layer);
    let (_, fake) = registry(content, move |asked, mut answer| {
        if asked.target.ends_with(&target) {
            answer.cut = (answer.body.len() > 3 << 20).then_some(3 << 20);
            counted.fetch_add(answer.cut.unwrap_or(answer.body.len()), Ordering::SeqCst);
        }
        answer
    });
    let name = format!("{}/test:v1", fake.host);
    sandbox
        .coracle(["pull", "--retry-delay", "10ms", &name])
        .run()
        .succeeds();
    assert_eq!(sent.load(Ordering::SeqCst), size);
}

#[test]
fn a_part_that_is_another_is_refused() {
    let sandbox = Sandbox::new();
    for (change, expected) in [
        ("begin", "instead of"),
        ("length", "not 8388608"),
        ("content", "corrupt deflate stream"),
    ] {
        let content = Content::of(&large(), &sandbox.path("tmp"));
        let layer = content.layers[0].clone();
        let (_, fake) = registry(content, move |asked, mut answer| {
            if asked.target.ends_with(&layer) && asked.offset() == PART {
                match change {
                    "begin" => answer.headers = vec![("Content-Range".into(), "bytes 0-8388607/*".into())],
                    "length" => answer.body.truncate(100),
                    _ => answer.body.reverse(),
                }
            }
            answer
        });
        let name = format!("{}/test:v1", fake.host);
        let pulled = sandbox.coracle(["pull", "--retry", "0", &name]).run().exits(125);
        assert!(told(&pulled).contains(expected), "{change}: {}", told(&pulled));
        let listed = sandbox.coracle(["images", "-q"]).run().succeeds();
        assert_eq!(listed.text(), "", "{change}");
    }
    sandbox.coracle(["system", "check"]).run().succeeds();
}

#[test]
fn what_a_killed_pull_had_of_the_parts_is_not_fetched_again() {
    let sandbox = Sandbox::new();
    let content = Content::of(&large(), &sandbox.path("tmp"));
    let layer = content.layers[0].clone();
    let (reached, waiter) = channel();
    let reached = Mutex::new(reached);
    let (gone, is_gone) = channel::<()>();
    let is_gone = Mutex::new(is_gone);
    let (target, times) = (layer.clone(), AtomicUsize::new(0));
    let (_, fake) = registry(content, move |asked, answer| {
        // The fourth part is held back, so that three are kept on disk when the client dies.
        if asked.target.ends_with(&target)
            && asked.offset() == 3 * PART
            && times.fetch_add(1, Ordering::SeqCst) == 0
        {
            reached.lock().unwrap().send(()).unwrap();
            is_gone.lock().unwrap().recv().unwrap();
        }
        answer
    });
    let name = format!("{}/test:v1", fake.host);
    let pull = sandbox.coracle(["pull", &name]).start();
    waiter.recv_timeout(Duration::from_secs(60)).unwrap();
    let kept = sandbox.data_root().join("downloads");
    let length = || {
        std::fs::read_dir(&kept)
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum::<u64>()
    };
    // No event tells how long another process's file is.
    eventually("three parts are kept", || length() >= 3 * PART as u64);
    pull.signal(Signal::KILL);
    pull.wait();
    gone.send(()).unwrap();
    let before = fake.count(&layer);
    sandbox.coracle(["pull", &name]).run().succeeds();
    let asked = fake.asked();
    let again = asked
        .iter()
        .filter(|asked| asked.target.ends_with(&layer))
        .skip(before);
    let first = again.map(|asked| asked.offset()).min();
    assert_eq!(first, Some(3 * PART));
    sandbox.coracle(["system", "check"]).run().succeeds();
}
