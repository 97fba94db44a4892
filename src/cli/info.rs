//! `info`: what the host and the store are like.

use clap::Args;

use super::context::Context;
use super::report::{self, Outcome};

/// Print what the host and the store are like
#[derive(Args, Debug)]
pub struct InfoArgs {
    /// Print by a Go template, or as "json"
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Add what helps to find mistakes
    #[arg(short = 'D', long)]
    debug: bool,
}

pub fn run(_args: InfoArgs, _context: &Context) -> Outcome {
    report::unwired("info")
}
