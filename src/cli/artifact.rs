//! `artifact …`: files at registries and in the store that are no images.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::arguments::Flags;
use super::context::Context;
use super::format::{self, Columns, ListFormat};
use super::manifest::pairs;
use super::output::{print, print_line, write_digest};
use super::push::lacking;
use super::registry::{Remote, TransferOptions, first_of};
use super::report::{self, Outcome};
use super::signing::SigningOptions;
use super::view::moment::{Clock, seconds};
use crate::base::units::size;
use crate::image::artifact::{self, AddOptions, ArtifactError, Described, Which};
use crate::image::reference::Reference;
use crate::store::Store;

/// Manage artifacts: files that registries keep beside images
#[derive(Args, Debug)]
pub struct ArtifactArgs {
    #[command(subcommand)]
    command: ArtifactCommand,
}

#[derive(Subcommand, Debug)]
#[command(defer = true)]
enum ArtifactCommand {
    Add(Flags<AddArgs>),
    Extract(Flags<ExtractArgs>),
    Inspect(Flags<InspectArgs>),
    #[command(visible_alias = "list")]
    Ls(Flags<LsArgs>),
    Pull(Flags<PullArgs>),
    Push(Flags<PushArgs>),
    #[command(visible_alias = "remove")]
    Rm(Flags<RmArgs>),
}

