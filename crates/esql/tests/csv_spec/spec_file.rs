//! Files of test cases: a name, a query, and the table that it must give.
//!
//! ```text
//! // a comment, also inside a query
//! name of the case
//! required_capability: something
//! FROM table
//! | WHERE a > 1
//! ;
//!
//! warning:what the query warns of
//! ignoreOrder:true
//! a:integer | b:keyword
//! 1         | [x, y]
//! 2         | null
//! ;
//! ```
//!
//! Lines lose the space at their ends, and empty lines do not count. `;` at the end of a line ends the query, `\;` there is a
//! `;` within it; a line that begins with `;` ends the case. Cells are parted by `|`; what stands in `"` may hold `|`, line
//! breaks and, doubled, `"`. A cell without any character is null, one of spaces is empty text.

/// A query and what it must give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// Where the name stands, from 1.
    pub(crate) line: usize,
    /// What the query needs, as upstream calls it.
    pub(crate) capabilities: Vec<String>,
    /// Versions of upstream that the case is not for, such as `-8.12.99`.
    pub(crate) skip: Option<String>,
    pub(crate) query: String,
    pub(crate) expected: Expected,
    /// True when the order of the rows does not count.
    pub(crate) ignore_order: bool,
    pub(crate) warnings: Vec<ExpectedWarning>,
}

/// What a query must give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A table.
    Table {
        /// Names and types of the columns.
        columns: Vec<(String, String)>,
        /// Text of the cells, `None` for null.
        rows: Vec<Vec<Option<String>>>,
    },
    /// A refusal: `refusal:TEXT` lines instead of a table, of which each must be part of it. Upstream has no such lines.
    Refusal(Vec<String>),
    /// What the file has cannot be read, and why.
    Unreadable(String),
}

/// What a query must warn of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ExpectedWarning {
    /// The whole message.
    Exact(String),
    /// A regular expression for it.
    Pattern(String),
}

impl Case {
    /// True when upstream itself leaves the case out in its newest version.
    pub(crate) fn is_disabled(&self) -> bool {
        let newest = |range: &str| range == "all" || range.ends_with('-');
        self.name.ends_with("-Ignore") || self.skip.as_deref().is_some_and(newest)
    }
}

/// The cases of a file, in order; an error when the last one does not end.
pub(crate) fn read(text: &str) -> Result<Vec<Case>, String> {
    let lines = text.lines().map(str::trim).enumerate();
    let mut lines = lines
        .map(|(at, line)| (at + 1, line))
        .filter(|(_, line)| !(line.is_empty() || line.starts_with("//") || line.starts_with('#')))
        .peekable();
    let mut cases = Vec::new();
    while let Some((line, name)) = lines.next() {
        let (name, skip) = name_and_skip(name);
        let mut case = Case {
            name,
            line,
            capabilities: Vec::new(),
            skip,
            query: String::new(),
            expected: Expected::Refusal(Vec::new()),
            ignore_order: false,
            warnings: Vec::new(),
        };
        let fail = |why: &str| format!("line {line}, {}: {why}", case.name);
        loop {
            let (_, line) = lines.next().ok_or_else(|| fail("the query does not end"))?;
            if case.query.is_empty()
                && let Some((key, value)) = setting(line)
            {
                if key.eq_ignore_ascii_case("required_capability") {
                    case.capabilities.push(value.to_owned());
                }
            } else if let Some(line) = line.strip_suffix("\\;") {
                case.query.push_str(line);
                case.query.push_str(";\n");
            } else if let Some(line) = line.strip_suffix(';') {
                case.query.push_str(line.trim_end());
                break;
            } else {
                case.query.push_str(line);
                case.query.push('\n');
            }
        }
        case.query.truncate(case.query.trim_end().len());

        let mut table = String::new();
        let mut refusal = Vec::new();
        loop {
            let (_, line) = lines.next().ok_or_else(|| fail("the table does not end"))?;
            if line.starts_with(';') {
                break;
            }
            match setting(line).map(|(key, value)| (key.to_ascii_lowercase(), value)) {
                Some((key, value)) if key == "warning" => {
                    case.warnings.push(ExpectedWarning::Exact(value.to_owned()));
                }
                Some((key, value)) if key == "warningregex" => {
                    case.warnings.push(ExpectedWarning::Pattern(value.to_owned()));
                }
                Some((key, value)) if key == "ignoreorder" => case.ignore_order = value == "true",
                Some((key, value)) if key == "refusal" => refusal.push(value.to_owned()),
                _ => {
                    table.push_str(line);
                    table.push('\n');
                }
            }
        }
        case.expected = match (table.is_empty(), refusal.is_empty()) {
            (false, true) => table_of(&table).unwrap_or_else(Expected::Unreadable),
            (true, false) => Expected::Refusal(refusal),
            (true, true) => Expected::Unreadable("no table".to_owned()),
            (false, false) => Expected::Unreadable("a table and a refusal".to_owned()),
        };
        cases.push(case);
    }
    Ok(cases)
}

