//! Walks the tree of a template over data and writes what it prints.

use serde_json::Value;

use super::functions::{self, Arity};
use super::item::{Item, sorted};
use super::printf;
use super::tree::{Choice, Command, Definitions, Loop, Node, Operand, OperandKind, Pipe, Span};

/// How deep blocks may nest, through the templates that call one another.
const DEEPEST: usize = 400;

/// How many nodes one execution may visit and how many bytes it may print. No honest template comes near; one that
/// calls itself twice would otherwise run for ever.
const MOST_NODES: u64 = 20_000_000;
const MOST_BYTES: usize = 1 << 30;

/// How far `range` counts.
const LONGEST: i64 = 1_000_000;

/// Why a list of nodes was left before its end.
enum Leave {
    Break,
    Continue,
    Failed(Failure),
}

/// A message and the part of the source it is about.
pub struct Failure {
    pub at: usize,
    pub span: Span,
    pub template: String,
    pub message: String,
}

/// What a template is executed for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Rows,
    /// The values are titles, which the functions of Docker and Podman give back as they are.
    Headings,
}

/// A template under execution.
pub struct Walk<'t, 'd> {
    definitions: &'t Definitions,
    source: &'t str,
    /// The definition being walked.
    template: &'t str,
    variables: Vec<(String, Item<'d>)>,
    depth: usize,
    nodes: u64,
    output: String,
    purpose: Purpose,
}

impl<'t, 'd> Walk<'t, 'd> {
    pub fn run(
        definitions: &'t Definitions,
        source: &'t str,
        name: &'t str,
        data: Item<'d>,
        purpose: Purpose,
    ) -> Result<String, Failure> {
        let mut walk = Self {
            definitions,
            source,
            template: name,
            variables: vec![("$".into(), data.clone())],
            depth: 0,
            nodes: 0,
            output: String::new(),
            purpose,
        };
        let body = definitions
            .get(name)
            .expect("the template itself is among its definitions");
        match walk.list(body, &data) {
            Err(Leave::Failed(failure)) => Err(failure),
            _ => Ok(walk.output),
        }
    }

    fn fail(&self, at: usize, span: &Span, message: impl Into<String>) -> Leave {
        Leave::Failed(Failure {
            at,
            span: span.clone(),
            template: self.template.to_owned(),
            message: message.into(),
        })
    }

    fn list(&mut self, nodes: &'t [Node], dot: &Item<'d>) -> Result<(), Leave> {
        if self.depth == DEEPEST {
            let message = format!("exceeded maximum template depth ({DEEPEST})");
            return Err(self.fail(0, &(0..0), message));
        }
        self.depth += 1;
        let result = nodes.iter().try_for_each(|node| self.node(node, dot));
        self.depth -= 1;
        result
    }

    fn node(&mut self, node: &'t Node, dot: &Item<'d>) -> Result<(), Leave> {
        self.nodes += 1;
        if self.nodes > MOST_NODES || self.output.len() > MOST_BYTES {
            return Err(self.fail(0, &(0..0), "the template does not come to an end"));
        }
        match node {
            Node::Text(text) => self.output.push_str(text),
            Node::Action(pipe) => {
                let item = self.pipe(pipe, dot)?;
                if pipe.variables.is_empty() {
                    printf::print(&mut self.output, &item);
                }
            }
            Node::Choice(choice) => return self.scoped(|walk| walk.choice(choice, dot)),
            Node::Range(range) => return self.scoped(|walk| walk.range(range, dot)),
            Node::Template { span, name, data } => return self.template(span, name, data.as_ref(), dot),
            Node::Break => return Err(Leave::Break),
            Node::Continue => return Err(Leave::Continue),
        }
        Ok(())
    }

    /// Runs `walk` and forgets the variables it declared.
    fn scoped<T>(&mut self, walk: impl FnOnce(&mut Self) -> Result<T, Leave>) -> Result<T, Leave> {
        let mark = self.variables.len();
        let result = walk(self);
        self.variables.truncate(mark);
        result
    }

    fn choice(&mut self, choice: &'t Choice, dot: &Item<'d>) -> Result<(), Leave> {
        for (pipe, body) in &choice.branches {
            let item = self.pipe(pipe, dot)?;
            if item.truth() {
                return self.list(body, if choice.with { &item } else { dot });
            }
        }
        self.list(&choice.otherwise, dot)
    }

