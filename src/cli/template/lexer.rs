//! Cuts a template into tokens: literal text and what stands between `{{` and `}}`.

use std::ops::Range;

/// What a token is. The source it was made from is [`Token::span`].
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Literal text, already trimmed by the markers beside it.
    Text(String),
    /// `{{`, with or without its trim marker.
    Open,
    /// `}}`.
    Close,
    /// A function, a keyword, `true`, `false` or `nil`.
    Name,
    /// `.Name`.
    Field,
    /// `$` or `$name`.
    Variable,
    /// `.` alone.
    Dot,
    Number,
    /// A character constant, by its code point.
    Character(char),
    /// A quoted or raw string, unquoted.
    Quoted(String),
    Declare,
    Assign,
    Comma,
    Pipe,
    LeftParenthesis,
    RightParenthesis,
    /// The end of the template.
    End,
}

#[derive(Clone, Debug)]
pub struct Token {
    pub kind: Kind,
    pub span: Range<usize>,
    /// White space stands before it, so that it cannot belong to the operand on its left.
    pub spaced: bool,
}

/// A message and the byte it is about.
pub type Problem = (usize, String);

const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// All tokens of `source`; the last is [`Kind::End`].
pub fn tokens(source: &str) -> Result<Vec<Token>, Problem> {
    let mut lexer = Lexer {
        source,
        at: 0,
        tokens: Vec::new(),
        trim_next: false,
    };
    while lexer.at < source.len() {
        lexer.text();
        if lexer.at < source.len() {
            lexer.action()?;
        }
    }
    lexer.push(Kind::End, source.len()..source.len(), false);
    Ok(lexer.tokens)
}

