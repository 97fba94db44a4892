//! `history`: how an image was made.

use clap::Args;

use super::context::Context;
use super::options::Boolean;
use super::report::{self, Outcome};

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
    /// Print identifiers only
    #[arg(short, long)]
    quiet: bool,
    /// The image
    #[arg(value_name = "IMAGE")]
    image: String,
}

pub fn run(_args: HistoryArgs, _context: &Context) -> Outcome {
    report::unwired("history")
}
