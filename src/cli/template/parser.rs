//! Builds the tree of a template from its tokens.

use std::ops::Range;

use serde_json::Number;

use super::functions;
use super::lexer::{Kind, Problem, Token, tokens};
use super::tree::{Choice, Command, Definitions, Loop, Node, Operand, OperandKind, Pipe};

/// How deep parentheses and blocks may nest, so that a hostile template cannot exhaust the stack.
const DEEPEST: usize = 100;

const KEYWORDS: [&str; 10] = [
    "block", "break", "continue", "define", "else", "end", "if", "range", "template", "with",
];

/// The definitions in `source`, which itself is called `name`.
pub fn parse(name: &str, source: &str) -> Result<Definitions, Problem> {
    let mut parser = Parser {
        source,
        tokens: tokens(source)?,
        next: 0,
        definitions: Definitions::new(),
        variables: vec!["$".to_owned()],
        loops: 0,
        depth: 0,
    };
    let (body, stop) = parser.list(true)?;
    if let Stop::End(at) | Stop::Else(at) = stop {
        return Err((
            at,
            format!(
                "unexpected {{{{{}}}}}",
                if matches!(stop, Stop::End(_)) {
                    "end"
                } else {
                    "else"
                }
            ),
        ));
    }
    parser.define(name.to_owned(), body, source.len())?;
    Ok(parser.definitions)
}

/// What ended a list of nodes.
enum Stop {
    Source,
    End(usize),
    /// The `else` is read; what follows it in the same action is not.
    Else(usize),
}

