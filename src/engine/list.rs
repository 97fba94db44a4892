//! All containers as they are, for `ps` and for options that mean several. Takes no lock.

use super::Result;
use super::state::{Condition, Found, look};
use crate::store::summary::Summaries;
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

/// The same of the containers `ids`, or of all. Of those that do not run there is only what lists show.
pub fn summaries(store: &Store, ids: Option<Vec<String>>) -> Result<(Vec<Found>, Vec<Damaged>)> {
    let ids = match ids {
        Some(ids) => ids,
        None => store.names(Kind::Containers)?,
    };
    let mut summaries = Summaries::open(store)?;
    gather(ids, |id| match summaries.read(id) {
        Some((container, state)) => Ok(Some(Found {
            condition: Condition::of(&state, false),
            container,
            state,
            health: None,
        })),
        None => look(store, id),
    })
}

fn read(store: &Store, kind: Kind) -> Result<(Vec<Found>, Vec<Damaged>)> {
    gather(store.names(kind)?, |id| look(store, id))
}

fn gather(
    ids: Vec<String>,
    mut look: impl FnMut(&str) -> Result<Option<Found>>,
) -> Result<(Vec<Found>, Vec<Damaged>)> {
    let (mut found, mut damaged) = (Vec::with_capacity(ids.len()), Vec::new());
    for id in ids {
        match look(&id) {
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
