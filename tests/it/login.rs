//! `login` and `logout`, and where credentials are kept: files, links to them, helper programs.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::registry::{image, registry};
use super::support::files::write_program;
use super::support::registry::{Answer, Content, Distribution, Fake};
use super::support::run::contains;
use super::support::{Invocation, Sandbox, requires};

pub const PASSWORD: &str = "open sesame";
/// What `htpasswd -B` makes of it.
const HASH: &str = "$2b$04$8ZtL6HY/GwCm3qLzxdUA/O.8eBSR53gQO0YyRmVsvT8QZVcqkidjy";

/// Debian's registry that lets nobody in but ali.
pub fn guarded(sandbox: &Sandbox) -> Distribution {
    let file = sandbox.path("tmp/htpasswd");
    fs::write(&file, format!("ali:{HASH}\n")).unwrap();
    let more = format!(
        "auth:\n  htpasswd:\n    realm: cave\n    path: {}\n",
        file.display()
    );
    Distribution::start(&sandbox.path("tmp"), &more)
}

/// The same, scripted.
fn guarded_fake(sandbox: &Sandbox) -> Fake {
    let (_, fake) = registry(
        Content::of(&image(), &sandbox.path("tmp")),
        |asked, answer| match asked.header("authorization") {
            // ali:open sesame
            "Basic YWxpOm9wZW4gc2VzYW1l" => match asked.target.as_str() {
                "/v2/" => Answer::new(200, "{}"),
                _ => answer,
            },
            _ => Answer::new(401, "").header("WWW-Authenticate", "Basic realm=\"cave\""),
        },
    );
    fake
}

fn login(sandbox: &Sandbox, host: &str, password: &str) -> Invocation {
    sandbox
        .coracle(["login", "--username", "ali", "--password-stdin", host])
        .input(format!("{password}\n"))
}

fn auth_file(sandbox: &Sandbox) -> PathBuf {
    sandbox.path("run/containers/auth.json")
}

fn read(path: &PathBuf) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn who_logs_in_is_known_until_the_logout() {
    requires!("program:docker-registry");
    let sandbox = Sandbox::new();
    let registry = guarded(&sandbox);
    let host = registry.host.as_str();
    let name = format!("{host}/app:v1");
    sandbox.load(&image().name("localhost/app:v1"));
    let push = || sandbox.coracle(["push", "--quiet", "localhost/app:v1", &name]);
    push().run().exits(125).says(&format!("coracle login {host}"));

    let wrong = login(&sandbox, host, "open barley").run().exits(125);
    wrong
        .says(&format!(
            "Error: logging into \"{host}\": invalid username/password"
        ))
        .says_one_line();
    assert!(!auth_file(&sandbox).exists(), "a wrong password is kept");
    let unknown = sandbox.coracle(["login", "--get-login", host]).run().exits(125);
    unknown.says(&format!("not logged into {host}")).says_one_line();
    let alone = sandbox.coracle(["login", host]).run().exits(125);
    alone.says("there is no terminal").says_one_line();

    login(&sandbox, host, PASSWORD)
        .run()
        .succeeds()
        .prints("Login Succeeded!\n");
    let file = auth_file(&sandbox);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(read(&file)["auths"][host]["auth"], "YWxpOm9wZW4gc2VzYW1l");
    let known = sandbox.coracle(["login", "--get-login", host]).run();
    known.succeeds().prints("ali\n");
    let again = sandbox.coracle(["login", host]).run().succeeds();
    again
        .prints("Login Succeeded!\n")
        .says(&format!("Authenticating with existing credentials for {host}"));
    push().run().succeeds();
    sandbox.coracle(["pull", &name]).run().succeeds();
    sandbox
        .coracle(["run", "--rm", "--pull", "always", &name])
        .run()
        .succeeds();

    // Another password does not replace the one that works.
    login(&sandbox, host, "open barley").run().exits(125);
    sandbox.coracle(["pull", &name]).run().succeeds();

    let logout = || sandbox.coracle(["logout", host]);
    logout()
        .run()
        .succeeds()
        .prints(&format!("Removed login credentials for {host}\n"));
    assert_eq!(read(&file), json!({"auths": {}}));
    logout()
        .run()
        .exits(125)
        .says(&format!("not logged into {host}"))
        .says_one_line();
    sandbox
        .coracle(["pull", &name])
        .run()
        .exits(125)
        .says("coracle login");
}

