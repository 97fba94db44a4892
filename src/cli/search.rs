//! `search`: find repositories at registries, and the tags of one.

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};

use super::configuration;
use super::context::Context;
use super::format::{self, Columns, ListFormat};
use super::output::print;
use super::registry::{Remote, TransferOptions, first_of};
use super::report::{self, Outcome};
use super::values::filter::Filters;
use crate::image::reference::{HUB, HUB_OLD, split_domain};
use crate::image::registry::Match;
use crate::image::transport;

/// Search registries for images
///
/// TERM is looked for at the registries that registries.conf says to search, or at Docker Hub, HOST/TERM at that one;
/// HOST/ alone lists all that there is.
#[derive(Args, Debug)]
pub struct SearchArgs {
    /// Show stars, and what is official
    #[arg(long)]
    compatible: bool,
    /// Only what fits: stars=NUMBER, is-official or is-automated
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Print by a Go template, as "table TEMPLATE", or as "json"
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Most results (25)
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    /// List the tags of a repository
    #[arg(long)]
    list_tags: bool,
    /// Do not shorten descriptions
    #[arg(long)]
    no_trunc: bool,
    #[command(flatten)]
    transfer: TransferOptions,
    /// What to look for
    #[arg(value_name = "TERM")]
    term: String,
}

const COLUMNS: Columns = Columns {
    name: "search",
    template: "{{.Name}}\t{{.Description}}",
    headings: &[],
};

const COMPATIBLE: Columns = Columns {
    template: "{{.Name}}\t{{.Description}}\t{{.Stars}}\t{{.Official}}",
    ..COLUMNS
};

const TAGS: Columns = Columns {
    template: "{{.Name}}\t{{.Tag}}",
    ..COLUMNS
};

/// Results where no number is asked for.
const LIMIT: usize = 25;
/// Characters of a description that is shortened.
const DESCRIPTION: usize = 44;

pub fn run(args: SearchArgs, _context: &Context) -> Outcome {
    let limit = args.limit.filter(|limit| *limit > 0).unwrap_or(LIMIT);
    let term = transport::name(&args.term);
    let (columns, rows) = if args.list_tags {
        if !args.filter.is_empty() {
            bail!("--filter does not go with --list-tags");
        }
        (TAGS, tags(&args, term, limit)?)
    } else if args.compatible {
        (COMPATIBLE, matches(&args, term, limit)?)
    } else {
        (COLUMNS, matches(&args, term, limit)?)
    };
    let format = ListFormat {
        format: args.format.as_deref(),
        // Nothing at all is printed of nothing.
        no_heading: rows.is_empty(),
    };
    print(&format::list(&columns, format, &rows, || document(&args, &rows))?)?;
    Ok(0)
}

fn tags(args: &SearchArgs, term: &str, limit: usize) -> anyhow::Result<Vec<Value>> {
    let candidates = Remote::new(&args.transfer)?.candidates(&term.parse()?)?;
    let (name, tags) = first_of(&candidates, |candidate| {
        let own = candidate.own()?;
        Ok((candidate.reference.name(), own.client.tags(limit)?))
    })?;
    let row = |tag: &String| json!({ "Name": name, "Tag": tag });
    Ok(tags.iter().take(limit).map(row).collect())
}

