//! zstd:chunked: what we push so is read by others, and of what we pull only the missing files are fetched.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use rustix::process::Signal;

use super::death::eventually;
use super::registry::noise;
use super::support::registry::{Answer, Asked, Content, Distribution, Fake};
use super::support::tar::Entry;
use super::support::{Format, Image, Sandbox, requires};

/// An image with a large file that all versions have, one of its own, and small ones.
fn version(number: u8) -> Image {
    let own = noise(4 << 20)
        .iter()
        .map(|byte| byte ^ number)
        .collect::<Vec<u8>>();
    let text = format!("version {number}");
    Image::busybox().layer(&[
        Entry::directory("data"),
        Entry::file("data/own", own),
        Entry::file("data/common", noise(9 << 20)),
        Entry::file("data/text", text),
        Entry::file("data/empty", ""),
    ])
}

/// Loads the image and pushes it as zstd:chunked; gives what the registry has of it as `tag`.
fn pushed(sandbox: &Sandbox, registry: &Distribution, image: &Image, tag: &str) -> Content {
    let name = format!("{}/test:{tag}", registry.host);
    let archive = sandbox.path("tmp/version.tar");
    image.write(&archive, Format::DockerArchive);
    sandbox
        .coracle(["load", "-q", "-i"])
        .arg(&archive)
        .run()
        .succeeds();
    sandbox.coracle(["tag", &image.id(), &name]).run().succeeds();
    sandbox
        .coracle(["push", "-q", "--compression-format", "zstd:chunked", &name])
        .run()
        .succeeds();
    let copy = sandbox.path(format!("tmp/{tag}"));
    sandbox
        .program("skopeo")
        .args(["--insecure-policy", "copy", "--quiet", "--src-tls-verify=false"])
        .arg(format!("docker://{name}"))
        .arg(format!("oci:{}", copy.display()))
        .run()
        .succeeds();
    Content::read(&copy, tag)
}

/// A registry with two versions, what it sent of the second one's large layer, and that layer's size. `change` is given
/// the honest answer and the whole layer.
fn registry(
    sandbox: &Sandbox,
    change: impl Fn(&Asked, Answer, &[u8]) -> Answer + Send + Sync + 'static,
) -> (Fake, Arc<AtomicUsize>, usize) {
    registry_of(sandbox, &version(1), change)
}

/// The same with another first version.
fn registry_of(
    sandbox: &Sandbox,
    first: &Image,
    change: impl Fn(&Asked, Answer, &[u8]) -> Answer + Send + Sync + 'static,
) -> (Fake, Arc<AtomicUsize>, usize) {
    let real = Distribution::start(&sandbox.path("tmp"), "");
    let mut content = pushed(sandbox, &real, first, "v1");
    let second = pushed(sandbox, &real, &version(2), "v2");
    let large = format!("/v2/test/blobs/{}", second.layers[1]);
    let size = second.documents[&large].1.len();
    content.documents.extend(second.documents);
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let fake = Fake::start(move |asked| {
        let mut answer = content.answer(asked);
        if asked.target == large {
            answer = change(asked, answer, &content.documents[&large].1);
            counted.fetch_add(answer.body.len(), Ordering::SeqCst);
        }
        answer
    });
    (fake, sent, size)
}

/// Pulls both versions into an empty store, and looks at the second.
fn pull_both(fake: &Fake) -> Sandbox {
    let sandbox = Sandbox::new();
    for tag in ["v1", "v2"] {
        let name = format!("{}/test:{tag}", fake.host);
        sandbox
            .coracle(["pull", "-q", "--retry-delay", "10ms", &name])
            .run()
            .succeeds();
    }
    let name = format!("{}/test:v2", fake.host);
    sandbox
        .coracle(["run", "--rm", &name, "cat", "/data/text"])
        .run()
        .succeeds()
        .prints("version 2");
    sandbox.coracle(["system", "check"]).run().succeeds();
    sandbox
}