#[test]
fn files_stay_what_they_are_and_where_they_are() {
    let sandbox = Sandbox::new();
    let fake = guarded_fake(&sandbox);
    let host = fake.host.as_str();
    let real = sandbox.file(
        "secrets/auth.json",
        r#"{"auths":{"other.invalid":{"auth":"eDp5"}},"x":1}"#,
    );
    let link = sandbox.path("work/link.json");
    symlink("secrets/auth.json", &link).unwrap();
    login(&sandbox, host, PASSWORD)
        .arg("--authfile")
        .arg(&link)
        .run()
        .succeeds();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
    let now = read(&real);
    assert_eq!(
        (&now["x"], &now["auths"]["other.invalid"]["auth"]),
        (&json!(1), &json!("eDp5"))
    );
    assert_eq!(now["auths"][host]["auth"], "YWxpOm9wZW4gc2VzYW1l");
    let left: Vec<_> = fs::read_dir(real.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");

    // Docker's file is read, and not written without being named.
    let docker = sandbox.path("home/.docker/config.json");
    fs::create_dir_all(docker.parent().unwrap()).unwrap();
    fs::copy(&real, &docker).unwrap();
    sandbox
        .coracle(["pull", &format!("{host}/test:v1")])
        .run()
        .succeeds();
    let refused = sandbox.coracle(["logout", host]).run().exits(125);
    refused.says("--compat-auth-file").says(docker.to_str().unwrap());
    sandbox
        .coracle(["logout", "--compat-auth-file"])
        .arg(&docker)
        .arg(host)
        .run()
        .succeeds();
    assert!(read(&docker)["auths"].get(host).is_none());
}

/// `--config` and the variable of Docker mean one file, which is read and written.
#[test]
fn the_directory_of_dockers_file_is_named() {
    let sandbox = Sandbox::new();
    let fake = guarded_fake(&sandbox);
    let host = fake.host.as_str();
    let name = format!("{host}/test:v1");
    let (one, two) = (sandbox.path("tmp/one"), sandbox.path("tmp/two"));
    let by_option = |words: &[&str]| sandbox.coracle(["--config"]).arg(&one).args(words);
    let by_variable = |words: &[&str]| sandbox.coracle(words).env("DOCKER_CONFIG", &two);
    let words = ["login", "--username", "ali", "--password-stdin", host];
    for with in [&by_option as &dyn Fn(&[&str]) -> Invocation, &by_variable] {
        with(&["pull", &name]).run().exits(125).says("coracle login");
        with(&words).input(PASSWORD).run().succeeds();
        with(&["pull", "--quiet", &name]).run().succeeds();
        with(&["login", "--get-login", host])
            .run()
            .succeeds()
            .prints("ali\n");
    }
    assert!(!auth_file(&sandbox).exists());
    sandbox
        .coracle(["pull", &name])
        .run()
        .exits(125)
        .says("coracle login");
    // What the command line says counts more than the environment, and its own file more than either.
    let both = |words: &[&str]| by_option(words).env("DOCKER_CONFIG", "/nosuch");
    both(&["pull", "--quiet", &name]).run().succeeds();
    both(&["pull", "--authfile", "/dev/null", &name]).run().exits(125);
    both(&["logout", host]).run().succeeds();
    assert!(read(&one.join("config.json"))["auths"].get(host).is_none());
    let other = by_variable(&["login", "--get-login", host]).env("REGISTRY_AUTH_FILE", "/nosuch");
    other.run().exits(125);
    by_variable(&["logout", host]).run().succeeds();
    by_variable(&["pull", &name])
        .run()
        .exits(125)
        .says("coracle login");
}

/// A helper program that keeps what it is given in files, notes how it was called, and in which user namespace.
fn helper(sandbox: &Sandbox) -> PathBuf {
    let store = sandbox.path("tmp/vault");
    fs::create_dir_all(&store).unwrap();
    let script = format!(
        r#"#!/bin/sh
cd '{}' || exit 1
echo "$1 $(awk '{{ print $3 }}' /proc/self/uid_map | head -1)" >> ../calls
case $1 in
store) cat > new && mv new "$(sed 's/.*"ServerURL":"\([^"]*\)".*/\1/; s,/,_,g' new)" ;;
get) key=$(sed s,/,_,g); if [ -f "$key" ]; then cat "$key"; else echo "credentials not found in native keychain"; exit 1; fi ;;
erase) rm "$(sed s,/,_,g)" ;;
list) printf '{{'; comma=; for file in *; do [ -f "$file" ] || continue; printf '%s"%s":"ali"' "$comma" "$file"; comma=,; done; printf '}}' ;;
esac
"#,
        store.display()
    );
    let bin = sandbox.path("tmp/bin");
    fs::create_dir_all(&bin).unwrap();
    let program = bin.join("docker-credential-test");
    write_program(&program, &script);
    bin
}

