//! `diff`, `container diff` and `image diff`: what was changed.

use anyhow::bail;
use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::format::{is_json, pretty_by};
use super::output::{print, print_bytes};
use super::report::Outcome;
use super::select::one;
use crate::engine::diff::Subject;
use crate::engine::state;
use crate::engine::{Engine, EngineError};
use crate::image::find::find;
use crate::image::layer::{Change, Kind};
use crate::store::Store;

/// Show what a container or an image changed
///
/// Prints A for what was added, C for what was changed, D for what was deleted: since its image for a container, since
/// the layers below its uppermost for an image, or since the second of two.
#[derive(Args, Debug)]
pub struct DiffArgs {
    #[command(flatten)]
    options: Options,
    /// The container made last
    #[arg(short, long)]
    latest: bool,
    /// The container or image, and the one to compare it with
    #[arg(value_name = "CONTAINER|IMAGE", num_args = 0..=2)]
    names: Vec<String>,
}

/// Show what an image has changed
///
/// Prints A for what was added, C for what was changed, D for what was deleted: since the layers below its uppermost,
/// or since the second image.
#[derive(Args, Debug)]
pub struct ImageDiffArgs {
    #[command(flatten)]
    options: Options,
    /// The image
    #[arg(value_name = "IMAGE")]
    image: String,
    /// The one to compare it with
    #[arg(value_name = "IMAGE")]
    other: Option<String>,
}

#[derive(Args, Debug)]
struct Options {
    /// Print as "json"
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
}

/// `diff` and `container diff`: a name means a container, else an image.
pub fn run(args: DiffArgs, context: &Context) -> Outcome {
    let as_json = is_json(args.options.format.as_deref())?;
    let engine = context.act()?;
    let mut names = args.names;
    if args.latest {
        names.insert(0, one(&engine.store, None, true)?);
    }
    let (first, second) = match names.as_slice() {
        [first] => (first, None),
        [first, second] => (first, Some(second)),
        _ => bail!("name a container or an image, and at most one to compare it with"),
    };
    let first = either(&engine.store, first)?;
    let second = second.map(|name| either(&engine.store, name)).transpose()?;
    show(&engine, as_json, &first, second.as_ref())
}

pub fn images(args: ImageDiffArgs, context: &Context) -> Outcome {
    let as_json = is_json(args.options.format.as_deref())?;
    let engine = context.act()?;
    let first = image(&engine.store, &args.image)?;
    let second = args.other.map(|name| image(&engine.store, &name)).transpose()?;
    show(&engine, as_json, &first, second.as_ref())
}

fn either(store: &Store, name: &str) -> anyhow::Result<Subject> {
    match state::find(store, name) {
        Ok(id) => Ok(Subject::Container(Box::new(store.container(&id)?))),
        Err(EngineError::NoSuchContainer(_)) => image(store, name),
        Err(error) => Err(error.into()),
    }
}

fn image(store: &Store, name: &str) -> anyhow::Result<Subject> {
    Ok(Subject::Image(Box::new(find(store, name)?.image)))
}

fn show(engine: &Engine, as_json: bool, subject: &Subject, other: Option<&Subject>) -> Outcome {
    let changes = engine.diff(subject, other)?;
    if as_json {
        print(&document(&changes))?;
    } else {
        print_bytes(&lines(&changes))?;
    }
    Ok(0)
}

fn lines(changes: &[Change]) -> Vec<u8> {
    let mut text = Vec::new();
    for change in changes {
        text.extend_from_slice(match change.kind {
            Kind::Changed => b"C ",
            Kind::Added => b"A ",
            Kind::Deleted => b"D ",
        });
        text.extend_from_slice(&change.path);
        text.push(b'\n');
    }
    text
}

/// Podman's document.
#[derive(Serialize, Default)]
struct Document {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changed: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    added: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deleted: Vec<String>,
}

/// With Podman's indentation of five spaces. JSON has no way to say what is not UTF-8, which is replaced.
fn document(changes: &[Change]) -> String {
    let mut document = Document::default();
    for change in changes {
        let list = match change.kind {
            Kind::Changed => &mut document.changed,
            Kind::Added => &mut document.added,
            Kind::Deleted => &mut document.deleted,
        };
        list.push(String::from_utf8_lossy(&change.path).into_owned());
    }
    pretty_by(&document, b"     ") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms() {
        let change = |kind, path: &[u8]| Change {
            kind,
            path: path.into(),
        };
        let changes = [
            change(Kind::Changed, b"/etc"),
            change(Kind::Deleted, b"/etc/\xff"),
            change(Kind::Added, b"/new"),
        ];
        assert_eq!(lines(&changes), b"C /etc\nD /etc/\xff\nA /new\n");
        assert_eq!(
            document(&changes[..2]),
            "{\n     \"changed\": [\n          \"/etc\"\n     ],\n     \"deleted\": [\n          \"/etc/\u{fffd}\"\n     ]\n}\n"
        );
        assert_eq!(document(&[]), "{}\n");
    }
}
