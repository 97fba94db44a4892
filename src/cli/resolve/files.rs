//! What is mounted: by the command line, by containers.conf, and volumes of the image.

use std::ffi::OsStr;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use super::super::options::{ContainerOptions, is_on};
use super::super::settings::Containers;
use super::super::values::limits;
use super::super::values::mounts::{self, Surroundings};
use super::{Inputs, SHM_SIZE, absolute, of, shown};
use crate::engine::spec::INIT_PROGRAM;
use crate::store::container::{Config, Mount, MountSource, Sharing};

/// Mounts of the command line, then volumes of the image that nothing else is mounted at.
pub(super) fn files(
    options: &ContainerOptions,
    inputs: &mut Inputs<'_>,
    config: &mut Config,
) -> Result<Vec<PathBuf>> {
    let files = &options.files;
    config.read_only = is_on(files.read_only);
    config.read_only_tmpfs = files.read_only_tmpfs.0;
    config.shm_size = match &files.shm_size {
        Some(size) => limits::size(size).with_context(|| of("--shm-size", size))?,
        None => SHM_SIZE,
    };
    let mut directories = Vec::new();
    let mut surroundings = Surroundings {
        directory: inputs.directory,
        anonymous: &mut *inputs.anonymous,
    };
    for word in &files.volume {
        let requested =
            mounts::volume(word, &mut surroundings).with_context(|| of("--volume", &shown(word)))?;
        if let (true, MountSource::Bind { path, .. }) = (requested.make_source, &requested.mount.source) {
            directories.push(path.as_path().to_owned());
        }
        config.mounts.push(requested.mount);
    }
    for word in &files.mount {
        let requested =
            mounts::mount(word, &mut surroundings).with_context(|| of("--mount", &shown(word)))?;
        config.mounts.push(requested.mount);
    }
    for word in &files.tmpfs {
        config
            .mounts
            .push(mounts::tmpfs(word).with_context(|| of("--tmpfs", &shown(word)))?);
    }
    let defaults = default_mounts(inputs.settings, &mut surroundings)?;
    // The same twice is once.
    let mut mounts: Vec<Mount> = Vec::with_capacity(config.mounts.len());
    for mount in config.mounts.drain(..) {
        match mounts.iter().find(|other| other.target == mount.target) {
            None => mounts.push(mount),
            Some(other) if *other == mount => {}
            Some(_) => bail!("{}: duplicate mount destination", mount.target.lossy()),
        }
    }
    config.mounts = mounts;
    for requested in defaults {
        if config
            .mounts
            .iter()
            .any(|mount| mount.target == requested.mount.target)
        {
            continue;
        }
        if let (true, MountSource::Bind { path, .. }) = (requested.make_source, &requested.mount.source) {
            directories.push(path.as_path().to_owned());
        }
        config.mounts.push(requested.mount);
    }
    image_volumes(options.image.image_volume.as_deref(), inputs, config)?;
    Ok(directories)
}

/// The program of `--init-path`, which counts where there is an init. `--pid` is known by now, and what else is mounted.
pub(super) fn init_program(
    options: &ContainerOptions,
    inputs: &Inputs<'_>,
    config: &mut Config,
) -> Result<()> {
    let Some(path) = options.identity.init_path.as_ref().filter(|_| config.init) else {
        return Ok(());
    };
    if path.is_empty() {
        bail!("{}: name a program of the host", of("--init-path", &shown(path)));
    }
    if config.pid != Sharing::Private {
        bail!("--init-path does not go with --pid=host: the program would not be the first process");
    }
    if options.process.systemd.as_deref() == Some("always") {
        bail!("--init-path does not go with --systemd=always: systemd has to be the first process");
    }
    if config
        .mounts
        .iter()
        .any(|mount| mount.target == INIT_PROGRAM.into())
    {
        bail!("--init-path mounts its program at {INIT_PROGRAM}, where something else is to be mounted");
    }
    config.init_program = Some(absolute(inputs.directory, path));
    Ok(())
}

/// What containers.conf mounts, unless something else is mounted there.
fn default_mounts(
    settings: &Containers,
    surroundings: &mut Surroundings<'_>,
) -> Result<Vec<mounts::Requested>> {
    let mut requested = Vec::new();
    for word in &settings.volumes.0 {
        let made = mounts::volume(OsStr::new(word), surroundings);
        requested.push(made.with_context(|| of("volumes of containers.conf", word))?);
    }
    for word in &settings.mounts.0 {
        let made = mounts::mount(OsStr::new(word), surroundings);
        requested.push(made.with_context(|| of("mounts of containers.conf", word))?);
    }
    Ok(requested)
}

fn image_volumes(how: Option<&str>, inputs: &mut Inputs<'_>, config: &mut Config) -> Result<()> {
    let temporary = match how.unwrap_or("anonymous") {
        "anonymous" | "bind" => false,
        "tmpfs" => true,
        "ignore" => return Ok(()),
        how => bail!(
            "{}: expected anonymous, tmpfs or ignore",
            of("--image-volume", how)
        ),
    };
    for volume in &inputs.image.volumes.0 {
        let target = mounts::clean(volume.as_bytes());
        let taken = config
            .mounts
            .iter()
            .any(|mount| mount.target.as_bytes() == target);
        if taken || target == b"/" {
            continue;
        }
        let source = if temporary {
            MountSource::Tmpfs
        } else {
            MountSource::Volume {
                name: (inputs.anonymous)(),
                anonymous: true,
                copy: true,
            }
        };
        config.mounts.push(Mount {
            source,
            target: target.into(),
            read_only: false,
            options: Vec::new(),
        });
    }
    Ok(())
}
