//! The `[transform]` table of a TOML rule: queries and searches that are filled into the investigation guide.
//!
//! The guide says `$osquery_0` or `$investigate_1`; `[[transform.osquery]]` and `[[transform.investigate]]` hold
//! what stands there. Placeholders follow Python's `string.Template`: `$name`, `${name}`, and `$$` for a dollar.
//! Source: elastic/detection-rules detection_rules/rule.py (`RuleTransform`).

use serde_json::{Map, Value};

/// The guide with its placeholders filled in, and the placeholders that name nothing.
pub(super) fn fill(note: &str, transform: &Map<String, Value>) -> (String, Vec<String>) {
    let (mut filled, mut unknown) = (String::with_capacity(note.len()), Vec::new());
    let mut rest = note;
    while let Some(at) = rest.find('$') {
        filled.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            filled.push('$');
            rest = after;
            continue;
        }
        let braced = rest.starts_with('{');
        let start = usize::from(braced);
        let name = &rest[start..start + identifier_length(&rest[start..])];
        let end = start + name.len() + usize::from(braced);
        let closed = !braced || rest[start + name.len()..].starts_with('}');
        match plugin(name).filter(|_| closed) {
            Some((kind, index)) => match transform.get(kind).and_then(|list| list.get(index)) {
                Some(entry) => {
                    filled.push_str(&format!("!{{{kind}{}}}", sorted(entry)));
                    rest = &rest[end..];
                }
                None => {
                    unknown.push(format!("${name}"));
                    filled.push('$');
                }
            },
            None => filled.push('$'),
        }
    }
    filled.push_str(rest);
    (filled, unknown)
}

fn identifier_length(text: &str) -> usize {
    text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count()
}

/// `osquery_3` is the fourth entry of `osquery`.
fn plugin(name: &str) -> Option<(&str, usize)> {
    let (kind, index) = name.rsplit_once('_')?;
    matches!(kind, "osquery" | "investigate").then_some((kind, index.parse().ok()?))
}

/// The value with the keys of all objects in byte order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<_> =
                object.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        scalar => scalar.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled() {
        let transform = serde_json::json!({
            "osquery": [{"query": "SELECT 1", "label": "One"}, {"label": "Two", "query": "SELECT 2"}],
            "investigate": [{"label": "Who", "providers": [[{"queryType": "phrase", "field": "user.name"}]]}],
        });
        for (note, expected, missing) in [
            ("a $osquery_0 b", r#"a !{osquery{"label":"One","query":"SELECT 1"}} b"#, ""),
            ("$osquery_1.", r#"!{osquery{"label":"Two","query":"SELECT 2"}}."#, ""),
            ("${osquery_1}0", r#"!{osquery{"label":"Two","query":"SELECT 2"}}0"#, ""),
            (
                "$investigate_0",
                r#"!{investigate{"label":"Who","providers":[[{"field":"user.name","queryType":"phrase"}]]}}"#,
                "",
            ),
            ("$osquery_10", "$osquery_10", "$osquery_10"),
            ("$$HOME costs 5$, $PATH", "$HOME costs 5$, $PATH", ""),
            ("${osquery_0", "${osquery_0", ""),
            ("é$", "é$", ""),
        ] {
            let (filled, unknown) = fill(note, transform.as_object().unwrap());
            assert_eq!((filled.as_str(), unknown.join(" ").as_str()), (expected, missing));
        }
    }
}
