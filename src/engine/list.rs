//! All containers as they are, for `ps` and for options that mean several. Takes no lock.

use super::Result;
use super::state::{Condition, Found, look};
use crate::store::summary::Summaries;
use crate::store::{Kind, Store};

/// So many records are more work than a thread.
const WORTH_A_THREAD: usize = 500;

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
    let (mut found, mut damaged) = (Vec::with_capacity(ids.len()), Vec::new());
    for (some, others) in in_parts(&ids, |part| summaries_of(store, part))? {
        found.extend(some);
        damaged.extend(others);
    }
    sort(&mut found);
    Ok((found, damaged))
}

fn summaries_of(store: &Store, ids: &[String]) -> Result<(Vec<Found>, Vec<Damaged>)> {
    let mut summaries = Summaries::open(store)?;
    Ok(gather(ids, |id| match summaries.read(id) {
        Some((container, state)) => Ok(Some(Found {
            condition: Condition::of(&state, false),
            container,
            state,
            health: None,
        })),
        None => look(store, id),
    }))
}

/// Reads a long list by several threads, of which each takes a part of it.
fn in_parts<T: Send>(ids: &[String], read: impl Fn(&[String]) -> Result<T> + Sync) -> Result<Vec<T>> {
    let most = std::thread::available_parallelism().map_or(1, Into::into);
    let threads = (ids.len() / WORTH_A_THREAD).clamp(1, most);
    let mut parts = ids.chunks(ids.len().div_ceil(threads).max(1));
    let own = parts.next().unwrap_or_default();
    std::thread::scope(|scope| {
        let read = &read;
        let spawn = |part| match std::thread::Builder::new().spawn_scoped(scope, move || read(part)) {
            Ok(thread) => Ok(thread),
            // There may be no more threads.
            Err(_) => Err(read(part)),
        };
        let others: Vec<_> = parts.map(spawn).collect();
        let mut all = vec![read(own)?];
        for other in others {
            all.push(match other {
                Ok(thread) => thread.join().expect("a panic ends the program")?,
                Err(read) => read?,
            });
        }
        Ok(all)
    })
}

fn read(store: &Store, kind: Kind) -> Result<(Vec<Found>, Vec<Damaged>)> {
    let (mut found, damaged) = gather(&store.names(kind)?, |id| look(store, id));
    sort(&mut found);
    Ok((found, damaged))
}

fn gather(ids: &[String], mut look: impl FnMut(&str) -> Result<Option<Found>>) -> (Vec<Found>, Vec<Damaged>) {
    let (mut found, mut damaged) = (Vec::with_capacity(ids.len()), Vec::new());
    for id in ids {
        match look(id) {
            Ok(container) => found.extend(container),
            Err(error) => damaged.push(Damaged {
                id: id.clone(),
                reason: error.to_string(),
            }),
        }
    }
    (found, damaged)
}

/// The youngest first. RFC 3339 in UTC with nanoseconds sorts as text.
fn sort(found: &mut [Found]) {
    found.sort_by(|one, two| two.container.created.cmp(&one.container.created));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineError;

    #[test]
    fn parts_are_the_whole_in_its_order() {
        for length in [0, 1, WORTH_A_THREAD, 5 * WORTH_A_THREAD + 1] {
            let ids: Vec<String> = (0..length).map(|number| number.to_string()).collect();
            let parts = in_parts(&ids, |part| Ok(part.to_vec())).unwrap();
            assert_eq!(parts.concat(), ids);
        }
        let ids = vec![String::new(); 5 * WORTH_A_THREAD];
        let failed = in_parts(&ids, |_| -> Result<()> {
            Err(EngineError::NoSuchContainer("one".into()))
        });
        assert!(failed.is_err());
    }
}