#[test]
fn of_a_new_version_only_what_changed_is_fetched() {
    requires!("program:docker-registry", "program:skopeo");
    let sandbox = Sandbox::new();
    let (fake, sent, size) = registry(&sandbox, |_, answer, _| answer);
    let store = pull_both(&fake);
    let sent = sent.load(Ordering::SeqCst);
    assert!(size > 13 << 20, "{size}");
    assert!(sent < 5 << 20, "{sent} of {size} bytes");
    // The layer is known by its own digest alone, and is pushed again as well as any other.
    let other = Distribution::start(&store.path("tmp"), "");
    let name = format!("{}/other:v2", other.host);
    store
        .coracle(["tag", &format!("{}/test:v2", fake.host), &name])
        .run()
        .succeeds();
    store.coracle(["push", "-q", &name]).run().succeeds();
    let again = Sandbox::new();
    again
        .coracle(["run", "--rm", "-q", &name, "cat", "/data/text"])
        .run()
        .succeeds()
        .prints("version 2");
}

#[test]
fn parts_that_are_wrong_lead_to_the_whole() {
    requires!("program:docker-registry", "program:skopeo");
    let sandbox = Sandbox::new();
    let (fake, sent, size) = registry(&sandbox, move |asked, mut answer, _| {
        // Not the tables, which lie at the end.
        if answer.status == 206 && asked.offset() < 12 << 20 {
            answer.body.reverse();
        }
        answer
    });
    pull_both(&fake);
    assert!(sent.load(Ordering::SeqCst) > size);
}

#[test]
fn tables_that_are_wrong_lead_to_the_whole() {
    requires!("program:docker-registry", "program:skopeo");
    let sandbox = Sandbox::new();
    let (fake, sent, size) = registry(&sandbox, move |_, mut answer, _| {
        if answer.status == 206 {
            answer.body.reverse();
        }
        answer
    });
    pull_both(&fake);
    let sent = sent.load(Ordering::SeqCst);
    assert!(sent > size && sent < size + (1 << 20), "{sent} of {size} bytes");
}

/// What answers for a registry may be several servers, or another mirror from some moment on.
#[test]
fn parts_that_are_not_given_any_more_lead_to_the_whole() {
    requires!("program:docker-registry", "program:skopeo");
    // The first part is that of the tables; the others are of files.
    for given in [1, 2] {
        let sandbox = Sandbox::new();
        let parts = AtomicUsize::new(0);
        let wholes = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&wholes);
        let (fake, _, _) = registry(&sandbox, move |_, honest, whole| {
            if honest.status != 206 || parts.fetch_add(1, Ordering::SeqCst) < given {
                return honest;
            }
            counted.fetch_add(1, Ordering::SeqCst);
            Answer::new(200, whole)
        });
        pull_both(&fake);
        assert_eq!(wholes.load(Ordering::SeqCst), 1, "after {given}");
    }
}

#[test]
fn a_registry_that_sends_no_parts_sends_the_whole() {
    requires!("program:docker-registry", "program:skopeo");
    let sandbox = Sandbox::new();
    let (fake, _, _) = registry(&sandbox, |asked, answer, _| match asked.range(usize::MAX) {
        Some(_) => Answer::new(416, "no ranges"),
        None => answer,
    });
    pull_both(&fake);
}

/// A file that another layer has by another name is found by its content.
#[test]
fn what_moved_is_not_fetched() {
    requires!("program:docker-registry", "program:skopeo");
    let sandbox = Sandbox::new();
    let elsewhere = Image::busybox().layer(&[
        Entry::directory("other"),
        // Of the same size, but not the same.
        Entry::file(
            "other/decoy",
            noise(9 << 20).iter().map(|byte| !byte).collect::<Vec<u8>>(),
        ),
        Entry::file("other/renamed", noise(9 << 20)),
    ]);
    let (fake, sent, size) = registry_of(&sandbox, &elsewhere, |_, answer, _| answer);
    pull_both(&fake);
    let sent = sent.load(Ordering::SeqCst);
    assert!(size > 13 << 20 && sent < 5 << 20, "{sent} of {size} bytes");
}

/// Where in the blob the blocks end that are kept of it: each says where it begins and how long it is.
fn kept_ends(sandbox: &Sandbox) -> Vec<u64> {
    let Ok(entries) = fs::read_dir(sandbox.data_root().join("downloads")) else {
        return Vec::new();
    };
    let mut ends = Vec::new();
    for entry in entries {
        let content = fs::read(entry.unwrap().path()).unwrap_or_default();
        let mut rest = content.as_slice();
        while let Some((begin, after)) = rest.split_first_chunk() {
            let Some((length, after)) = after.split_first_chunk() else {
                break;
            };
            let (begin, length) = (u64::from_le_bytes(*begin), u64::from_le_bytes(*length));
            let Some(after) = after.get(length as usize..) else {
                break;
            };
            ends.push(begin + length);
            rest = after;
        }
    }
    ends
}