fn matches(args: &SearchArgs, term: &str, limit: usize) -> anyhow::Result<Vec<Value>> {
    // A key alone means that it is true.
    let words: Vec<String> = args
        .filter
        .iter()
        .map(|word| match word.contains('=') {
            true => word.clone(),
            false => format!("{word}=true"),
        })
        .collect();
    let filters =
        Filters::parse(&words, &["is-automated", "is-official", "stars"]).context("invalid --filter")?;
    let official = filters.truth("is-official").context("invalid --filter")?;
    let automated = filters.truth("is-automated").context("invalid --filter")?;
    let stars = filters
        .values("stars")
        .map(|value| {
            value
                .parse::<u64>()
                .with_context(|| format!("invalid --filter stars={value}: expected a number"))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let (host, rest, is_short) = split_domain(term);
    let registries = configuration::registries()?;
    let searched = registries.search();
    let hosts: Vec<(&str, &str)> = match is_short && !searched.is_empty() {
        true => searched.iter().map(|host| (host.as_str(), term)).collect(),
        false => vec![(host, rest)],
    };
    let fits = |found: &&Match| {
        official.is_none_or(|wanted| wanted == found.official)
            && automated.is_none_or(|wanted| wanted == found.automated)
            && stars.iter().all(|least| found.stars >= *least)
    };
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for (host, term) in &hosts {
        let domain = if *host == HUB { HUB_OLD } else { host };
        let found = args
            .transfer
            .registry_client(domain, &registries)
            .and_then(|client| client.search(term, limit));
        match found {
            Ok(found) => rows.extend(
                found
                    .iter()
                    .filter(fits)
                    .map(|found| row(found, host, args.no_trunc)),
            ),
            Err(error) if hosts.len() == 1 => return Err(error),
            // The others may have it.
            Err(error) => failed.push(report::sentence(&error.context(format!("cannot search {host}")))),
        }
    }
    if rows.is_empty() && !failed.is_empty() {
        bail!("{}", failed.join("; "));
    }
    failed.iter().for_each(|failed| report::warn(failed));
    Ok(rows)
}

fn row(found: &Match, host: &str, whole: bool) -> Value {
    let mark = |is_so: bool| if is_so { "[OK]" } else { "" };
    let name = match host {
        HUB if !found.name.contains('/') => format!("{HUB}/library/{}", found.name),
        _ => format!("{host}/{}", found.name),
    };
    let text = found.description.as_deref().unwrap_or_default();
    let mut description = text.replace(['\n', '\t'], " ");
    if !whole && let Some((end, _)) = description.char_indices().nth(DESCRIPTION) {
        description.truncate(end);
        description.push_str("...");
    }
    json!({
        "Index": host,
        "Name": name,
        "Description": description,
        "Stars": found.stars,
        "StarCount": found.stars,
        "Official": mark(found.official),
        "IsOfficial": mark(found.official),
        "Automated": mark(found.automated),
        "IsAutomated": mark(found.automated),
        "Tag": "",
    })
}

/// What `--format json` prints, in Podman's words.
fn document(args: &SearchArgs, rows: &[Value]) -> Value {
    if args.list_tags {
        let Some(first) = rows.first() else {
            return json!([]);
        };
        let tags: Vec<&Value> = rows.iter().map(|row| &row["Tag"]).collect();
        return json!([{ "Name": first["Name"], "Tags": tags }]);
    }
    let fields = [
        "Index",
        "Name",
        "Description",
        "Stars",
        "Official",
        "Automated",
        "Tag",
    ];
    let pick = |row: &Value| -> Value {
        fields
            .iter()
            .map(|field| ((*field).to_owned(), row[*field].clone()))
            .collect()
    };
    rows.iter().map(pick).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_what_a_reference_takes_for_one() {
        for (term, expected) in [
            ("alpine", (HUB, "alpine")),
            ("library/alpine", ("docker.io", "library/alpine")),
            ("docker.io/alpine", ("docker.io", "alpine")),
            ("quay.io/podman/stable", ("quay.io", "podman/stable")),
            ("localhost:5000/", ("localhost:5000", "")),
            ("localhost/x", ("localhost", "x")),
        ] {
            let (host, rest, _) = split_domain(term);
            assert_eq!((host, rest), expected, "{term}");
        }
    }

    #[test]
    fn descriptions_are_shortened_by_characters() {
        let found = Match {
            name: "x".into(),
            description: Some("é".repeat(50) + "\nend"),
            stars: 3,
            official: true,
            automated: false,
        };
        let short = row(&found, "docker.io", false);
        assert_eq!(short["Description"], "é".repeat(44) + "...");
        assert_eq!(short["Name"], "docker.io/library/x");
        let whole = row(&found, "quay.io", true);
        assert_eq!(whole["Description"], "é".repeat(50) + " end");
        assert_eq!(whole["Name"], "quay.io/x");
    }
}
