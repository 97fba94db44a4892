//! What the distribution specification asks of clients, before a registry in memory that insists on it and does what the
//! specification leaves open in one way or another. docs/oci-distribution.md says which test shows what.

use std::sync::Mutex;

use serde_json::json;

use super::manifests::coracle;
use super::push::skopeo;
use super::registry::{image, told};
use super::support::memory::{INDEX, Memory, Ways, refused, start};
use super::support::registry::{Answer, Content, Distribution, Fake};
use super::support::{Sandbox, requires};

fn methods(registry: &Fake, part: &str) -> Vec<String> {
    let asked = registry.asked();
    let of_part = asked.iter().filter(|asked| asked.target.contains(part));
    of_part.map(|asked| asked.method.clone()).collect()
}

#[test]
fn uploads_go_where_each_answer_says() {
    // A path, a whole URL, and one without its scheme.
    for location in ["", "http://HOST", "//HOST"] {
        let sandbox = Sandbox::new();
        sandbox.load(&image().name("localhost/app:v1"));
        let registry = start(
            Ways {
                location,
                ..Ways::default()
            },
            |_, answer| answer,
        );
        let name = format!("{}/test:v1", registry.host);
        coracle(&sandbox, &["push", "localhost/app:v1", &name]);
        let uploads = methods(&registry, "/uploads/");
        let count = |method: &str| uploads.iter().filter(|one| *one == method).count();
        // Layers as streams that their digests end, the configuration at once.
        assert_eq!(
            (count("POST"), count("PATCH"), count("PUT")),
            (4, 3, 4),
            "{location}"
        );
        coracle(&sandbox, &["rmi", "--all", "--force"]);
        coracle(&sandbox, &["run", "--rm", "--quiet", &name]).prints("12");
        // The second time every blob is asked for, and none sent.
        coracle(&sandbox, &["push", &name]);
        assert_eq!(methods(&registry, "/uploads/").len(), uploads.len());
    }
}

#[test]
fn blobs_are_mounted_or_sent_where_that_is_not_granted() {
    for mounts in [true, false] {
        let sandbox = Sandbox::new();
        sandbox.load(&image().name("localhost/app:v1"));
        // A blob that another repository has is not one of this.
        let registry = start(
            Ways {
                mounts,
                ..Ways::default()
            },
            |asked, answer| match asked.method.as_str() {
                "HEAD" if asked.target.contains("/other/blobs/") => refused(404, "BLOB_UNKNOWN"),
                _ => answer,
            },
        );
        let first = format!("{}/test:v1", registry.host);
        coracle(&sandbox, &["push", "localhost/app:v1", &first]);
        let sent = methods(&registry, "/uploads/");
        let other = format!("{}/other:v1", registry.host);
        coracle(&sandbox, &["push", "localhost/app:v1", &other]);
        let mounting = registry.count("?mount=sha256%3A");
        let uploads = methods(&registry, "/uploads/session");
        match mounts {
            true => {
                assert_eq!(mounting, 4);
                let patches = |methods: &[String]| methods.iter().filter(|one| *one == "PATCH").count();
                assert_eq!(patches(&uploads), patches(&sent));
            }
            false => {
                assert!(mounting >= 1);
                // What was begun instead is given up, and one of our own used.
                assert!(uploads.iter().any(|method| method == "DELETE"), "{uploads:?}");
                assert!(registry.count("/other/manifests/v1") >= 1);
            }
        }
    }
}

#[test]
fn what_a_registry_warns_of_is_told_once_and_changes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.load(&image().name("localhost/app:v1"));
    let registry = start(Ways::default(), |asked, answer| match asked.method.as_str() {
        "GET" => answer.header("Warning", "299 - \"pulled \u{202e}der\""),
        _ => answer,
    });
    let name = format!("{}/test:v1", registry.host);
    let pushed = coracle(&sandbox, &["push", "localhost/app:v1", &name]);
    let warning = format!(
        "Warning: {} says: this registry will be \"gone\" soon",
        registry.host
    );
    assert_eq!(told(&pushed).matches(&warning).count(), 1, "{}", told(&pushed));
    let quiet = ["--log-level", "error", "push", "localhost/app:v1", &name];
    assert!(!told(&coracle(&sandbox, &quiet)).contains("gone"));
    coracle(&sandbox, &["rmi", "--all", "--force"]);
    let pulled = coracle(&sandbox, &["pull", &name]);
    let said = told(&pulled);
    assert_eq!(said.matches("says: pulled").count(), 1, "{said}");
    assert!(!said.contains('\u{202e}'), "{said}");
}

