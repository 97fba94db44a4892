//! Images in files: docker-archive, oci-archive, OCI layout directories and the `dir:` directories of skopeo.
//!
//! Reading goes in three steps that do not mix: [`source`] gives the members of an archive by name, whatever it is
//! made of; [`plan`] reads the documents among them and says which images they describe; [`load`] brings the layers
//! into the store and publishes the images. Nothing is published before every document, and every layer of every
//! image, has been checked against its digest.

mod entries;
pub mod export;
pub mod load;
pub mod members;
pub mod plan;
pub mod save;
pub mod source;

#[cfg(test)]
mod tests;
