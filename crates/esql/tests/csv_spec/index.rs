//! Tables of events: a file of comma-separated values is an index, its lines are events.
//!
//! ```text
//! // a comment
//! host:keyword, addresses:ip,           ports:long, note
//! alpha,        [10.0.0.2, 10.0.0.1],   80,         several\, with a comma
//! beta,         ,                       [],         "quoted, too"
//! ```
//!
//! A column without a type is a keyword. Cells lose the space at their ends; an empty cell and `[]` are no value.
//!
//! Elasticsearch reads most fields from an index that holds the values of a field in order, and those of keywords, addresses
//! and versions once each. Our engine keeps them as an event has them. So that the expectations hold, values are put in that
//! order here; those of text and of points stay as they are, since Elasticsearch takes them from the event itself. Numbers of
//! less than 64 bits lose digits here for the same reason.

use std::collections::{BTreeMap, BTreeSet};

use bartizan_esql::DataType;
use ecs::Document;
use serde_json::{Map, Number, Value as Json};

use super::value::{instant, ip};

/// A table of events.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Index {
    pub(crate) name: String,
    /// The types of the columns, but for `_id`.
    pub(crate) fields: BTreeMap<String, DataType>,
    /// Columns of types that ES|QL rules cannot read; they are in no event.
    pub(crate) left_out: BTreeSet<String>,
    /// The `_id` of each event: a column of that name, or else the number of the line.
    pub(crate) ids: Vec<String>,
    pub(crate) events: Vec<Document>,
    /// Why the table could not be read, when that is so.
    pub(crate) fault: Option<String>,
}

struct Column {
    name: String,
    type_name: String,
    /// `None` for `_id` and what cannot be read.
    data_type: Option<DataType>,
}

/// Reads a table; what is wrong with it is told when a case needs it.
pub(crate) fn read(name: &str, text: &str) -> Index {
    let empty = Index {
        name: name.to_owned(),
        fields: BTreeMap::new(),
        left_out: BTreeSet::new(),
        ids: Vec::new(),
        events: Vec::new(),
        fault: None,
    };
    filled(empty.clone(), text).unwrap_or_else(|why| Index { fault: Some(why), ..empty })
}

fn filled(mut index: Index, text: &str) -> Result<Index, String> {
    let lines = text.lines().map(str::trim).enumerate();
    let mut lines =
        lines.filter(|(_, line)| !(line.is_empty() || line.starts_with("//") || line.starts_with('#')));
    let (_, header) = lines.next().ok_or("no header")?;
    let columns: Vec<Column> = cells(header)?.into_iter().map(column).collect();

    for column in &columns {
        match column.data_type {
            Some(data_type) => {
                index.fields.insert(column.name.clone(), data_type);
            }
            None if column.name == "_id" => {}
            None => {
                index.left_out.insert(column.name.clone());
            }
        }
    }
    for (at, line) in lines {
        let fail = |why: String| format!("line {}: {why}", at + 1);
        let cells = cells(line).map_err(fail)?;
        if cells.len() != columns.len() {
            return Err(fail(format!("{} cells for {} columns", cells.len(), columns.len())));
        }
        let mut id = index.ids.len().to_string();
        let mut event = Map::new();
        for (column, cell) in columns.iter().zip(cells) {
            let texts = match cell {
                Cell::One(text) if text.is_empty() => continue,
                Cell::One(text) | Cell::Quoted(text) => vec![text],
                Cell::Many(texts) => texts,
            };
            if column.name == "_id" {
                id = texts.concat();
            } else if column.data_type.is_some()
                && let Some(value) = field(texts, column).map_err(fail)?
            {
                event.insert(column.name.clone(), value);
            }
        }
        index.ids.push(id);
        index.events.push(Document::from_map(event));
    }
    Ok(index)
}

