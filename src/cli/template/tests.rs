//! What templates print and why they fail, compared with what Go 1.19 did with the same templates and data
//! (`recorded.json`), and proof that no template makes us panic.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Shape, Template};

fn render(source: &str, data: &Value, shape: Shape) -> Result<String, String> {
    let template = Template::parse("t", source).map_err(|error| error.to_string())?;
    template.execute(data, shape).map_err(|error| error.to_string())
}

/// The value of the struct that the recorder used for its typed cases.
fn typed() -> Value {
    json!({
        "ID": "abc", "Names": ["web", "www"], "Labels": {"b": "2", "a": "1"},
        "State": {"Status": "running", "Running": true, "Pid": 7}, "Mounts": null,
    })
}

/// Cases in which we differ from what was recorded, and why.
const DIFFERENT: &[(&str, &str)] = &[
    (
        "{{range .Count}}x{{end}}",
        "newer versions of Go count up to a number",
    ),
    ("{{ .Name | }}", "newer versions of Go refuse it"),
    ("{{$x = 1}}", "found when parsing"),
    (
        "{{printf 5}}",
        "a wrong type is found by the function, not before it",
    ),
    (
        "{{upper 5}}",
        "a wrong type is found by the function, not before it",
    ),
    ("{{template \"nope\"}}", "the error quotes less of the source"),
    ("{{eq .Names .Names}}", "the error leaves the value out"),
    ("{{99999999999999999999}}", "worded otherwise"),
    ("{{(print 1) 2}}", "the error quotes the source"),
    ("{{(print \"x\").Y}}", "the error quotes the chain"),
    ("{{(\"x\").Y}}", "the error quotes the chain"),
    ("{{range $i, $j, $k := .Names}}{{end}}", "worded otherwise"),
    (
        "{{define \"x\"}}{{.Foo.Bar}}{{end}}{{template \"x\" .Name}}",
        "an interface stays one",
    ),
    ("{{!}}", "worded otherwise"),
    ("{{$x:1}}", "worded otherwise"),
    ("{{.Name)}}", "worded otherwise"),
];

