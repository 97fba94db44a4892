//! Integration tests: the real program in a hermetic place, one module per command.

mod harness;
mod support;
mod volume;
