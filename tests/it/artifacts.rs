//! Artifacts: made of files, pushed to Debian's registry and pulled from it, and what strangers put into them.

use std::fs;

use serde_json::{Value, json};

use super::death::empties;
use super::manifests::coracle;
use super::push::skopeo;
use super::signatures::{signed_by, trust};
use super::steps::at_every_step;
use super::support::image::{digest, hex};
use super::support::registry::{Answer, Distribution, Fake};
use super::support::{Sandbox, requires};

const NAME: &str = "reg.example/team/art:1";

#[track_caller]
fn manifest(sandbox: &Sandbox, name: &str) -> Value {
    coracle(sandbox, &["artifact", "inspect", name]).json()["Manifest"].clone()
}

fn two(sandbox: &Sandbox) -> [String; 2] {
    [("one.txt", "first"), ("two.json", "{}")].map(|(name, content)| {
        let path = sandbox.file(&format!("work/{name}"), content);
        path.to_str().unwrap().to_owned()
    })
}

#[test]
fn an_empty_list_has_its_heading() {
    let sandbox = Sandbox::new();
    let listed = sandbox.coracle(["artifact", "ls"]).run().succeeds();
    assert_eq!(
        listed.text().split_whitespace().collect::<Vec<_>>(),
        ["REPOSITORY", "TAG", "DIGEST", "CREATED", "SIZE"]
    );
}