#[test]
fn prints_what_go_prints() {
    let recorded: Value = serde_json::from_str(include_str!("recorded.json")).unwrap();
    let mut wrong = Vec::new();
    for case in recorded["cases"].as_array().unwrap() {
        let source = case["template"].as_str().unwrap();
        let ours = match case["data"].as_str().unwrap() {
            "struct" => render(source, &typed(), Shape::Struct),
            _ => render(source, &recorded["data"], Shape::Free),
        };
        let theirs = match case.get("output") {
            Some(output) => Ok(output.as_str().unwrap().to_owned()),
            None => Err(case["error"]
                .as_str()
                .unwrap()
                .replace("main.Container", "struct")
                .replace("main.State", "struct")),
        };
        let expected = DIFFERENT.iter().all(|(different, _)| *different != source);
        if (ours == theirs) != expected {
            wrong.push(format!("{source:?}\n  go:   {theirs:?}\n  ours: {ours:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} cases differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// The numbers of health checks are times, but for counts and in JSON.
#[test]
fn times_print_as_times() {
    let checks = json!({"Interval": 30_000_000_000u64, "Timeout": 1_500_000, "StartPeriod": 0, "Retries": 3});
    let data = json!({"Healthcheck": checks, "Timeout": 0});
    for (source, expected) in [
        (
            "{{.Healthcheck.Interval}} {{.Healthcheck.Timeout}} {{.Healthcheck.StartPeriod}}",
            "30s 1.5ms 0s",
        ),
        ("{{.Healthcheck.Retries}} {{.Timeout}}", "3 0"),
        (
            "{{json .Healthcheck.Interval}} {{printf \"%d %s\" .Healthcheck.Interval .Healthcheck.Interval}}",
            "30000000000 30000000000 30s",
        ),
        ("{{.Healthcheck}}", "{30s 1.5ms 0s 3}"),
    ] {
        assert_eq!(
            render(source, &data, Shape::Struct).unwrap(),
            expected,
            "{source}"
        );
    }
}

#[test]
fn newer_go() {
    let data = json!({"Count": 3, "A": "", "B": "b", "Label": {"k": "v"}, "Time": null, "Labels": null, "Cmd": null});
    for (source, expected) in [
        ("{{range .Count}}{{.}}{{end}}", "012"),
        ("{{range $i := .Count}}{{$i}}{{end}}", "012"),
        ("{{with .A}}a{{else with .B}}{{.}}{{else}}c{{end}}", "b"),
        ("{{.Label \"k\"}}{{.Label \"absent\"}}{{\"k\" | .Label}}", "vv"),
        (
            "{{.Labels}} {{.Cmd}} {{.Time}} {{index .Labels \"a\"}}",
            "map[] [] <nil> ",
        ),
    ] {
        assert_eq!(
            render(source, &data, Shape::Struct).unwrap(),
            expected,
            "{source}"
        );
    }
}

#[test]
fn endless_templates_end() {
    let data = json!({});
    for source in [
        "{{define \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}".to_owned(),
        "{{define \"a\"}}{{template \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}".to_owned(),
        format!(
            "{{{{define \"a\"}}}}{}{{{{template \"a\"}}}}{}{{{{end}}}}{{{{template \"a\"}}}}",
            "{{if 1}}".repeat(90),
            "{{end}}".repeat(90)
        ),
        "{{range 9000000000000000000}}{{end}}".to_owned(),
        format!("{{{{{}1{}}}}}", "(".repeat(9999), ")".repeat(9999)),
        format!("{}{}", "{{if 1}}".repeat(9999), "{{end}}".repeat(9999)),
    ] {
        let result = render(&source, &data, Shape::Struct);
        assert!(result.is_err() || result.is_ok_and(|text| text.is_empty()));
    }
    let deepest = format!("{}x{}", "{{if 1}}".repeat(90), "{{end}}".repeat(90));
    assert_eq!(render(&deepest, &data, Shape::Struct).unwrap(), "x");
}

/// Pieces that make templates which often parse.
fn piece() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "{{",
        "}}",
        "{{- ",
        " -}}",
        "if ",
        "else ",
        "end",
        "range ",
        "with ",
        "define ",
        "template ",
        "block ",
        "break",
        "$x",
        "$",
        ":=",
        "=",
        ",",
        "|",
        "(",
        ")",
        ".",
        ".A",
        ".B.C",
        "\"s\"",
        "`r`",
        "'c'",
        "1",
        "-2",
        "0x",
        "1e9",
        "nil",
        "true",
        "printf ",
        "\"%[1]*.*v|%q|%+x\"",
        "index ",
        "slice ",
        "len ",
        "and ",
        "eq ",
        "json ",
        "pad ",
        "truncate ",
        "html ",
        "/*",
        "*/",
        " ",
        "\n",
        "é",
        "\\",
        "\u{0}",
        "{{end}}",
        "{{if .A}}",
        "{{range .}}",
    ];
    prop_oneof![
        4 => proptest::sample::select(WORDS).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

proptest! {
    #[test]
    fn never_panics(pieces in proptest::collection::vec(piece(), 0..40)) {
        let data = json!({"A": [1, "x", null, {"C": "é世"}], "B": {"C": 1.5, "D": [true]}, "C": null});
        for shape in [Shape::Struct, Shape::Free] {
            let _ = render(&pieces.concat(), &data, shape);
        }
    }

    #[test]
    fn functions_never_panic(
        name in proptest::sample::select(&["index", "slice", "printf", "pad", "truncate", "split", "join", "eq", "lt"][..]),
        arguments in proptest::collection::vec(proptest::sample::select(&[
            ".", ".S", ".L", ".N", ".M", "nil", "0", "1", "-1", "2", "9223372036854775807", "1.5", "\"\"", "\"é\"",
            "\"%*d%-9.3s%[9]d%\"", "true",
        ][..]), 0..5),
    ) {
        let data = json!({"S": "aé世b", "L": ["x", 1, null], "N": null, "M": {"é": 1}});
        let source = format!("{{{{{name} {}}}}}", arguments.join(" "));
        for shape in [Shape::Struct, Shape::Free] {
            let _ = render(&source, &data, shape);
        }
    }
}
