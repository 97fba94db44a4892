//! What scripts look for in the words of Podman and Docker, and the options by which they say which image they mean.

use std::fs;
use std::net::TcpListener;

use serde_json::json;

use super::login::{PASSWORD, guarded};
use super::manifests::coracle;
use super::registries::configure;
use super::registry::{image, registry, told};
use super::support::registry::{Content, Fake};
use super::support::{Document, Image, Sandbox, requires};

const OTHER: &str = if cfg!(target_arch = "s390x") {
    "linux/amd64"
} else {
    "linux/s390x"
};

#[test]
fn what_is_not_there_is_told_in_podmans_words() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let retry = ["--retry-delay", "bogus", "x"];
    for (words, printed, said) in [
        (
            &["container", "inspect", "x"][..],
            "[]",
            "Error: no such container \"x\"\n",
        ),
        // An image is none.
        (
            &["container", "inspect", "busybox"],
            "[]",
            "Error: no such container \"busybox\"\n",
        ),
        (&["image", "inspect", "x"], "[]", "Error: x: image not known\n"),
        (
            &["inspect", "--type", "image", "x"],
            "[]",
            "Error: x: image not known\n",
        ),
        (
            &["inspect", "--type", "volume", "x"],
            "[]",
            "Error: no such volume x\n",
        ),
        (&["inspect", "x"], "[]", "Error: no such object: \"x\"\n"),
        (
            &["pull", "--policy", "never", "quay.invalid/x"],
            "",
            "Error: quay.invalid/x: image not known\n",
        ),
        (
            &["artifact", "inspect", "x.invalid/x"],
            "",
            "Error: x.invalid/x: artifact does not exist\n",
        ),
        (
            &["artifact", "add", "--append", "--replace", "x.invalid/x", "x"],
            "",
            "Error: --append and --replace options cannot be used together\n",
        ),
        (
            &["image", "trust", "set", "--type", "bogus", "default"],
            "",
            "Error: invalid choice: bogus (choose from 'accept', 'reject', 'signedBy', 'sigstoreSigned')\n",
        ),
    ] {
        let outcome = sandbox.coracle(words).run().exits(125);
        assert_eq!(
            (outcome.text(), told(&outcome).as_str()),
            (printed, said),
            "{words:?}"
        );
    }
    for command in ["pull", "push"] {
        let bogus = sandbox.coracle([command]).args(retry).run().exits(125);
        let told = told(&bogus);
        assert!(
            told.contains("time: invalid duration \"bogus\"") || told.contains("image not known"),
            "{told}"
        );
    }
    sandbox
        .coracle(["manifest", "rm", "x"])
        .run()
        .exits(1)
        .says("Error: x: image not known");
    for command in ["login", "logout"] {
        let both = [
            command,
            "--authfile",
            "/x",
            "--compat-auth-file",
            "/x",
            "x.invalid",
        ];
        let said = "options for paths to the credential file and to the Docker-compatible credential file can not be set \
                    simultaneously";
        sandbox.coracle(both).run().exits(125).says(said).says_one_line();
    }
}

#[test]
fn the_help_has_the_defaults_of_containers_conf() {
    let sandbox = Sandbox::new();
    let file = sandbox.path("config/containers/containers.conf");
    let help = |words: &[&str]| {
        let asked = sandbox.coracle(words).env("CONTAINERS_CONF", &file);
        asked.run().succeeds().text().to_owned()
    };
    configure(&sandbox, "containers.conf", "");
    let has = |words: &[&str], act: &str, retries: u32, delay: &str| {
        let text = help(words);
        for part in [
            format!("performing {act} (default {retries})"),
            format!("{act} failures (default \"{delay}\")"),
        ] {
            assert!(text.contains(&part), "{words:?}: no {part} in {text}");
        }
    };
    has(&["pull", "--help"], "pull", 3, "1s");
    has(&["push", "--help"], "push", 3, "1s");
    configure(
        &sandbox,
        "containers.conf",
        "[engine]\nretry = 10\nretry_delay = \"5s\"\n",
    );
    has(&["pull", "--help"], "pull", 10, "5s");
    has(&["run", "--help"], "pull", 10, "5s");
    has(&["artifact", "push", "--help"], "push", 10, "5s");
    configure(&sandbox, "containers.conf", "broken");
    has(&["create", "--help"], "pull", 3, "1s");
}

#[test]
fn who_may_not_push_is_told_of_the_first_blob() {
    requires!("program:docker-registry");
    let sandbox = Sandbox::new();
    let registry = guarded(&sandbox);
    let host = registry.host.as_str();
    sandbox.load(&image().name("localhost/app:v1"));
    let creds = "ali:wrong";
    let name = format!("{host}/team/app:v1");
    let refused = sandbox
        .coracle(["push", "--creds", creds, "localhost/app:v1", &name])
        .run()
        .exits(125);
    let told = told(&refused);
    let at = told.find(" checking whether a blob sha256:").expect(&told);
    let said = format!(" exists in {host}/team/app: authentication required");
    assert!(told[at..].contains(&said), "{told}");

    // Who names the file for the password is not warned of it.
    let file = sandbox.path("work/auth.json");
    let login = sandbox
        .coracle([
            "login",
            "--username",
            "ali",
            "--password-stdin",
            host,
            "--authfile",
        ])
        .arg(&file)
        .input(PASSWORD)
        .run()
        .succeeds();
    login.prints("Login Succeeded!\n");
    assert!(fs::exists(&file).unwrap());
}

