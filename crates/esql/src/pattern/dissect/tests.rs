//! Tests of DISSECT: tables of patterns, texts and what they give.

use proptest::prelude::*;

use super::Dissect;

/// `name=value` for each column, joined by `|`; `-` when the text does not fit.
fn applied(pattern: &str, separator: &str, text: &str) -> String {
    let dissect =
        Dissect::parse(pattern, separator).unwrap_or_else(|fault| panic!("{pattern}: {}", fault.message));
    match dissect.apply(text) {
        None => "-".to_owned(),
        Some(values) => {
            assert_eq!(values.len(), dissect.keys().len(), "{pattern}");
            let columns: Vec<String> =
                dissect.keys().iter().zip(values).map(|(key, value)| format!("{key}={value}")).collect();
            columns.join("|")
        }
    }
}

#[test]
fn texts_are_taken_apart() {
    let cases = [
        ("%{user} %{action}", "alice login", "user=alice|action=login"),
        ("%{user} %{action}", "alice", "-"),
        ("%{all}", "anything at all", "all=anything at all"),
        ("%{all}", "", "-"),
        // The last key takes the rest, delimiters of before included.
        ("%{first},%{rest}", "a,b,c", "first=a|rest=b,c"),
        // Text before the first key.
        ("user=%{user} from %{ip}", "user=bob from 10.0.0.1", "user=bob|ip=10.0.0.1"),
        ("user=%{user}", "uid=bob", "-"),
        ("user=%{user}", "user=", "-"),
        ("größe=%{size}", "größe=12", "size=12"),
        // A delimiter at the end must be found; what follows it does not matter.
        ("[%{level}]", "[warn]", "level=warn"),
        ("[%{level}]", "[warn] disk is full", "level=warn"),
        ("[%{level}]", "[warn", "-"),
        ("%{a};", ";", "a="),
        // Empty values.
        ("%{a},%{b},%{c}", "x,,z", "a=x|b=|c=z"),
        ("%{a},%{b},%{c}", ",,", "a=|b=|c="),
        ("%{a},%{b}", "x,", "a=x|b="),
        ("%{a},%{b}", ",x", "a=|b=x"),
        ("%{a},%{b}", "x,,y", "a=x|b="),
        // Delimiters in a row fill keys whose own delimiter is another.
        ("%{a},%{b}:%{c}", "x,,:z", "a=x|b=|c=:z"),
        ("%{a},%{b}:%{c}", "x,y:z", "a=x|b=y|c=z"),
        // Skipped keys.
        ("%{a} %{} %{c}", "1 2 3", "a=1|c=3"),
        ("%{a} %{?b} %{c}", "1 2 3", "a=1|c=3"),
        ("%{?a}=%{b}", "k=v", "b=v"),
        ("%{}=%{b},%{}", "k=v,w", "b=v"),
        // What stands before the modifier does not count.
        ("%{{?k}=%{v}}", "{k=v}", "v=v"),
        ("%{old+new}", "x", "new=x"),
        // Padding.
        ("%{a->} %{b}", "x     y", "a=x|b=y"),
        ("%{a} %{b}", "x  y", "a=x|b="),
        ("%{->} %{b}", "x     y", "b=y"),
        ("%{?a->}--%{b}", "x------y", "b=y"),
        ("[%{level->}]%{text}", "[info]] done", "level=info|text= done"),
        // The last key of a name wins.
        ("%{a} %{a}", "x y", "a=y"),
        // Long delimiters.
        ("%{a} -- %{b}", "x - y -- z", "a=x - y|b=z"),
        ("%{a}ab%{b}", "xaaby", "a=xa|b=y"),
        // A percent sign alone is text.
        ("%{used}% of %{total}", "5% of 7", "used=5|total=7"),
        ("%{name.with.dots} %{and-dash}", "x y", "name.with.dots=x|and-dash=y"),
        ("%{a}\n%{b}", "x\ny", "a=x|b=y"),
    ];
    for (pattern, text, expected) in cases {
        assert_eq!(applied(pattern, "", text), expected, "{pattern} on {text}");
    }
}

#[test]
fn appended_keys_are_joined() {
    let cases = [
        ("%{+t} %{+t}", " ", "12:00 UTC", "t=12:00 UTC"),
        ("%{+t} %{x} %{+t}", "", "a b c", "t=ac|x=b"),
        ("%{x} %{+t} %{+t}", "-", "a b c", "x=a|t=b-c"),
        // A plain key of the name takes part.
        ("%{t} %{+t}", "/", "a b", "t=a/b"),
        ("%{+t} %{t}", "/", "a b", "t=a/b"),
        // By number, after those without.
        ("%{+t/2} %{+t/1} %{+t/3}", ",", "b a c", "t=a,b,c"),
        ("%{+t/1} %{+t}", ",", "a b", "t=b,a"),
        ("%{+t/1->} %{+t/0}", ",", "a   b", "t=b,a"),
        ("%{+t/1} %{+t/1}", ",", "a b", "t=a,b"),
        ("%{+t} %{+t}", ",", "a", "-"),
    ];
    for (pattern, separator, text, expected) in cases {
        assert_eq!(applied(pattern, separator, text), expected, "{pattern} on {text}");
    }
}

