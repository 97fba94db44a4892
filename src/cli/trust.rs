//! `image trust …`: look at and change policy.json.

use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::arguments::Flags;
use super::configuration::{self, policy_file, policy_paths};
use super::context::user;
use super::format::{self, Columns, ListFormat};
use super::output::{print, print_bytes};
use super::report::Outcome;
use crate::base::file::{self, Durability, read_trusted};
use crate::image::policy::Policy;
use crate::image::reference::{Reference, split_domain};
use crate::image::signature::key::{self, PublicKey};
use crate::image::signature::registries_d::RegistriesD;

/// Look at and change which images may come in
#[derive(Args, Debug)]
pub struct TrustArgs {
    #[command(subcommand)]
    command: TrustCommand,
}

#[derive(Subcommand, Debug)]
#[command(defer = true)]
enum TrustCommand {
    Set(Flags<SetArgs>),
    Show(Flags<ShowArgs>),
}

/// Say whether images may come in from a registry, and who must have signed them
#[derive(Args, Debug)]
struct SetArgs {
    /// File with a public key; a signature of each is needed then
    #[arg(short = 'f', long, value_name = "FILE")]
    pubkeysfile: Vec<PathBuf>,
    /// accept, reject or sigstoreSigned
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    kind: String,
    /// File with the signature policy, instead of policy.json
    #[arg(long, alias = "policypath", value_name = "FILE")]
    signature_policy: Option<PathBuf>,
    /// Registry, name or beginning of names there; "default" for all that is not named
    #[arg(value_name = "REGISTRY[/NAME]")]
    scope: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Accept,
    Reject,
    SigstoreSigned,
    SignedBy,
}

impl FromStr for Kind {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "accept" | "insecureacceptanything" => Ok(Self::Accept),
            "reject" => Ok(Self::Reject),
            "sigstoresigned" => Ok(Self::SigstoreSigned),
            "signedby" => Ok(Self::SignedBy),
            _ => {
                bail!("invalid choice: {text} (choose from 'accept', 'reject', 'signedBy', 'sigstoreSigned')")
            }
        }
    }
}

/// Print which images may come in
#[derive(Args, Debug)]
struct ShowArgs {
    /// Print JSON
    #[arg(short, long)]
    json: bool,
    /// Print no headings
    #[arg(short, long)]
    noheading: bool,
    /// Print the file as it is
    #[arg(long)]
    raw: bool,
    /// File with the signature policy, instead of policy.json
    #[arg(long, alias = "policypath", value_name = "FILE")]
    signature_policy: Option<PathBuf>,
    /// Only what is said of this
    #[arg(value_name = "REGISTRY[/NAME]")]
    scope: Option<String>,
}

const COLUMNS: Columns = Columns {
    name: "show",
    template: "{{.Transport}}\t{{.RepoName}}\t{{.Type}}\t{{.GPGId}}\t{{.SignatureStore}}",
    headings: &[("RepoName", "NAME"), ("GPGId", "ID"), ("SignatureStore", "STORE")],
};

pub fn run(args: TrustArgs) -> Outcome {
    match args.command {
        TrustCommand::Set(args) => set(&args.0),
        TrustCommand::Show(args) => show(&args.0),
    }
}

fn show(args: &ShowArgs) -> Outcome {
    let (path, bytes) = policy_file(args.signature_policy.as_deref())?
        .context("there is no policy.json: all images may come in")?;
    if args.raw {
        print_bytes(&bytes)?;
        return Ok(0);
    }
    // What is shown is what counts: an unclear file is an error here as well.
    Policy::parse(&path, &bytes)?;
    let policy: Value = serde_json::from_slice(&bytes)?;
    let mut rows = rows(&policy, &configuration::registries_d()?);
    if let Some(scope) = &args.scope {
        rows.retain(|row| row["RepoName"] == **scope);
    }
    let format = ListFormat {
        format: args.json.then_some("json"),
        no_heading: args.noheading,
    };
    print(&format::list(&COLUMNS, format, &rows, || document(&rows))?)?;
    Ok(0)
}