#[test]
fn a_digest_is_taken_from_an_image_like_a_name() {
    let sandbox = Sandbox::new();
    let content = Content::of(&image(), &sandbox.path("tmp"));
    let digest = content.manifest.clone();
    let (_, fake) = registry(content, |_, honest| honest);
    let repository = format!("{}/test", fake.host);
    let by_digest = format!("{repository}@{digest}");
    let id = coracle(&sandbox, &["pull", "--quiet", &by_digest])
        .text()
        .trim()
        .to_owned();
    let digests = |name: &str| {
        let words = [
            "image",
            "inspect",
            "--format",
            "{{.RepoTags}} {{.RepoDigests}}",
            name,
        ];
        coracle(&sandbox, &words).text().trim().to_owned()
    };
    assert_eq!(digests(&id), format!("[] [{by_digest}]"));
    coracle(&sandbox, &["untag", &by_digest]);
    assert_eq!(digests(&id), "[] []");
    sandbox.coracle(["image", "exists", &by_digest]).run().exits(1);

    let tagged = format!("{repository}:v1");
    coracle(&sandbox, &["pull", "--quiet", &tagged]);
    coracle(&sandbox, &["untag", &tagged, &format!("{tagged}@{digest}")]);
    // The name is still there, and with it the digest that it has.
    assert_eq!(digests(&id), format!("[{tagged}] [{by_digest}]"));
    coracle(&sandbox, &["untag", &tagged, &tagged]);
    assert_eq!(digests(&id), "[] []");
    coracle(&sandbox, &["pull", "--quiet", &tagged]);
    coracle(&sandbox, &["untag", &id]);
    assert_eq!(digests(&id), "[] []");
    sandbox
        .coracle(["untag", &id, &by_digest])
        .run()
        .exits(125)
        .says("tag not known");
}

#[test]
fn a_platform_is_expected_of_images() {
    let sandbox = Sandbox::new();
    sandbox.load(&image().name("localhost/own:1"));
    let other = Image::new()
        .layer(&[])
        .edit(Document::Config, |config| {
            config["architecture"] = json!(OTHER.split_once('/').unwrap().1);
        })
        .name("localhost/other:1");
    sandbox.load(&other);
    coracle(&sandbox, &["manifest", "create", "list", "own:1", "other:1"]);
    let id = |words: &[&str]| {
        let words = [&["inspect", "--format", "{{.Id}}"], words].concat();
        coracle(&sandbox, &words).text().to_owned()
    };
    let (one, two) = (id(&["own:1"]), id(&["other:1"]));
    assert_eq!(id(&["--platform", OTHER, "other:1"]), two);
    assert_eq!(id(&["--platform", OTHER, "list"]), two);
    assert_eq!(id(&["list"]), one);
    let archive = sandbox.path("work/image.tar").display().to_string();
    for words in [
        &["inspect", "--platform", OTHER, "own:1"][..],
        &["image", "inspect", "--platform", OTHER, "own:1"],
        &["history", "--platform", OTHER, "own:1"],
        &["save", "--output", &archive, "--platform", OTHER, "own:1"],
        &["push", "--platform", OTHER, "own:1", "localhost:1/x"],
    ] {
        let said = format!(
            "image with reference own:1 was found but does not provide the specified platform ({OTHER})"
        );
        sandbox.coracle(words).run().exits(125).says(&said);
        let right: Vec<&str> = words
            .iter()
            .map(|word| word.trim_start_matches("own:1"))
            .collect();
        let right = right
            .iter()
            .map(|word| if word.is_empty() { "other:1" } else { word });
        if words[0] != "push" {
            sandbox.coracle(right).run().succeeds();
        }
    }
    let both = format!("linux/{},{OTHER}", one_architecture());
    fs::remove_file(&archive).unwrap();
    let save = [
        "save",
        "--format",
        "oci-archive",
        "--output",
        &archive,
        "--platform",
        &both,
        "list",
    ];
    coracle(&sandbox, &save);
    sandbox
        .coracle(["rmi", "--platform", OTHER, "own:1"])
        .run()
        .exits(125)
        .says("does not provide the specified platform");
    sandbox
        .coracle(["rmi", "--platform", OTHER, "list"])
        .run()
        .exits(125)
        .says("is a list of manifests");
    sandbox
        .coracle(["rmi", "--platform", OTHER, "none"])
        .run()
        .exits(1);
    coracle(&sandbox, &["rmi", "--platform", OTHER, "other:1"]);
    coracle(&sandbox, &["manifest", "rm", "list"]);
    coracle(&sandbox, &["rmi", "--all"]);
    let loaded = coracle(&sandbox, &["load", "--platform", OTHER, "--input", &archive]);
    let loaded = loaded.text().trim().rsplit(' ').next().unwrap().to_owned();
    assert_eq!(id(&[&loaded]), two);
}

fn one_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Whoever says how often is waited for, whoever does not is told at once that nobody is there.
#[test]
fn a_registry_that_is_not_there_yet_is_tried_as_often_as_asked() {
    let sandbox = Sandbox::new();
    let content = Content::of(&image(), &sandbox.path("tmp"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let host = address.to_string();
    let name = format!("{host}/test:v1");
    sandbox
        .coracle(["pull", &name])
        .run()
        .exits(125)
        .says("connection refused");
    let said = format!("Failed, retrying in 1ms ... (1/1). Error: initializing {host}/test: ");
    sandbox
        .coracle(["pull", "--retry", "1", "--retry-delay", "1ms", &name])
        .run()
        .exits(125)
        .says(&said)
        .says(&format!("cannot reach {host}: connection refused\nError"));
    let pull = ["pull", "--retry", "20", "--retry-delay", "50ms", &name];
    let pulling = sandbox.coracle(pull).start();
    let _fake = Fake::at(address, move |asked| content.answer(asked));
    pulling.wait().succeeds();
}