struct Parser<'s> {
    source: &'s str,
    tokens: Vec<Token>,
    next: usize,
    definitions: Definitions,
    /// The variables in scope.
    variables: Vec<String>,
    /// `range` loops around this place.
    loops: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        // The last token is `End`, and it is never passed.
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn word(&self, span: &Range<usize>) -> &str {
        &self.source[span.clone()]
    }

    fn is_keyword(&self, word: &str) -> bool {
        let token = self.peek();
        token.kind == Kind::Name && self.word(&token.span) == word
    }

    fn unexpected(&self, token: &Token, context: &str) -> Problem {
        let text = self.word(&token.span);
        let shown = match token.kind {
            Kind::End => "EOF".into(),
            Kind::Name if KEYWORDS.contains(&text) => format!("<{text}>"),
            _ if text.chars().count() > 10 => {
                format!("{:?}...", text.chars().take(10).collect::<String>())
            }
            _ => format!("{text:?}"),
        };
        (token.span.start, format!("unexpected {shown} in {context}"))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Result<Token, Problem> {
        let token = self.take();
        if token.kind == kind {
            Ok(token)
        } else {
            Err(self.unexpected(&token, context))
        }
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Problem>) -> Result<T, Problem> {
        if self.depth == DEEPEST {
            return Err((
                self.peek().span.start,
                format!("nested deeper than {DEEPEST} levels"),
            ));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    /// Records a definition; one that is empty but for white space gives way to another.
    fn define(&mut self, name: String, body: Vec<Node>, at: usize) -> Result<(), Problem> {
        let empty = |body: &[Node]| {
            body.iter()
                .all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()))
        };
        match self.definitions.get(&name) {
            Some(old) if !empty(old) => {
                if !empty(&body) {
                    return Err((at, format!("template: multiple definition of template {name:?}")));
                }
            }
            _ => {
                self.definitions.insert(name, body);
            }
        }
        Ok(())
    }

    fn list(&mut self, top: bool) -> Result<(Vec<Node>, Stop), Problem> {
        self.deeper(|parser| parser.list_here(top))
    }

    fn list_here(&mut self, top: bool) -> Result<(Vec<Node>, Stop), Problem> {
        let mut nodes = Vec::new();
        loop {
            let token = self.take();
            match token.kind {
                Kind::End if top => return Ok((nodes, Stop::Source)),
                Kind::End => return Err((token.span.start, "unexpected EOF".into())),
                Kind::Text(text) => nodes.push(Node::Text(text)),
                _ => {
                    let at = self.peek().span.start;
                    if self.is_keyword("end") {
                        self.take();
                        self.expect(Kind::Close, "end")?;
                        return Ok((nodes, Stop::End(at)));
                    }
                    if self.is_keyword("else") {
                        self.take();
                        return Ok((nodes, Stop::Else(at)));
                    }
                    if top && self.is_keyword("define") {
                        self.definition()?;
                    } else {
                        nodes.push(self.action()?);
                    }
                }
            }
        }
    }

    /// `define "name" }} … {{end}}`
    fn definition(&mut self) -> Result<(), Problem> {
        const CONTEXT: &str = "define clause";
        self.take();
        let (name, at) = self.template_name(CONTEXT)?;
        self.expect(Kind::Close, CONTEXT)?;
        let body = self.separate_body(CONTEXT)?;
        self.define(name, body, at)
    }

    /// A body up to its `end` that sees no variables but `$` and no loop around it.
    fn separate_body(&mut self, context: &str) -> Result<Vec<Node>, Problem> {
        let variables = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let loops = std::mem::take(&mut self.loops);
        let (body, stop) = self.list(false)?;
        self.variables = variables;
        self.loops = loops;
        match stop {
            Stop::Else(at) => Err((at, format!("unexpected {{{{else}}}} in {context}"))),
            _ => Ok(body),
        }
    }

    fn template_name(&mut self, context: &str) -> Result<(String, usize), Problem> {
        let token = self.take();
        match token.kind {
            Kind::Quoted(name) => Ok((name, token.span.start)),
            _ => Err(self.unexpected(&token, context)),
        }
    }

    /// What an action is, its `{{` being read.
    fn action(&mut self) -> Result<Node, Problem> {
        let token = self.peek().clone();
        let word = if token.kind == Kind::Name {
            self.word(&token.span)
        } else {
            ""
        };
        if !KEYWORDS.contains(&word) {
            return Ok(Node::Action(self.pipe("command", Kind::Close)?));
        }
        let word = word.to_owned();
        self.take();
        match word.as_str() {
            "if" => self.choice("if"),
            "with" => self.choice("with"),
            "range" => self.range(),
            "template" => self.template(),
            "block" => self.block(),
            "break" | "continue" => self.leave(&word, token.span.start),
            _ => Err(self.unexpected(&token, "command")),
        }
    }

    fn leave(&mut self, word: &str, at: usize) -> Result<Node, Problem> {
        self.expect(Kind::Close, &format!("{{{{{word}}}}}"))?;
        if self.loops == 0 {
            return Err((at, format!("{{{{{word}}}}} outside {{{{range}}}}")));
        }
        Ok(if word == "break" {
            Node::Break
        } else {
            Node::Continue
        })
    }

    /// `if` or `with` with all its `else if` or `else with`.
    fn choice(&mut self, word: &str) -> Result<Node, Problem> {
        let scope = self.variables.len();
        let mut branches = Vec::new();
        let mut otherwise = Vec::new();
        loop {
            let pipe = self.pipe(word, Kind::Close)?;
            let (body, stop) = self.list(false)?;
            branches.push((pipe, body));
            if let Stop::Else(_) = stop {
                if self.is_keyword(word) {
                    self.take();
                    continue;
                }
                otherwise = self.last_branch()?;
            }
            break;
        }
        self.variables.truncate(scope);
        Ok(Node::Choice(Choice {
            with: word == "with",
            branches,
            otherwise,
        }))
    }

    /// What follows an `else` up to its `end`.
    fn last_branch(&mut self) -> Result<Vec<Node>, Problem> {
        self.expect(Kind::Close, "else")?;
        match self.list(false)? {
            (_, Stop::Else(at)) => Err((at, "expected end; found {{else}}".into())),
            (body, _) => Ok(body),
        }
    }

    fn range(&mut self) -> Result<Node, Problem> {
        let scope = self.variables.len();
        let over = self.pipe("range", Kind::Close)?;
        self.loops += 1;
        let (body, stop) = self.list(false)?;
        self.loops -= 1;
        let otherwise = match stop {
            Stop::Else(_) => self.last_branch()?,
            _ => Vec::new(),
        };
        self.variables.truncate(scope);
        Ok(Node::Range(Loop {
            over,
            body,
            otherwise,
        }))
    }

    fn template(&mut self) -> Result<Node, Problem> {
        const CONTEXT: &str = "template clause";
        let span = self.peek().span.clone();
        let (name, _) = self.template_name(CONTEXT)?;
        let data = if self.peek().kind == Kind::Close {
            self.take();
            None
        } else {
            Some(self.pipe(CONTEXT, Kind::Close)?)
        };
        Ok(Node::Template { span, name, data })
    }

    /// `block "name" pipe` is a definition and its use at once.
    fn block(&mut self) -> Result<Node, Problem> {
        const CONTEXT: &str = "block clause";
        let span = self.peek().span.clone();
        let (name, at) = self.template_name(CONTEXT)?;
        let data = self.pipe(CONTEXT, Kind::Close)?;
        let body = self.separate_body(CONTEXT)?;
        self.define(name.clone(), body, at)?;
        Ok(Node::Template {
            span,
            name,
            data: Some(data),
        })
    }

    /// Declarations and commands up to and including `end`.
    fn pipe(&mut self, context: &str, end: Kind) -> Result<Pipe, Problem> {
        self.deeper(|parser| parser.pipe_here(context, end))
    }

    fn pipe_here(&mut self, context: &str, end: Kind) -> Result<Pipe, Problem> {
        let start = self.peek().span.start;
        let (variables, assigns) = self.declarations(context)?;
        let mut commands: Vec<Command> = Vec::new();
        let mut piped = false;
        loop {
            if self.peek().kind == end {
                break;
            }
            let before = self.next;
            let Some(command) = self.command()? else {
                self.next = before;
                let token = self.peek().clone();
                return Err(self.unexpected(&token, context));
            };
            let constant = matches!(
                command.first.kind,
                OperandKind::Bool(_)
                    | OperandKind::Dot
                    | OperandKind::Nil
                    | OperandKind::Number(_)
                    | OperandKind::Quoted(_)
            );
            if constant && !commands.is_empty() {
                let stage = commands.len() + 1;
                return Err((
                    command.span.start,
                    format!("non executable command in pipeline stage {stage}"),
                ));
            }
            commands.push(command);
            piped = self.peek().kind == Kind::Pipe;
            if piped {
                self.take();
            }
        }
        let closing = self.take();
        if commands.is_empty() || piped {
            return Err((closing.span.start, format!("missing value for {context}")));
        }
        // A variable exists only after the pipe that declares it.
        if !assigns {
            self.variables.extend(variables.iter().cloned());
        }
        let stop = commands.last().map_or(start, |command| command.span.end);
        Ok(Pipe {
            span: start..stop,
            variables,
            assigns,
            commands,
        })
    }

    /// `$x :=`, `$x =` or `$i, $x :=`, if that is what follows.
    fn declarations(&mut self, context: &str) -> Result<(Vec<String>, bool), Problem> {
        let kind_at = |parser: &Self, ahead: usize| {
            parser
                .tokens
                .get(parser.next + ahead)
                .map_or(Kind::End, |token| token.kind.clone())
        };
        if kind_at(self, 0) != Kind::Variable {
            return Ok((Vec::new(), false));
        }
        match kind_at(self, 1) {
            Kind::Declare | Kind::Assign => {
                let token = self.take();
                let name = self.word(&token.span).to_owned();
                let assigns = self.take().kind == Kind::Assign;
                self.check_assigned(&[&name], assigns, token.span.start)?;
                Ok((vec![name], assigns))
            }
            Kind::Comma => {
                let at = self.peek().span.start;
                let pair = kind_at(self, 2) == Kind::Variable
                    && matches!(kind_at(self, 3), Kind::Declare | Kind::Assign);
                if context != "range" {
                    return Err((at, format!("too many declarations in {context}")));
                }
                if !pair {
                    return Err((at, "range can only initialize variables".into()));
                }
                let first = self.take().span;
                self.take();
                let second = self.take().span;
                let assigns = self.take().kind == Kind::Assign;
                let names = vec![self.word(&first).to_owned(), self.word(&second).to_owned()];
                self.check_assigned(&[&names[0], &names[1]], assigns, at)?;
                Ok((names, assigns))
            }
            _ => Ok((Vec::new(), false)),
        }
    }

    fn check_assigned(&self, names: &[&str], assigns: bool, at: usize) -> Result<(), Problem> {
        for name in names {
            if assigns && !self.variables.iter().any(|known| known == name) {
                return Err((at, format!("undefined variable {name:?}")));
            }
        }
        Ok(())
    }

    /// Operands with white space between them; `None` when there is no operand at all.
    fn command(&mut self) -> Result<Option<Command>, Problem> {
        let Some(first) = self.operand()? else {
            return Ok(None);
        };
        let mut span = first.span.clone();
        let mut arguments = Vec::new();
        loop {
            let token = self.peek();
            if matches!(token.kind, Kind::Close | Kind::RightParenthesis | Kind::Pipe) {
                return Ok(Some(Command {
                    span,
                    first,
                    arguments,
                }));
            }
            let token = token.clone();
            if !token.spaced {
                return Err(self.unexpected(&token, "operand"));
            }
            let Some(argument) = self.operand()? else {
                return Err(self.unexpected(&token, "operand"));
            };
            span.end = argument.span.end;
            arguments.push(argument);
        }
    }

    /// A term and the fields that follow it without white space.
    fn operand(&mut self) -> Result<Option<Operand>, Problem> {
        let Some(mut operand) = self.term()? else {
            return Ok(None);
        };
        let mut fields = Vec::new();
        while self.peek().kind == Kind::Field && !self.peek().spaced {
            let token = self.take();
            if fields.is_empty() {
                operand.at = token.span.start;
            }
            operand.span.end = token.span.end;
            fields.push(self.word(&token.span)[1..].to_owned());
        }
        if fields.is_empty() {
            return Ok(Some(operand));
        }
        let (span, at) = (operand.span.clone(), operand.at);
        let kind = match operand.kind {
            OperandKind::Field(mut first) => {
                first.extend(fields);
                OperandKind::Field(first)
            }
            OperandKind::Variable(name, mut first) => {
                first.extend(fields);
                OperandKind::Variable(name, first)
            }
            OperandKind::Pipe(_) | OperandKind::Function(_) => OperandKind::Chain(Box::new(operand), fields),
            _ => {
                let text = self.word(&(span.start..at));
                return Err((at, format!("unexpected . after term {text:?}")));
            }
        };
        Ok(Some(Operand { span, at, kind }))
    }

    fn term(&mut self) -> Result<Option<Operand>, Problem> {
        let token = self.peek().clone();
        let text = self.word(&token.span);
        let kind = match token.kind {
            Kind::Name => match text {
                "true" | "false" => OperandKind::Bool(text == "true"),
                "nil" => OperandKind::Nil,
                _ if KEYWORDS.contains(&text) => return Ok(None),
                _ if functions::exists(text) => OperandKind::Function(text.to_owned()),
                _ => return Err((token.span.start, format!("function {text:?} not defined"))),
            },
            Kind::Dot => OperandKind::Dot,
            Kind::Field => OperandKind::Field(vec![text[1..].to_owned()]),
            Kind::Variable => {
                if !self.variables.iter().any(|known| known == text) {
                    return Err((token.span.start, format!("undefined variable {text:?}")));
                }
                OperandKind::Variable(text.to_owned(), Vec::new())
            }
            Kind::Number => OperandKind::Number(
                number(text).ok_or_else(|| (token.span.start, format!("bad number syntax: {text:?}")))?,
            ),
            Kind::Character(c) => OperandKind::Number(u32::from(c).into()),
            Kind::Quoted(text) => OperandKind::Quoted(text),
            Kind::LeftParenthesis => {
                self.take();
                let pipe = self.pipe("parenthesized pipeline", Kind::RightParenthesis)?;
                let span = token.span.start..self.tokens[self.next - 1].span.end;
                return Ok(Some(Operand {
                    at: span.start,
                    span,
                    kind: OperandKind::Pipe(Box::new(pipe)),
                }));
            }
            _ => return Ok(None),
        };
        self.take();
        Ok(Some(Operand {
            at: token.span.start,
            span: token.span,
            kind,
        }))
    }
}