/// One row for each requirement, by transport and scope.
fn rows(policy: &Value, registries: &RegistriesD) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut add = |transport: &str, name: &str, repository: &str, requirements: &Value| {
        for requirement in requirements.as_array().into_iter().flatten() {
            let kind = match requirement["type"].as_str().unwrap_or_default() {
                "insecureAcceptAnything" => "accept",
                "signedBy" => "signed",
                other => other,
            };
            // Only keys of GPG have names, which only GPG knows.
            let id = if matches!(kind, "signed" | "sigstoreSigned") {
                "N/A"
            } else {
                ""
            };
            // As with Podman, whatever the row says.
            let store = registries.store(repository).unwrap_or_default();
            rows.push(json!({
                "Transport": transport,
                "Name": name,
                "RepoName": repository,
                "Type": kind,
                "GPGId": id,
                "SignatureStore": store,
            }));
        }
    };
    add("all", "* (default)", "default", &policy["default"]);
    let sorted = |value: &Value| {
        let mut pairs: Vec<(String, Value)> = value
            .as_object()
            .cloned()
            .unwrap_or_default()
            .into_iter()
            .collect();
        pairs.sort_by(|one, other| one.0.cmp(&other.0));
        pairs
    };
    for (transport, scopes) in sorted(&policy["transports"]) {
        let transport = if transport == "docker" {
            "repository"
        } else {
            &transport
        };
        for (scope, requirements) in sorted(&scopes) {
            add(transport, &scope, &scope, &requirements);
        }
    }
    rows
}

/// What `--json` prints, in Podman's words.
fn document(rows: &[Value]) -> Value {
    let fields = [
        ("transport", "Transport"),
        ("name", "Name"),
        ("repo_name", "RepoName"),
        ("sigstore", "SignatureStore"),
        ("type", "Type"),
        ("gpg_id", "GPGId"),
    ];
    let pick = |row: &Value| -> Value {
        let filled = fields.iter().filter(|(_, field)| row[*field] != "");
        filled
            .map(|(name, field)| ((*name).to_owned(), row[*field].clone()))
            .collect()
    };
    rows.iter().map(pick).collect()
}

fn set(args: &SetArgs) -> Outcome {
    check_scope(&args.scope)?;
    let requirements = requirements(args)?;
    let (path, base) = place(args.signature_policy.as_deref())?;
    let described = || format!("cannot change {}", path.display());
    let mut policy = match &base {
        Some((base, bytes)) => {
            Policy::parse(base, bytes)?;
            serde_json::from_slice(bytes)?
        }
        None => Map::new(),
    };
    put(&mut policy, &args.scope, requirements)?;
    // With the indentation that Podman writes.
    let text = format::pretty_by(&policy, b"    ") + "\n";
    let text = text.as_bytes();
    // Nothing is written that would refuse everything afterwards.
    Policy::parse(&path, text)?;
    let parent = path.parent().with_context(described)?;
    if args.signature_policy.is_none() {
        std::fs::create_dir_all(parent).with_context(described)?;
    }
    let directory = File::open(parent).with_context(described)?;
    let name = Path::new(path.file_name().with_context(described)?);
    file::replace_by(&directory, name, text, Durability::Synced, file::PUBLIC).with_context(described)?;
    Ok(0)
}

/// Says it of a scope where it stands, else among the registries.
fn put(policy: &mut Map<String, Value>, scope: &str, requirements: Value) -> anyhow::Result<()> {
    if scope == "default" {
        policy.insert("default".to_owned(), requirements);
        return Ok(());
    }
    if !policy.contains_key("default") {
        bail!(
            "there is no policy yet: say first what counts for all that is not named (image trust set -t accept default)"
        );
    }
    let transports = policy.entry("transports").or_insert_with(|| json!({}));
    let transports = transports.as_object_mut().context("transports is no object")?;
    let known = transports
        .iter()
        .find(|(_, scopes)| scopes.get(scope).is_some())
        .map_or("docker", |(transport, _)| transport.as_str())
        .to_owned();
    let scopes = transports.entry(known).or_insert_with(|| json!({}));
    scopes[scope] = requirements;
    Ok(())
}

/// A file, and what stands in it.
type Read = (PathBuf, Vec<u8>);