/// `name#[skip:-8.12.99, reason:why]`
fn name_and_skip(line: &str) -> (String, Option<String>) {
    let Some((name, notes)) = line.split_once('#') else { return (line.to_owned(), None) };
    let notes = notes.trim_matches(['[', ']']);
    let skip = notes.split(',').find_map(|note| note.trim().strip_prefix("skip:"));
    (name.trim_end().to_owned(), skip.map(|range| range.trim().to_owned()))
}

/// `key: value`, the key a single word. A header of a table has a `:` too, but its keys are not among those looked for.
fn setting(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let is_word = |key: &str| !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
    (is_word(key) && !value.starts_with(':')).then(|| (key, value.trim()))
}

fn table_of(text: &str) -> Result<Expected, String> {
    let mut rows = cells(text)?.into_iter();
    let header = rows.next().unwrap_or_default();
    let mut columns = Vec::new();
    for cell in header {
        let cell = cell.ok_or("a column without a name")?;
        // A name may hold `::`; a type has no colon.
        let (name, data_type) = cell.rsplit_once(':').ok_or_else(|| format!("no type: {cell}"))?;
        let (name, data_type) = (name.trim(), data_type.trim());
        if name.is_empty() || data_type.is_empty() {
            return Err(format!("no name or no type: {cell}"));
        }
        columns.push((name.to_owned(), data_type.to_ascii_lowercase()));
    }
    let rows: Vec<Vec<Option<String>>> = rows.collect();
    match rows.iter().find(|row| row.len() != columns.len()) {
        Some(row) => Err(format!("{} cells for {} columns: {row:?}", row.len(), columns.len())),
        None => Ok(Expected::Table { columns, rows }),
    }
}