#[test]
fn files_become_artifacts_and_come_out_again() {
    let sandbox = Sandbox::new();
    let [one, two] = two(&sandbox);
    let words = [
        "artifact",
        "add",
        "--type",
        "a/b",
        "--annotation",
        "k=v",
        NAME,
        &one,
    ];
    let first = coracle(&sandbox, &words).text().to_owned();
    let document = coracle(&sandbox, &["artifact", "inspect", NAME]).json();
    assert_eq!(document["Digest"], format!("sha256:{first}"));
    assert_eq!(document["Name"], NAME);
    let mut made = document["Manifest"].clone();
    assert!(made["annotations"]["org.opencontainers.image.created"].is_string());
    made.as_object_mut().unwrap().remove("annotations");
    assert_eq!(
        made,
        json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": "a/b",
            "config": {
                "mediaType": "application/vnd.oci.empty.v1+json",
                "digest": digest(b"{}"),
                "size": 2,
                "data": "e30=",
            },
            "layers": [{
                "mediaType": "text/plain; charset=utf-8",
                "digest": digest(b"first"),
                "size": 5,
                "annotations": { "k": "v", "org.opencontainers.image.title": "one.txt" },
            }],
        })
    );
    let taken = sandbox.coracle(["artifact", "add", NAME, &two]).run();
    taken
        .exits(125)
        .says("reg.example/team/art:1: artifact already exists");
    let words = ["artifact", "add", "--append", "--file-type", "x/y", NAME, &two];
    let second = coracle(&sandbox, &words).text().to_owned();
    assert_ne!(first, second);
    let again = sandbox.coracle(["artifact", "add", "-a", NAME, &two]).run();
    again.exits(125).says("cannot have the title \"two.json\"");
    assert_eq!(manifest(&sandbox, &second[..12])["layers"][1]["mediaType"], "x/y");

    let format = [
        "artifact",
        "inspect",
        "--format",
        "{{(index .Manifest.Layers 1).Size}} {{.TotalSizeBytes}} {{.Digest}}",
        NAME,
    ];
    coracle(&sandbox, &format).prints(&format!("2 7 sha256:{second}\n"));
    let listed = coracle(&sandbox, &["artifact", "ls"]);
    let lines: Vec<Vec<&str>> = listed
        .text()
        .lines()
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|word| !word.is_empty())
                .collect()
        })
        .collect();
    assert_eq!(lines[0], ["REPOSITORY", "TAG", "DIGEST", "CREATED", "SIZE"]);
    assert_eq!(
        lines[1],
        ["reg.example/team/art", "1", &second[..12], lines[1][3], "7B"]
    );
    assert!(lines[1][3].ends_with(" ago"));
    let words = ["artifact", "ls", "-n", "--no-trunc", "--format", "{{.Digest}}"];
    coracle(&sandbox, &words).prints(&format!("{second}\n"));

    // To a directory, or one file to a name.
    let directory = sandbox.path("work/out");
    fs::create_dir(&directory).unwrap();
    let extract = |words: &[&str], target: &str| {
        let command = sandbox.coracle(["artifact", "extract"]).args(words);
        command.arg(NAME).arg(sandbox.path(target)).run()
    };
    extract(&[], "work/out").succeeds().prints("");
    assert_eq!(fs::read_to_string(directory.join("one.txt")).unwrap(), "first");
    assert_eq!(fs::read_to_string(directory.join("two.json")).unwrap(), "{}");
    extract(&[], "work/file").exits(125).says("has several files");
    extract(&["--title", "one.txt"], "work/file").succeeds();
    assert_eq!(fs::read_to_string(sandbox.path("work/file")).unwrap(), "first");
    extract(&["--digest", &digest(b"{}")], "work/out").succeeds();
    assert!(directory.join(digest(b"{}").replace(':', "-")).exists());
    extract(&["--title", "none"], "work/out")
        .exits(125)
        .says("has no file with the title");
    extract(&["--title", "x", "--digest", "y"], "work/out").exits(125);
    let output = sandbox
        .coracle(["artifact", "extract", "--title", "one.txt", NAME, "/dev/stdout"])
        .run();
    output.succeeds().prints("first");

    let words = ["artifact", "add", "--replace", NAME, &one];
    let third = coracle(&sandbox, &words).text().to_owned();
    assert_eq!(manifest(&sandbox, NAME)["layers"].as_array().unwrap().len(), 1);
    coracle(&sandbox, &["system", "check"]).prints("");
    sandbox
        .coracle(["artifact", "rm", &second])
        .run()
        .exits(125)
        .says("artifact does not exist");
    coracle(&sandbox, &["artifact", "rm", "--ignore", "reg.example/none:1"]).prints("");
    coracle(&sandbox, &["artifact", "rm", &third[..8]]).prints(&format!("{third}\n"));
    let another = coracle(&sandbox, &["artifact", "add", NAME, &one, &two])
        .text()
        .to_owned();
    coracle(&sandbox, &["artifact", "rm", "--all"]).prints(&format!("{another}\n"));
    coracle(&sandbox, &["artifact", "ls", "-n"]).prints("");
    empties(&sandbox, &["artifacts", "staging", "trash"]);
}

#[test]
fn what_is_wrong_is_said() {
    let sandbox = Sandbox::new();
    let [one, _] = two(&sandbox);
    for (words, reason) in [
        (&["add", "short:1", &one][..], "an artifact is named in full"),
        (&["add", NAME, "none"], "cannot read none"),
        (&["add", NAME, "/"], "is not a file"),
        (&["add", NAME, "/dev/zero"], "is not a file"),
        (&["add", "--append", NAME, &one], "artifact does not exist"),
        (
            &["add", "--append", "--type", "x", NAME, &one],
            "cannot be used with",
        ),
        (&["add", "--annotation", "x", NAME, &one], "expected KEY=VALUE"),
        (&["inspect", NAME], "artifact does not exist"),
        (&["extract", NAME, "."], "artifact does not exist"),
        (&["push", NAME], "artifact does not exist"),
        (
            &["push", "--sign-by=x", NAME],
            "signatures are made with --sign-by-sigstore-private-key",
        ),
        (
            &["pull", "--decryption-key=x", NAME],
            "encrypted artifacts are not read",
        ),
        (&["rm"], "name an artifact"),
    ] {
        let outcome = sandbox.coracle(["artifact"]).args(words).run();
        outcome.exits(125).says(reason);
    }
    coracle(&sandbox, &["artifact", "ls", "--format", "json"]).prints("[]\n");
    empties(&sandbox, &["artifacts", "staging", "trash"]);
}

