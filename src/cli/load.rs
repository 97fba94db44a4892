//! `load`: read images from an archive.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use super::configuration;
use super::context::{Context, unpack_options};
use super::output::print;
use super::report::{self, Outcome};
use crate::image::archive::load::{self, Input, LoadOptions};
use crate::image::platform;
use crate::store::events::Event;

/// Load images from an archive
///
/// Reads archives of docker save, podman save and skopeo (docker-archive, oci-archive) and OCI layouts, compressed or
/// not.
#[derive(Args, Debug)]
pub struct LoadArgs {
    /// File or directory to read instead of standard input
    #[arg(short, long, value_name = "FILE")]
    input: Option<OsString>,
    /// Print no progress
    #[arg(short, long)]
    quiet: bool,
    /// File with the signature policy, instead of policy.json
    #[arg(long, value_name = "FILE")]
    signature_policy: Option<PathBuf>,
    /// Platform to take from an archive for several
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Vec<String>,
}

pub fn run(args: LoadArgs, context: &Context) -> Outcome {
    let mut options = LoadOptions {
        policy: configuration::policy(args.signature_policy.as_deref())?,
        ..LoadOptions::default()
    };
    if let [platform, ..] = args.platform.as_slice() {
        let parsed = platform::parse(platform).with_context(|| format!("invalid --platform {platform:?}"))?;
        options.choice.platform = Some(parsed);
    }
    let input = match &args.input {
        Some(path) if path != "-" => Input::Path(Path::new(path)),
        _ if io::stdin().is_terminal() => {
            bail!("cannot read from terminal, use command-line redirection or the --input flag")
        }
        _ => Input::File(File::from(io::stdin().as_fd().try_clone_to_owned()?)),
    };
    let engine = context.act()?;
    options.unpack = unpack_options(&engine);
    let published = load::load(&engine.store, input, &options).map_err(|error| match &args.input {
        Some(path) => error.context(path.display().to_string()),
        None => error,
    })?;
    engine.store.tell(published.iter().map(|image| match &args.input {
        Some(path) if path != "-" => Event::image("loadfromarchive", &image.id.hex(), path.display()),
        _ => image.event("loadfromarchive"),
    }));
    for image in published {
        for named in &image.names {
            if let Some(replaced) = named.replaced {
                report::warn(&format!("{} named image {replaced} before", named.reference));
            }
            print(&format!("Loaded image: {}\n", named.reference))?;
        }
        if image.names.is_empty() {
            print(&format!("Loaded image: {}\n", image.id))?;
        }
    }
    Ok(0)
}
