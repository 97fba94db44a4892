//! YAML, the part of it in which registries.d and its neighbours are written: mappings of one line for each key, nested
//! by indentation, with plain and quoted words. All else is refused with its line, so that nothing is taken for something
//! that it does not say.

/// Most lines of a file.
const LINES: usize = 100_000;

/// A line, and why it is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {0}: {1}")]
pub struct Problem(pub usize, pub String);

/// A value, and the line on which it or its key stands.
#[derive(Debug)]
pub struct Node {
    pub line: usize,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Nothing,
    Scalar(String),
    Mapping(Vec<(String, Node)>),
}

impl Node {
    pub fn is_nothing(&self) -> bool {
        matches!(self.value, Value::Nothing)
    }

    pub fn scalar(self) -> Result<String, Problem> {
        match self.value {
            Value::Scalar(word) => Ok(word),
            Value::Nothing => Ok(String::new()),
            Value::Mapping(_) => Err(Problem(self.line, "one word is expected here".to_owned())),
        }
    }

    pub fn mapping(self) -> Result<Vec<(String, Node)>, Problem> {
        match self.value {
            Value::Mapping(pairs) => Ok(pairs),
            Value::Nothing => Ok(Vec::new()),
            Value::Scalar(_) => Err(Problem(
                self.line,
                "keys with values are expected here".to_owned(),
            )),
        }
    }
}

/// A mapping whose keys stand at this indentation.
struct Open {
    indent: usize,
    pairs: Vec<(String, Node)>,
}

/// Reads a whole file, which is a mapping.
pub fn read(text: &str) -> Result<Vec<(String, Node)>, Problem> {
    let mut open: Vec<Open> = Vec::new();
    let mut begun = false;
    for (number, line) in (1..).zip(text.lines()) {
        let fail = |problem: &str| Err(Problem(number, problem.to_owned()));
        if number > LINES {
            return fail("the file is too long");
        }
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        let content = content.trim_end();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        if content == "---" && !begun {
            begun = true;
            continue;
        }
        begun = true;
        if content.starts_with('\t') {
            return fail("YAML is indented with spaces");
        }
        if indent == 0 && (content == "..." || content.starts_with("---") || content.starts_with('%')) {
            return fail("one document without directives is read");
        }
        let (key, value) = pair(content).map_err(|problem| Problem(number, problem))?;
        while open.last().is_some_and(|last| last.indent > indent) {
            close(&mut open);
        }
        match open.last() {
            Some(last) if last.indent == indent => {}
            // A deeper line belongs to the key above it, which must have nothing yet.
            Some(last) if last.pairs.last().is_none_or(|(_, node)| !node.is_nothing()) => {
                return fail("this line is indented as if it belonged to a key above, which has a value");
            }
            None if indent > 0 => return fail("the first key is indented"),
            _ => open.push(Open {
                indent,
                pairs: Vec::new(),
            }),
        }
        let last = open.last_mut().expect("one was opened");
        if last.pairs.iter().any(|(known, _)| *known == key) {
            return Err(Problem(number, format!("{key:?} stands twice")));
        }
        last.pairs.push((key, Node { line: number, value }));
    }
    while open.len() > 1 {
        close(&mut open);
    }
    Ok(open.pop().map(|open| open.pairs).unwrap_or_default())
}

/// Gives the innermost mapping to the key that it belongs to.
fn close(open: &mut Vec<Open>) {
    if open.len() > 1
        && let Some(inner) = open.pop()
        && let Some((_, node)) = open.last_mut().and_then(|outer| outer.pairs.last_mut())
    {
        node.value = Value::Mapping(inner.pairs);
    }
}

/// `key: value` or `key:`.
fn pair(content: &str) -> Result<(String, Value), String> {
    let (key, rest) = word(content, true)?;
    let rest = rest
        .strip_prefix(':')
        .ok_or_else(|| format!("a key with a colon is expected, not {content:?}"))?;
    let rest = rest.trim_start_matches([' ', '\t']);
    if rest.is_empty() || rest.starts_with('#') {
        return Ok((key, Value::Nothing));
    }
    if rest == "{}" {
        return Ok((key, Value::Mapping(Vec::new())));
    }
    let is_quoted = rest.starts_with(['"', '\'']);
    let (value, rest) = word(rest, false)?;
    let after = rest.trim_start();
    let is_comment = after.starts_with('#') && rest.starts_with([' ', '\t']);
    if !after.is_empty() && !is_comment {
        return Err(format!("{after:?} after a value is not understood"));
    }
    match value.as_str() {
        "~" | "null" | "Null" | "NULL" if !is_quoted => Ok((key, Value::Nothing)),
        _ => Ok((key, Value::Scalar(value))),
    }
}

/// A plain or quoted word at the beginning, and what follows it.
fn word(text: &str, is_key: bool) -> Result<(String, &str), String> {
    match text.chars().next() {
        Some('\'') => single_quoted(&text[1..]),
        Some('"') => {
            let (word, rest) = text[1..].split_once('"').ok_or("a quotation mark is missing")?;
            if word.contains('\\') {
                return Err("escapes in quoted words are not read".to_owned());
            }
            Ok((word.to_owned(), rest))
        }
        Some(first) if "-?:,[]{}#&*!|>%@`".contains(first) => {
            // `-x` is a plain word, `- x` is a list.
            let is_plain =
                matches!(first, '-' | '?' | ':') && text[1..].starts_with(|next: char| !next.is_whitespace());
            match is_plain {
                true => Ok(plain(text, is_key)),
                false => Err(format!(
                    "{text:?}: of YAML, keys with plain or quoted words are read"
                )),
            }
        }
        _ => Ok(plain(text, is_key)),
    }
}

fn single_quoted(text: &str) -> Result<(String, &str), String> {
    let mut word = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('\'').ok_or("a quotation mark is missing")?;
        word += part;
        match after.strip_prefix('\'') {
            // Two of them are one.
            Some(after) => {
                word.push('\'');
                rest = after;
            }
            None => return Ok((word, after)),
        }
    }
}

/// A plain word ends before a comment or a colon that is followed by space.
fn plain(text: &str, is_key: bool) -> (String, &str) {
    let bytes = text.as_bytes();
    let is_space = |at: usize| bytes.get(at).is_none_or(|byte| matches!(byte, b' ' | b'\t'));
    let end = (0..bytes.len()).find(|at| match bytes[*at] {
        b':' => is_space(at + 1),
        b'#' => *at > 0 && is_space(at - 1),
        _ => false,
    });
    let end = end.unwrap_or(bytes.len());
    let (word, rest) = text.split_at(end);
    let trimmed = word.trim_end();
    match is_key {
        true => (trimmed.to_owned(), rest),
        // The space before a comment belongs to it.
        false => (trimmed.to_owned(), &text[trimmed.len()..]),
    }
}