#[test]
fn faults_say_what_and_where() {
    let cases = [
        ("", "esql::dissect-no-key", ""),
        ("no key", "esql::dissect-no-key", "no key"),
        ("%{} %{?a}", "esql::dissect-no-key", "%{} %{?a}"),
        ("%{a} %{b", "esql::dissect-unclosed-key", "%{b"),
        ("%{*a} %{&a}", "esql::dissect-reference-key", "%{*a}"),
        ("%{x} %{&a}", "esql::dissect-reference-key", "%{&a}"),
        ("%{a}%{b}", "esql::dissect-no-delimiter", "%{a}%{"),
        ("ü %{+}", "esql::dissect-key", "%{+}"),
        ("%{+?a}", "esql::dissect-key", "%{+?a}"),
        ("%{a/1}", "esql::dissect-append-order", "%{a/1}"),
        ("%{+a/x}", "esql::dissect-append-order", "%{+a/x}"),
        ("%{+a/}", "esql::dissect-append-order", "%{+a/}"),
        ("%{+a/70000}", "esql::dissect-append-order", "%{+a/70000}"),
    ];
    for (pattern, code, at) in cases {
        let fault = Dissect::parse(pattern, "").expect_err(pattern);
        let span = fault.span.expect(pattern);
        assert_eq!((fault.code, &pattern[span.start..span.end]), (code, at), "{pattern}: {}", fault.message);
    }
}

/// Texts of the shapes that cloud and operating system logs have, with the kinds of patterns that rules use on them.
#[test]
fn log_texts_are_taken_apart() {
    let cases = [
        (
            "{%{?b.key}=%{bucket},%{?enc}=%{?arn}:%{?aws}:%{?kms}:%{?region}:%{account}:%{?key}/%{key_id},%{?k}=%{object}}",
            "{bucketName=backups,sse-key=arn:aws:kms:eu-west-1:111122223333:key/1234-abcd,key=db.dump}",
            "bucket=backups|account=111122223333|key_id=1234-abcd|object=db.dump",
        ),
        (
            "%{{?bucket.key}=%{bucket}, %{?host.key}=%{host}, %{?location.key}=%{location}}",
            "{bucketName=site, Host=site.s3.amazonaws.com, key=static/js/main.js}",
            "bucket=site|host=site.s3.amazonaws.com|location=static/js/main.js",
        ),
        ("%{}static/js/%{object}", "assets/static/js/app.js", "object=app.js"),
        (
            "%{}\"Issuer\":\"%{issuer}\"%{}",
            "[{\"Name\":\"x\",\"Issuer\":\"https://idp.example/\",\"Kind\":1}]",
            "issuer=https://idp.example/",
        ),
        (
            "%{}commandId=%{command_id},%{}",
            "{command={documentName=AWS-RunShellScript, commandId=0a1b2c3d-1111, status=Pending}}",
            "command_id=0a1b2c3d-1111",
        ),
        (
            "%{}/document/orchestration/%{command_id}/%{}",
            "/var/lib/amazon/ssm/i-0abc/document/orchestration/0a1b-2c3d/awsrunShellScript/0.run/_script.sh",
            "command_id=0a1b-2c3d",
        ),
        (
            "{%{?service}=%{service_code}, %{?quota}=%{quota_code}}",
            "{serviceCode=ec2, quotaCode=L-1216C47A}",
            "service_code=ec2|quota_code=L-1216C47A",
        ),
        (
            "verdict=%{verdict} confidence=%{confidence} summary=%{summary}",
            "verdict=TP confidence=0.9 summary=A reverse shell was opened",
            "verdict=TP|confidence=0.9|summary=A reverse shell was opened",
        ),
    ];
    for (pattern, text, expected) in cases {
        assert_eq!(applied(pattern, "", text), expected, "{pattern} on {text}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(pattern in "(%\\{|\\}|->|[+?*&/ab1 ,ü%]){0,12}", text in "[ab1 ,ü%/]{0,20}") {
        if let Ok(dissect) = Dissect::parse(&pattern, "-")
            && let Some(values) = dissect.apply(&text)
        {
            prop_assert_eq!(values.len(), dissect.keys().len());
        }
    }

    #[test]
    fn spans_lie_within_the_pattern(pattern in "(%\\{|\\}|->|[+?*&/ab1 ,ü%]){0,12}") {
        if let Err(fault) = Dissect::parse(&pattern, "") {
            let span = fault.span.expect("a place");
            prop_assert!(pattern.get(span.start..span.end).is_some());
        }
    }

    #[test]
    fn parts_come_back(parts in prop::collection::vec("[a-zé0-9]{1,6}", 1..8), delimiter in "[ ,;|=-]{1,3}") {
        let keys: Vec<String> = (0..parts.len()).map(|index| format!("%{{k{index}}}")).collect();
        let dissect = Dissect::parse(&keys.join(&delimiter), "").expect("a pattern");
        let text = parts.join(&delimiter);
        let values = dissect.apply(&text).expect("the text fits");
        prop_assert_eq!(values, parts);
    }
}