#[test]
fn artifacts_go_to_registries_and_back() {
    requires!("program:docker-registry", "program:skopeo");
    let sandbox = Sandbox::new();
    let registry = Distribution::start(&sandbox.path("tmp"), "");
    let [one, two] = two(&sandbox);
    let name = format!("{}/team/art:1", registry.host);
    let made = coracle(&sandbox, &["artifact", "add", "--type", "a/b", &name, &one, &two])
        .text()
        .to_owned();
    let file = sandbox.path("tmp/digest");
    let push = sandbox
        .coracle(["artifact", "push", "--digestfile"])
        .arg(&file)
        .arg(&name);
    push.run().succeeds().prints(&format!("{made}\n"));
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("sha256:{made}"));
    let theirs = skopeo(&sandbox, &["--raw"], &name);
    assert_eq!(hex(&theirs.stdout), made);

    let other = Sandbox::new();
    coracle(&other, &["artifact", "pull", &name]).prints(&format!("{made}\n"));
    coracle(&other, &["artifact", "pull", "--quiet", &name]).prints("");
    assert_eq!(manifest(&other, &name), theirs.json());
    let by_digest = format!("{}/team/art@sha256:{made}", registry.host);
    coracle(&other, &["artifact", "pull", &by_digest]);
    coracle(&other, &["artifact", "inspect", &by_digest]);
    let target = other.path("work/file");
    let extract = other
        .coracle(["artifact", "extract", "--title", "one.txt", &name])
        .arg(&target);
    extract.run().succeeds();
    assert_eq!(fs::read_to_string(target).unwrap(), "first");
    // The same file is one on the disk.
    let used = coracle(&other, &["artifact", "ls", "-n"]);
    assert_eq!(used.text().lines().count(), 2);
    // What has to be signed does not come in without.
    let strict = Sandbox::new();
    trust(&strict, &registry.host, &signed_by(&strict, "p256.pub"));
    let refused = strict.coracle(["artifact", "pull", &name]).run();
    refused.exits(125).says("signature");
    coracle(&strict, &["artifact", "ls", "-n"]).prints("");
    coracle(&strict, &["manifest", "create", "list", &name]);
    let pushed = format!("{}/strict/list:1", registry.host);
    let refused = strict.coracle(["manifest", "push", "list", &pushed]).run();
    refused.exits(125).says("signature");

    // An image is none of ours to run when it is an artifact.
    let ran = other.coracle(["run", "--rm", &name]).run();
    ran.exits(125).says("artifact of the type");
    // A list names it, and takes files of its own.
    coracle(&other, &["manifest", "create", "list", &name]);
    let own = other.file("work/own.html", "<html></html>");
    let words = [
        "manifest",
        "add",
        "--artifact",
        "--artifact-type",
        "c/d",
        "--artifact-annotation",
        "a=b",
        "list",
    ];
    other.coracle(words).arg(&own).run().succeeds();
    let pushed = format!("{}/team/list:1", registry.host);
    coracle(&other, &["manifest", "push", "list", &pushed]);
    let listed = skopeo(&sandbox, &["--raw"], &pushed).json();
    assert_eq!(listed["manifests"][0]["digest"], format!("sha256:{made}"));
    assert_eq!(listed["manifests"][0]["artifactType"], "a/b");
    assert_eq!(listed["manifests"][1]["artifactType"], "c/d");
    let digest = listed["manifests"][1]["digest"].as_str().unwrap();
    let member = format!("{}/team/list@{digest}", registry.host);
    coracle(&other, &["artifact", "pull", &member]);
    let document = manifest(&other, &member);
    assert_eq!(document["layers"][0]["mediaType"], "text/html");
    assert_eq!(document["annotations"], json!({ "a": "b" }));
    coracle(&other, &["system", "check"]).prints("");
    coracle(&other, &["manifest", "remove", "list", digest]);
    let id = coracle(&other, &["images", "-q", "--no-trunc", "list"])
        .text()
        .to_owned();
    let files = other
        .data_root()
        .join("images")
        .join(id.trim_start_matches("sha256:"))
        .join("files");
    assert_eq!(fs::read_dir(files).unwrap().count(), 0);
}

