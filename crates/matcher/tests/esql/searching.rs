//! What an index answers to a search.

use crate::asking::*;

#[test]
fn searches() {
    for (condition, json, expected) in [
        (r#"KQL("kw:a and not num > 5")"#, r#"{"kw":"a"}"#, true),
        (r#"KQL("kw:a and not num > 5")"#, r#"{"kw":"a","num":6}"#, false),
        (r#"kql("""kw:(a or "b c")""")"#, r#"{"kw":["x","b c"]}"#, true),
        (r#"KQL("kw:a", {"time_zone": "UTC"})"#, r#"{"kw":"a"}"#, true),
        (r#"QSTR("kw:a -num:6")"#, r#"{"kw":"a","num":6}"#, false),
        (r#"QSTR("a", {"default_field": "kw"})"#, r#"{"text":"a"}"#, false),
        (r#"QSTR("kw:a num:6", {"default_operator": "AND"})"#, r#"{"kw":"a"}"#, false),
        (r#"QSTR("kw:a num:6")"#, r#"{"kw":"a"}"#, true),
        (r#"kw : "a""#, r#"{"kw":["b","a"]}"#, true),
        (r#"kw : "a""#, r#"{"kw":"A"}"#, false),
        (r#"text : "quick fox""#, r#"{"text":"a QUICK dog"}"#, true),
        (r#"text : "fox""#, r#"{"text":"a QUICK dog"}"#, false),
        (r#"num : 5"#, r#"{"num":5}"#, true),
        (r#"addr : "10.0.0.0/8""#, r#"{"addr":"10.1.1.1"}"#, true),
        (r#"MATCH(text, "quick fox", {"operator": "and"})"#, r#"{"text":"a quick dog"}"#, false),
        (r#"MATCH(text, "dog quick", {"operator": "and"})"#, r#"{"text":"a quick dog"}"#, true),
        (r#"MATCH(text, "--", {"zero_terms_query": "all"})"#, r#"{}"#, true),
        (r#"MATCH(text, "--")"#, r#"{"text":"--"}"#, false),
        (r#"MATCH(kw, "svchost", {"fuzziness": 1, "max_expansions": 10})"#, r#"{"kw":"scvhost"}"#, true),
        (r#"MATCH(kw, "svchost", {"fuzziness": 1})"#, r#"{"kw":"chost"}"#, false),
        (
            r#"MATCH(text, "quikc dgo", {"fuzziness": "AUTO", "operator": "AND"})"#,
            r#"{"text":"quick dog"}"#,
            true,
        ),
        (
            r#"MATCH(text, "quikc cat", {"fuzziness": "AUTO", "operator": "AND"})"#,
            r#"{"text":"quick dog"}"#,
            false,
        ),
        (r#"MATCH_PHRASE(text, "quick dog")"#, r#"{"text":"a quick dog"}"#, true),
        (r#"MATCH_PHRASE(text, "dog quick")"#, r#"{"text":"a quick dog"}"#, false),
        (r#"MATCH_PHRASE(text, "a dog", {"slop": 1})"#, r#"{"text":"a quick dog"}"#, true),
    ] {
        let (_, table, resolved) = search(condition);
        let resolved = resolved.unwrap();
        assert!(resolved.diagnostics.is_empty(), "{condition}: {:?}", resolved.diagnostics);
        let found = resolved.predicate.eval(&document(json).view(&table)) == Known::Yes;
        assert_eq!(found, expected, "{condition}  {json}");
    }
}

#[test]
fn other_expressions_are_no_searches() {
    for condition in [r#"kw == "a""#, r#"STARTS_WITH(kw, "a")"#, r#"NOT KQL("kw:a")"#] {
        assert!(search(condition).2.is_none(), "{condition}");
    }
}

#[test]
fn what_is_wrong_stands_where_it_is_written() {
    for (condition, code, severity, place) in [
        (r#"KQL("kw:\"a\" and num > x1")"#, "query::literal", Severity::Warning, "x1"),
        (r#"KQL("""kw:a and num > x1""")"#, "query::literal", Severity::Warning, "x1"),
        (r#"KQL("""zzz*:a""")"#, "kql::no-such-field", Severity::Warning, "zzz*"),
        (r#"QSTR("num:/a{x}/")"#, "query::regex", Severity::Error, "/a{x}/"),
        (r#"num : "x""#, "query::literal", Severity::Warning, r#""x""#),
        (r#"made : "x""#, "esql::search-column", Severity::Error, "made"),
        (r#"MATCH(made, "x")"#, "esql::search-column", Severity::Error, "made"),
        (r#"MATCH(kw, text)"#, "esql::search-argument", Severity::Error, "text"),
        (r#"MATCH(LENGTH(kw), "x")"#, "esql::search-argument", Severity::Error, "LENGTH(kw)"),
        (r#"KQL(kw)"#, "esql::search-argument", Severity::Error, "kw"),
        (
            r#"MATCH(kw, "a", {"analyzer": "snowball"})"#,
            "esql::search-option",
            Severity::Error,
            r#""analyzer": "snowball""#,
        ),
        (
            r#"KQL("kw:a", {"case_insensitive": true})"#,
            "esql::search-option",
            Severity::Error,
            r#""case_insensitive": true"#,
        ),
    ] {
        let (text, _, resolved) = search(condition);
        let resolved = resolved.unwrap();
        let [found] = resolved.diagnostics.as_slice() else {
            panic!("{condition}: {:?}", resolved.diagnostics)
        };
        let span = found.span.unwrap();
        assert_eq!(
            (found.code, found.severity, &text[span.start..span.end]),
            (code, severity, place),
            "{condition}"
        );
    }
}
