//! Images that `pull`, `run` and `create` take from the stores of Podman and Docker, and that `push` gives them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::context::{user, variable};
use super::pull::{load_options, tell_loaded};
use super::registry::record_pull;
use crate::engine::Engine;
use crate::image::archive::load::{Input, load};
use crate::image::archive::plan::{Choice, Format, Which};
use crate::image::engines::{self, Sink, Stream};
use crate::image::publish::Published;
use crate::image::reference::Reference;
use crate::image::transport;
use crate::oci::image::Platform;

/// An image that another engine was asked for.
#[derive(Debug)]
pub struct Asked {
    stream: Stream,
    transport: &'static str,
    /// As it was typed.
    written: String,
    /// As the engine knows it; none: by its id.
    name: Option<Reference>,
}

/// Asks another engine for an image. It is done before the user namespace is entered, in which that engine would not know
/// its user.
pub fn ask(which: transport::Engine, name: &str) -> anyhow::Result<Asked> {
    let is_id = name.starts_with("sha256:")
        || (name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let reference = match is_id {
        true => None,
        false => {
            let described = || {
                let transport = which.transport();
                format!("{transport}:{name}: only the name or id of an image is understood here")
            };
            Some(name.parse::<Reference>().with_context(described)?.or_latest())
        }
    };
    let stream = match which {
        // It knows better what a short name means to it.
        transport::Engine::Podman => engines::podman(name)?,
        transport::Engine::Docker => {
            let full = match &reference {
                Some(reference) => reference.familiar(),
                None => name.to_owned(),
            };
            engines::docker(&docker_socket()?, &full)?
        }
    };
    Ok(Asked {
        stream,
        transport: which.transport(),
        written: format!("{}:{name}", which.transport()),
        name: reference,
    })
}

impl Asked {
    /// Loads the image while it comes.
    pub fn load(
        self,
        engine: &Engine,
        platform: Option<Platform>,
        policy: Option<&Path>,
        quiet: bool,
    ) -> anyhow::Result<Published> {
        let choice = Choice {
            platform,
            format: Some(Format::Docker),
            which: Which::Only,
        };
        let options = load_options(engine, choice, policy)?;
        let (reader, writer) = self.stream.split();
        let input = Input::Engine {
            reader,
            transport: self.transport,
            name: self.name,
        };
        let loaded = load(&engine.store, input, &options).with_context(|| self.transport.to_owned());
        let published = writer
            .conclude(loaded)
            .and_then(|published| tell_loaded(published, quiet));
        record_pull(
            &engine.store,
            &self.written,
            published.as_ref().map(|image| image.id),
        );
        published
    }
}

/// Has another engine take the image that it is to know as `name`; with its name. Done before the user namespace is
/// entered, too.
pub fn offer(which: transport::Engine, name: &str) -> anyhow::Result<(Sink, Reference)> {
    let described = || {
        format!(
            "{}:{name}: only the name of an image is understood here",
            which.transport()
        )
    };
    let reference = name.parse::<Reference>().with_context(described)?.or_latest();
    if reference.digest().is_some() {
        bail!(
            "{}:{name}: an image gets its digest from its content, so it is pushed by a tag",
            which.transport()
        );
    }
    let sink = match which {
        transport::Engine::Podman => Sink::podman(name)?,
        transport::Engine::Docker => Sink::docker(&docker_socket()?, name)?,
    };
    Ok((sink, reference))
}

/// `DOCKER_HOST`, else the socket of the user's own Docker, else the machine's.
fn docker_socket() -> anyhow::Result<PathBuf> {
    if let Some(host) = variable("DOCKER_HOST") {
        let host = host.to_string_lossy().into_owned();
        return match host.strip_prefix("unix://") {
            Some(path) => Ok(path.into()),
            None => bail!(
                "DOCKER_HOST is {host}, and Docker is only spoken with over a socket here (unix://PATH)"
            ),
        };
    }
    let own = variable("XDG_RUNTIME_DIR").map(|directory| PathBuf::from(directory).join("docker.sock"));
    let own = own.filter(|path| user() != 0 && path.exists());
    Ok(own.unwrap_or_else(|| "/var/run/docker.sock".into()))
}
