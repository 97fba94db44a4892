//! A parsed template.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::Number;

/// Where something stands in the source.
pub type Span = Range<usize>;

/// The template itself and those it defines, by name; the template itself has the name it was parsed under.
pub type Definitions = HashMap<String, Vec<Node>>;

#[derive(Debug)]
pub enum Node {
    Text(String),
    Action(Pipe),
    Choice(Choice),
    Range(Loop),
    Template {
        span: Span,
        name: String,
        data: Option<Pipe>,
    },
    Break,
    Continue,
}

/// `if` or `with`: the first branch whose pipe is true is taken.
#[derive(Debug)]
pub struct Choice {
    /// The value becomes the dot.
    pub with: bool,
    pub branches: Vec<(Pipe, Vec<Node>)>,
    pub otherwise: Vec<Node>,
}

#[derive(Debug)]
pub struct Loop {
    pub over: Pipe,
    pub body: Vec<Node>,
    pub otherwise: Vec<Node>,
}

/// Commands that hand their value on, and the variables that get the last one.
#[derive(Debug)]
pub struct Pipe {
    pub span: Span,
    pub variables: Vec<String>,
    /// The variables exist already.
    pub assigns: bool,
    pub commands: Vec<Command>,
}

#[derive(Debug)]
pub struct Command {
    pub span: Span,
    pub first: Operand,
    pub arguments: Vec<Operand>,
}

#[derive(Debug)]
pub struct Operand {
    pub span: Span,
    /// The byte that errors name: the start, or that of the second field of a chain, as in Go.
    pub at: usize,
    pub kind: OperandKind,
}

#[derive(Debug)]
pub enum OperandKind {
    Bool(bool),
    Number(Number),
    Quoted(String),
    Nil,
    Dot,
    /// `.A.B`
    Field(Vec<String>),
    /// `$x.A.B`, the name with its dollar sign.
    Variable(String, Vec<String>),
    /// `(…).A`
    Chain(Box<Operand>, Vec<String>),
    Function(String),
    Pipe(Box<Pipe>),
}
