//! Names: optional and unknown fields, categories, join keys, and what is said of mistakes.

use crate::asking::*;

#[test]
fn optional_fields() {
    // A closed schema folds what it does not know to null.
    check(
        Schema::Closed,
        &[
            ("?gone == null", r#"{"gone":1}"#, true),
            ("?gone != null", r#"{"gone":1}"#, false),
            (r#"?gone == "a""#, r#"{"gone":"a"}"#, false),
            // Null is not equal to "a"; whether it is like "a" is null.
            (r#"not ?gone == "a""#, "{}", true),
            (r#"?gone != "a""#, "{}", true),
            (r#"not ?gone in ("a", "b")"#, "{}", false),
            (r#"?gone : ("a", "b*")"#, "{}", false),
            (r#"not ?gone : ("a", "b*")"#, "{}", false),
            (r#"not (?gone : "a" or kw == "b")"#, "{}", true),
            (r#"?gone : "a" or kw == "b""#, r#"{"kw":"b"}"#, true),
            (r#"not (?gone : "a" and kw == "b")"#, "{}", false),
            ("?gone == ?lost", "{}", true),
            ("?gone != ?lost", "{}", false),
            ("?gone > ?lost", "{}", false),
            ("?gone", "{}", false),
            ("not ?gone", "{}", false),
            ("length(?gone) > 1", "{}", false),
            ("length(?gone) == null", "{}", true),
            (r#"?kw != "a""#, "{}", true),
            ("?gone == ?kw", "{}", true),
            ("?gone == ?kw", r#"{"kw":"a"}"#, false),
        ],
    );
    // An open one takes every field as it comes.
    check_open(&[
        ("?gone == null", r#"{"gone":1}"#, false),
        (r#"?gone == "a""#, r#"{"gone":"a"}"#, true),
        (r#"not ?gone == "a""#, "{}", true),
        (r#"?gone != "a""#, "{}", true),
        ("?gone == ?lost", "{}", true),
        ("?gone == ?lost", r#"{"gone":1}"#, false),
        ("not ?gone == ?lost", r#"{"gone":1}"#, false),
        ("?gone == ?lost", r#"{"gone":1,"lost":1.0}"#, true),
        ("?gone == ?lost", r#"{"gone":1,"lost":[2,1]}"#, true),
        ("?gone != ?lost", r#"{"gone":1,"lost":2}"#, true),
        ("?gone != ?lost", "{}", false),
        ("?gone == kw", "{}", false),
        ("?addr == ?addrs", r#"{"addr":"::ffff:10.0.0.1","addrs":["10.0.0.1"]}"#, true),
    ]);
}

#[test]
fn categories() {
    for (query, json, expected) in [
        ("process where true", r#"{"event":{"category":"process"}}"#, true),
        ("process where true", r#"{"event":{"category":["file","process"]}}"#, true),
        ("process where true", r#"{"event":{"category":"Process"}}"#, false),
        ("process where true", "{}", false),
        (r#""pro*" where true"#, r#"{"event":{"category":"process"}}"#, false),
        ("any where true", "{}", true),
        (r#"process where kw == "a""#, r#"{"event":{"category":"process"},"kw":"b"}"#, false),
    ] {
        let mut table = FieldTable::new();
        let resolved = resolve(query, Schema::Open, &mut table);
        let known = resolved.predicate.eval(&document(json).view(&table));
        assert_eq!(known, expected.into(), "{query} {json}");
    }
    let catalog = catalog();
    let mut table = FieldTable::new();
    let resolved = Resolver::new(&catalog, &mut table, Timestamp::UNIX_EPOCH).eql_filter(
        &filter("info where true"),
        "event.type",
        Schema::Open,
    );
    let event = document(r#"{"event":{"type":["info"]}}"#);
    assert_eq!(resolved.predicate.eval(&event.view(&table)), Known::Yes);
}

#[test]
fn mistakes_are_named() {
    use Severity::{Error, Warning};
    for (condition, schema, expected) in [
        (r#"kw == "a""#, Schema::Closed, vec![]),
        ("gone == 1", Schema::Closed, vec![("eql::unknown-field", Error)]),
        ("?gone == 1", Schema::Closed, vec![]),
        ("gone == 1", Schema::Open, vec![]),
        (r#"event.categroy == "a""#, Schema::Open, vec![("eql::unknown-field", Warning)]),
        (r#"?event.categroy == "a""#, Schema::Open, vec![]),
        ("kw == text", Schema::Open, vec![("eql::field-comparison", Error)]),
        ("length(kw) > length(text)", Schema::Open, vec![("eql::field-comparison", Error)]),
        ("kw in (text)", Schema::Open, vec![("eql::field-comparison", Error)]),
        ("kw == ?text", Schema::Open, vec![]),
        ("length(5) == 1", Schema::Open, vec![("eql::type", Error)]),
        ("length(length(kw)) == 1", Schema::Open, vec![("eql::type", Error)]),
        ("length(num) == 1", Schema::Open, vec![("eql::type", Warning)]),
        ("length(other) == 1", Schema::Open, vec![]),
        (r#"length(kw) == "a""#, Schema::Open, vec![("eql::type", Error)]),
        (r#"length(kw) in (1, "a")"#, Schema::Open, vec![("eql::type", Error)]),
        (r#"substring(kw, "a") == "b""#, Schema::Open, vec![("eql::type", Error)]),
        (r#"between(kw, "a", "b", "c") == "b""#, Schema::Open, vec![("eql::type", Error)]),
        (r#"cidrMatch(addr, "10.0.0.0/99")"#, Schema::Open, vec![("eql::cidr", Error)]),
        (r#"cidrMatch(addr, kw)"#, Schema::Open, vec![("eql::type", Error)]),
        (r#"num == "abc""#, Schema::Open, vec![("query::literal", Warning)]),
        (r#"num : "5*""#, Schema::Open, vec![("query::literal", Warning)]),
        (r#"addr regex "10.*""#, Schema::Open, vec![("query::literal", Warning)]),
        (r#"addr == "here""#, Schema::Open, vec![("query::literal", Warning)]),
        (r#"kw regex "(a""#, Schema::Open, vec![("query::regex", Error)]),
        ("kw", Schema::Open, vec![("eql::type", Warning)]),
        ("not kw", Schema::Open, vec![("eql::type", Warning)]),
        ("kw > 9", Schema::Open, vec![("eql::text-order", Warning)]),
        ("other > 9 or num > 9 or kw == 9", Schema::Open, vec![]),
        ("num == 1 / 0", Schema::Open, vec![("eql::arithmetic", Error)]),
        ("num == 1 % (2 - 2) + 1", Schema::Open, vec![("eql::arithmetic", Error)]),
        ("num == divide(1.0, 0)", Schema::Open, vec![("eql::arithmetic", Error)]),
        ("num == 9223372036854775807 + 1", Schema::Open, vec![("eql::arithmetic", Error)]),
        ("num == 1e308 * 1e10", Schema::Open, vec![("eql::arithmetic", Error)]),
        ("num == 1 + null or num / 0 == 1", Schema::Open, vec![]),
        (r#"nest.inner == "a""#, Schema::Open, vec![("eql::nested-field", Warning)]),
        (r#"nest.inner == "a""#, Schema::Closed, vec![("eql::nested-field", Warning)]),
        ("nest == null", Schema::Open, vec![("eql::nested-field", Warning)]),
        ("event != null", Schema::Open, vec![("eql::object-field", Warning)]),
        ("?event != null", Schema::Open, vec![("eql::object-field", Warning)]),
        ("event != null", Schema::Closed, vec![("eql::object-field", Error)]),
        ("even != null", Schema::Open, vec![]),
    ] {
        assert_eq!(codes(condition, schema), expected, "{condition} {schema:?}");
    }
    let resolved = resolve(r#"any where event.categroy == "a""#, Schema::Closed, &mut FieldTable::new());
    let help = resolved.diagnostics[0].help.as_deref().unwrap();
    assert!(help.contains("did you mean `event.category`?"), "{help}");
    assert!(help.contains("`?event.categroy`"), "{help}");
    assert_eq!(resolved.diagnostics[0].span, Some(Span::new(10, 24)));
}

#[test]
fn nested_fields_are_fields_like_others() {
    let two = r#"{"nest":[{"inner":"a"},{"inner":"b"}]}"#;
    check_open(&[
        (r#"nest.inner == "b""#, two, true),
        (r#"nest.inner : "B*""#, two, true),
        (r#"nest.inner == "a" and nest.inner == "b""#, two, true),
        (r#"not nest.inner == "b""#, two, false),
        (r#"not nest.inner == "c""#, two, true),
        ("nest.inner != null", two, true),
        ("nest.inner != null", "{}", false),
        ("nest != null", two, true),
        ("length(nest.inner) == 1", two, true),
        ("event != null", r#"{"event":{"category":"x"}}"#, true),
        ("event != null", r#"{"event":{}}"#, false),
    ]);
}

#[test]
fn what_is_written_twice_is_there_once() {
    check_open(&[
        ("not (length(kw) == 1 and length(kw) == 1)", "{}", false),
        ("not (length(kw) == 1 or length(kw) == 1)", "{}", false),
        ("not (length(kw) == 1 and (length(kw) == 1 and length(kw) == 1))", "{}", false),
        ("not (length(kw) == 1 and (num == 1 or length(kw) == 1))", "{}", false),
        ("not ((num == 1 or length(kw) == 1) and length(kw) == 1)", "{}", false),
        ("not (length(kw) == 1 or (num == 1 and length(kw) == 1))", "{}", false),
        ("not (length(kw) == 1 and length(kw) == 2)", "{}", true),
        ("not (length(kw) == 1 and length(kw) == 1 and num == 1)", "{}", true),
        ("num == 1 or (not kw) == true", "{}", true),
        // A comparison that nothing passes is no constant.
        (r#"not (length(kw) == 1 or num == "many")"#, "{}", true),
    ]);
}

#[test]
fn the_nearest_field_is_suggested() {
    const NEAR: &str = "
-    keyword  aserr users
host keyword  name
user keyword  name names
";
    let catalog = Catalog::parse([NEAR]).unwrap();
    let mut table = FieldTable::new();
    let mut resolver = Resolver::new(&catalog, &mut table, Timestamp::UNIX_EPOCH);
    for (query, expected) in [
        // One edit before two, also where the other comes first.
        ("user.namese", Some("user.names")),
        // Of equals the one with the longest beginning in common.
        ("userr", Some("users")),
        ("user.nam", Some("user.name")),
        ("host.nme", Some("host.name")),
        ("user.nothing", None),
    ] {
        let filter = filter(&format!("any where {query} == 1"));
        let resolved = resolver.eql_filter(&filter, "event.category", Schema::Open);
        let help = resolved.diagnostics.first().and_then(|d| d.help.clone());
        assert_eq!(
            help.as_deref(),
            expected.map(|near| format!("did you mean `{near}`?")).as_deref(),
            "{query}"
        );
    }
}

#[test]
fn join_keys() {
    let text = |t: &str| KeyValue::Text(t.into());
    let number = |n: f64| KeyValue::Number(KeyNumber::from(n));
    let ip = |a: &str| KeyValue::Ip(a.parse().unwrap());
    for (name, schema, json, expected) in [
        ("kw", Schema::Open, r#"{"kw":"b"}"#, vec![text("b")]),
        ("kw", Schema::Open, r#"{"kw":["b",null,"a","b"]}"#, vec![text("a"), text("b")]),
        ("kw", Schema::Open, "{}", vec![]),
        ("kw", Schema::Open, r#"{"kw":[null]}"#, vec![]),
        ("?kw", Schema::Open, r#"{"kw":[null]}"#, vec![KeyValue::Null]),
        ("?kw", Schema::Open, "{}", vec![KeyValue::Null]),
        ("?kw", Schema::Open, r#"{"kw":["a",null]}"#, vec![text("a")]),
        ("?gone", Schema::Closed, r#"{"gone":1}"#, vec![KeyValue::Null]),
        ("?gone", Schema::Open, r#"{"gone":1}"#, vec![number(1.0)]),
        ("num", Schema::Open, r#"{"num":["5",5,5.7]}"#, vec![number(5.0)]),
        ("real", Schema::Open, r#"{"real":[5,5.0,2.5]}"#, vec![number(2.5), number(5.0)]),
        (
            "other",
            Schema::Open,
            r#"{"other":[1,1.0,"1",true]}"#,
            vec![KeyValue::Bool(true), number(1.0), text("1")],
        ),
        ("flag", Schema::Open, r#"{"flag":"true"}"#, vec![KeyValue::Bool(true)]),
        ("addr", Schema::Open, r#"{"addr":["10.0.0.1","::ffff:10.0.0.1","n/a"]}"#, vec![ip("10.0.0.1")]),
        ("addr", Schema::Open, r#"{"addr":"n/a"}"#, vec![]),
        ("at", Schema::Open, r#"{"at":["1970-01-01T00:00:01Z",1000]}"#, vec![KeyValue::Date(1000)]),
        ("text", Schema::Open, r#"{"text":"a b"}"#, vec![text("a b")]),
    ] {
        let catalog = catalog();
        let mut table = FieldTable::new();
        let field =
            FieldRef { name: name.trim_start_matches('?').to_owned(), optional: name.starts_with('?') };
        let resolved = Resolver::new(&catalog, &mut table, Timestamp::UNIX_EPOCH)
            .join_key(&Spanned::new(field, Span::new(0, 1)), schema);
        assert!(resolved.diagnostics.is_empty(), "{name}");
        assert_eq!(resolved.key.values(&document(json).view(&table)), expected, "{name} {json}");
    }
    let catalog = catalog();
    let field = Spanned::new(FieldRef { name: "gone".into(), optional: false }, Span::new(3, 7));
    let resolved = Resolver::new(&catalog, &mut FieldTable::new(), Timestamp::UNIX_EPOCH)
        .join_key(&field, Schema::Closed);
    assert_eq!(resolved.diagnostics[0].code, "eql::unknown-field");
    assert_eq!(resolved.diagnostics[0].span, Some(Span::new(3, 7)));
}

#[test]
fn a_computed_leaf_is_explained_with_the_values_it_saw() {
    let mut table = FieldTable::new();
    let resolved = resolve(
        r#"any where length(kw) > 3 and not concat(?text, "x", num) : "ab*""#,
        Schema::Open,
        &mut table,
    );
    let event = document(r#"{"kw":"abc","num":[1,2]}"#);
    let explanation = matcher::explain(&resolved.predicate, &event.view(&table), &table);
    assert_eq!(
        explanation.to_string(),
        "no   all of\n\
         no     length(kw) > 3   (seen: abc)\n\
         no     not (concat(?text, \"x\", num) like~ \"ab*\")   (seen: num=1, num=2)\n"
    );
    let names: Vec<&str> = resolved.predicate.fields().into_iter().map(|id| &*table.entry(id).name).collect();
    assert_eq!(names, ["kw", "text", "num"]);
    assert!(!resolved.predicate.reads_every_field());
}