/// The file to write, and the one that it is made of. An ordinary user without a policy gets one of that of the machine.
fn place(named: Option<&Path>) -> anyhow::Result<(PathBuf, Option<Read>)> {
    let (paths, base) = match named {
        Some(path) => {
            let bytes = configuration::read(path)?;
            (vec![path.to_owned()], bytes.map(|bytes| (path.to_owned(), bytes)))
        }
        None => (policy_paths(), policy_file(None)?),
    };
    let machine = paths.last().context("there is a place for a policy")?;
    let own = paths.first().context("there is a place for a policy")?;
    let path = match &base {
        Some((base, _)) if base != machine || user() == 0 || named.is_some() => base,
        _ if user() == 0 => machine,
        _ => own,
    };
    // The file itself is replaced, not a link to it.
    let path = std::fs::canonicalize(path).or_else(|_| std::path::absolute(path))?;
    Ok((path, base))
}

fn requirements(args: &SetArgs) -> anyhow::Result<Value> {
    let kind = match args.kind.parse()? {
        Kind::SignedBy => bail!(
            "--type signedBy is not supported: signatures of GPG are not checked here: sign with a key of cosign and say sigstoreSigned"
        ),
        Kind::SigstoreSigned if args.pubkeysfile.is_empty() => {
            bail!("--type sigstoreSigned needs a public key (--pubkeysfile)")
        }
        Kind::SigstoreSigned => {
            let mut list = Vec::new();
            for path in &args.pubkeysfile {
                let described = || format!("--pubkeysfile {}", path.display());
                let path = std::path::absolute(path).with_context(described)?;
                let text = read_trusted(&path, key::LIMIT).with_context(described)?;
                PublicKey::parse(&text).with_context(described)?;
                let path = std::str::from_utf8(path.as_os_str().as_bytes())
                    .with_context(|| format!("{}: is not UTF-8", described()))?;
                list.push(json!({ "type": "sigstoreSigned", "keyPath": path }));
            }
            return Ok(list.into());
        }
        Kind::Accept => "insecureAcceptAnything",
        Kind::Reject => "reject",
    };
    if !args.pubkeysfile.is_empty() {
        bail!("--pubkeysfile is for --type sigstoreSigned");
    }
    Ok(json!([{ "type": kind }]))
}

/// A scope that no image can have would be a rule that never counts.
fn check_scope(scope: &str) -> anyhow::Result<()> {
    if scope == "default" {
        return Ok(());
    }
    let name = match scope.strip_prefix("*.") {
        Some(domain) if !domain.contains(['/', ':']) => &format!("x.{domain}"),
        _ => scope,
    };
    let is_host = !name.contains('/') && (name.contains(['.', ':']) || name == "localhost");
    let probe = if is_host {
        format!("{name}/x")
    } else {
        name.to_owned()
    };
    let reference: Reference = probe
        .parse()
        .with_context(|| format!("{scope:?} is not the name of a registry"))?;
    if split_domain(&probe).2 {
        bail!(
            "{scope:?} is short, and the policy compares full names: write {}",
            reference.name()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_those_that_images_have() {
        for scope in [
            "default",
            "docker.io",
            "docker.io/library",
            "docker.io/library/busybox:1",
            "localhost",
            "localhost:5000",
            "reg.invalid:5000/a/b",
            "*.invalid",
        ] {
            check_scope(scope).unwrap();
        }
        for (scope, expected) in [
            ("busybox", "write docker.io/library/busybox"),
            ("team/app", "write docker.io/team/app"),
            ("https://reg.invalid", "not the name"),
            ("Reg.invalid/A", "not the name"),
            ("*.a/b", "not the name"),
            ("", "not the name"),
        ] {
            let error = check_scope(scope).unwrap_err().to_string();
            assert!(error.contains(expected), "{scope}: {error}");
        }
    }

    #[test]
    fn what_is_said_replaces_what_was_said() {
        let mut policy = Map::new();
        let one = json!([{ "type": "reject" }]);
        let two = json!([{ "type": "insecureAcceptAnything" }]);
        put(&mut policy, "docker.io", one.clone()).unwrap_err();
        put(&mut policy, "default", one.clone()).unwrap();
        put(&mut policy, "docker.io", one.clone()).unwrap();
        put(&mut policy, "docker.io", two.clone()).unwrap();
        policy["transports"]["atomic"] = json!({ "reg.invalid": one });
        put(&mut policy, "reg.invalid", two.clone()).unwrap();
        let expected = json!({
            "default": one,
            "transports": { "docker": { "docker.io": two }, "atomic": { "reg.invalid": two } }
        });
        assert_eq!(Value::Object(policy), expected);
    }
}
