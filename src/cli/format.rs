//! `--format`: how lists and documents are printed.

use anyhow::{Result, bail};
use serde_json::{Map, Value};

use super::table::align;
use super::template::{Shape, Template};

/// What a list looks like when nothing else is asked for.
pub struct Columns {
    /// The name under which errors speak of its template.
    pub name: &'static str,
    /// The template of a row.
    pub template: &'static str,
    /// Fields and their headings. Others are headed by their name in capitals.
    pub headings: &'static [(&'static str, &'static str)],
}

/// How a list is to be printed.
#[derive(Clone, Copy, Default)]
pub struct ListFormat<'a> {
    /// `--format`: `json`, `jsonl`, `table`, `table TEMPLATE`, or a template.
    pub format: Option<&'a str>,
    pub no_heading: bool,
}

/// Prints rows. `document` is what `json` writes for them; templates see the rows.
pub fn list(
    columns: &Columns,
    format: ListFormat<'_>,
    rows: &[Value],
    document: impl Fn() -> Value,
) -> Result<String> {
    let format_text = format.format.unwrap_or("table").trim();
    if format_text == "json" {
        return Ok(pretty(&document()) + "\n");
    }
    if format_text == "jsonl" {
        let lines = document();
        let lines = lines.as_array().map(Vec::as_slice).unwrap_or_default();
        return Ok(lines.iter().map(|line| format!("{line}\n")).collect());
    }
    let (table, source) = match format_text.strip_prefix("table") {
        Some("") => (true, columns.template),
        Some(rest) if rest.starts_with(|c: char| c.is_whitespace() || c == '\\' || c == '{') => (true, rest),
        _ => (false, format_text),
    };
    let mut source = unescape(source.trim());
    if table {
        // As Podman: fields side by side are columns.
        source = source.replace("}} {{", "}}\t{{");
    }
    let template = Template::parse(columns.name, &source)?;
    let mut text = String::new();
    if table && !format.no_heading {
        text.push_str(&template.execute_headings(&headings(columns, &source, rows.first()))?);
        text.push('\n');
    }
    for row in rows {
        text.push_str(&template.execute(row, Shape::Struct)?);
        text.push('\n');
    }
    Ok(if table { align(&text) } else { text })
}

/// Prints documents of `inspect`: as a JSON list, or each by a template.
pub fn documents(name: &str, format: Option<&str>, documents: &[Value]) -> Result<String> {
    match format.map(str::trim) {
        None | Some("" | "json") => Ok(pretty(&Value::from(documents)) + "\n"),
        Some(source) => {
            let template = Template::parse(name, &unescape(source))?;
            let mut text = String::new();
            for document in documents {
                text.push_str(&template.execute(document, Shape::Struct)?);
                text.push('\n');
            }
            Ok(text)
        }
    }
}

/// Prints one document, such as that of `info`: by a template, as JSON, or as `plain` says.
pub fn document(
    name: &str,
    format: Option<&str>,
    document: &Value,
    plain: impl Fn() -> String,
) -> Result<String> {
    match format.map(str::trim) {
        None | Some("") => Ok(plain()),
        Some("json") => Ok(pretty(document) + "\n"),
        Some(source) if source.starts_with("table") => bail!("--format: there is no table of one thing"),
        Some(source) => {
            Ok(Template::parse(name, &unescape(source))?.execute(document, Shape::Struct)? + "\n")
        }
    }
}

/// Whether JSON is asked for, of commands that know no other `--format`.
pub fn is_json(format: Option<&str>) -> Result<bool> {
    match format {
        None | Some("") => Ok(false),
        Some("json") => Ok(true),
        Some(other) => bail!("--format={other} is not supported: there is json"),
    }
}

/// JSON with an indentation of four spaces, as both Docker and Podman print it.
pub fn pretty(value: &Value) -> String {
    pretty_by(value, b"    ")
}

/// The same with another indentation, or of something that becomes JSON.
pub fn pretty_by(value: &impl serde::Serialize, indentation: &[u8]) -> String {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indentation);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    value
        .serialize(&mut serializer)
        .expect("a JSON value can be written to memory");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

/// `\t` and `\n` are written in templates for what a shell does not let one type.
pub fn unescape(source: &str) -> String {
    source.replace("\\t", "\t").replace("\\n", "\n")
}

/// What the template shows in the heading: the title of each field.
fn headings(columns: &Columns, source: &str, row: Option<&Value>) -> Value {
    let mut titles: Map<String, Value> = Map::new();
    let fields: Vec<&str> = match row {
        Some(row) => row
            .as_object()
            .into_iter()
            .flatten()
            .map(|(field, _)| field.as_str())
            .collect(),
        // Whatever is asked for, as it cannot be known what a row would have.
        None => fields(source).collect(),
    };
    for field in fields {
        titles.insert(field.into(), field.to_uppercase().into());
    }
    for (field, title) in columns.headings {
        titles.insert((*field).into(), (*title).into());
    }
    titles.insert("Label".into(), label_titles(source));
    titles.into()
}