/// A Go number: decimal, `0x`, `0o`, `0b` or old octal integers that fit `int`, and floating point.
fn number(text: &str) -> Option<Number> {
    let clean = text.replace('_', "");
    let (negative, digits) = match clean.as_bytes().first()? {
        b'-' => (true, &clean[1..]),
        b'+' => (false, &clean[1..]),
        _ => (false, clean.as_str()),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let lower = digits.to_ascii_lowercase();
    let integer = if let Some(hex) = lower.strip_prefix("0x") {
        u64::from_str_radix(hex, 16).ok()
    } else if let Some(octal) = lower.strip_prefix("0o") {
        u64::from_str_radix(octal, 8).ok()
    } else if let Some(binary) = lower.strip_prefix("0b") {
        u64::from_str_radix(binary, 2).ok()
    } else if lower.len() > 1 && lower.starts_with('0') && lower.bytes().all(|b| b.is_ascii_digit()) {
        u64::from_str_radix(&lower[1..], 8).ok()
    } else {
        lower.parse().ok()
    };
    match integer {
        Some(value) if negative => Some(i64::try_from(-i128::from(value)).ok()?.into()),
        Some(value) => Some(i64::try_from(value).ok()?.into()),
        None if lower.contains(['.', 'e']) && !lower.starts_with("0x") => {
            let value: f64 = lower.parse().ok()?;
            Number::from_f64(if negative { -value } else { value })
        }
        None => None,
    }
}