    fn range(&mut self, range: &'t Loop, dot: &Item<'d>) -> Result<(), Leave> {
        // The variables get their values per round, so they are declared here and not by the pipe.
        let over = self.commands(&range.over, dot)?;
        let names = &range.over.variables;
        if !range.over.assigns {
            self.variables
                .extend(names.iter().map(|name| (name.clone(), Item::Missing)));
        }
        let rounds: Vec<(Value, Item<'d>)> = match over.value() {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(list)) => {
                let element = |index| over.element(index).expect("the index is below the length");
                (0..list.len())
                    .map(|index| (index.into(), element(index)))
                    .collect()
            }
            Some(Value::Object(object)) if over.has_free_keys() => sorted(object)
                .into_iter()
                .map(|(key, _)| (key.clone().into(), over.get(key).expect("the key is there")))
                .collect(),
            Some(Value::Number(number)) if number.as_i64().is_some_and(|count| count <= LONGEST) => (0
                ..number.as_i64().unwrap_or(0))
                .map(|index| (index.into(), Item::own(index)))
                .collect(),
            Some(_) => {
                let mut shown = String::new();
                printf::print(&mut shown, &over);
                let span = &range.over.span;
                return Err(self.fail(span.start, span, format!("range can't iterate over {shown}")));
            }
        };
        if rounds.is_empty() {
            return self.list(&range.otherwise, dot);
        }
        for (key, element) in rounds {
            if let [.., last] = names.as_slice() {
                self.assign(last, element.clone());
            }
            if let [first, _] = names.as_slice() {
                self.assign(first, Item::own(key));
            }
            match self.scoped(|walk| walk.list(&range.body, &element)) {
                Err(Leave::Break) => break,
                Err(Leave::Continue) | Ok(()) => {}
                Err(failed) => return Err(failed),
            }
        }
        Ok(())
    }

    fn template(
        &mut self,
        span: &'t Span,
        name: &'t str,
        data: Option<&'t Pipe>,
        dot: &Item<'d>,
    ) -> Result<(), Leave> {
        let Some(body) = self.definitions.get(name) else {
            return Err(self.fail(span.start, span, format!("template {name:?} not defined")));
        };
        let dot = data.map_or(Ok(Item::Missing), |pipe| self.pipe(pipe, dot))?;
        let variables = std::mem::replace(&mut self.variables, vec![("$".into(), dot.clone())]);
        let template = std::mem::replace(&mut self.template, name);
        let result = self.list(body, &dot);
        self.template = template;
        self.variables = variables;
        result
    }

