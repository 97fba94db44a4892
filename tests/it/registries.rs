//! Configuration of registries: mirrors, rewritten and blocked places, short names, the signature policy.

use std::fs;
use std::sync::Arc;

use serde_json::json;

use super::registry::{image, registry, told};
use super::support::image::architecture;
use super::support::registry::{Answer, Content, Fake};
use super::support::run::Outcome;
use super::support::{Format, Sandbox};

/// A sandbox whose user has a registries.conf, so that the machine's does not count.
fn configured(text: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    configure(&sandbox, "registries.conf", text);
    sandbox
}

/// Writes a file of configuration that the user of the sandbox has.
pub fn configure(sandbox: &Sandbox, name: &str, text: impl AsRef<[u8]>) {
    let path = sandbox.path("config/containers").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn honest(sandbox: &Sandbox) -> (Arc<Content>, Fake) {
    registry(Content::of(&image(), &sandbox.path("tmp")), |_, answer| answer)
}

/// The names of all images.
pub fn names(sandbox: &Sandbox) -> String {
    let images = sandbox.coracle(["images", "--format", "{{.Repository}}:{{.Tag}}"]);
    images.run().succeeds().text().trim().to_owned()
}

fn says(outcome: &Outcome, part: &str) {
    assert!(told(outcome).contains(part), "{part} is not in {}", told(outcome));
}

#[test]
fn mirrors_are_asked_in_their_order_and_one_that_fails_is_passed_over() {
    let sandbox = Sandbox::new();
    let (content, own) = honest(&sandbox);
    let (_, empty) = registry(Content::of(&image(), &sandbox.path("tmp")), |_, _| {
        Answer::new(404, "")
    });
    // Has the manifest and the first layer, and then breaks.
    let last = content.layers.last().unwrap().clone();
    let (_, broken) = registry(
        Content::of(&image(), &sandbox.path("tmp")),
        move |asked, answer| match asked.target.ends_with(&last) {
            true => Answer::new(403, ""),
            false => answer,
        },
    );
    let dead = "127.0.0.1:1";
    let text = format!(
        "[[registry]]\nprefix = 'app.invalid/team'\nlocation = '{}'\nmirror = [{{location = '{dead}'}}, {{location = '{}'}}, {{location = '{}'}}]",
        own.host, empty.host, broken.host
    );
    configure(&sandbox, "registries.conf", &text);
    let name = "app.invalid/team/test:v1";
    let pulled = sandbox
        .coracle(["pull", "--retry-delay", "1ms", name])
        .run()
        .succeeds();
    for mirror in [dead, &empty.host, &broken.host] {
        let line = format!("Warning: the mirror {mirror} is passed over: ");
        assert_eq!(told(&pulled).matches(&line).count(), 1, "{}", told(&pulled));
    }
    assert_eq!(names(&sandbox), name);
    assert_eq!(own.count("/manifests/"), 0, "the manifest came from a mirror");
    assert_eq!(own.count("/blobs/"), 1, "{:?}", own.asked());
    let ran = sandbox.coracle(["run", "--rm", name]).run().succeeds();
    assert_eq!(ran.text(), "12");
    drop((own, empty, broken));
    let failed = sandbox.coracle(["pull", "--retry", "0", name]).run().exits(125);
    says(
        &failed,
        "cannot pull app.invalid/team/test:v1: cannot reach 127.0.0.1:",
    );
}

#[test]
fn a_blob_goes_on_at_the_next_place_where_the_mirror_broke() {
    let sandbox = Sandbox::new();
    let content = Content::of(&image(), &sandbox.path("tmp"));
    let layer = content.layers[0].clone();
    let (content, own) = registry(content, |_, answer| answer);
    let target = layer.clone();
    let (_, broken) = registry(
        Content::of(&image(), &sandbox.path("tmp")),
        move |asked, mut answer| {
            if asked.target.ends_with(&target) {
                if asked.offset() > 0 {
                    return Answer::new(404, "");
                }
                answer.length = Some(answer.body.len());
                answer.cut = Some(10_000);
            }
            answer
        },
    );
    let text = format!(
        "[[registry]]\nlocation = '{}'\n[[registry.mirror]]\nlocation = '{}'",
        own.host, broken.host
    );
    configure(&sandbox, "registries.conf", &text);
    let name = format!("{}/test:v1", own.host);
    sandbox.coracle(["pull", &name]).run().succeeds();
    let asked = own.asked();
    let offsets: Vec<usize> = asked
        .iter()
        .filter(|asked| asked.target.ends_with(&layer))
        .map(|asked| asked.offset())
        .collect();
    assert_eq!(offsets, [10_000], "{asked:?}");
    drop(content);
}

#[test]
fn credentials_go_to_whom_they_are_for() {
    let sandbox = Sandbox::new();
    let wants =
        |asked: &super::support::registry::Asked, answer, who: &str| match asked.header("authorization") {
            "" => Answer::new(401, "").header("WWW-Authenticate", "Basic"),
            given => {
                assert_eq!(given, who);
                answer
            }
        };
    // me:mirror, me:own
    let (_, mirror) = registry(
        Content::of(&image(), &sandbox.path("tmp")),
        move |asked, answer| match asked.target.contains("/blobs/") {
            true => Answer::new(404, ""),
            false => wants(asked, answer, "Basic bWU6bWlycm9y"),
        },
    );
    let (_, own) = registry(
        Content::of(&image(), &sandbox.path("tmp")),
        move |asked, answer| wants(asked, answer, "Basic bWU6b3du"),
    );
    let text = format!(
        "[[registry]]\nprefix = 'app.invalid'\nlocation = '{}'\n[[registry.mirror]]\nlocation = '{}'",
        own.host, mirror.host
    );
    configure(&sandbox, "registries.conf", &text);
    // What is kept for the name that the image has is for nobody here.
    let auths = json!({"auths": {
        &mirror.host: {"auth": "bWU6bWlycm9y"}, "app.invalid": {"auth": "bWU6bmFtZQ=="}
    }});
    configure(&sandbox, "auth.json", auths.to_string());
    sandbox
        .coracle(["pull", "--creds", "me:own", "app.invalid/test:v1"])
        .run()
        .succeeds();
    assert!(own.count("/blobs/") > 0 && mirror.count("/manifests/") > 0);
}

#[test]
fn what_is_blocked_or_not_understood_is_refused_before_anybody_is_asked() {
    let sandbox = Sandbox::new();
    let (_, own) = honest(&sandbox);
    let name = format!("{}/test:v1", own.host);
    let conf = sandbox
        .path("config/containers/registries.conf")
        .display()
        .to_string();
    let cases = [
        (
            format!("[[registry]]\nlocation = '{}'\nblocked = true", own.host),
            format!("{name} is not to be fetched: {conf} blocks {}", own.host),
        ),
        (
            "\n[[registry]]\nlocation = 5".to_owned(),
            format!("{conf}: line 3: "),
        ),
        (
            "[registries.search]\nregistries = []".to_owned(),
            format!("{conf}: line 1: [registries] is version 1"),
        ),
    ];
    for (text, expected) in cases {
        configure(&sandbox, "registries.conf", &text);
        for command in ["pull", "run"] {
            let refused = sandbox.coracle([command, &name]).run().exits(125);
            says(&refused, &expected);
        }
    }
    assert_eq!(own.asked().len(), 0);
    // Commands that speak with no registry do not mind.
    sandbox.coracle(["images"]).run().succeeds();
    sandbox.load(&image().name("localhost/here:v1"));
    sandbox
        .coracle(["run", "--rm", "localhost/here:v1"])
        .run()
        .succeeds();
}

#[test]
fn short_names_are_resolved_without_a_question_and_the_choice_is_told() {
    let sandbox = Sandbox::new();
    let (_, one) = registry(Content::of(&image(), &sandbox.path("tmp")), |_, _| {
        Answer::new(404, "")
    });
    let (_, two) = honest(&sandbox);
    let aliases = format!("[aliases]\nelsewhere = '{}/test'\n", two.host);
    let search = format!(
        "unqualified-search-registries = ['{}', '{}']\n",
        one.host, two.host
    );
    configure(&sandbox, "registries.conf", &aliases);
    let ran = sandbox.coracle(["run", "--rm", "elsewhere:v1"]).run().succeeds();
    says(&ran, &format!("Resolved \"elsewhere\" to {}/test:v1", two.host));
    let asked = two.asked().len();
    // By its alias it is found here.
    sandbox.coracle(["run", "--rm", "elsewhere:v1"]).run().succeeds();
    assert_eq!(two.asked().len(), asked);
    sandbox.coracle(["rmi", "--all"]).run().succeeds();

    configure(&sandbox, "registries.conf", format!("{search}{aliases}"));
    let pulled = sandbox.coracle(["pull", "test:v1"]).run().succeeds();
    says(&pulled, &format!("Resolved \"test\" to {}/test:v1", two.host));
    assert_eq!(names(&sandbox), format!("{}/test:v1", two.host));
    let missing = sandbox.coracle(["pull", "test:none"]).run().exits(125);
    says(&missing, &format!("{} has no manifest none of test", one.host));
    says(&missing, &format!("{} has no manifest none of test", two.host));

    let enforcing = format!("short-name-mode = 'enforcing'\n{search}{aliases}");
    configure(&sandbox, "registries.conf", &enforcing);
    let asked = (one.asked().len(), two.asked().len());
    let refused = sandbox.coracle(["pull", "test:v1"]).run().exits(125);
    says(
        &refused,
        &format!("test may be any of {}/test:v1, {}/test:v1", one.host, two.host),
    );
    assert_eq!((one.asked().len(), two.asked().len()), asked);
    sandbox.coracle(["pull", "elsewhere:v1"]).run().succeeds();
}

#[test]
fn a_registry_that_cannot_be_asked_does_not_choose_the_next_one() {
    let sandbox = Sandbox::new();
    let (_, other) = honest(&sandbox);
    let text = format!(
        "unqualified-search-registries = ['127.0.0.1:1', '{}']",
        other.host
    );
    configure(&sandbox, "registries.conf", &text);
    let refused = sandbox.coracle(["pull", "test:v1"]).run().exits(125);
    says(&refused, "cannot reach 127.0.0.1:1");
    assert_eq!(other.asked().len(), 0);
}

#[test]
fn files_count_in_the_order_of_the_manual() {
    let sandbox = configured("[aliases]\na = 'own.invalid/a'\nb = 'own.invalid/b'");
    configure(
        &sandbox,
        "registries.conf.d/10.conf",
        "[[registry]]\nlocation = 'own.invalid'\nblocked = true\n[[registry]]\nlocation = 'drop.invalid'\nblocked = true\n[aliases]\nb = 'drop.invalid/b'",
    );
    configure(&sandbox, "registries.conf.d/20.other", "not read");
    let refused = |environment: &[(&str, &str)], name: &str, expected: &str| {
        let mut pull = sandbox.coracle(["pull", name]);
        for (key, value) in environment {
            pull = pull.env(key, value);
        }
        says(&pull.run().exits(125), expected);
    };
    refused(&[], "a", "own.invalid/a:latest is not to be fetched");
    refused(&[], "b", "drop.invalid/b:latest is not to be fetched");
    let named = sandbox.file("named.conf", "[aliases]\na = 'drop.invalid/named'");
    let named = named.to_str().unwrap();
    let by_variable = [("CONTAINERS_REGISTRIES_CONF", named)];
    refused(
        &by_variable,
        "a",
        "drop.invalid/named:latest is not to be fetched",
    );
    let over = [("CONTAINERS_REGISTRIES_CONF_OVERRIDE", named)];
    refused(&over, "a", "drop.invalid/named:latest is not to be fetched");
    refused(&over, "b", "drop.invalid/b:latest is not to be fetched");
    let absent = [("CONTAINERS_REGISTRIES_CONF", "/nowhere/r.conf")];
    refused(&absent, "a", "/nowhere/r.conf: there is no such file");
}

#[test]
fn the_signature_policy_decides_what_comes_in() {
    let sandbox = Sandbox::new();
    let (_, own) = honest(&sandbox);
    let name = format!("{}/test:v1", own.host);
    let accept = json!([{"type": "insecureAcceptAnything"}]);
    let reject = json!([{"type": "reject"}]);
    let signed = json!([{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/k"}]);
    let policy = |value: serde_json::Value| configure(&sandbox, "policy.json", value.to_string());
    let archive = sandbox.path("tmp/app.tar");
    image()
        .name("localhost/app:v1")
        .write(&archive, Format::OciArchive);
    let path = sandbox
        .path("config/containers/policy.json")
        .display()
        .to_string();

    policy(json!({"default": reject, "transports": {"docker": {&own.host: accept}}}));
    let refused = sandbox
        .coracle(["load", "--input"])
        .arg(&archive)
        .run()
        .exits(125);
    says(&refused, &format!("{path} rejects oci-archive (default)"));
    assert_eq!(names(&sandbox), "");
    sandbox.coracle(["pull", &name]).run().succeeds();
    sandbox.coracle(["rmi", "--all"]).run().succeeds();
    let asked = own.asked().len();

    policy(json!({"default": accept, "transports": {"docker": {format!("{}/test", own.host): signed}}}));
    for command in ["pull", "run"] {
        let refused = sandbox.coracle([command, &name]).run().exits(125);
        says(
            &refused,
            &format!(
                "{path} wants {name} to be signed in a way that is not checked here (docker:{}/test: signedBy)",
                own.host
            ),
        );
    }
    policy(json!({"default": accept, "transport": {}}));
    let refused = sandbox.coracle(["pull", &name]).run().exits(125);
    says(
        &refused,
        &format!("{path} is not a signature policy: unknown field"),
    );
    assert_eq!(own.asked().len(), asked);

    let scope = archive.parent().unwrap().display().to_string();
    policy(json!({"default": reject, "transports": {"oci-archive": {scope: accept}}}));
    sandbox
        .coracle(["load", "--input"])
        .arg(&archive)
        .run()
        .succeeds();
}

#[test]
fn a_mirror_that_sends_something_else_is_passed_over() {
    let sandbox = Sandbox::new();
    let (content, own) = honest(&sandbox);
    let wrong = content.layers.last().unwrap().clone();
    let (_, lying) = registry(
        Content::of(&image(), &sandbox.path("tmp")),
        move |asked, answer| match asked.target.ends_with(&wrong) {
            true => {
                let mut body = answer.body.clone();
                let middle = body.len() / 2;
                body[middle] ^= 1;
                Answer { body, ..answer }
            }
            false => answer,
        },
    );
    let text = |mirrors: &str| {
        format!(
            "[[registry]]\nprefix = 'app.invalid/team'\nlocation = '{}'\nmirror = [{mirrors}]",
            own.host
        )
    };
    configure(
        &sandbox,
        "registries.conf",
        text(&format!("{{location = '{0}'}}, {{location = '{0}'}}", lying.host)),
    );
    let pulled = sandbox
        .coracle(["pull", "app.invalid/team/test:v1"])
        .run()
        .succeeds();
    says(&pulled, &format!("the mirror {} is passed over", lying.host));
    let ran = sandbox
        .coracle(["run", "--rm", "app.invalid/team/test:v1"])
        .run()
        .succeeds();
    assert_eq!(ran.text(), "12");
    // Where nobody has the right one, nothing comes in.
    let sandbox = Sandbox::new();
    let text = format!(
        "[[registry]]\nprefix = 'app.invalid/team'\nlocation = '{0}'\nmirror = [{{location = '{0}'}}]",
        lying.host
    );
    configure(&sandbox, "registries.conf", &text);
    sandbox
        .coracle(["pull", "app.invalid/team/test:v1"])
        .run()
        .exits(125);
    assert_eq!(names(&sandbox), "");
}

#[test]
fn an_image_of_another_platform_is_fetched_for_the_one_that_is_asked_for() {
    let sandbox = Sandbox::new();
    let platform = format!("linux/{}", architecture());
    let (_, own) = honest(&sandbox);
    let name = format!("{}/test:v1", own.host);
    let foreign = image()
        .name(&name)
        .edit(super::support::Document::Config, |config| {
            config["architecture"] = json!("mips64le")
        });
    sandbox.load(&foreign);
    let never = sandbox
        .coracle(["run", "--rm", "--pull", "never", "--platform", &platform, &name])
        .run()
        .exits(125);
    says(&never, "is for linux/mips64le");
    let ran = sandbox
        .coracle(["run", "--rm", "--platform", &platform, &name])
        .run()
        .succeeds();
    assert_eq!(ran.text(), "12");
    says(&ran, "locally");
    let again = own.asked().len();
    sandbox
        .coracle(["run", "--rm", "--platform", &platform, &name])
        .run()
        .succeeds();
    assert_eq!(own.asked().len(), again);
}

#[test]
fn what_is_searched_is_what_the_configuration_says() {
    let sandbox = Sandbox::new();
    let index = |name: &'static str| {
        Fake::start(
            move |asked| match asked.target.starts_with("/v1/search?q=thing&") {
                true => Answer::new(200, json!({ "results": [{ "name": name }] }).to_string()),
                false => Answer::new(404, ""),
            },
        )
    };
    let (one, two, blocked) = (index("one/thing"), index("two/thing"), index("three/thing"));
    let text = format!(
        "unqualified-search-registries = ['{}', '{}', '{}']\n[[registry]]\nlocation = '{}'\nblocked = true\n",
        one.host, blocked.host, two.host, blocked.host
    );
    configure(&sandbox, "registries.conf", &text);
    let found = sandbox
        .coracle(["search", "--format", "{{.Name}}", "thing"])
        .run()
        .succeeds();
    assert_eq!(
        found.text().trim(),
        format!("{}/one/thing\n{}/two/thing", one.host, two.host)
    );
    says(&found, &format!("cannot search {}", blocked.host));
    assert_eq!(blocked.asked().len(), 0);
    let only = sandbox
        .coracle(["search", "--format", "{{.Name}}"])
        .arg(format!("{}/thing", two.host))
        .run();
    assert_eq!(only.succeeds().text().trim(), format!("{}/two/thing", two.host));
    configure(
        &sandbox,
        "registries.conf",
        "unqualified-search-registries = ['127.0.0.1:1', '127.0.0.1:2']\n",
    );
    let refused = sandbox.coracle(["search", "thing"]).run().exits(125);
    says(&refused, "cannot search 127.0.0.1:1");
}
