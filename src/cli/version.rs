//! `version`: which coracle this is.

use clap::Args;

use super::context::Context;
use super::report::{self, Outcome};

/// Print the version
#[derive(Args, Debug)]
pub struct VersionArgs {
    /// Print by a Go template, or as "json"
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
}

pub fn run(_args: VersionArgs, _context: &Context) -> Outcome {
    report::unwired("version")
}
