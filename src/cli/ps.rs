//! `ps`: list containers.

use clap::Args;

use super::context::Context;
use super::report::{self, Outcome};

/// List containers
#[derive(Args, Debug)]
pub struct PsArgs {
    /// Show all containers, not only those that run
    #[arg(short, long)]
    all: bool,
    /// Only containers that fit
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Print by a Go template, as "table TEMPLATE", or as "json"
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Show the containers made last, running or not
    #[arg(short = 'n', long, value_name = "NUMBER", allow_negative_numbers = true)]
    last: Option<i64>,
    /// Show the container made last, running or not
    #[arg(short, long)]
    latest: bool,
    /// Do not shorten anything
    #[arg(long)]
    no_trunc: bool,
    /// Print identifiers only
    #[arg(short, long)]
    quiet: bool,
    /// Show the sizes of the containers' own files
    #[arg(short, long)]
    size: bool,
    /// Print no heading
    #[arg(long)]
    noheading: bool,
    /// Order by command, created, id, image, names, runningfor, size or status
    #[arg(long, value_name = "KEY")]
    sort: Option<String>,
}

pub fn run(_args: PsArgs, _context: &Context) -> Outcome {
    report::unwired("ps")
}