/// What a hostile registry has as `test:TAG`: the tag is the number of the case.
#[test]
fn hostile_artifacts_are_refused_or_stay_where_they_belong() {
    let sandbox = Sandbox::new();
    let blob = b"content".to_vec();
    let long = "x".repeat(300);
    let layer = |size: usize, digest: String, title: &str| {
        json!({ "mediaType": "a/b", "digest": digest, "size": size,
                "annotations": { "org.opencontainers.image.title": title } })
    };
    let good = || digest(b"content");
    let of = |layers: Vec<Value>| {
        json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2, "data": "e30=" },
            "layers": layers })
        .to_string()
    };
    let escaped = sandbox.path("escaped-by-root");
    // What the pull says, or else what the extraction does.
    let cases: Vec<(String, &str, &str)> = vec![
        (
            of(vec![layer(7, good(), "../../escaped")]),
            "",
            "is not the name of a file",
        ),
        (
            of(vec![layer(7, good(), escaped.to_str().unwrap())]),
            "",
            "is not the name of a file",
        ),
        (
            of(vec![layer(7, good(), "a\0b")]),
            "",
            "is not the name of a file",
        ),
        (of(vec![layer(7, good(), "..")]), "", "is not the name of a file"),
        (of(vec![layer(7, good(), &long)]), "", "is not the name of a file"),
        (
            of(vec![layer(7, good(), "same"), layer(7, good(), "same")]),
            "",
            "have the title",
        ),
        (of(vec![layer(7, good(), "\u{1b}[31m")]), "", ""),
        (of(Vec::new()), "", "has no files"),
        (of(vec![layer(6, good(), "x")]), "bytes", ""),
        (of(vec![layer(8, good(), "x")]), "bytes", ""),
        (of(vec![layer(7, digest(b"other"), "x")]), "came instead of", ""),
        (of(vec![layer(1 << 60, good(), "x")]), "is free at", ""),
        (of(vec![layer(7, good(), "x"); 501]), "more than 500 layers", ""),
        (
            of(vec![layer(7, "sha256:../../x".into(), "x")]),
            "invalid digest",
            "",
        ),
        (
            json!({ "schemaVersion": 2, "manifests": [] }).to_string(),
            "index of several manifests",
            "",
        ),
        ("{".to_owned(), "invalid image manifest", ""),
    ];
    let bodies: Vec<String> = cases.iter().map(|(body, ..)| body.clone()).collect();
    let registry = Fake::start(move |asked| {
        let last = asked.target.rsplit('/').next().unwrap_or_default();
        match last.parse::<usize>() {
            Ok(number) => Answer::new(200, bodies[number].clone()),
            Err(_) if asked.target.contains("/blobs/") => Answer::new(200, blob.clone()),
            Err(_) => Answer::new(404, ""),
        }
    });
    let directory = sandbox.path("work/out");
    fs::create_dir(&directory).unwrap();
    for (number, (_, refused, kept)) in cases.iter().enumerate() {
        let name = format!("{}/test:{number}", registry.host);
        let pulled = sandbox.coracle(["artifact", "pull", "--retry", "0", &name]).run();
        if !refused.is_empty() {
            pulled.exits(125).says(refused);
            continue;
        }
        pulled.succeeds();
        let extracted = sandbox
            .coracle(["artifact", "extract", &name])
            .arg(&directory)
            .run();
        if kept.is_empty() {
            extracted.succeeds();
            let inside = fs::read_dir(&directory).unwrap().count();
            assert_eq!(inside, 1, "case {number}");
        } else {
            extracted.exits(125).says(kept);
        }
    }
    for place in [&escaped, &sandbox.path("escaped"), &sandbox.path("work/escaped")] {
        assert!(!place.exists(), "{}", place.display());
    }
    let listed = coracle(&sandbox, &["artifact", "ls", "-n"]);
    assert_eq!(
        listed.text().lines().count(),
        cases.iter().filter(|case| case.1.is_empty()).count()
    );
    coracle(&sandbox, &["system", "check"]).prints("");
    empties(&sandbox, &["staging", "trash"]);
}

