//! What users of container engines suffer from (docs/demands.md), shown to be gone where no other test does.

mod at_once;
mod ends;
mod inotify;
mod stuck;
