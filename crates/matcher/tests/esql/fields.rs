//! Which fields of the events a query reads.

use matcher::resolve::fields_read;

use crate::asking::*;

#[test]
fn names_before_they_are_made() {
    for (commands, names, patterns, everything) in [
        ("WHERE a == b", "a b", "", true),
        ("KEEP a, b.c", "a b.c", "", false),
        ("KEEP a*, b", "b", "a*", false),
        ("KEEP *", "", "*", true),
        ("KEEP a* | KEEP ab*", "", "a*", false),
        ("EVAL x = a, y = x + b | KEEP y", "a b", "", false),
        ("EVAL a = a + 1 | KEEP a", "a", "", false),
        ("EVAL a = 1 | KEEP a, _id", "", "", false),
        ("RENAME a AS b | KEEP b", "a", "", false),
        ("DROP a | KEEP a, b", "b", "", false),
        ("STATS n = COUNT(*) BY a | WHERE n > 1 AND a == 1 | KEEP n, x*", "a", "", false),
        ("STATS m = MAX(x) WHERE c BY k = TO_LOWER(a)", "a c x", "", false),
        ("STATS m = MAX(k) BY k = TO_LOWER(a) | SORT m", "a", "", false),
        ("INLINE STATS n = COUNT(b) BY a | KEEP n, a, d", "a b d", "", false),
        ("STATS COUNT(b) | KEEP `COUNT(b)`", "b", "", false),
        ("GROK a \"%{WORD:x} (?<y>.)\" | KEEP x, y", "a", "", false),
        ("DISSECT a \"%{x}\" | KEEP x, b", "a b", "", false),
        ("MV_EXPAND a | SORT b DESC | LIMIT 3 | KEEP c", "a b c", "", false),
        ("WHERE MATCH(a, \"x\") AND b : \"y\" AND KQL(\"z:1\") | KEEP c", "a b c", "", false),
        (
            "WHERE CASE(a == 1, b, c) IN (d, 2) AND NOT e LIKE \"x\" AND f IS NULL AND g::ip == \"1.1.1.1\" | KEEP h",
            "a b c d e f g h",
            "",
            false,
        ),
    ] {
        let text = format!("FROM x METADATA _id | {commands}");
        let read = fields_read(&parse(&text), &text);
        assert_eq!(read.names.iter().map(String::as_str).collect::<Vec<_>>().join(" "), names, "{commands}");
        assert_eq!(read.patterns.len(), usize::from(!patterns.is_empty()), "{commands}");
        assert!(read.patterns.iter().all(|pattern| pattern.matches(patterns)), "{commands}");
        assert_eq!(read.everything, everything, "{commands}");
    }
    let row = "ROW a = 1 | WHERE b == 1";
    assert_eq!(fields_read(&parse(row), row), Default::default());
}
