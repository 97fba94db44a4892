//! `completion`: scripts that complete commands in a shell.

use std::ffi::OsString;

use clap::Args;

use super::context::Context;
use super::report::{self, Outcome};

/// Print a script that completes commands in a shell
#[derive(Args, Debug)]
pub struct CompletionArgs {
    /// File to write instead of standard output
    #[arg(short, long, value_name = "FILE")]
    file: Option<OsString>,
    /// Leave descriptions out
    #[arg(long)]
    no_desc: bool,
    /// The shell: bash, zsh or fish
    #[arg(value_name = "SHELL")]
    shell: String,
}

pub fn run(_args: CompletionArgs, _context: &Context) -> Outcome {
    report::unwired("completion")
}
