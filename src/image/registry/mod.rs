//! Registries: what the distribution specification says, over HTTP.
//!
//! A [`Client`] speaks with one repository of one registry from as many threads as want to. It finds out how the
//! registry is reached and what it wants to know of us, tries again what may succeed later, follows redirects without
//! giving credentials away, and believes nothing: documents are bounded and compared with their digests, the bytes of
//! blobs are checked by whoever unpacks them.

mod agent;
mod blob;
mod challenge;
mod client;
mod config;
mod credentials;
mod error;
mod exchange;
mod referrers;
mod resolver;
mod search;
mod sources;
mod stop;
mod tls;
mod upload;
mod wide;
mod wire;

pub use agent::Proxies;
pub use blob::Part;
pub use client::{Client, Fetched, HUB_SERVER, Settings};
pub use config::{Endpoint, Registries};
pub use credentials::{AuthFiles, Credentials, is_on_disk};
pub use error::{RegistryError, is_missing};
pub use search::Match;
pub use sources::{Source, SourcePart, Sources};
pub use stop::BROKEN_OFF;
pub use upload::Taken;
pub use wide::{PART, Wide};
