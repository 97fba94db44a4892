//! `images`: list images.

use std::collections::HashSet;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::Value;

use super::context::Context;
use super::format::{self, ListFormat};
use super::image::until;
use super::output::print;
use super::report::{self, Outcome};
use super::values::filter::Filters;
use super::view::images::{self, Row};
use super::view::moment::{Clock, seconds};
use super::view::tree;
use crate::base::time::NEVER;
use crate::image::find::{FindError, find_any};
use crate::image::list::{Listed, fits, list};
use crate::store::Store;
use crate::store::images::Image;

/// List images
#[derive(Args, Debug)]
pub struct ImagesArgs {
    /// Show images without a name that others are made of, too
    #[arg(short, long)]
    all: bool,
    /// Show digests
    #[arg(long)]
    digests: bool,
    /// Only images that fit
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Print by a Go template, as "table TEMPLATE", or as "json"
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Show the names that images have and had
    #[arg(long)]
    history: bool,
    /// Do not shorten identifiers
    #[arg(long)]
    no_trunc: bool,
    /// Print no heading
    #[arg(short, long)]
    noheading: bool,
    /// Print identifiers only
    #[arg(short, long)]
    quiet: bool,
    /// Order by created, id, repository, size or tag
    #[arg(long, value_name = "KEY")]
    sort: Option<String>,
    /// Show the platforms of each image below its names
    #[arg(long, conflicts_with_all = ["digests", "format", "history", "no_trunc", "noheading", "quiet", "sort"])]
    tree: bool,
    /// Only images of this name
    #[arg(value_name = "NAME[:TAG]")]
    reference: Option<String>,
}

const FILTERS: &[&str] = &[
    "after",
    "before",
    "containers",
    "dangling",
    "digest",
    "id",
    "intermediate",
    "label",
    "label!",
    "manifest",
    "readonly",
    "reference",
    "since",
    "until",
];

pub fn run(args: ImagesArgs, context: &Context) -> Outcome {
    let filters = Filters::parse(&args.filter, FILTERS).context("invalid --filter")?;
    let mut all = Vec::new();
    let store = context.look()?;
    if let Some(store) = &store {
        let listing = list(store)?;
        for damage in listing.damaged {
            report::warn(&damage.to_string());
        }
        all = listing.images;
    }
    let mut listed: Vec<&Listed> = all.iter().collect();
    if let Some(store) = &store {
        retain(store, &filters, &mut listed)?;
    }
    let mut rows: Vec<Row<'_>> = listed.into_iter().flat_map(images::rows).collect();
    // A name given for an image shows that name alone.
    let patterns: Vec<&str> = filters
        .values("reference")
        .chain(args.reference.as_deref())
        .collect();
    if !patterns.is_empty() {
        rows.retain(|row| {
            row.name
                .is_some_and(|name| patterns.iter().any(|pattern| fits(pattern, name)))
        });
    }
    if args.tree {
        print(&tree::show(store.as_ref(), &all, &rows))?;
        return Ok(0);
    }
    sort(&mut rows, args.sort.as_deref())?;
    print(&show(&args, &rows)?)?;
    Ok(0)
}

fn show(args: &ImagesArgs, rows: &[Row<'_>]) -> anyhow::Result<String> {
    let clock = Clock::new();
    let values: Vec<Value> = rows.iter().map(|row| row.row(&clock, args.no_trunc)).collect();
    let columns = match (args.digests, rows.iter().any(|row| row.listed.read_only)) {
        (false, false) => images::COLUMNS,
        (true, false) => images::COLUMNS_WITH_DIGESTS,
        (false, true) => images::COLUMNS_WITH_SHARED,
        (true, true) => images::COLUMNS_WITH_BOTH,
    };
    if args.quiet && args.format.is_none() {
        // An image with several names is one.
        let mut seen = HashSet::new();
        let ids: Vec<Value> = values
            .into_iter()
            .filter(|row| seen.insert(row["Id"].to_string()))
            .collect();
        let format = ListFormat {
            format: Some("{{.ID}}"),
            no_heading: true,
        };
        return format::list(&columns, format, &ids, || Value::Null);
    }
    let with_history = args
        .history
        .then(|| format!("table {}\t{}", columns.template, images::HISTORY));
    let format = ListFormat {
        format: args.format.as_deref().or(with_history.as_deref()),
        no_heading: args.noheading,
    };
    format::list(&columns, format, &values, || {
        rows.iter().map(|row| row.document(&clock)).collect()
    })
}

/// Keeps the images that fit.
fn retain(store: &Store, filters: &Filters, listed: &mut Vec<&Listed>) -> anyhow::Result<()> {
    let created = |image: &Image| seconds(image.created.as_deref().unwrap_or(NEVER));
    let created_of = |key: &'static str| {
        filters
            .values(key)
            .map(|name| Ok(created(&find_any(store, name)?.image)))
            .collect::<Result<Vec<_>, FindError>>()
    };
    let before = created_of("before")?;
    let since: Vec<i64> = created_of("since")?
        .into_iter()
        .chain(created_of("after")?)
        .collect();
    let until = until(filters)?;
    let dangling = filters.truth("dangling").context("invalid --filter")?;
    let with_containers = filters.truth("containers").context("invalid --filter")?;
    let read_only = filters.truth("readonly").context("invalid --filter")?;
    let lists = filters.truth("manifest").context("invalid --filter")?;
    // There are none of these.
    let impossible = filters.truth("intermediate").context("invalid --filter")? == Some(true);
    listed.retain(|listed| {
        let image = &listed.image;
        let made = created(image);
        let digest_fits = |wanted: &str| {
            image
                .manifests
                .iter()
                .any(|manifest| manifest.digest.to_string().starts_with(wanted))
        };
        !impossible
            && read_only.is_none_or(|wanted| wanted == listed.read_only)
            && dangling.is_none_or(|wanted| wanted == listed.is_dangling())
            && with_containers.is_none_or(|wanted| wanted == (listed.containers > 0))
            && lists.is_none_or(|wanted| wanted == image.list.is_some())
            && filters.any("id", |id| {
                image.id.hex().starts_with(id.trim_start_matches("sha256:"))
            })
            && filters.any("digest", digest_fits)
            && filters.labels(|key| image.config.labels.get(key).map(String::as_str))
            && before.iter().all(|limit| made < *limit)
            && since.iter().all(|limit| made > *limit)
            && until.iter().all(|limit| made < *limit)
    });
    Ok(())
}

fn sort(rows: &mut [Row<'_>], key: Option<&str>) -> anyhow::Result<()> {
    match key {
        // The listing comes so: the newest first.
        None | Some("created") => {}
        Some("id") => rows.sort_by_key(|row| row.listed.image.id),
        Some("repository") => rows.sort_by_key(|row| row.name.map(ToString::to_string)),
        Some("size") => rows.sort_by_key(|row| row.listed.image.size()),
        Some("tag") => rows.sort_by_key(|row| row.name.and_then(|name| name.tag().map(str::to_owned))),
        Some(key) => bail!("invalid --sort {key:?}: there are created, id, repository, size and tag"),
    }
    Ok(())
}
