//! `completion`: scripts that complete commands in a shell.

use std::ffi::OsString;

use anyhow::{Context as _, bail};
use clap::Args;
use clap_complete::Shell;

use super::context::Context;
use super::output::print;
use super::report::Outcome;

/// Print a script that completes commands in a shell
#[derive(Args, Debug)]
pub struct CompletionArgs {
    /// File to write instead of standard output
    #[arg(short, long, value_name = "FILE")]
    file: Option<OsString>,
    /// Accepted for compatibility
    #[arg(long)]
    no_desc: bool,
    /// The shell: bash, zsh or fish
    #[arg(value_name = "SHELL")]
    shell: String,
}

pub fn run(args: CompletionArgs, _context: &Context) -> Outcome {
    let shell = match args.shell.as_str() {
        "bash" => Shell::Bash,
        "zsh" => Shell::Zsh,
        "fish" => Shell::Fish,
        shell => bail!("there is no completion for {shell:?}: there are bash, zsh and fish"),
    };
    let script = script(shell);
    match args.file {
        Some(file) => std::fs::write(&file, script).with_context(|| format!("cannot write {file:?}"))?,
        None => print(&script)?,
    }
    Ok(0)
}

/// The script for one shell.
pub fn script(shell: Shell) -> String {
    let mut command = super::definition();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "coracle", &mut script);
    String::from_utf8(script).expect("scripts are made of the UTF-8 texts of our own definition")
}
