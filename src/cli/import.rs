//! `import`: make an image of an archive of files.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::Path;

use anyhow::{Context as _, bail};
use clap::Args;

use super::configuration;
use super::context::{Context, unpack_options};
use super::options::PlatformOptions;
use super::output::print;
use super::report::Outcome;
use crate::base::time;
use crate::image::archive::load::Input;
use crate::image::import::{self, ImportOptions};
use crate::image::policy::Origin;
use crate::image::reference::Reference;

/// Make an image of an archive of files
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// Change the configuration by an instruction of a Dockerfile, such as CMD ["sh"]
    #[arg(short, long, value_name = "INSTRUCTION")]
    change: Vec<String>,
    /// Message for the history of the image
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    #[command(flatten)]
    platform: PlatformOptions,
    /// Print no progress
    #[arg(short, long)]
    quiet: bool,
    /// Archive, or - for standard input
    #[arg(value_name = "FILE")]
    file: OsString,
    /// Name of the new image
    #[arg(value_name = "NAME[:TAG]")]
    reference: Option<String>,
}

pub fn run(args: ImportArgs, context: &Context) -> Outcome {
    let name = match &args.reference {
        Some(text) => {
            let reference: Reference = text.parse()?;
            Some(
                reference
                    .for_local()
                    .with_context(|| format!("{text}: an image gets its digest from its content"))?,
            )
        }
        None => None,
    };
    let platform = args.platform.wanted()?;
    let input = if args.file == "-" {
        if io::stdin().is_terminal() {
            bail!("standard input is a terminal: redirect it, or name an archive");
        }
        Input::File(File::from(io::stdin().as_fd().try_clone_to_owned()?))
    } else {
        Input::Path(Path::new(&args.file))
    };
    let tarball = Origin::Local {
        transport: "tarball",
        path: None,
    };
    configuration::policy(None)?.check(tarball, &args.file.to_string_lossy())?;
    let engine = context.act()?;
    let options = ImportOptions {
        platform,
        changes: args.change,
        message: args.message,
        name,
        created: time::now(),
        unpack: unpack_options(&engine),
    };
    let published = import::import(&engine.store, input, &options)?;
    print(&format!("{}\n", published.id))?;
    Ok(0)
}