#[test]
fn helper_programs_keep_give_list_and_forget() {
    let sandbox = Sandbox::new();
    let fake = guarded_fake(&sandbox);
    let host = fake.host.as_str();
    let name = format!("{host}/test:v1");
    let bin = helper(&sandbox);
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let vault = sandbox.path("tmp/vault");
    let kept = || fs::read_dir(&vault).unwrap().count();
    let config = sandbox.path("config/containers");
    fs::create_dir_all(&config).unwrap();
    let ways = [
        ("auth.json", json!({"credHelpers": {host: "test"}}).to_string()),
        ("auth.json", json!({"credsStore": "test"}).to_string()),
        (
            "registries.conf",
            "credential-helpers = ['test', 'containers-auth.json']".to_owned(),
        ),
    ];
    for (file, text) in ways {
        fs::write(config.join(file), &text).unwrap();
        let with = |invocation: Invocation| {
            let invocation = invocation.env("PATH", &path);
            match file {
                "auth.json" => invocation.env("REGISTRY_AUTH_FILE", config.join(file)),
                _ => invocation,
            }
        };
        let run = |words: &[&str]| with(sandbox.coracle(words)).run();
        let before = fs::read(config.join(file)).unwrap();
        run(&["pull", &name]).exits(125).says("coracle login");
        with(login(&sandbox, host, PASSWORD)).run().succeeds();
        assert_eq!(kept(), 1, "{text}");
        assert_eq!(
            fs::read(config.join(file)).unwrap(),
            before,
            "the file holds nothing"
        );
        assert!(!auth_file(&sandbox).exists());
        run(&["login", "--get-login", host]).succeeds().prints("ali\n");
        run(&["pull", &name]).succeeds();
        sandbox.coracle(["rmi", "--all"]).run().succeeds();
        // The helper would not know its user within the user namespace of a container.
        let calls = sandbox.path("tmp/calls");
        fs::write(&calls, "").unwrap();
        run(&["run", "--rm", &name]).succeeds();
        let seen = fs::read_to_string(&calls).unwrap();
        assert_eq!(seen, "get 4294967295\n", "{text}");
        sandbox.coracle(["rmi", "--all"]).run().succeeds();
        run(&["logout", host]).succeeds();
        assert_eq!(kept(), 0, "{text}");
        run(&["logout", host]).exits(125).says("not logged into");
        with(login(&sandbox, host, PASSWORD)).run().succeeds();
        run(&["logout", "--all"]).succeeds();
        assert_eq!(kept(), 0, "{text}: {}", fs::read_to_string(&calls).unwrap());
        fs::remove_file(config.join(file)).unwrap();
    }
    // One that is named for a registry and is not there is an error, with its name.
    let missing = sandbox.file("auth.json", json!({"credHelpers": {host: "absent"}}).to_string());
    sandbox
        .coracle(["pull", "--authfile"])
        .arg(&missing)
        .arg(&name)
        .run()
        .exits(125)
        .says("docker-credential-absent")
        .says_one_line();
}

#[test]
fn secrets_are_never_said() {
    let sandbox = Sandbox::new();
    let tokens = Fake::start(|_| Answer::new(200, r#"{"token":"t0k3n-of-the-test","expires_in":300}"#));
    let realm = format!("http://{}/token", tokens.host);
    let challenge = format!(r#"Bearer realm="{realm}",service="s",scope="repository:test:pull""#);
    let (_, fake) = registry(
        Content::of(&image(), &sandbox.path("tmp")),
        move |asked, answer| match asked.header("authorization") {
            "Bearer t0k3n-of-the-test" if asked.target.contains("/none") => {
                Answer::new(403, r#"{"errors":[{"code":"DENIED","message":"no"}]}"#)
            }
            "Bearer t0k3n-of-the-test" if asked.target == "/v2/" => Answer::new(200, "{}"),
            "Bearer t0k3n-of-the-test" => answer,
            _ => Answer::new(401, "").header("WWW-Authenticate", &challenge),
        },
    );
    let host = fake.host.as_str();
    let secrets = ["t0k3n-of-the-test", PASSWORD, "YWxpOm9wZW4gc2VzYW1l"];
    let quiet_about = |invocation: Invocation, code: i32| {
        let outcome = invocation.run().exits(code);
        for secret in secrets {
            let said =
                contains(&outcome.stdout, secret.as_bytes()) || contains(&outcome.stderr, secret.as_bytes());
            assert!(!said, "{secret} is in the output of {outcome}");
        }
    };
    let debug = |words: &[&str]| sandbox.coracle(["--log-level=debug"]).args(words);
    let creds = format!("ali:{PASSWORD}");
    quiet_about(debug(&["pull", "--creds", &creds, &format!("{host}/test:v1")]), 0);
    quiet_about(
        debug(&["pull", "--creds", &creds, &format!("{host}/test:none")]),
        125,
    );
    let login = debug(&["login", "--username", "ali", "--password-stdin", host]).input(PASSWORD);
    quiet_about(login, 0);
    quiet_about(debug(&["login", host]), 0);
    quiet_about(
        debug(&["run", "--rm", "--pull", "always", &format!("{host}/test:v1")]),
        0,
    );
    quiet_about(debug(&["info"]), 0);
    // A file that is broken is not quoted.
    fs::write(auth_file(&sandbox), format!("{{\"auths\": {creds}")).unwrap();
    quiet_about(debug(&["pull", &format!("{host}/test:v1")]), 125);
    let auth = json!({"auths": {host: {"auth": "b3BlbiBzZXNhbWU="}}});
    fs::write(auth_file(&sandbox), auth.to_string()).unwrap();
    quiet_about(debug(&["pull", &format!("{host}/test:v1")]), 125);
}
