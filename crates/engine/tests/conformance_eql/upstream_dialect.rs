//! The original engine's spelling, as Elasticsearch spells it.

/// Strings in single quotes get double ones, `=` becomes `==`; all else stays. `None` when nothing was to be done.
pub(crate) fn respelled(query: &str) -> Option<String> {
    let mut text = String::with_capacity(query.len() + 8);
    let mut chars = query.chars().peekable();
    // The quote that ends the string that we are in.
    let mut quote = None;
    let mut before = ' ';
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => {
                text.push(c);
                text.extend(chars.next());
            }
            (Some(end), c) if c == end => {
                text.push('"');
                quote = None;
            }
            (Some('\''), '"') => text.push_str("\\\""),
            // `?'` starts a string without escapes, which is another matter.
            (None, '\'') if before != '?' => {
                text.push('"');
                quote = Some('\'');
            }
            (None, '"') => {
                text.push('"');
                quote = Some('"');
            }
            (None, '=') if !"=!<>".contains(before) && chars.peek() != Some(&'=') && !is_option(&text) => {
                text.push_str("==");
            }
            (_, c) => text.push(c),
        }
        before = c;
    }
    (text != query).then_some(text)
}

/// Is the word before an option that is given a value: `maxspan=`, `fork=`, `runs=`?
fn is_option(text: &str) -> bool {
    ["maxspan", "fork", "runs"].iter().any(|option| text.ends_with(option))
}

#[test]
fn only_quotes_and_single_equals_signs_change() {
    for (query, expected) in [
        ("a where b = 'it'", Some(r#"a where b == "it""#)),
        (r#"a where b=="'=' stays""#, None),
        (r"a where b <= 1 and c != 'x\'y'", Some(r#"a where b <= 1 and c != "x\'y""#)),
        ("sequence with maxspan=1s [a where b=1]", Some("sequence with maxspan=1s [a where b==1]")),
    ] {
        assert_eq!(respelled(query).as_deref(), expected, "{query}");
    }
}