#[test]
fn lists_are_read_to_their_last_page() {
    let sandbox = Sandbox::new();
    sandbox.load(&image().name("localhost/app:v1"));
    let registry = start(
        Ways {
            page: 2,
            ..Ways::default()
        },
        |_, answer| answer,
    );
    for tag in ["a", "b", "c", "d", "e"] {
        let name = format!("{}/test:{tag}", registry.host);
        coracle(&sandbox, &["push", "--quiet", "localhost/app:v1", &name]);
    }
    let name = format!("{}/test", registry.host);
    let tags = coracle(
        &sandbox,
        &["search", "--list-tags", "--format", "{{.Tag}}", &name],
    );
    assert_eq!(tags.text().lines().collect::<Vec<_>>(), ["a", "b", "c", "d", "e"]);
    assert_eq!(registry.count("/tags/list"), 3);
}

/// Pushes an artifact about an image, in a list of its own, and gives the list's name.
fn attach(sandbox: &Sandbox, subject: &str, kind: &str) -> String {
    let file = sandbox.file(&format!("{}.txt", kind.replace('/', "-")), kind);
    let list = format!("localhost/list-{}:1", kind.replace('/', "-"));
    coracle(sandbox, &["manifest", "create", &list]);
    let subject = format!("--artifact-subject={subject}");
    let words = ["manifest", "add", "--artifact", "--artifact-type", kind];
    let add = sandbox.coracle(words).args(["--artifact-annotation", "about=it"]);
    add.arg(subject).arg(&list).arg(file).run().succeeds();
    list
}

fn types(sandbox: &Sandbox, image: &str) -> Vec<String> {
    let words = ["image", "referrers", "--format", "{{.ArtifactType}}", image];
    let mut types: Vec<String> = coracle(sandbox, &words)
        .text()
        .lines()
        .map(str::to_owned)
        .collect();
    types.sort_unstable();
    types
}