/// What a template may take for fields, and perhaps more: words behind a dot.
fn fields(source: &str) -> impl Iterator<Item = &str> {
    let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let words = source.split('.').skip(1);
    words
        .filter_map(move |rest| rest.split(|c| !is_of_word(c)).next())
        .filter(|word| !word.is_empty())
}

/// Labels are headed by the last part of their key.
fn label_titles(source: &str) -> Value {
    let mut titles = Map::new();
    for rest in source.split(".Label ").skip(1) {
        let mut parts = rest.trim_start().split(['"', '`']);
        if let (Some(""), Some(key)) = (parts.next(), parts.next()) {
            let last = key.rsplit('.').next().unwrap_or(key);
            titles.insert(key.into(), last.replace(['-', '_'], " ").into());
        }
    }
    titles.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const COLUMNS: Columns = Columns {
        name: "ps",
        template: "{{.ID}}\t{{.Names}}",
        headings: &[
            ("ID", "CONTAINER ID"),
            ("Names", "NAMES"),
            ("RunningFor", "CREATED"),
        ],
    };

    fn render(format: Option<&str>) -> String {
        let rows = [
            json!({"ID": "0123456789ab", "Names": "web", "RunningFor": "now", "Extra": 1, "Label": {"com.x.my-key": "v"}}),
            json!({"ID": "b", "Names": "db", "RunningFor": "then", "Extra": 2, "Label": {}}),
        ];
        let format = ListFormat {
            format,
            no_heading: false,
        };
        list(&COLUMNS, format, &rows, || json!([{"Id": "a"}])).unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn lists() {
        let table = "CONTAINER ID   NAMES\n0123456789ab   web\nb              db\n";
        for (format, expected) in [
            (None, table),
            (Some("table"), table),
            (Some("table {{.ID}}\\t{{.Names}}"), table),
            (Some("{{.ID}}\\t{{.Names}}"), "0123456789ab\tweb\nb\tdb\n"),
            (Some("{{.ID}}"), "0123456789ab\nb\n"),
            (
                Some("table {{.Names}}\t{{.RunningFor}}"),
                "NAMES     CREATED\nweb       now\ndb        then\n",
            ),
            (
                Some("table {{upper .Names}}\t{{json .Extra}}"),
                "NAMES     EXTRA\nWEB       1\nDB        2\n",
            ),
            (Some("table {{truncate .ID 3}}"), "CONTAINER ID\n012\nb\n"),
            (
                Some("table {{.ID}}\t{{.Label \"com.x.my-key\"}}"),
                "CONTAINER ID   my key\n0123456789ab   v\nb              \n",
            ),
            (Some("json"), "[\n    {\n        \"Id\": \"a\"\n    }\n]\n"),
            (Some("jsonl"), "{\"Id\":\"a\"}\n"),
            (
                Some("{{.Bogus}}"),
                "template: ps:1:2: executing \"ps\" at <.Bogus>: can't evaluate field Bogus in type struct",
            ),
            (Some("{{.ID"), "template: ps:1: unclosed action"),
        ] {
            assert_eq!(render(format), expected, "{format:?}");
        }
    }

    #[test]
    fn headings_stand_without_rows() {
        for (format, expected) in [
            (None, "CONTAINER ID   NAMES\n"),
            (
                Some("table {{.Extra}}\t{{upper .RunningFor}}"),
                "EXTRA     CREATED\n",
            ),
            (
                Some("table {{if .Extra}}{{.Names}}{{end}}\t{{.Label \"a.b\"}}"),
                "NAMES     b\n",
            ),
            (Some("{{.Extra}}"), ""),
        ] {
            let format = ListFormat {
                format,
                no_heading: false,
            };
            let printed = list(&COLUMNS, format, &[], || json!([])).unwrap_or_else(|error| error.to_string());
            assert_eq!(printed, expected, "{:?}", format.format);
        }
    }

    #[test]
    fn documents_and_one() {
        let document_value = json!({"A": {"B": 1}, "Labels": {}});
        let both = [document_value.clone(), document_value.clone()];
        assert_eq!(
            documents("inspect", Some("{{.A.B}}{{.Labels.x}}"), &both).unwrap(),
            "1<no value>\n1<no value>\n"
        );
        assert_eq!(documents("inspect", None, &[]).unwrap(), "[]\n");
        assert_eq!(
            document("info", None, &document_value, || "plain\n".into()).unwrap(),
            "plain\n"
        );
        assert_eq!(
            document("info", Some("{{.A.B}}"), &document_value, String::new).unwrap(),
            "1\n"
        );
    }
}
