//! `logs`: print what containers wrote.

use clap::Args;

use super::context::Context;
use super::report::{self, Outcome};

/// Print the output of containers
#[derive(Args, Debug)]
pub struct LogsArgs {
    /// Go on with what the container writes
    #[arg(short, long)]
    follow: bool,
    /// Only lines after this time: a date, a number of seconds, or a time ago such as 10m
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only lines before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only the last lines; -n without a number prints the names of the containers
    #[arg(short = 'n', long, value_name = "NUMBER", allow_negative_numbers = true)]
    tail: Option<String>,
    /// Put the time before each line
    #[arg(short, long)]
    timestamps: bool,
    /// Accepted for compatibility: there are no further details
    #[arg(long)]
    details: bool,
    /// Put the name of the container before each line
    #[arg(long)]
    names: bool,
    /// Give each container a colour
    #[arg(long)]
    color: bool,
    /// The container made last
    #[arg(short, long)]
    latest: bool,
    /// Containers, by name, identifier or its beginning
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(_args: LogsArgs, _context: &Context) -> Outcome {
    report::unwired("logs")
}