/// Debian's registry does not list what is attached; the list is under its tag then.
#[test]
fn what_is_attached_is_listed_where_the_registry_does_not() {
    requires!("program:docker-registry", "program:skopeo");
    let sandbox = Sandbox::new();
    let registry = Distribution::start(&sandbox.path("tmp"), "");
    let subject = registry.publish(&sandbox, &image(), "team/app:v1");
    let digest = skopeo(&sandbox, &[], &subject).json()["Digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let kinds = ["x/bill", "x/test"];
    for kind in kinds {
        let list = attach(&sandbox, &format!("docker://{subject}"), kind);
        let name = format!("{}/team/app:{}", registry.host, kind.replace('/', "-"));
        coracle(&sandbox, &["manifest", "push", "--all", &list, &name]);
        // A second time adds nothing.
        coracle(&sandbox, &["manifest", "push", "--all", &list, &name]);
    }
    let tag = format!("{}/team/app:{}", registry.host, digest.replace(':', "-"));
    let listed = skopeo(&sandbox, &["--raw"], &tag).json();
    let entries = listed["manifests"].as_array().unwrap();
    assert_eq!(listed["mediaType"], INDEX);
    assert_eq!(entries.len(), 2, "{listed}");
    for (entry, kind) in entries.iter().zip(kinds) {
        assert_eq!(entry["artifactType"], kind);
        assert_eq!(entry["annotations"]["about"], "it");
        let name = format!("{}/team/app@{}", registry.host, entry["digest"].as_str().unwrap());
        assert_eq!(
            skopeo(&sandbox, &["--raw"], &name).json()["subject"]["digest"],
            digest
        );
    }
    assert_eq!(types(&sandbox, &subject), kinds);
    let words = ["image", "referrers", "-n", "--artifact-type", "x/test", &subject];
    assert_eq!(coracle(&sandbox, &words).text().lines().count(), 1);

    // Lists have subjects as well, and an artifact keeps its own when it goes on to another registry.
    coracle(&sandbox, &["manifest", "create", "about"]);
    let words = [
        "manifest",
        "annotate",
        "--subject",
        &format!("docker://{subject}"),
        "about",
    ];
    coracle(&sandbox, &words);
    coracle(
        &sandbox,
        &[
            "manifest",
            "push",
            "about",
            &format!("{}/team/app:about", registry.host),
        ],
    );
    let rows = coracle(&sandbox, &["image", "referrers", "-n", &subject]);
    assert_eq!(rows.text().lines().count(), 3);
    let artifact = format!(
        "{}/team/app@{}",
        registry.host,
        entries[0]["digest"].as_str().unwrap()
    );
    coracle(&sandbox, &["artifact", "pull", &artifact]);
    coracle(&sandbox, &["system", "check"]).prints("");
}

#[test]
fn a_registry_that_lists_what_is_attached_is_left_to_it() {
    let sandbox = Sandbox::new();
    sandbox.load(&image().name("localhost/app:v1"));
    let ways = Ways {
        lists: true,
        page: 1,
        ..Ways::default()
    };
    let registry = start(ways, |_, answer| answer);
    let subject = format!("{}/test:v1", registry.host);
    coracle(&sandbox, &["push", "localhost/app:v1", &subject]);
    for kind in ["x/bill", "x/test"] {
        let list = attach(&sandbox, &format!("docker://{subject}"), kind);
        let name = format!("{}/test:{}", registry.host, kind.replace('/', "-"));
        coracle(&sandbox, &["manifest", "push", "--all", &list, &name]);
    }
    assert_eq!(types(&sandbox, &subject), ["x/bill", "x/test"]);
    assert_eq!(registry.count("/manifests/sha256-"), 0);
    let words = ["image", "referrers", "-n", "--artifact-type", "x/test", &subject];
    assert_eq!(coracle(&sandbox, &words).text().lines().count(), 1);
    assert!(registry.count("?artifactType=x%2Ftest") >= 1);
}

/// Who writes the list at the same moment is not written over for good.
#[test]
fn what_another_takes_off_the_list_unseen_is_added_anew() {
    let sandbox = Sandbox::new();
    sandbox.load(&image().name("localhost/app:v1"));
    let theirs = json!({ "mediaType": INDEX, "digest": format!("sha256:{}", "7".repeat(64)), "size": 9, "artifactType": "x/theirs" });
    let list = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [theirs] }).to_string();
    let memory = Mutex::new(Memory::default());
    let registry = Fake::start(move |asked| {
        let mut memory = memory.lock().unwrap();
        let answer = memory.answer(asked);
        let first = memory
            .manifests
            .keys()
            .filter(|(_, name)| name.starts_with("sha256-"))
            .count()
            == 1
            && !memory.uploads.contains_key("overwritten");
        if asked.method == "PUT" && asked.target.contains("/manifests/sha256-") && first {
            // Somebody who had read the list before us writes his.
            memory.uploads.insert("overwritten".to_owned(), Vec::new());
            let name = asked.target.rsplit('/').next().unwrap().to_owned();
            let content = (INDEX.to_owned(), list.clone().into_bytes());
            memory.manifests.insert(("test".to_owned(), name), content);
        }
        answer
    });
    let subject = format!("{}/test:v1", registry.host);
    coracle(&sandbox, &["push", "localhost/app:v1", &subject]);
    let list = attach(&sandbox, &format!("docker://{subject}"), "x/ours");
    coracle(
        &sandbox,
        &[
            "manifest",
            "push",
            "--all",
            &list,
            &format!("{}/test:list", registry.host),
        ],
    );
    assert_eq!(types(&sandbox, &subject), ["x/ours", "x/theirs"]);
}

#[test]
fn what_stands_in_the_place_of_the_list_is_left_there_or_leads_nowhere() {
    let sandbox = Sandbox::new();
    sandbox.load(&image().name("localhost/app:v1"));
    let content = Content::of(&image(), &sandbox.path("tmp"));
    // An image, and a list that never takes anything up and is attached to something itself.
    let elsewhere = format!("sha256:{}", "7".repeat(64));
    let circle = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [],
        "subject": { "mediaType": INDEX, "digest": elsewhere, "size": 7 } });
    for is_image in [true, false] {
        let (stands, circle) = (
            content.documents["/v2/test/manifests/v1"].clone(),
            circle.to_string(),
        );
        let registry = start(Ways::default(), move |asked, answer| {
            match asked.target.contains("/manifests/sha256-") && asked.method == "GET" {
                true if is_image => Answer::new(200, stands.1.clone()).header("Content-Type", &stands.0),
                true => Answer::new(200, circle.clone()).header("Content-Type", INDEX),
                false => answer,
            }
        });
        let subject = format!("{}/test:v1", registry.host);
        coracle(&sandbox, &["push", "localhost/app:v1", &subject]);
        let list = attach(&sandbox, &format!("docker://{subject}"), "x/ours");
        let name = format!("{}/test:list", registry.host);
        let outcome = sandbox.coracle(["manifest", "push", "--all", &list, &name]).run();
        let asked = methods(&registry, "/manifests/sha256-");
        let written = asked.iter().filter(|method| *method == "PUT").count();
        match is_image {
            true => {
                let outcome = outcome.exits(125).says("not listed as attached");
                outcome.says("has a manifest where a list");
                assert_eq!(written, 0);
            }
            false => {
                outcome.succeeds();
                assert_eq!(written, 5);
                assert_eq!(registry.count(&elsewhere.replace(':', "-")), 0);
            }
        }
        coracle(&sandbox, &["manifest", "rm", &list]);
    }
}

