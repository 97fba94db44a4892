//! Pulling: from Debian's registry, and from ones that lie, stall, redirect and cut.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use super::support::image::hex;
use super::support::registry::{Answer, Asked, Content, Distribution, Fake};
use super::support::run::Outcome;
use super::support::tar::Entry;
use super::support::{Compression, Document, Image, Sandbox, requires};

/// What the program said on standard error.
pub fn told(outcome: &Outcome) -> String {
    String::from_utf8_lossy(&outcome.stderr).into_owned()
}

/// Bytes that do not compress, so that a layer of them is as long on its way.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}

pub fn image() -> Image {
    Image::busybox()
        .compressed_layer(&[Entry::file("etc/one", "1")], Compression::Gzip)
        .compressed_layer(&[Entry::file("etc/two", "2")], Compression::Zstd)
        .configure(json!({ "Cmd": ["cat", "/etc/one", "/etc/two"] }))
}

/// An honest registry, but for what `change` does to its answers.
pub fn registry(
    content: Content,
    change: impl Fn(&Asked, Answer) -> Answer + Send + Sync + 'static,
) -> (Arc<Content>, Fake) {
    let content = Arc::new(content);
    let shared = Arc::clone(&content);
    let fake = Fake::start(move |asked| change(asked, shared.answer(asked)));
    (content, fake)
}

