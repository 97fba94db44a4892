//! Go's text/template over JSON, for `--format`.
//!
//! Scripts written for Docker and Podman carry templates, so the language is Go's whole: actions, pipelines,
//! variables, `if`, `with`, `range`, `define`, `template`, `block`, `break`, `continue`, trim markers, comments, and
//! all functions; expected outputs in the tests were recorded from Go. Differences: there is no complex number, the
//! integers are of 64 bits, and nesting, recursion and output are bounded.

mod escape;
mod evaluate;
mod functions;
mod item;
mod lexer;
mod parser;
mod printf;
mod tree;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::Value;

use evaluate::{Purpose, Walk};
use item::Item;
pub use item::Shape;
use tree::Definitions;

/// A parsed template.
#[derive(Debug)]
pub struct Template {
    name: String,
    source: String,
    definitions: Definitions,
}

/// A template that cannot be parsed, or that asks data for what it has not.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TemplateError(String);

impl Template {
    /// Parses `source`. Errors call the template `name`.
    pub fn parse(name: &str, source: &str) -> Result<Self, TemplateError> {
        let definitions = parser::parse(name, source).map_err(|(at, message)| {
            let (line, _) = place(source, at);
            TemplateError(format!("template: {name}:{line}: {message}"))
        })?;
        Ok(Self {
            name: name.to_owned(),
            source: source.to_owned(),
            definitions,
        })
    }

    /// What the template prints for `data`, whose objects are structs or maps as `shape` says.
    pub fn execute(&self, data: &Value, shape: Shape) -> Result<String, TemplateError> {
        self.run(data, shape, Purpose::Rows)
    }

    /// The heading of a table whose rows are made by this template: `titles` has the title of each field, and what
    /// functions would do to the values they leave undone.
    pub fn execute_headings(&self, titles: &Value) -> Result<String, TemplateError> {
        self.run(titles, Shape::Struct, Purpose::Headings)
    }

    fn run(&self, data: &Value, shape: Shape, purpose: Purpose) -> Result<String, TemplateError> {
        let data = Item::Is(Cow::Borrowed(data), shape);
        Walk::run(&self.definitions, &self.source, &self.name, data, purpose).map_err(|failure| {
            let (line, column) = place(&self.source, failure.at);
            TemplateError(format!(
                "template: {}:{line}:{column}: executing {:?} at <{}>: {}",
                self.name, failure.template, &self.source[failure.span], failure.message
            ))
        })
    }
}

/// Line, from 1, and column in bytes, from 0, of a byte of the source.
fn place(source: &str, at: usize) -> (usize, usize) {
    let before = &source.as_bytes()[..at.min(source.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count();
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count();
    (line + 1, column)
}