fn column(cell: Cell) -> Column {
    let text = match cell {
        Cell::One(text) | Cell::Quoted(text) => text,
        Cell::Many(texts) => texts.concat(),
    };
    let (name, type_name) = text.rsplit_once(':').unwrap_or((&text, "keyword"));
    let (name, type_name) = (name.trim().to_owned(), type_name.trim().to_ascii_lowercase());
    let data_type = DataType::parse(&type_name).filter(|data_type| {
        name != "_id" && *data_type != DataType::Unsupported && !data_type.is_time_span()
    });
    Column { name, type_name, data_type }
}

/// The values of a field; `None` when there are none.
fn field(texts: Vec<String>, column: &Column) -> Result<Option<Json>, String> {
    let mut values: Vec<Json> = Vec::new();
    for text in texts {
        if text.eq_ignore_ascii_case("null") && !column.data_type.is_some_and(DataType::is_text) {
            continue;
        }
        values.push(
            json(&text, column).ok_or_else(|| format!("{}: no {}: {text}", column.name, column.type_name))?,
        );
    }
    in_order_of_index(&mut values, column);
    Ok(match values.len() {
        0 => None,
        1 => values.pop(),
        _ => Some(Json::Array(values)),
    })
}

fn json(text: &str, column: &Column) -> Option<Json> {
    Some(match column.data_type? {
        DataType::Boolean => Json::Bool(text.to_ascii_lowercase().parse().ok()?),
        DataType::Integer | DataType::Long => Json::from(text.parse::<i64>().ok()?),
        DataType::UnsignedLong => Json::from(text.parse::<u64>().ok()?),
        DataType::Double => {
            let number = text.parse::<f64>().ok()?;
            Json::Number(Number::from_f64(match column.type_name.as_str() {
                "float" => f64::from(number as f32),
                "half_float" => half(number),
                _ => number,
            })?)
        }
        DataType::Date | DataType::DateNanos
            if text.bytes().all(|b| b.is_ascii_digit()) && text.len() > 4 =>
        {
            Json::from(text.parse::<i64>().ok()?)
        }
        DataType::Date | DataType::DateNanos => {
            instant(text)?;
            Json::from(text)
        }
        DataType::Ip => {
            ip(text)?;
            Json::from(text)
        }
        _ => Json::from(text),
    })
}

/// The nearest number of 16 bits: 11 binary digits.
fn half(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return number;
    }
    let digits = number.abs().log2().floor().max(-14.0) - 10.0;
    let unit = digits.exp2();
    (number / unit).round_ties_even() * unit
}

fn in_order_of_index(values: &mut Vec<Json>, column: &Column) {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    match column.data_type {
        Some(DataType::Keyword) => {
            values.sort_by_key(text);
            values.dedup();
        }
        Some(DataType::Version) => {
            values.sort_by(|a, b| {
                let key = |value| bartizan_esql::value::version::encode(&text(value));
                key(a).cmp(&key(b))
            });
            values.dedup();
        }
        Some(DataType::Ip) => {
            values.sort_by_key(|value| ip(&text(value)));
            values.dedup_by_key(|value| ip(&text(value)));
        }
        Some(DataType::Date | DataType::DateNanos) => values.sort_by_key(|value| match value.as_i64() {
            Some(milliseconds) => jiff::Timestamp::from_millisecond(milliseconds).ok(),
            None => instant(&text(value)),
        }),
        Some(DataType::Boolean) => values.sort_by_key(|value| value.as_bool()),
        Some(DataType::Integer | DataType::Long) => values.sort_by_key(Json::as_i64),
        Some(DataType::UnsignedLong) => values.sort_by_key(Json::as_u64),
        Some(DataType::Double) => values.sort_by(|a, b| {
            let number = |value: &Json| value.as_f64().unwrap_or_default();
            number(a).total_cmp(&number(b))
        }),
        _ => {}
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Cell {
    One(String),
    /// Stood in `"`; empty text is a value.
    Quoted(String),
    Many(Vec<String>),
}

/// Parts a line at its commas, but not at `\,` and not within `[ ]`, `{ }` or `"`.
fn cells(line: &str) -> Result<Vec<Cell>, String> {
    let mut cells = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start();
        let cell;
        (cell, rest) = match (rest.strip_prefix('['), object(rest)) {
            (Some(inner), _) => {
                let (many, rest) = list(inner)?;
                (Cell::Many(many), rest)
            }
            (None, Some((object, rest))) => (Cell::One(object.to_owned()), rest),
            (None, None) => match one(rest, &[','])? {
                (text, true, rest) => (Cell::Quoted(text), rest),
                (text, false, rest) => (Cell::One(text), rest),
            },
        };
        cells.push(cell);
        rest = rest.trim_start();
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None if rest.is_empty() => return Ok(cells),
            None => return Err(format!("text after the end of a value: {rest}")),
        }
    }
}