/// A list under a tag that may not be written, for each of two members: both are pushed, and so is their list.
#[test]
fn what_cannot_be_listed_is_told_when_all_is_pushed() {
    let sandbox = Sandbox::new();
    sandbox.load(&image().name("localhost/app:v1"));
    let registry = start(Ways::default(), |asked, answer| {
        let is_of_list = asked.target.contains("/manifests/sha256-");
        match (is_of_list, asked.method.as_str()) {
            (true, "PUT") => refused(405, "UNSUPPORTED"),
            (true, _) => refused(404, "MANIFEST_UNKNOWN"),
            (false, _) => answer,
        }
    });
    let subject = format!("{}/test:v1", registry.host);
    coracle(&sandbox, &["push", "localhost/app:v1", &subject]);
    let list = attach(&sandbox, &format!("docker://{subject}"), "x/bill");
    let file = sandbox.file("second.txt", "second");
    sandbox
        .coracle(["manifest", "add", "--artifact", "--artifact-type", "x/test"])
        .arg(format!("--artifact-subject=docker://{subject}"))
        .arg(&list)
        .arg(file)
        .run()
        .succeeds();
    let digests = sandbox.path("tmp/digest");
    for (words, tag) in [
        (&["manifest", "push", "--rm", "--all"][..], "one"),
        (&["push"], "two"),
    ] {
        let before = registry.asked().len();
        let name = format!("{}/test:{tag}", registry.host);
        let failed = sandbox
            .coracle(words)
            .arg("--digestfile")
            .arg(&digests)
            .args([&list, &name])
            .run()
            .exits(125);
        let said = told(&failed);
        let lacks = "not listed as attached to its subject";
        // The second time both are there, and are to be listed still.
        assert_eq!(said.matches(lacks).count(), 2, "{said}");
        let asked = registry.asked();
        let put = asked[before..].iter().filter(|asked| asked.method == "PUT");
        let manifests = put.filter(|asked| asked.target.contains("/manifests/sha256:"));
        assert_eq!(manifests.count(), 2, "{said}");
        let digest = std::fs::read_to_string(&digests).unwrap();
        let found = coracle(&sandbox, &["manifest", "inspect", "--verbose", &name]).json();
        assert!(
            digest.starts_with("sha256:") && found.as_array().is_some_and(|all| all.len() == 2),
            "{found}"
        );
    }
    coracle(&sandbox, &["manifest", "exists", &list]);
}

#[test]
fn a_warning_is_that_of_the_host_that_gives_it() {
    let sandbox = Sandbox::new();
    let content = Content::of(&image(), &sandbox.path("tmp"));
    let blobs = content.documents.clone();
    let storage = Fake::start(move |asked| {
        let blob = asked.target.trim_start_matches("/storage");
        Answer::new(200, blobs[blob].1.clone()).header("Warning", "299 - \"out of room\"")
    });
    let elsewhere = format!("http://{}/storage", storage.host);
    let registry = Fake::start(move |asked| match asked.target.strip_prefix("/here") {
        None if asked.target.ends_with(&content.config) => {
            Answer::new(307, "").header("Location", format!("/here{}", asked.target))
        }
        None if asked.target.contains("/blobs/") => {
            Answer::new(307, "").header("Location", format!("{elsewhere}{}", asked.target))
        }
        None => content.answer(asked),
        Some(target) => {
            Answer::new(200, content.documents[target].1.clone()).header("Warning", "299 - \"moved within\"")
        }
    });
    let said = told(&coracle(
        &sandbox,
        &["pull", &format!("{}/test:v1", registry.host)],
    ));
    for (host, text) in [(&storage.host, "out of room"), (&registry.host, "moved within")] {
        let warning = format!("Warning: {host} says: {text}");
        assert_eq!(said.matches(&warning).count(), 1, "{said}");
        assert_eq!(said.matches(text).count(), 1, "{said}");
    }
}