#[test]
fn an_artifact_killed_at_every_step_is_whole_or_not_there() {
    let sandbox = Sandbox::new();
    let [one, two] = two(&sandbox);
    let out = sandbox.path("work/out");
    // Whether it has as many files as one of these, each with all its content; with none it is not there.
    let check = |counts: &[usize]| {
        coracle(&sandbox, &["system", "check"]).prints("");
        empties(&sandbox, &["staging", "trash"]);
        let mut count = 0;
        if !coracle(&sandbox, &["artifact", "ls", "-n"]).text().is_empty() {
            count = manifest(&sandbox, NAME)["layers"].as_array().unwrap().len();
            assert!(count > 0);
            fs::create_dir(&out).unwrap();
            let extract = sandbox.coracle(["artifact", "extract", NAME]);
            extract.arg(&out).run().succeeds();
            let expected = [("one.txt", "first"), ("two.json", "{}")];
            for (name, content) in &expected[..count] {
                assert_eq!(fs::read_to_string(out.join(name)).unwrap(), *content);
            }
            assert_eq!(fs::read_dir(&out).unwrap().count(), count);
            fs::remove_dir_all(&out).unwrap();
        }
        assert!(counts.contains(&count), "{count} of {counts:?}");
    };
    let none = || {
        coracle(&sandbox, &["artifact", "rm", "--all"]);
    };
    let begun = || {
        none();
        coracle(&sandbox, &["artifact", "add", NAME, &one]);
    };
    let steps = |words: &[&str], prepare: &dyn Fn(), counts: &[usize]| {
        let invocation = || {
            prepare();
            sandbox.coracle(words)
        };
        at_every_step(invocation, || {
            check(counts);
            coracle(&sandbox, &["artifact", "add", "--replace", NAME, &one]);
            check(&[1]);
        });
    };
    steps(&["artifact", "add", NAME, &one], &none, &[0, 1]);
    steps(&["artifact", "add", "--append", NAME, &two], &begun, &[1, 2]);
    let replace = ["artifact", "add", "--replace", NAME, &one, &two];
    steps(&replace, &begun, &[1, 2]);
    steps(&["artifact", "rm", NAME], &begun, &[0, 1]);
}

#[test]
fn appending_at_once_loses_nothing() {
    let sandbox = Sandbox::new();
    let [one, _] = two(&sandbox);
    coracle(&sandbox, &["artifact", "add", NAME, &one]);
    let additions: Vec<_> = (0..8)
        .map(|number| {
            let path = sandbox.file(&format!("work/file{number}"), [number]);
            sandbox
                .coracle(["artifact", "add", "--append", NAME])
                .arg(path)
                .start()
        })
        .collect();
    for addition in additions {
        addition.wait().succeeds();
    }
    assert_eq!(manifest(&sandbox, NAME)["layers"].as_array().unwrap().len(), 9);
    // Of those who make one at once the first gets the name.
    let creations: Vec<_> = (0..8)
        .map(|_| {
            sandbox
                .coracle(["artifact", "add", "reg.example/one:1", &one])
                .start()
        })
        .collect();
    let codes = creations.into_iter().map(|creation| creation.wait().code);
    assert_eq!(codes.filter(|code| *code == Some(0)).count(), 1);
    coracle(&sandbox, &["system", "check"]).prints("");
    empties(&sandbox, &["staging", "trash"]);
}
