//! Work on several things at once, with threads that have ended when it is over.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// What `work` makes of each item, in their order, on up to `threads` threads, the caller's among them. After the first
/// failure nothing new is begun; it is the error returned. `work` may look at the flag and give up early.
pub fn map<T: Send, R: Send, E: Send>(
    items: Vec<T>,
    threads: usize,
    work: impl Fn(T, &AtomicBool) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    map_or(items, threads, work, || ())
}

/// The same with something to do when the first failure is known: it may wake threads that wait.
pub fn map_or<T: Send, R: Send, E: Send>(
    items: Vec<T>,
    threads: usize,
    work: impl Fn(T, &AtomicBool) -> Result<R, E> + Sync,
    failed: impl Fn() + Sync,
) -> Result<Vec<R>, E> {
    const HELD: &str = "no thread panics with the lock";
    let threads = threads.min(items.len()).max(1);
    let mut results: Vec<Option<R>> = Vec::new();
    results.resize_with(items.len(), || None);
    let queue = Mutex::new(items.into_iter().enumerate());
    let (results, failure) = (Mutex::new(results), Mutex::new(None));
    let stop = AtomicBool::new(false);
    let run = || {
        while !stop.load(Ordering::Relaxed) {
            let next = queue.lock().expect(HELD).next();
            let Some((place, item)) = next else { return };
            match work(item, &stop) {
                Ok(result) => results.lock().expect(HELD)[place] = Some(result),
                // The others fail because they were stopped; the first failure is the reason.
                Err(error) if !stop.swap(true, Ordering::Relaxed) => {
                    *failure.lock().expect(HELD) = Some(error);
                    failed();
                }
                Err(_) => {}
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(run);
        }
        run();
    });
    match failure.into_inner().expect(HELD) {
        Some(error) => Err(error),
        None => Ok(results.into_inner().expect(HELD).into_iter().flatten().collect()),
    }
}

/// Threads for work that keeps the processors busy, four at most.
pub fn busy_threads() -> usize {
    std::thread::available_parallelism()
        .map_or(1, usize::from)
        .clamp(1, 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order() {
        let squares = map((0..100u64).collect(), 7, |number, _| Ok::<_, ()>(number * number)).unwrap();
        assert_eq!(
            squares,
            (0..100).map(|number| number * number).collect::<Vec<u64>>()
        );
        assert!(
            map(Vec::<u8>::new(), 3, |item, _| Ok::<_, ()>(item))
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn the_first_failure_stops_the_rest() {
        let begun = AtomicBool::new(false);
        let result = map(vec![1, 2, 3], 1, |item, _| {
            if item == 3 {
                begun.store(true, Ordering::Relaxed);
            }
            if item == 2 { Err("two") } else { Ok(()) }
        });
        assert_eq!(result.unwrap_err(), "two");
        assert!(!begun.load(Ordering::Relaxed));
    }
}