/// The cells of each row; a cell loses the space at its ends, quoted or not.
fn cells(text: &str) -> Result<Vec<Vec<Option<String>>>, String> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => cell.extend(characters.next()),
            '"' => quoted = !quoted,
            '|' if !quoted => row.push(finished(&mut cell)),
            '\n' if !quoted => {
                row.push(finished(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    if quoted { Err("a quotation mark without its partner".to_owned()) } else { Ok(rows) }
}

fn finished(cell: &mut String) -> Option<String> {
    let cell = std::mem::take(cell);
    let trimmed = cell.trim();
    (!cell.is_empty() && !trimmed.eq_ignore_ascii_case("null")).then(|| trimmed.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(text: &str) -> Case {
        let mut cases = read(text).unwrap();
        assert_eq!(cases.len(), 1);
        cases.remove(0)
    }

    fn rows(case: &Case) -> Vec<Vec<Option<&str>>> {
        let Expected::Table { rows, .. } = &case.expected else { panic!("no table") };
        rows.iter().map(|row| row.iter().map(|cell| cell.as_deref()).collect()).collect()
    }

    #[test]
    fn a_whole_case() {
        let case = read_one(
            "\n// about the case\n# and more\nnameOfIt#[skip:-8.11.99, reason:new]\nrequired_capability: one\nRequired_capability:other\n  from t\n// within\n  | keep a , b;  \n\nwarning:Line 1:2: odd\nwarningRegex: Line \\d+.*\nignoreOrder:true\na:integer | b:Keyword\n1 | x\n2|null\n;\n\n",
        );
        assert_eq!(case.name, "nameOfIt");
        assert_eq!(case.line, 4);
        assert_eq!(case.skip.as_deref(), Some("-8.11.99"));
        assert!(!case.is_disabled());
        assert_eq!(case.capabilities, ["one", "other"]);
        assert_eq!(case.query, "from t\n| keep a , b");
        assert!(case.ignore_order);
        let warnings = [
            ExpectedWarning::Exact("Line 1:2: odd".to_owned()),
            ExpectedWarning::Pattern("Line \\d+.*".to_owned()),
        ];
        assert_eq!(case.warnings, warnings);
        let Expected::Table { columns, .. } = &case.expected else { panic!("no table") };
        let names: Vec<_> = columns.iter().map(|(name, kind)| (name.as_str(), kind.as_str())).collect();
        assert_eq!(names, [("a", "integer"), ("b", "keyword")]);
        assert_eq!(rows(&case), [[Some("1"), Some("x")], [Some("2"), None]]);
    }

    #[test]
    fn cells_are_trimmed_quoted_and_null() {
        let case = read_one(
            "t\nROW a=1;\n a:k | b:k | c:k\n \"x | \"\"y\"\"\" |   | NULL\n \"two\nlines\" | \"\" |\nno \"mid\" end||[a, b\\, c]\n;",
        );
        let expected = [
            [Some("x | \"y\""), Some(""), None],
            [Some("two\nlines"), Some(""), None],
            [Some("no mid end"), None, Some("[a, b\\, c]")],
        ];
        assert_eq!(rows(&case), expected);
    }

    #[test]
    fn header_names_hold_colons_pipes_and_spaces() {
        let case =
            read_one("t\nROW a=1;\na::long:long | count(*) where x : \"y\":long | \"a | b\":integer\n;");
        let Expected::Table { columns, .. } = &case.expected else { panic!("no table") };
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a::long", "count(*) where x : y", "a | b"]);
    }

    #[test]
    fn semicolons_inside_a_query() {
        let case = read_one("t\nSET a = 1\\;\nROW b = \"x;y\";\nb:k\nx;y\n;");
        assert_eq!(case.query, "SET a = 1;\nROW b = \"x;y\"");
        assert_eq!(rows(&case), [[Some("x;y")]]);
    }

    #[test]
    fn several_cases_and_refusals() {
        let cases =
            read("one\nROW a=1;\na:i\n1\n;\ntwo-Ignore\nROW a=b;\nrefusal:unknown column\n;").unwrap();
        assert_eq!(cases.iter().map(|case| case.name.as_str()).collect::<Vec<_>>(), ["one", "two-Ignore"]);
        assert_eq!(cases[1].expected, Expected::Refusal(vec!["unknown column".to_owned()]));
        assert!(cases[1].is_disabled());
    }

    #[test]
    fn faults_of_a_file_are_told() {
        for (text, fault) in
            [("t\nROW a=1", "the query does not end"), ("t\nROW a=1;\na:i\n1", "the table does not end")]
        {
            let found = read(text).unwrap_err();
            assert!(found.contains(fault), "{text:?}: {found}");
        }
        for (table, fault) in [
            ("", "no table"),
            ("refusal:x\na:i\n", "a table and a refusal"),
            ("a\n1\n", "no type: a"),
            ("a:\n1\n", "no name or no type: a:"),
            ("a:i|b:i\n1\n", "1 cells for 2 columns"),
            ("a:k\n\"x\n", "a quotation mark without its partner"),
        ] {
            let cases = read(&format!("t\nROW a=1;\n{table};\nnext\nROW b=1;\nb:i\n1\n;")).unwrap();
            assert_eq!(cases.len(), 2, "a case that cannot be read does not take others with it");
            let Expected::Unreadable(found) = &cases[0].expected else { panic!("{table:?} was read") };
            assert!(found.contains(fault), "{table:?}: {found}");
        }
    }
}
