//! Signatures of images in the form of cosign: a small document that names an image and a manifest, signed with a key
//! and attached to the image at its registry.
//!
//! [`key`] knows what signs and what verifies, [`sealed`] the encrypted files in which keys are kept, [`payload`] the
//! signed document, [`identity`] which names a signature may speak of, [`attachment`] where registries keep all this,
//! [`registries_d`] which of them are asked, and [`parameters`] files that say what signs. What a policy makes of it is in [`super::policy`].

pub mod attachment;
pub mod identity;
pub mod key;
pub mod parameters;
pub mod payload;
pub mod registries_d;
mod sealed;
mod yaml;
