//! Integration tests: the real program in a hermetic place, one module per command.

mod corners;
mod death;
mod diff;
mod distribution;
mod harness;
mod images;
mod isolation;
mod lists;
mod login;
mod manifests;
mod parts;
mod push;
mod refusals;
mod registries;
mod registry;
mod run;
mod runtime;
mod search;
mod steps;
mod support;
mod system;
mod terminal;
mod threats;
mod tls;
mod transports;
mod volume;