struct Lexer<'s> {
    source: &'s str,
    at: usize,
    tokens: Vec<Token>,
    /// The action before ended with ` -}}`.
    trim_next: bool,
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn push(&mut self, kind: Kind, span: Range<usize>, spaced: bool) {
        self.tokens.push(Token { kind, span, spaced });
    }

    /// Literal text up to the next `{{`.
    fn text(&mut self) {
        let length = self.rest().find("{{").unwrap_or(self.rest().len());
        let span = self.at..self.at + length;
        let after = &self.source[span.end..];
        let mut text = &self.source[span.clone()];
        if std::mem::take(&mut self.trim_next) {
            text = text.trim_start_matches(SPACE);
        }
        if after.starts_with("{{-") && after[3..].starts_with(SPACE) {
            text = text.trim_end_matches(SPACE);
        }
        if !text.is_empty() {
            self.push(Kind::Text(text.to_owned()), span.clone(), false);
        }
        self.at = span.end;
    }

    /// What stands from `{{` to `}}`, or a comment.
    fn action(&mut self) -> Result<(), Problem> {
        let open = self.at;
        let trimmed = self.rest()[2..].starts_with('-') && self.rest()[3..].starts_with(SPACE);
        self.at += if trimmed { 4 } else { 2 };
        if self.rest().starts_with("/*") {
            return self.comment();
        }
        self.push(Kind::Open, open..self.at, false);
        let mut depth = 0usize;
        loop {
            let spaces = self.rest().len() - self.rest().trim_start_matches(SPACE).len();
            let closes_trimmed = spaces > 0 && self.rest()[spaces..].starts_with("-}}");
            self.at += spaces;
            if closes_trimmed || self.rest().starts_with("}}") {
                if depth > 0 {
                    return Err((self.at, "unclosed left paren".into()));
                }
                let length = if closes_trimmed { 3 } else { 2 };
                self.push(Kind::Close, self.at..self.at + length, spaces > 0);
                self.at += length;
                self.trim_next = closes_trimmed;
                return Ok(());
            }
            self.inside(open, spaces > 0, &mut depth)?;
        }
    }

    /// The rest of a comment, whose `*/` must stand right before the closing delimiter.
    fn comment(&mut self) -> Result<(), Problem> {
        let Some(end) = self.rest()[2..].find("*/") else {
            return Err((self.at, "unclosed comment".into()));
        };
        let after = &self.rest()[end + 4..];
        let spaces = after.len() - after.trim_start_matches(SPACE).len();
        let closing = if after.starts_with("}}") {
            2
        } else if spaces > 0 && after[spaces..].starts_with("-}}") {
            self.trim_next = true;
            spaces + 3
        } else {
            return Err((self.at, "comment ends before closing delimiter".into()));
        };
        self.at += end + 4 + closing;
        Ok(())
    }

    /// One token inside an action.
    fn inside(&mut self, open: usize, spaced: bool, depth: &mut usize) -> Result<(), Problem> {
        let start = self.at;
        let Some(first) = self.rest().chars().next() else {
            return Err((open, "unclosed action".into()));
        };
        let second = self.rest().chars().nth(1);
        let kind = match first {
            ':' if second == Some('=') => {
                self.at += 1;
                Kind::Declare
            }
            ':' => return Err((start, "expected :=".into())),
            '=' => Kind::Assign,
            ',' => Kind::Comma,
            '|' => Kind::Pipe,
            '(' => {
                *depth += 1;
                Kind::LeftParenthesis
            }
            ')' => {
                *depth = depth
                    .checked_sub(1)
                    .ok_or_else(|| (start, String::from("unexpected right paren")))?;
                Kind::RightParenthesis
            }
            '"' | '\'' | '`' => return self.quoted(first, spaced),
            '.' if !second.is_some_and(|c| c.is_ascii_digit()) => return self.word(Kind::Field, spaced),
            '$' => return self.word(Kind::Variable, spaced),
            '+' | '-' | '.' | '0'..='9' => return self.number(spaced),
            _ if is_word(first) => return self.word(Kind::Name, spaced),
            _ => {
                return Err((
                    start,
                    format!("unrecognized character in action: {}", code_point(first)),
                ));
            }
        };
        self.at += 1;
        self.push(kind, start..self.at, spaced);
        Ok(())
    }

    /// A name, `.name` or `$name`; what follows it must be able to.
    fn word(&mut self, kind: Kind, spaced: bool) -> Result<(), Problem> {
        let start = self.at;
        let lead = usize::from(kind != Kind::Name);
        let length = self.rest()[lead..]
            .find(|c| !is_word(c))
            .unwrap_or(self.rest().len() - lead);
        self.at += lead + length;
        let follows = self.rest().chars().next();
        if let Some(next) = follows {
            let ends = SPACE.contains(&next) || ".,|:()=".contains(next) || self.rest().starts_with("}}");
            if !ends {
                return Err((start, format!("bad character {}", code_point(next))));
            }
        }
        let kind = if kind == Kind::Field && length == 0 {
            Kind::Dot
        } else {
            kind
        };
        self.push(kind, start..self.at, spaced);
        Ok(())
    }

    /// A run of what numbers are made of; the parser reads it.
    fn number(&mut self, spaced: bool) -> Result<(), Problem> {
        let start = self.at;
        let bytes = self.source.as_bytes();
        self.at += 1;
        while let Some(&byte) = bytes.get(self.at) {
            let sign = matches!(byte, b'+' | b'-') && matches!(bytes[self.at - 1], b'e' | b'E' | b'p' | b'P');
            if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || sign) {
                break;
            }
            self.at += 1;
        }
        self.push(Kind::Number, start..self.at, spaced);
        Ok(())
    }

    fn quoted(&mut self, quote: char, spaced: bool) -> Result<(), Problem> {
        let start = self.at;
        let unterminated = || {
            let what = match quote {
                '"' => "quoted string",
                '`' => "raw quoted string",
                _ => "character constant",
            };
            (start, format!("unterminated {what}"))
        };
        let mut escaped = false;
        let end = self.rest()[1..]
            .char_indices()
            .find_map(|(index, c)| match c {
                _ if escaped => {
                    escaped = false;
                    None
                }
                '\\' if quote != '`' => {
                    escaped = true;
                    None
                }
                '\n' if quote != '`' => Some(None),
                _ if c == quote => Some(Some(index)),
                _ => None,
            })
            .flatten()
            .ok_or_else(unterminated)?;
        let inner = &self.rest()[1..=end];
        self.at += end + 2;
        let kind = if quote == '`' {
            Kind::Quoted(inner.replace('\r', ""))
        } else {
            let invalid = || (start, String::from("invalid syntax"));
            let text = unquote(inner).ok_or_else(invalid)?;
            if quote == '"' {
                Kind::Quoted(text)
            } else {
                let mut characters = text.chars();
                match (characters.next(), characters.next()) {
                    (Some(only), None) => Kind::Character(only),
                    _ => return Err((start, format!("malformed character constant: '{inner}'"))),
                }
            }
        };
        self.push(kind, start..self.at, spaced);
        Ok(())
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// As Go's `%#U`: `U+0021 '!'`.
fn code_point(c: char) -> String {
    if c.is_control() {
        format!("U+{:04X}", u32::from(c))
    } else {
        format!("U+{:04X} '{c}'", u32::from(c))
    }
}

/// The text of an interpreted string (Go specification, "String literals"). Bytes above 0x7f written as `\x` or octal
/// escapes are taken as code points, since templates print text.
fn unquote(inner: &str) -> Option<String> {
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        text.push(match rest.next()? {
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'x' => code(&mut rest, 2, 16, 0)?,
            'u' => code(&mut rest, 4, 16, 0)?,
            'U' => code(&mut rest, 8, 16, 0)?,
            first @ '0'..='7' => code(&mut rest, 2, 8, first.to_digit(8)?)?,
            same @ ('\\' | '\'' | '"') => same,
            _ => return None,
        });
    }
    Some(text)
}

/// The character whose number is `first` followed by as many more `digits`.
fn code(rest: &mut std::str::Chars<'_>, digits: usize, radix: u32, first: u32) -> Option<char> {
    let mut value = first;
    for _ in 0..digits {
        value = value.checked_mul(radix)? + rest.next()?.to_digit(radix)?;
    }
    char::from_u32(value)
}