#[test]
fn what_a_killed_pull_had_of_the_missing_parts_is_not_fetched_again() {
    requires!("program:docker-registry", "program:skopeo");
    let sandbox = Sandbox::new();
    let (reached, waiter) = mpsc::channel();
    let (gone, is_gone) = mpsc::channel::<()>();
    let (reached, is_gone) = (Mutex::new(reached), Mutex::new(is_gone));
    let parts = AtomicUsize::new(0);
    let (fake, _, size) = registry(&sandbox, move |asked, mut answer, _| {
        // Of the large file, not of what lies behind it: the first answer breaks off, the second waits for the end of
        // the client.
        if !(1..8 << 20).contains(&asked.offset()) {
            return answer;
        }
        match parts.fetch_add(1, Ordering::SeqCst) {
            0 => {
                answer.length = Some(answer.body.len());
                answer.cut = Some(3 << 20);
            }
            1 => {
                reached.lock().unwrap().send(asked.offset()).unwrap();
                is_gone.lock().unwrap().recv().unwrap();
            }
            _ => {}
        }
        answer
    });
    let store = Sandbox::new();
    let name = |tag: &str| format!("{}/test:{tag}", fake.host);
    store.coracle(["pull", "-q", &name("v1")]).run().succeeds();
    let pull = store.coracle(["pull", "-q", &name("v2")]).start();
    let asked = waiter.recv_timeout(Duration::from_secs(60)).unwrap();
    // What a connection is ahead of the unpacking lies in memory.
    eventually("what came is kept", || {
        kept_ends(&store).contains(&(asked as u64))
    });
    pull.signal(Signal::KILL);
    pull.wait();
    gone.send(()).unwrap();
    store.coracle(["pull", "-q", &name("v2")]).run().succeeds();
    let asked = fake.asked();
    let offsets = asked.iter().map(Asked::offset);
    let offsets: Vec<usize> = offsets.filter(|offset| (1..8 << 20).contains(offset)).collect();
    let [begin, broken, rest] = offsets[..] else {
        panic!("{offsets:?} of {size}");
    };
    assert_eq!((broken, rest), (begin + (3 << 20), broken));
    let text = ["run", "--rm", &name("v2"), "cat", "/data/text"];
    store.coracle(text).run().succeeds().prints("version 2");
    store.coracle(["system", "check"]).run().succeeds().prints("");
    let downloads = fs::read_dir(store.data_root().join("downloads"));
    assert_eq!(downloads.unwrap().count(), 0);
}

/// The registry gives no parts any more when the next pull comes, so that what was kept of them is of no use.
#[test]
fn what_was_kept_of_parts_is_forgotten_with_the_whole() {
    requires!("program:docker-registry", "program:skopeo");
    let sandbox = Sandbox::new();
    let (reached, waiter) = mpsc::channel();
    let (gone, is_gone) = mpsc::channel::<()>();
    let (reached, is_gone) = (Mutex::new(reached), Mutex::new(is_gone));
    let parts = AtomicUsize::new(0);
    let (fake, _, _) = registry(&sandbox, move |asked, mut answer, whole| {
        if !(1..8 << 20).contains(&asked.offset()) {
            return match parts.load(Ordering::SeqCst) {
                2.. => Answer::new(200, whole),
                _ => answer,
            };
        }
        match parts.fetch_add(1, Ordering::SeqCst) {
            0 => {
                answer.length = Some(answer.body.len());
                answer.cut = Some(3 << 20);
            }
            _ => {
                reached.lock().unwrap().send(()).unwrap();
                is_gone.lock().unwrap().recv().unwrap();
            }
        }
        answer
    });
    let store = Sandbox::new();
    let name = |tag: &str| format!("{}/test:{tag}", fake.host);
    store.coracle(["pull", "-q", &name("v1")]).run().succeeds();
    let pull = store.coracle(["pull", "-q", &name("v2")]).start();
    waiter.recv_timeout(Duration::from_secs(60)).unwrap();
    pull.signal(Signal::KILL);
    pull.wait();
    gone.send(()).unwrap();
    let kept = || fs::read_dir(store.data_root().join("downloads")).unwrap().count();
    assert_eq!(kept(), 1);
    store.coracle(["pull", "-q", &name("v2")]).run().succeeds();
    assert_eq!(kept(), 0);
}