/// `{…}`, and what follows; `None` for anything else.
fn object(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth <= 0 {
            return (at > 0).then(|| text.split_at(at + 1));
        }
    }
    None
}

/// `a, b]`, and what follows.
fn list(text: &str) -> Result<(Vec<String>, &str), String> {
    let mut values = Vec::new();
    let mut rest = text;
    loop {
        let (value, quoted, after) = one(rest.trim_start(), &[',', ']'])?;
        if quoted || !value.is_empty() {
            values.push(value);
        }
        match after.trim_start().split_at_checked(1) {
            Some((",", after)) => rest = after,
            Some(("]", after)) => return Ok((values, after)),
            _ => return Err("a [ without its ]".to_owned()),
        }
    }
}

/// A value up to one of `ends`, whether it was quoted, and the text from that end on.
fn one<'a>(text: &'a str, ends: &[char]) -> Result<(String, bool, &'a str), String> {
    if text.starts_with('"') {
        // As in JSON; a doubled quotation mark is one, too.
        let mut from = 1;
        while let Some(at) = text[from..].find(['"', '\\']).map(|at| from + at) {
            from = at + 2;
            if text[at..].starts_with('\\') || text[at..].starts_with("\"\"") {
                continue;
            }
            let inner = text[1..at].replace("\"\"", "\\\"");
            let value = serde_json::from_str(&format!("\"{inner}\"")).map_err(|e| format!("{inner}: {e}"))?;
            return Ok((value, true, &text[at + 1..]));
        }
        return Err("a quotation mark without its partner".to_owned());
    }
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match (character, characters.peek()) {
            ('\\', Some((_, next @ (',' | '[' | ']')))) => {
                value.push(*next);
                characters.next();
            }
            (end, _) if ends.contains(&end) => return Ok((value.trim_end().to_owned(), false, &text[at..])),
            (other, _) => value.push(other),
        }
    }
    Ok((value.trim_end().to_owned(), false, ""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(text: &str) -> Index {
        let index = read("t", text);
        assert_eq!(index.fault, None);
        index
    }

    fn events(text: &str) -> Vec<Json> {
        let events = table(text).events;
        events.into_iter().map(|event| Json::Object(event.into_map())).collect()
    }

    #[test]
    fn columns_have_types() {
        let index = table("// x\n a:integer , b.c:half_float,d, e:geo_shape,_id:long, f:Datetime\n");
        let expected = [
            ("a", DataType::Integer),
            ("b.c", DataType::Double),
            ("d", DataType::Keyword),
            ("f", DataType::Date),
        ];
        assert_eq!(index.fields, BTreeMap::from(expected.map(|(name, kind)| (name.to_owned(), kind))));
        assert_eq!(index.left_out, BTreeSet::from(["e".to_owned()]));
        assert!(index.events.is_empty());
    }

    #[test]
    fn events_have_ids() {
        assert_eq!(table("a:long\n1\n2").ids, ["0", "1"]);
        let index = table("_id:keyword,a:long\nx,1\ny,2");
        assert_eq!(index.ids, ["x", "y"]);
        assert_eq!(index.events[1].as_map().get("_id"), None);
    }

    #[test]
    fn an_empty_cell_is_no_value() {
        let found =
            events("a:long, b:keyword, c:keyword\n1 ,  x y , \n\n# no event\n,[],\"\"\nnull,null,[null]\n");
        let expected = [json!({"a": 1, "b": "x y"}), json!({"c": ""}), json!({"b": "null", "c": "null"})];
        assert_eq!(found, expected);
    }

    #[test]
    fn commas_quotes_and_brackets() {
        let found = events(
            "a:text, b:text, c:text\none\\, two, \"three, \\\"four\\\" and \"\"five\"\"\", [x\\, y, \"z, [z]\" ,w]\n\\[no list], a \"b\" c , [\"\"]",
        );
        let expected = [
            json!({"a": "one, two", "b": "three, \"four\" and \"five\"", "c": ["x, y", "z, [z]", "w"]}),
            json!({"a": "[no list]", "b": "a \"b\" c", "c": ""}),
        ];
        assert_eq!(found, expected);
        let found = events("a, b:date_range, c\n{\"x\": {\"y\": 1}, \"z\": 2}, {\"gte\": 1, \"lt\": 2}, {c");
        assert_eq!(found, [json!({"a": "{\"x\": {\"y\": 1}, \"z\": 2}", "c": "{c"})]);
    }

    #[test]
    fn values_stand_in_the_order_of_the_index() {
        for (data_type, given, expected) in [
            ("keyword", "[b, a, b, A]", json!(["A", "a", "b"])),
            ("text", "[b, a, b]", json!(["b", "a", "b"])),
            ("long", "[10, 9, 9, -1]", json!([-1, 9, 9, 10])),
            ("double", "[2.5, -1, 1e1]", json!([-1.0, 2.5, 10.0])),
            ("boolean", "[true, false, true]", json!([false, true, true])),
            ("ip", "[10.0.0.10, 10.0.0.9, ::ffff:10.0.0.9, ::1]", json!(["::1", "10.0.0.9", "10.0.0.10"])),
            ("date", "[2020-01-02, 1999-12-31T23:59:59Z]", json!(["1999-12-31T23:59:59Z", "2020-01-02"])),
            ("version", "[1.10.0, 1.9.0, 1.10.0]", json!(["1.9.0", "1.10.0"])),
            ("geo_point", "[POINT(2 1), POINT(1 1)]", json!(["POINT(2 1)", "POINT(1 1)"])),
            ("unsigned_long", "[18446744073709551615, 1]", json!([1, u64::MAX])),
            ("keyword", "[x, x]", json!("x")),
        ] {
            assert_eq!(events(&format!("a:{data_type}\n{given}")), [json!({"a": expected})], "{data_type}");
        }
    }

    #[test]
    fn small_numbers_lose_digits() {
        let found = events("a:float, b:half_float, c:scaled_float, d:date\n2.03, 2.03, 2.03, 1609459200000");
        let expected = json!({"a": 2.03_f32 as f64, "b": 2.029296875, "c": 2.03, "d": 1609459200000_i64});
        assert_eq!(found, [expected]);
    }

    #[test]
    fn faults_of_a_table_are_told() {
        for (text, fault) in [
            ("", "no header"),
            ("a:long\nx", "line 2: a: no long: x"),
            ("a:long,b\n1", "line 2: 1 cells for 2 columns"),
            ("a\n[x, y", "line 2: a [ without its ]"),
            ("a\n\"x", "line 2: a quotation mark without its partner"),
            ("a\n[x] y", "line 2: text after the end of a value: y"),
            ("a:ip\n1.2", "no ip"),
        ] {
            let found = read("t", text).fault.unwrap();
            assert!(found.contains(fault), "{text:?}: {found}");
        }
    }
}