    /// The value of a pipe, after its variables have got it.
    fn pipe(&mut self, pipe: &'t Pipe, dot: &Item<'d>) -> Result<Item<'d>, Leave> {
        let item = self.commands(pipe, dot)?;
        for name in &pipe.variables {
            if pipe.assigns {
                self.assign(name, item.clone());
            } else {
                self.variables.push((name.clone(), item.clone()));
            }
        }
        Ok(item)
    }

    fn commands(&mut self, pipe: &'t Pipe, dot: &Item<'d>) -> Result<Item<'d>, Leave> {
        self.nodes += 1;
        let mut last = None;
        for command in &pipe.commands {
            last = Some(self.command(command, dot, last)?);
        }
        Ok(last.unwrap_or(Item::Missing))
    }

    fn assign(&mut self, name: &str, item: Item<'d>) {
        // The parser has made sure that it is declared.
        if let Some(slot) = self.variables.iter_mut().rev().find(|(known, _)| known == name) {
            slot.1 = item;
        }
    }

    /// One command; `piped` is what the command before it gave.
    fn command(
        &mut self,
        command: &'t Command,
        dot: &Item<'d>,
        piped: Option<Item<'d>>,
    ) -> Result<Item<'d>, Leave> {
        let first = &command.first;
        if let OperandKind::Function(name) = &first.kind {
            return self.call(name, command, dot, piped);
        }
        let takes_arguments = match &first.kind {
            OperandKind::Field(_) | OperandKind::Chain(..) => true,
            OperandKind::Variable(_, fields) => !fields.is_empty(),
            _ => false,
        };
        if takes_arguments {
            let mut arguments = Vec::new();
            for argument in &command.arguments {
                arguments.push(self.operand(argument, dot)?);
            }
            arguments.extend(piped);
            return self.fields_of(first, dot, &arguments);
        }
        if matches!(first.kind, OperandKind::Nil) {
            return Err(self.fail(first.at, &first.span, "nil is not a command"));
        }
        if !command.arguments.is_empty() || piped.is_some() {
            let text = &self.source[first.span.clone()];
            return Err(self.fail(
                first.at,
                &first.span,
                format!("can't give argument to non-function {text}"),
            ));
        }
        self.operand(first, dot)
    }

    /// The value of an operand by itself, as an argument.
    fn operand(&mut self, operand: &'t Operand, dot: &Item<'d>) -> Result<Item<'d>, Leave> {
        Ok(match &operand.kind {
            OperandKind::Bool(value) => Item::own(*value),
            OperandKind::Number(number) => Item::own(Value::Number(number.clone())),
            OperandKind::Quoted(text) => Item::own(text.as_str()),
            OperandKind::Nil => Item::own(Value::Null),
            OperandKind::Dot => dot.clone(),
            OperandKind::Pipe(pipe) => self.pipe(pipe, dot)?,
            OperandKind::Function(name) => {
                return self.apply(name, &operand.span, operand.at, Vec::new());
            }
            OperandKind::Field(_) | OperandKind::Variable(..) | OperandKind::Chain(..) => {
                return self.fields_of(operand, dot, &[]);
            }
        })
    }

    /// Follows the fields of an operand; the arguments belong to the last.
    fn fields_of(
        &mut self,
        operand: &'t Operand,
        dot: &Item<'d>,
        arguments: &[Item<'d>],
    ) -> Result<Item<'d>, Leave> {
        let (mut item, fields) = match &operand.kind {
            OperandKind::Field(fields) => (dot.clone(), fields),
            OperandKind::Variable(name, fields) => {
                let found = self.variables.iter().rev().find(|(known, _)| known == name);
                (found.map_or(Item::Missing, |(_, item)| item.clone()), fields)
            }
            OperandKind::Chain(inner, fields) => (self.operand(inner, dot)?, fields),
            _ => return self.operand(operand, dot),
        };
        for (index, field) in fields.iter().enumerate() {
            let arguments = if index + 1 == fields.len() { arguments } else { &[] };
            item = self
                .field(&item, field, arguments)
                .map_err(|message| self.fail(operand.at, &operand.span, message))?;
        }
        Ok(item)
    }

    /// One field. A map that is given one argument is a method, such as `.Label "key"`: it answers with the
    /// value of that key, or nothing.
    fn field(&self, item: &Item<'d>, name: &str, arguments: &[Item<'d>]) -> Result<Item<'d>, String> {
        let object = match item.value() {
            None => return Ok(Item::Missing),
            Some(Value::Null) => return Err(format!("nil pointer evaluating interface {{}}.{name}")),
            Some(Value::Object(object)) => object,
            Some(_) => {
                return Err(format!(
                    "can't evaluate field {name} in type {}",
                    item.receiver_type()
                ));
            }
        };
        let Some(found) = item.get(name) else {
            return if !item.has_free_keys() {
                Err(format!(
                    "can't evaluate field {name} in type {}",
                    item.receiver_type()
                ))
            } else if arguments.is_empty() {
                Ok(Item::Missing)
            } else {
                Err(format!("{name} is not a method but has arguments"))
            };
        };
        match (arguments, object.get(name)) {
            ([], _) => Ok(found),
            ([Item::Is(key, _)], Some(Value::Object(values))) if !item.has_free_keys() => {
                let key = key
                    .as_str()
                    .ok_or_else(|| format!("wrong type for value; expected string; got {key}"))?;
                Ok(Item::own(values.get(key).cloned().unwrap_or_else(|| "".into())))
            }
            _ if item.has_free_keys() => Err(format!("{name} is not a method but has arguments")),
            _ => Err(format!("{name} has arguments but cannot be invoked as function")),
        }
    }

    /// Calls a function. `and` and `or` evaluate no argument after the one that decides.
    fn call(
        &mut self,
        name: &str,
        command: &'t Command,
        dot: &Item<'d>,
        piped: Option<Item<'d>>,
    ) -> Result<Item<'d>, Leave> {
        let mut arguments = Vec::new();
        for operand in &command.arguments {
            let argument = self.operand(operand, dot)?;
            let decides = match name {
                "and" => !argument.truth(),
                "or" => argument.truth(),
                _ => false,
            };
            if decides {
                return Ok(argument);
            }
            arguments.push(argument);
        }
        arguments.extend(piped);
        self.apply(name, &command.span, command.span.start, arguments)
    }

    fn apply(
        &mut self,
        name: &str,
        span: &Span,
        at: usize,
        arguments: Vec<Item<'d>>,
    ) -> Result<Item<'d>, Leave> {
        let (arity, function) = functions::find(name).expect("the parser knows which functions there are");
        let got = arguments.len();
        let wrong = match arity {
            Arity::Exactly(count) if got != count => Some(format!("want {count} got {got}")),
            Arity::AtLeast(count) if got < count => Some(format!("want at least {count} got {got}")),
            _ => None,
        };
        if let Some(wrong) = wrong {
            let span = at..at + name.len();
            return Err(self.fail(at, &span, format!("wrong number of args for {name}: {wrong}")));
        }
        const CHANGING: [&str; 7] = ["json", "join", "title", "lower", "upper", "pad", "truncate"];
        if self.purpose == Purpose::Headings && CHANGING.contains(&name) {
            return Ok(arguments.into_iter().next().unwrap_or(Item::Missing));
        }
        function(&arguments)
            .map_err(|message| self.fail(at, span, format!("error calling {name}: {message}")))
    }
}
