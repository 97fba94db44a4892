//! `history`: how an image was made.

use clap::Args;
use serde_json::Value;

use super::context::Context;
use super::format::{self, ListFormat};
use super::options::{Boolean, Expected};
use super::output::print;
use super::report::Outcome;
use super::view::history;
use super::view::moment::Clock;
use crate::image::find::{FindError, find_on};
use crate::image::inspect;

/// Show how an image was made
#[derive(Args, Debug)]
pub struct HistoryArgs {
    /// Print by a Go template, as "table TEMPLATE", or as "json"
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Print times and sizes for people
    #[arg(short = 'H', long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value = "true", default_missing_value = "true", hide_default_value = true)]
    human: Boolean,
    /// Do not shorten anything
    #[arg(long)]
    no_trunc: bool,
    #[command(flatten)]
    expected: Expected,
    /// Print identifiers only
    #[arg(short, long)]
    quiet: bool,
    /// The image
    #[arg(value_name = "IMAGE")]
    image: String,
}

pub fn run(args: HistoryArgs, context: &Context) -> Outcome {
    let store = context
        .look()?
        .ok_or_else(|| FindError::Missing(args.image.clone()))?;
    let found = find_on(&store, &args.image, args.expected.wanted()?.as_ref())?;
    let steps = inspect::history(&store, &found.image)?;
    let clock = Clock::new();
    let rows: Vec<Value> = steps
        .iter()
        .map(|step| history::row(step, &clock, args.human.0, args.no_trunc))
        .collect();
    let format = if args.quiet {
        Some("{{.ID}}")
    } else {
        args.format.as_deref()
    };
    let format = ListFormat {
        format,
        no_heading: args.quiet,
    };
    print(&format::list(&history::COLUMNS, format, &rows, || {
        steps.iter().map(history::document).collect()
    })?)?;
    Ok(0)
}
