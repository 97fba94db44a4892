//! `export`: write the files of a container as an archive.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anyhow::{Context as _, bail};
use clap::Args;

use super::context::Context;
use super::report::Outcome;
use super::select::one;
use crate::engine::{Engine, EngineError, state};
use crate::image::archive::save::write_file;
use crate::store::container::Container;

/// Write the files of a container as a tar archive
///
/// With what the container has changed, and without what is mounted in it: volumes, /proc and the like.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// File to write instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<OsString>,
    /// The container, by name, identifier or its beginning
    #[arg(value_name = "CONTAINER")]
    container: String,
}

pub fn run(args: ExportArgs, context: &Context) -> Outcome {
    let file = args.output.as_deref().filter(|path| *path != "-");
    if file.is_none() && io::stdout().is_terminal() {
        bail!("standard output is a terminal: name a file with --output, or redirect it");
    }
    let engine = context.act_alone()?;
    let id = one(&engine.store, Some(&args.container), false)?;
    let found = state::look(&engine.store, &id)?.ok_or(EngineError::NoSuchContainer(args.container))?;
    let write = |output: &mut dyn Write| export(&engine, &found.container, output);
    match file {
        Some(path) => {
            write_file(Path::new(path), &mut { write }).with_context(|| format!("cannot write {path:?}"))?
        }
        None => {
            let mut output = io::BufWriter::with_capacity(256 << 10, io::stdout().lock());
            write(&mut output)?;
            output.flush()?;
        }
    }
    Ok(0)
}

fn export(engine: &Engine, container: &Container, output: &mut dyn Write) -> anyhow::Result<()> {
    Ok(engine.export(container, output)?)
}
