//! Whether the table that a query gave is the one it must give.

use std::fmt::Write;

use bartizan_esql::DataType;

use super::value::Value;

/// A table that a query gave.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    /// Names and types, in order.
    pub(crate) columns: Vec<(String, DataType)>,
    /// The values of each cell; none for null.
    pub(crate) rows: Vec<Vec<Vec<Value>>>,
}

/// A type of an expected column; `None` for types that rules cannot read, such as shapes.
pub(crate) fn column_type(name: &str) -> Option<DataType> {
    // Upstream's files abbreviate some.
    let name = match name {
        "i" => "integer",
        "l" => "long",
        "d" => "double",
        "k" | "s" => "keyword",
        "dt" => "date",
        "n" => "null",
        "b" => "boolean",
        other => other,
    };
    DataType::parse(name)
}

/// What differs, in words: first the columns, then the rows. The order of values in a cell always counts.
///
/// An `integer` may stand where a `long` is expected, as upstream has it. A text that itself is `[…]` may stand where the
/// file has such a cell.
pub(crate) fn difference(
    columns: &[(String, String)],
    rows: &[Vec<Option<String>>],
    answer: &Answer,
    in_order: bool,
) -> Option<String> {
    let mut types = Vec::new();
    for (_, name) in columns {
        match column_type(name) {
            Some(data_type) => types.push(data_type),
            None => return Some(format!("no such type: {name}")),
        }
    }
    let same = columns.len() == answer.columns.len()
        && columns.iter().zip(&types).zip(&answer.columns).all(|(((name, _), expected), (got, kind))| {
            let widened = *expected == DataType::Long && *kind == DataType::Integer;
            name == got && (expected == kind || widened)
        });
    if !same {
        let expected = columns.iter().map(|(name, kind)| format!("{name}:{kind}")).collect::<Vec<_>>();
        let got = answer.columns.iter().map(|(name, kind)| format!("{name}:{}", kind.name()));
        let got = got.collect::<Vec<_>>();
        return Some(format!("columns\n  expected {}\n  got      {}", expected.join(" | "), got.join(" | ")));
    }

    let mut wanted: Vec<Vec<Wanted>> = Vec::new();
    for row in rows {
        let cells = row.iter().zip(&types).map(|(cell, kind)| Wanted::read(cell.as_deref(), *kind));
        match cells.collect() {
            Ok(cells) => wanted.push(cells),
            Err(fault) => return Some(format!("the file has {fault}")),
        }
    }
    let mut got = answer.rows.clone();
    if !in_order {
        wanted.sort_by_cached_key(|row| row.iter().map(|cell| key(&cell.values)).collect::<Vec<_>>());
        got.sort_by_cached_key(|row| row.iter().map(|cell| key(cell)).collect::<Vec<_>>());
    }
    let at = (0..wanted.len().max(got.len())).find(|at| match (wanted.get(*at), got.get(*at)) {
        (Some(wanted), Some(got)) => !wanted.iter().zip(got).all(|(wanted, got)| wanted.is_met_by(got)),
        _ => true,
    })?;
    let mut told = format!("row {} of {}, got {}", at + 1, wanted.len(), got.len());
    let expected =
        wanted.get(at).map(|row| row.iter().map(|cell| cell.values.as_slice()).collect::<Vec<_>>());
    let got = got.get(at).map(|row| row.iter().map(Vec::as_slice).collect::<Vec<_>>());
    for (name, row) in [("expected", expected), ("got     ", got)] {
        let text = row.map_or_else(|| "no row".to_owned(), |row| row_text(&row));
        let _ = write!(told, "\n  {name} {text}");
    }
    Some(told)
}

/// A cell that must be met.
struct Wanted {
    values: Vec<Value>,
    /// The cell as it stands, when it could be a text.
    whole: Option<String>,
}

impl Wanted {
    fn read(cell: Option<&str>, data_type: DataType) -> Result<Self, String> {
        let Some(cell) = cell else { return Ok(Self { values: Vec::new(), whole: None }) };
        let text = |part: &str| part.replace("\\,", ",").replace("\\[", "[").replace("\\]", "]");
        let Some(list) = cell.strip_prefix('[').and_then(|cell| cell.strip_suffix(']')) else {
            // Within a single value only a bracket at its beginning has a backslash for the file's sake.
            let value = if cell.starts_with("\\[") { text(cell) } else { cell.to_owned() };
            return Ok(Self { values: vec![Value::read(&value, data_type)?], whole: None });
        };
        let parts = parts(list);
        let parts = parts.iter().map(|part| part.trim()).filter(|part| parts.len() > 1 || !part.is_empty());
        let values = parts.map(|part| Value::read(&text(part), data_type)).collect::<Result<_, _>>()?;
        Ok(Self { values, whole: data_type.is_text().then(|| cell.to_owned()) })
    }

