//! All containers as they are, for `ps` and for options that mean several. Takes no lock.

use super::Result;
use super::state::{Found, look};
use crate::store::{Kind, Store};

/// A container that cannot be read.
pub struct Damaged {
    pub id: String,
    pub reason: String,
}

/// All containers, youngest first, and those that are damaged.
pub fn all(store: &Store) -> Result<(Vec<Found>, Vec<Damaged>)> {
    read(store, Kind::Containers)
}

/// The same of those that run or are in motion: each of them is marked, so that thousands that have ended cost nothing.
pub fn active(store: &Store) -> Result<(Vec<Found>, Vec<Damaged>)> {
    read(store, Kind::Active)
}

fn read(store: &Store, kind: Kind) -> Result<(Vec<Found>, Vec<Damaged>)> {
    let (mut found, mut damaged) = (Vec::new(), Vec::new());
    for id in store.names(kind)? {
        match look(store, &id) {
            Ok(container) => found.extend(container),
            Err(error) => damaged.push(Damaged {
                id,
                reason: error.to_string(),
            }),
        }
    }
    // RFC 3339 in UTC with nanoseconds sorts as text.
    found.sort_by(|one, two| two.container.created.cmp(&one.container.created));
    Ok((found, damaged))
}