/// Make an artifact of files
///
/// Prints its digest.
#[derive(Args, Debug)]
struct AddArgs {
    /// Add an annotation to each of the files
    #[arg(long, value_name = "KEY=VALUE")]
    annotation: Vec<String>,
    /// Add the files to an artifact that is there
    #[arg(short, long, conflicts_with = "type")]
    append: bool,
    /// Type of the files, instead of what they seem to be
    #[arg(long, value_name = "TYPE")]
    file_type: Option<String>,
    /// Take the place of an artifact of that name
    #[arg(long)]
    replace: bool,
    /// Type of the artifact
    #[arg(long = "type", id = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Its name, with that of the registry
    #[arg(value_name = "NAME")]
    name: String,
    /// Files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Write the files of an artifact to a directory, or one to a file
#[derive(Args, Debug)]
struct ExtractArgs {
    /// Only the file with this digest
    #[arg(long, value_name = "DIGEST", conflicts_with = "title")]
    digest: Option<String>,
    /// Only the file with this title
    #[arg(long, value_name = "TITLE")]
    title: Option<String>,
    /// The artifact: its name, or the beginning of its digest
    #[arg(value_name = "ARTIFACT")]
    artifact: String,
    /// A directory that is there, or a file
    #[arg(value_name = "PATH")]
    target: PathBuf,
}

/// Print everything about an artifact
#[derive(Args, Debug)]
struct InspectArgs {
    /// Print by a Go template
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// The artifact: its name, or the beginning of its digest
    #[arg(value_name = "ARTIFACT")]
    artifact: String,
}

/// List artifacts
#[derive(Args, Debug)]
struct LsArgs {
    /// Print by a Go template, as "table TEMPLATE", or as "json"
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Do not shorten digests
    #[arg(long)]
    no_trunc: bool,
    /// Print no heading
    #[arg(short, long)]
    noheading: bool,
}

/// Fetch an artifact from a registry
///
/// Prints its digest.
#[derive(Args, Debug)]
struct PullArgs {
    /// Print nothing
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    transfer: TransferOptions,
    /// The artifact
    #[arg(value_name = "NAME")]
    name: String,
}

/// Give an artifact to the registry that its name says
///
/// Prints its digest.
#[derive(Args, Debug)]
struct PushArgs {
    /// Write the digest to a file
    #[arg(long, value_name = "FILE")]
    digestfile: Option<PathBuf>,
    /// Print nothing
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    signing: SigningOptions,
    #[command(flatten)]
    transfer: TransferOptions,
    /// The artifact
    #[arg(value_name = "NAME")]
    name: String,
}

/// Remove artifacts
///
/// Prints their digests.
#[derive(Args, Debug)]
struct RmArgs {
    /// All artifacts
    #[arg(short, long, conflicts_with = "artifacts")]
    all: bool,
    /// Say nothing of artifacts that are not there
    #[arg(short, long)]
    ignore: bool,
    /// Artifacts: their names, or the beginnings of their digests
    #[arg(value_name = "ARTIFACT")]
    artifacts: Vec<String>,
}

pub fn run(args: ArtifactArgs, context: &Context) -> Outcome {
    use ArtifactCommand as A;
    match args.command {
        A::Add(args) => add(args.0, context),
        A::Extract(args) => extract(&args.0, context),
        A::Inspect(args) => inspect(&args.0, context),
        A::Ls(args) => ls(&args.0, context),
        A::Pull(args) => pull(&args.0, context),
        A::Push(args) => push(&args.0, context),
        A::Rm(args) => rm(args.0, context),
    }
}

fn add(args: AddArgs, context: &Context) -> Outcome {
    if args.append && args.replace {
        bail!("--append and --replace options cannot be used together");
    }
    let name = artifact::name(&args.name)?;
    if name.digest().is_some() {
        bail!("{}: an artifact gets its digest from its content", args.name);
    }
    let options = AddOptions {
        annotations: pairs("--annotation", &args.annotation)?,
        artifact_type: args.kind,
        file_type: args.file_type,
        append: args.append,
        replace: args.replace,
    };
    let digest = artifact::add(&context.act_alone()?.store, &name, &args.files, &options)?;
    print_line(&digest.hex())?;
    Ok(0)
}

fn extract(args: &ExtractArgs, context: &Context) -> Outcome {
    let which = match (&args.digest, &args.title) {
        (Some(digest), _) => Some(Which::Digest(digest.parse()?)),
        (None, Some(title)) => Some(Which::Title(title.clone())),
        (None, None) => None,
    };
    let store = look(context, &args.artifact)?;
    let found = artifact::find(&store, &args.artifact)?;
    artifact::extract(&store, &found, which.as_ref(), &args.target)?;
    Ok(0)
}

fn look(context: &Context, text: &str) -> anyhow::Result<Store> {
    let missing = || ArtifactError::Missing(text.to_owned());
    Ok(context.look_alone()?.ok_or_else(missing)?)
}

fn inspect(args: &InspectArgs, context: &Context) -> Outcome {
    let store = look(context, &args.artifact)?;
    let found = Described::of(&store, artifact::find(&store, &args.artifact)?)?;
    let (name, digest) = (&found.artifact.name, found.artifact.digest);
    let document = json!({ "Manifest": found.document, "Name": name, "Digest": digest });
    let text = match args.format.as_deref().map(str::trim) {
        None | Some("" | "json") => format::pretty(&document) + "\n",
        template => {
            let manifest = go_fields(&found.document);
            let fields = json!({ "Manifest": manifest, "Name": name });
            let value = json!({
                "Artifact": fields,
                "Manifest": manifest,
                "Name": name,
                "Digest": digest,
                "TotalSizeBytes": found.size(),
            });
            format::document("artifact inspect", template, &value, String::new)?
        }
    };
    print(&text)?;
    Ok(0)
}

/// A manifest with the names that its fields have in Go, which templates use.
fn go_fields(value: &Value) -> Value {
    let field = |(key, value): (&String, &Value)| {
        let mut letters = key.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        let name: String = first.into_iter().chain(letters).collect();
        let value = match key.as_str() {
            // Free keys.
            "annotations" => value.clone(),
            _ => go_fields(value),
        };
        (name, value)
    };
    match value {
        Value::Object(fields) => Value::Object(fields.iter().map(field).collect::<Map<_, _>>()),
        Value::Array(values) => values.iter().map(go_fields).collect(),
        value => value.clone(),
    }
}

const COLUMNS: Columns = Columns {
    name: "artifact ls",
    template: "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.Created}}\t{{.Size}}",
    headings: &[("CreatedAt", "CREATED AT"), ("VirtualSize", "VIRTUAL SIZE")],
};

fn ls(args: &LsArgs, context: &Context) -> Outcome {
    let clock = Clock::new();
    let mut rows = Vec::new();
    if let Some(store) = context.look_alone()? {
        let (artifacts, damaged) = store.artifacts()?;
        for damage in damaged {
            report::warn(&damage.to_string());
        }
        for artifact in artifacts {
            let name = artifact.name.clone();
            match Described::of(&store, artifact) {
                Ok(described) => rows.push(row(&described, &clock, args.no_trunc)?),
                Err(error) if matches!(error.downcast_ref(), Some(ArtifactError::Missing(_))) => {}
                Err(error) => report::warn(&format!("artifact {name}: {error:#}")),
            }
        }
    }
    let format = ListFormat {
        format: args.format.as_deref(),
        no_heading: args.noheading,
    };
    print(&format::list(&COLUMNS, format, &rows, || rows.clone().into())?)?;
    Ok(0)
}

fn row(described: &Described, clock: &Clock, whole: bool) -> anyhow::Result<Value> {
    let reference: Reference = described.artifact.name.parse()?;
    let digits = described.artifact.digest.hex();
    // What a stranger wrote may be no time.
    let created = match described.created() {
        text if seconds(text) > 0 => text,
        _ => &described.artifact.stored,
    };
    Ok(json!({
        "Repository": reference.name(),
        "Tag": reference.tag().unwrap_or_default(),
        "Digest": if whole { &digits } else { &digits[..12] },
        "Created": clock.ago(created),
        "CreatedAt": clock.go_text(created),
        "Size": size(described.size()),
        "VirtualSize": described.size(),
    }))
}

fn pull(args: &PullArgs, context: &Context) -> Outcome {
    let name = artifact::name(&args.name)?;
    let transfer = context.settings()?.filled(&args.transfer);
    let candidates = Remote::new(&transfer)?.candidates(&name)?;
    let engine = context.act_alone()?;
    let digest = first_of(&candidates, |candidate| {
        artifact::pull(
            &engine.store,
            &candidate.sources,
            &candidate.reference,
            &candidate.demand,
        )
    });
    let digest = digest.with_context(|| format!("cannot pull {name}"))?;
    if !args.quiet {
        print_line(&digest.hex())?;
    }
    Ok(0)
}

fn push(args: &PushArgs, context: &Context) -> Outcome {
    let name = artifact::name(&args.name)?;
    let signer = args.signing.signer(&name)?;
    let client = context.settings()?.filled(&args.transfer).client(&name)?;
    let engine = context.act_alone()?;
    let found = artifact::find(&engine.store, &name.to_string())?;
    let pushed = artifact::push(&engine.store, &client, &found);
    let pushed = pushed.with_context(|| format!("cannot push {name}"))?;
    signer.sign(&client, &name, &pushed.digest, &|_| ())?;
    write_digest(args.digestfile.as_deref(), &pushed.digest)?;
    if !args.quiet {
        print_line(&pushed.digest.hex())?;
    }
    lacking(&name.to_string(), pushed)
}

fn rm(args: RmArgs, context: &Context) -> Outcome {
    if args.artifacts.is_empty() && !args.all {
        bail!("name an artifact, or use --all");
    }
    let engine = context.act_alone()?;
    let mut names = args.artifacts;
    if args.all {
        let artifacts = engine.store.artifacts()?.0.into_iter();
        names = artifacts.map(|artifact| artifact.name).collect();
    }
    report::each(&names, |name| {
        match artifact::find(&engine.store, name) {
            Ok(found) => {
                // One that another command has removed meanwhile is gone as asked.
                engine.store.remove_artifact(&found.name)?;
                Ok(print_line(&found.digest.hex())?)
            }
            Err(ArtifactError::Missing(_)) if args.ignore => Ok(()),
            Err(error) => Err(error.into()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_see_the_fields_of_go() {
        let manifest =
            json!({ "schemaVersion": 2, "layers": [{ "annotations": { "a.b": "c" }, "size": 1 }] });
        let expected =
            json!({ "SchemaVersion": 2, "Layers": [{ "Annotations": { "a.b": "c" }, "Size": 1 }] });
        assert_eq!(go_fields(&manifest), expected);
    }
}