#[test]
fn what_skopeo_pushed_is_pulled_and_run() {
    requires!("program:docker-registry", "program:skopeo");
    let sandbox = Sandbox::new();
    let registry = Distribution::start(&sandbox.path("tmp"), "");
    let name = registry.publish(&sandbox, &image(), "some/thing:v1");
    let pulled = sandbox.coracle(["pull", &name]).run().succeeds();
    let id = pulled.text().trim().to_owned();
    assert_eq!(id.len(), 64, "{id}");
    let said = told(&pulled);
    for part in [
        "v1: Pulling from some/thing",
        "Digest: sha256:",
        "Status: Downloaded newer image",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let ran = sandbox.coracle(["run", "--rm", &name]).run().succeeds();
    assert_eq!(ran.text(), "12");
    let again = sandbox.coracle(["pull", &name]).run().succeeds();
    assert!(told(&again).contains("Image is up to date"), "{}", told(&again));
    let inspected = sandbox
        .coracle(["image", "inspect", &name])
        .run()
        .succeeds()
        .json();
    let digest = inspected[0]["RepoDigests"][0].as_str().unwrap().to_owned();
    assert!(
        digest.starts_with(&format!("{}/some/thing@sha256:", registry.host)),
        "{digest}"
    );
    sandbox.coracle(["rmi", "--all"]).run().succeeds();
    sandbox.coracle(["pull", "--quiet", &digest]).run().succeeds();
    let found = sandbox
        .coracle(["images", "--quiet", "--no-trunc"])
        .run()
        .succeeds();
    assert!(found.text().contains(&id));
}

#[test]
fn several_are_pulled_at_once_whatever_becomes_of_one() {
    let sandbox = Sandbox::new();
    let (content, fake) = registry(Content::of(&image(), &sandbox.path("tmp")), |_, answer| answer);
    let names = ["test:v1", "test:none", &format!("test@{}", content.manifest)];
    let names = names.map(|name| format!("{}/{name}", fake.host));
    let pulled = sandbox
        .coracle(["pull", "-q", "--retry", "0"])
        .args(&names)
        .run()
        .exits(125);
    let id = image().id().replace("sha256:", "");
    assert_eq!(pulled.text(), format!("{id}\n{id}"));
    assert!(told(&pulled).contains("test:none"), "{}", told(&pulled));
}

#[test]
fn run_pulls_what_is_missing_and_policies_hold() {
    let sandbox = Sandbox::new();
    let (content, fake) = registry(Content::of(&image(), &sandbox.path("tmp")), |_, answer| answer);
    let name = format!("{}/test:v1", fake.host);
    let refused = sandbox
        .coracle(["run", "--rm", "--pull", "never", &name])
        .run()
        .exits(125);
    assert!(told(&refused).contains("image not known"), "{}", told(&refused));
    assert_eq!(fake.asked().len(), 0);
    let ran = sandbox.coracle(["run", "--rm", &name]).run().succeeds();
    assert_eq!(ran.text(), "12");
    assert!(told(&ran).contains(&format!("Unable to find image '{name}' locally")));
    let before = fake.asked().len();
    sandbox.coracle(["run", "--rm", &name]).run().succeeds();
    assert_eq!(
        fake.asked().len(),
        before,
        "an image that is here needs no registry"
    );
    sandbox
        .coracle(["run", "--rm", "--pull", "always", &name])
        .run()
        .succeeds();
    let asked = fake.asked();
    let [head] = &asked[before..] else {
        panic!("{:?}", &asked[before..])
    };
    assert_eq!(
        (head.method.as_str(), head.target.as_str()),
        ("HEAD", "/v2/test/manifests/v1")
    );
    for layer in &content.layers {
        assert_eq!(fake.count(layer), 1);
    }
    let host = fake.host.clone();
    drop(fake);
    sandbox
        .coracle(["run", "--rm", "--pull", "newer", &name])
        .run()
        .succeeds();
    let failed = sandbox
        .coracle(["run", "--rm", "--pull", "always", &name])
        .run()
        .exits(125);
    assert!(
        told(&failed).contains(&format!("cannot reach {host}")),
        "{}",
        told(&failed)
    );
}

#[test]
fn tokens_are_fetched_where_the_registry_says_and_basic_where_it_wants_that() {
    let sandbox = Sandbox::new();
    let tokens = Fake::start(|asked| {
        assert_eq!(asked.header("authorization"), "Basic bWU6c2VjcmV0");
        Answer::new(200, r#"{"token":"t0k3n","expires_in":300}"#)
    });
    let realm = format!("http://{}/token", tokens.host);
    let challenge = format!(r#"Bearer realm="{realm}",service="s",scope="repository:test:pull""#);
    let (_, fake) = registry(
        Content::of(&image(), &sandbox.path("tmp")),
        move |asked, answer| match asked.header("authorization") {
            "Bearer t0k3n" => answer,
            _ => Answer::new(401, "").header("WWW-Authenticate", &challenge),
        },
    );
    let name = format!("{}/test:v1", fake.host);
    sandbox
        .coracle(["pull", "--creds", "me:secret", &name])
        .run()
        .succeeds();
    assert_eq!(tokens.asked().len(), 1, "one token serves all requests");
    assert_eq!(
        tokens.asked()[0].target,
        "/token?scope=repository%3Atest%3Apull&service=s"
    );
    assert!(
        fake.asked()
            .iter()
            .all(|asked| !asked.header("authorization").starts_with("Basic"))
    );

    let (_, basic) = registry(
        Content::of(&image(), &sandbox.path("tmp")),
        |asked, answer| match asked.header("authorization") {
            "Basic bWU6c2VjcmV0" => answer,
            _ => Answer::new(401, "").header("WWW-Authenticate", r#"Basic realm="x""#),
        },
    );
    let name = format!("{}/test:v1", basic.host);
    let denied = sandbox.coracle(["pull", &name]).run().exits(125);
    assert!(told(&denied).contains("coracle login"), "{}", told(&denied));
    fs::create_dir_all(sandbox.path("run/containers")).unwrap();
    let auths = json!({"auths": {&basic.host: {"auth": "bWU6c2VjcmV0"}}});
    fs::write(sandbox.path("run/containers/auth.json"), auths.to_string()).unwrap();
    sandbox.coracle(["pull", &name]).run().succeeds();
}

#[test]
fn a_redirect_to_another_host_is_not_told_who_we_are() {
    let sandbox = Sandbox::new();
    let content = Content::of(&image(), &sandbox.path("tmp"));
    let blobs = content.documents.clone();
    let storage = Fake::start(move |asked| {
        assert_eq!(asked.header("authorization"), "", "credentials given away");
        Answer::new(200, blobs[&asked.target].1.clone())
    });
    let elsewhere = format!("http://{}", storage.host);
    let (content, fake) = registry(content, move |asked, answer| {
        match asked.header("authorization") {
            "Basic bWU6c2VjcmV0" if asked.target.contains("/blobs/") => {
                Answer::new(307, "").header("Location", format!("{elsewhere}{}", asked.target))
            }
            "Basic bWU6c2VjcmV0" => answer,
            _ => Answer::new(401, "").header("WWW-Authenticate", "Basic"),
        }
    });
    let name = format!("{}/test:v1", fake.host);
    sandbox
        .coracle(["pull", "--creds", "me:secret", &name])
        .run()
        .succeeds();
    assert_eq!(storage.asked().len(), content.layers.len() + 1);
}

#[test]
fn a_layer_that_is_cut_again_and_again_arrives_without_being_sent_twice() {
    let sandbox = Sandbox::new();
    let big = Image::busybox().compressed_layer(&[Entry::file("big", noise(6 << 20))], Compression::Gzip);
    let content = Content::of(&big, &sandbox.path("tmp"));
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let (content, fake) = registry(content, move |asked, mut answer| {
        if asked.target.contains("/blobs/") {
            answer.cut = (answer.body.len() > 1 << 20).then_some(1 << 20);
            counted.fetch_add(answer.cut.unwrap_or(answer.body.len()), Ordering::SeqCst);
        }
        answer
    });
    let size: usize = content
        .documents
        .iter()
        .filter(|(path, _)| path.contains("/blobs/"))
        .map(|(_, (_, bytes))| bytes.len())
        .sum();
    let name = format!("{}/test:v1", fake.host);
    sandbox
        .coracle(["pull", "--retry-delay", "10ms", &name])
        .run()
        .succeeds();
    let sent = sent.load(Ordering::SeqCst);
    assert!(sent * 20 <= size * 21, "{sent} bytes for {size}");
}

#[test]
fn a_registry_that_falls_silent_is_asked_again_from_there() {
    let sandbox = Sandbox::new();
    let big = Image::busybox().compressed_layer(&[Entry::file("big", noise(1 << 20))], Compression::Gzip);
    let content = Content::of(&big, &sandbox.path("tmp"));
    let target = content.layers.last().unwrap().clone();
    let layer = target.clone();
    let first = AtomicUsize::new(0);
    let (_, fake) = registry(content, move |asked, mut answer| {
        if asked.target.ends_with(&target) && first.fetch_add(1, Ordering::SeqCst) == 0 {
            answer.stall = Some(1000);
        }
        answer
    });
    let name = format!("{}/test:v1", fake.host);
    // Half a minute of silence is what a connection may have.
    let pulled = sandbox
        .coracle(["pull", "-q", "--retry-delay", "10ms", &name])
        .limit(Duration::from_secs(120))
        .run()
        .succeeds();
    assert!(pulled.elapsed < Duration::from_secs(90), "{:?}", pulled.elapsed);
    let offsets: Vec<usize> = fake
        .asked()
        .iter()
        .filter(|asked| asked.target.ends_with(&layer))
        .map(Asked::offset)
        .collect();
    assert_eq!(offsets, [0, 1000]);
}

#[test]
fn what_a_killed_pull_had_is_not_fetched_again() {
    let sandbox = Sandbox::new();
    let big = Image::busybox().compressed_layer(&[Entry::file("big", noise(6 << 20))], Compression::Gzip);
    let content = Content::of(&big, &sandbox.path("tmp"));
    let layer = content.layers.last().unwrap().clone();
    let (reached, waiter) = std::sync::mpsc::channel();
    let reached = std::sync::Mutex::new(reached);
    // The first request for the layer gets most of it, and then nothing more until the client is dead.
    let (gone, is_gone) = std::sync::mpsc::channel::<()>();
    let is_gone = std::sync::Mutex::new(is_gone);
    let first = AtomicUsize::new(0);
    let target = layer.clone();
    let (content, fake) = registry(content, move |asked, mut answer| {
        if asked.target.ends_with(&target) && first.fetch_add(1, Ordering::SeqCst) == 0 {
            answer.length = Some(answer.body.len());
            answer.cut = Some(5 << 20);
        } else if asked.target.ends_with(&target) && first.load(Ordering::SeqCst) == 2 {
            // The second request of the same process: it has all that came.
            reached.lock().unwrap().send(()).unwrap();
            is_gone.lock().unwrap().recv().unwrap();
        }
        answer
    });
    let name = format!("{}/test:v1", fake.host);
    let pull = sandbox.coracle(["pull", &name]).start();
    waiter.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
    pull.signal(Signal::KILL);
    pull.wait();
    gone.send(()).unwrap();
    sandbox.coracle(["pull", &name]).run().succeeds();
    let offsets: Vec<usize> = fake
        .asked()
        .iter()
        .filter(|asked| asked.target.ends_with(&layer))
        .map(Asked::offset)
        .collect();
    assert_eq!(offsets, [0, 5 << 20, 5 << 20]);
    assert_eq!(
        fs::read_dir(sandbox.data_root().join("downloads"))
            .unwrap()
            .count(),
        0
    );
    drop(content);
}

#[test]
fn ten_pulls_at_once_fetch_everything_once() {
    let sandbox = Sandbox::new();
    let (content, fake) = registry(Content::of(&image(), &sandbox.path("tmp")), |_, answer| answer);
    let name = format!("{}/test:v1", fake.host);
    let pulls: Vec<_> = (0..10)
        .map(|_| sandbox.coracle(["pull", "--quiet", &name]).start())
        .collect();
    for pull in pulls {
        pull.wait().succeeds();
    }
    for digest in content.layers.iter().chain([&content.config]) {
        assert_eq!(fake.count(digest), 1, "{digest}");
    }
    sandbox.coracle(["system", "check"]).run().succeeds();
}

/// Each lie with what is said of it. Nothing of the image may be stored.
#[test]
fn lies_are_found_and_nothing_is_kept() {
    type Lie = fn(&Asked, Answer) -> Answer;
    let lies: &[(&str, Lie, &str)] = &[
        (
            "another layer",
            |asked, answer| at(asked, answer, "/blobs/", flip),
            "digest",
        ),
        (
            "an endless blob",
            |asked, answer| {
                at(asked, answer, "/blobs/", |mut answer| {
                    answer.body.extend([0; 100]);
                    answer
                })
            },
            "bytes",
        ),
        (
            "a short blob",
            |asked, answer| {
                at(asked, answer, "/blobs/", |mut answer| {
                    answer.body.truncate(20);
                    answer
                })
            },
            "bytes",
        ),
        (
            "another manifest than the header says",
            |asked, answer| {
                at(asked, answer, "/manifests/", |mut answer| {
                    answer.body.push(b' ');
                    answer
                })
            },
            "has the digest",
        ),
        (
            "a huge manifest",
            |asked, answer| {
                at(asked, answer, "/manifests/", |mut answer| {
                    answer.body.resize(5 << 20, b' ');
                    answer
                })
            },
            "longer than",
        ),
        (
            "a manifest of another kind",
            |asked, mut answer| {
                answer.headers.retain(|(name, _)| name != "Content-Type");
                at(asked, answer, "/manifests/", |answer| {
                    answer.header("Content-Type", "application/vnd.oci.image.index.v1+json")
                })
            },
            "media type",
        ),
        (
            "no JSON",
            |asked, answer| {
                at(asked, answer, "/manifests/", |mut answer| {
                    answer.body = b"<html>".to_vec();
                    answer.headers.clear();
                    answer
                })
            },
            "manifest",
        ),
        (
            "redirects in a circle",
            |asked, answer| {
                at(asked, answer, "/blobs/", |mut answer| {
                    answer.status = 307;
                    answer.header("Location", "/v2/test/blobs/round")
                })
            },
            "redirected more than",
        ),
        (
            "a token server without encryption elsewhere",
            |asked, answer| {
                at(asked, answer, "/manifests/", |mut answer| {
                    answer.status = 401;
                    answer.header("WWW-Authenticate", r#"Bearer realm="ftp://evil.example/""#)
                })
            },
            "not encrypted",
        ),
    ];
    for (lie, change, said) in lies {
        let sandbox = Sandbox::new();
        let (_, fake) = registry(Content::of(&image(), &sandbox.path("tmp")), change);
        let name = format!("{}/test:v1", fake.host);
        let failed = sandbox.coracle(["pull", "--retry", "0", &name]).run().exits(125);
        assert!(told(&failed).contains(said), "{lie}: {}", told(&failed));
        let images = sandbox.coracle(["images", "--all", "--quiet"]).run().succeeds();
        assert_eq!(images.text(), "", "{lie}");
        sandbox.coracle(["system", "check"]).run().succeeds();
    }
}

fn at(asked: &Asked, answer: Answer, part: &str, change: impl Fn(Answer) -> Answer) -> Answer {
    // The second hop of a redirect is part of the same lie.
    if asked.target.contains(part) {
        change(answer)
    } else {
        answer
    }
}

fn flip(mut answer: Answer) -> Answer {
    if let Some(last) = answer.body.last_mut() {
        *last ^= 1;
    }
    answer
}

/// CVE-2020-15157: where a manifest says that a layer lies elsewhere, nobody is asked there.
#[test]
fn foreign_layers_are_not_fetched_from_where_they_say() {
    let sandbox = Sandbox::new();
    let elsewhere = Fake::start(|_| Answer::new(401, "").header("WWW-Authenticate", "Basic"));
    let url = format!("http://{}/layer", elsewhere.host);
    let foreign = image().edit(Document::Manifest, move |manifest| {
        manifest["layers"][0]["mediaType"] = json!("application/vnd.docker.image.rootfs.foreign.diff.tar");
        manifest["layers"][0]["urls"] = json!([url]);
    });
    let content = Content::of(&foreign, &sandbox.path("tmp"));
    let missing = content.layers[0].clone();
    let (_, fake) = registry(content, move |asked, answer| {
        match asked.target.contains(&missing) {
            true => Answer::new(404, ""),
            false => answer,
        }
    });
    let name = format!("{}/test:v1", fake.host);
    let pull = sandbox
        .coracle(["pull", "--creds", "me:secret", &name])
        .run()
        .exits(125);
    assert!(told(&pull).contains("has no blob"), "{}", told(&pull));
    assert_eq!(elsewhere.asked().len(), 0);
}

#[test]
fn what_passes_is_tried_again_and_what_does_not_is_not() {
    let sandbox = Sandbox::new();
    let count = AtomicUsize::new(0);
    let (_, fake) = registry(
        Content::of(&image(), &sandbox.path("tmp")),
        move |_, answer| match count.fetch_add(1, Ordering::SeqCst) {
            0 => Answer::new(500, ""),
            1 => Answer::new(429, "").header("Retry-After", "0"),
            2 => Answer {
                cut: Some(0),
                ..answer
            },
            _ => answer,
        },
    );
    let name = format!("{}/test:v1", fake.host);
    sandbox
        .coracle(["pull", "--retry-delay", "1ms", &name])
        .run()
        .succeeds();
    let (_, limited) = registry(Content::of(&image(), &sandbox.path("tmp")), |_, _| {
        Answer::new(
            429,
            r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}"#,
        )
        .header("Retry-After", "3600")
    });
    let name = format!("{}/test:v1", limited.host);
    let failed = sandbox.coracle(["pull", &name]).run().exits(125);
    let said = told(&failed);
    assert!(said.contains("slow down") && said.contains("3600 s"), "{said}");
    assert_eq!(
        limited.asked().len(),
        1,
        "who is asked to wait for an hour does not ask again"
    );
    let missing = format!("{}/test:none", fake.host);
    let failed = sandbox.coracle(["pull", &missing]).run().exits(125);
    assert!(told(&failed).contains("manifest unknown"), "{}", told(&failed));
}

#[test]
fn the_image_for_this_machine_is_taken_from_an_index() {
    let sandbox = Sandbox::new();
    let own = Content::of(&image(), &sandbox.path("tmp"));
    let other = Image::new()
        .layer(&[Entry::file("other", "x")])
        .edit(Document::Config, |config| config["architecture"] = json!("s390x"));
    let other = Content::of(&other, &sandbox.path("tmp"));
    let architecture = if cfg!(target_arch = "x86_64") {
        "amd64"
    } else {
        "arm64"
    };
    let entry = |content: &Content, architecture: &str| {
        let (kind, bytes) = &content.documents["/v2/test/manifests/v1"];
        json!({"mediaType": kind, "digest": content.manifest, "size": bytes.len(),
            "platform": {"os": "linux", "architecture": architecture}})
    };
    let kind = "application/vnd.oci.image.index.v1+json";
    let index = json!({"schemaVersion": 2, "mediaType": kind,
        "manifests": [entry(&other, "s390x"), entry(&own, architecture)]});
    let index = serde_json::to_vec(&index).unwrap();
    let index_digest = format!("sha256:{}", hex(&index));
    let mut all = own;
    all.documents.extend(other.documents);
    for name in ["v1".to_owned(), index_digest.clone()] {
        all.documents.insert(
            format!("/v2/test/manifests/{name}"),
            (kind.to_owned(), index.clone()),
        );
    }
    let (content, fake) = registry(all, |_, answer| answer);
    let name = format!("{}/test:v1", fake.host);
    sandbox.coracle(["pull", &name]).run().succeeds();
    let ran = sandbox.coracle(["run", "--rm", &name]).run().succeeds();
    assert_eq!(ran.text(), "12");
    let inspected = sandbox
        .coracle(["image", "inspect", &name])
        .run()
        .succeeds()
        .json();
    let digests = inspected[0]["RepoDigests"].to_string();
    assert!(
        digests.contains(&index_digest) && digests.contains(&content.manifest),
        "{digests}"
    );
    let by_index = format!("{}/test@{index_digest}", fake.host);
    sandbox
        .coracle(["run", "--rm", "--pull", "never", &by_index])
        .run()
        .succeeds();
    let missing = sandbox
        .coracle(["pull", "--platform", "linux/mips64le", &name])
        .run()
        .exits(125);
    let said = told(&missing);
    assert!(
        said.contains("no image for linux/mips64le") && said.contains("linux/s390x"),
        "{said}"
    );
}

#[test]
fn progress_is_shown_as_it_is_asked_for() {
    let sandbox = Sandbox::new();
    let big = Image::busybox().compressed_layer(&[Entry::file("big", noise(2 << 20))], Compression::Gzip);
    let (content, fake) = registry(Content::of(&big, &sandbox.path("tmp")), |_, answer| answer);
    let name = format!("{}/test:v1", fake.host);
    let pull = |more: &[&str]| {
        sandbox.coracle(["rmi", "--all", "--force"]).run();
        let arguments = [&["pull", name.as_str()], more].concat();
        told(&sandbox.coracle(arguments).run().succeeds())
    };
    let id = &content.layers[1]["sha256:".len()..][..12];
    let plain = format!("{id}: Download complete\n");
    assert!(pull(&[]).contains(&plain) && pull(&["--progress", "plain"]).contains(&plain));
    assert_eq!(pull(&["--quiet"]), "");
    assert_eq!(pull(&["--progress=none"]), "");
    assert_eq!(pull(&["--progress=tty", "--quiet"]), "");
    let lines: Vec<serde_json::Value> = pull(&["--progress=json"])
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0], json!({ "status": "v1: Pulling from test" }));
    let of_layer: Vec<_> = lines.iter().filter(|line| line["id"] == *id).collect();
    let status = |line: &serde_json::Value| line["status"].as_str().unwrap().to_owned();
    assert_eq!(status(of_layer[0]), "Pulling fs layer");
    assert_eq!(status(of_layer[of_layer.len() - 1]), "Download complete");
    let moving = of_layer
        .iter()
        .find(|line| status(line) == "Downloading")
        .unwrap();
    let detail = &moving["progressDetail"];
    assert!(detail["current"].as_u64() <= detail["total"].as_u64(), "{moving}");
    assert!(detail["total"].as_u64() > Some(2 << 20), "{moving}");
    let drawn = pull(&["--progress=tty"]);
    assert!(
        drawn.contains("\x1b[2A") && drawn.contains(&format!("{id}: Downloading [")),
        "{drawn}"
    );
    assert!(
        drawn.ends_with(&format!("Downloaded newer image for {name}\r\n")),
        "{drawn:?}"
    );
    // Nothing of the terminal is switched that would have to be switched back.
    assert!(!drawn.contains("\x1b[?"), "{drawn:?}");
}