    fn is_met_by(&self, got: &[Value]) -> bool {
        let equal = self.values.len() == got.len() && self.values.iter().zip(got).all(|(a, b)| a.agrees(b));
        equal || matches!((&self.whole, got), (Some(whole), [Value::Text(text)]) if whole == text)
    }
}

/// Parts a text at its commas, but not at `\,`.
fn parts(list: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut from = 0;
    for (at, _) in list.match_indices(',') {
        if !list[..at].ends_with('\\') {
            parts.push(&list[from..at]);
            from = at + 1;
        }
    }
    parts.push(&list[from..]);
    parts
}

fn key(values: &[Value]) -> Vec<String> {
    values.iter().map(Value::key).collect()
}

fn row_text(row: &[&[Value]]) -> String {
    let cells = row.iter().map(|values| match values {
        [] => "null".to_owned(),
        [value] => format!("{value:?}"),
        values => format!("{values:?}"),
    });
    cells.collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::super::spec_file::{self, Expected};
    use super::*;

    /// What differs when the table of a file is given as `types` and `rows`.
    fn differs(table: &str, types: &[(&str, DataType)], rows: &[&[&[Value]]]) -> Option<String> {
        let case = spec_file::read(&format!("t\nROW a=1;\n{table}\n;")).unwrap().remove(0);
        let Expected::Table { columns, rows: expected } = &case.expected else { panic!("no table") };
        let answer = Answer {
            columns: types.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect(),
            rows: rows.iter().map(|row| row.iter().map(|cell| cell.to_vec()).collect()).collect(),
        };
        difference(columns, expected, &answer, !case.ignore_order)
    }

    fn text(value: &str) -> Value {
        Value::Text(value.to_owned())
    }

    #[test]
    fn columns_must_be_the_same() {
        let long = [("a", DataType::Long)];
        assert_eq!(differs("a:long", &long, &[]), None);
        assert_eq!(differs("a:l", &[("a", DataType::Integer)], &[]), None);
        assert!(differs("a:integer", &long, &[]).unwrap().starts_with("columns"));
        assert!(differs("b:long", &long, &[]).unwrap().starts_with("columns"));
        assert!(differs("a:keyword", &[("a", DataType::Text)], &[]).unwrap().starts_with("columns"));
        assert!(differs("a:long|b:long", &long, &[]).unwrap().starts_with("columns"));
        assert!(differs("a:geo_shape", &long, &[]).unwrap().starts_with("no such type"));
    }

    #[test]
    fn rows_must_be_the_same() {
        let types = [("a", DataType::Integer), ("b", DataType::Keyword)];
        let table = "a:integer|b:keyword\n1|x\nnull|[x, y]";
        let (one, x, y) = ([Value::Whole(1)], [text("x")], [text("x"), text("y")]);
        let (first, second): (&[&[Value]], &[&[Value]]) = (&[&one, &x], &[&[], &y]);
        assert_eq!(differs(table, &types, &[first, second]), None);
        assert!(differs(table, &types, &[second, first]).unwrap().starts_with("row 1 of 2"));
        assert_eq!(differs(&format!("ignoreOrder:true\n{table}"), &types, &[second, first]), None);
        assert!(differs(table, &types, &[first]).unwrap().starts_with("row 2 of 2, got 1"));
        assert!(differs(table, &types, &[first, second, first]).unwrap().starts_with("row 3 of 2, got 3"));
        let turned: &[&[Value]] = &[&[], &[text("y"), text("x")]];
        assert!(differs(table, &types, &[first, turned]).unwrap().starts_with("row 2"));
    }

    #[test]
    fn cells_are_values_lists_or_null() {
        let keyword = [("a", DataType::Keyword)];
        let holds = |cell: &str, values: &[Value]| {
            differs(&format!("a:keyword\n{cell}"), &keyword, &[&[values]]).is_none()
        };
        assert!(holds("[a\\, b, c]", &[text("a, b"), text("c")]));
        assert!(holds("[a]", &[text("a")]));
        assert!(holds("\\[a]", &[text("[a]")]));
        assert!(holds("[a]", &[text("[a]")]));
        assert!(holds("\"[a,b]\"", &[text("[a,b]")]));
        assert!(!holds("[a,b]", &[text("[a, b]")]));
        assert!(holds("x\\,y", &[text("x\\,y")]));
        assert!(holds("[]", &[]));
        assert!(holds(" \"\" ", &[]), "lines lose the space at their ends, so nothing is left");
        assert!(holds("[, b]", &[text(""), text("b")]));
        assert!(!holds("null", &[text("null")]));
    }

    #[test]
    fn a_fault_of_the_file_is_told() {
        let found = differs("a:integer\nx", &[("a", DataType::Integer)], &[&[&[Value::Whole(1)]]]).unwrap();
        assert_eq!(found, "the file has no integer: x");
    }
}
