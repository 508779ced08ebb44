//! Tests of GROK: tables of patterns, texts and what they give.

use proptest::prelude::*;

use super::{Grok, GrokFailure, GrokField, GrokKind, GrokValue, library};

fn parse(patterns: &[&str]) -> Grok {
    Grok::parse(patterns).unwrap_or_else(|fault| panic!("{patterns:?}: {}", fault.diagnostic.message))
}

/// `name=value,value|name=…` in the order of columns; a column without value has none, `-` when nothing matches.
fn applied(patterns: &[&str], text: &str) -> String {
    let grok = parse(patterns);
    let Some(columns) = grok.apply(text).unwrap_or_else(|failure| panic!("{patterns:?}: {failure}")) else {
        return "-".to_owned();
    };
    assert_eq!(columns.len(), grok.fields().len());
    let columns: Vec<String> = grok
        .fields()
        .iter()
        .zip(columns)
        .map(|(field, values)| {
            let values: Vec<String> = values
                .into_iter()
                .map(|value| match value {
                    GrokValue::Keyword(text) => text.to_owned(),
                    GrokValue::Integer(number) => format!("{number}i"),
                    GrokValue::Long(number) => format!("{number}l"),
                    GrokValue::Double(number) => format!("{number:?}"),
                    GrokValue::Boolean(truth) => truth.to_string(),
                })
                .collect();
            format!("{}={}", field.name, values.join(","))
        })
        .collect();
    columns.join("|")
}

#[test]
fn texts_are_taken_apart() {
    let cases = [
        ("%{WORD:action} %{IP:ip}", "login 10.0.0.1", "action=login|ip=10.0.0.1"),
        // Anywhere in the text.
        ("%{IP:ip}", "from 10.0.0.1 on", "ip=10.0.0.1"),
        ("^%{IP:ip}$", "from 10.0.0.1 on", "-"),
        // Columns are sorted by name.
        ("%{WORD:b} %{WORD:a}", "x y", "a=y|b=x"),
        // Types.
        (
            "%{NUMBER:i:int} %{NUMBER:l:long} %{NUMBER:f:float} %{NUMBER:d:double} %{WORD:b:boolean} %{NUMBER:k:keyword}",
            "1 2 0.5 0.25 TRUE 3",
            "b=true|d=0.25|f=0.5|i=1i|k=3|l=2l",
        ),
        ("%{WORD:b:boolean}", "yes", "b=false"),
        ("%{NUMBER:f:float}", "0.1", "f=0.10000000149011612"),
        // A name several times.
        ("%{WORD:w} %{WORD:w}", "x y", "w=x,y"),
        ("%{WORD:w}(?: %{WORD:w})?", "x", "w=x"),
        ("%{NUMBER:n:int} %{INT:n:int}", "1 2", "n=1i,2i"),
        // Groups that took no part.
        ("(?:%{IP:ip}|%{WORD:word})", "abc", "ip=|word=abc"),
        ("%{WORD:a}(?: %{WORD:b})?", "x", "a=x|b="),
        // Nothing is something.
        ("a%{DATA:d}b", "ab", "d="),
        // Own groups.
        (
            "(?<Esql.role>arn:aws:iam::[0-9]{12}:role/[^,}]+)",
            "roleArn=arn:aws:iam::123456789012:role/ops, x",
            "Esql.role=arn:aws:iam::123456789012:role/ops",
        ),
        ("(?<@timestamp>\\S+) (?<a[b]>.)", "now x", "@timestamp=now|a[b]=x"),
        ("(?<first>a)|(?<second>b)", "b", "first=|second=b"),
        ("(?<unused:port:int>\\d+)", "443", "port=443i"),
        // Plain groups are nothing.
        ("(a)(?<n>b)", "ab", "n=b"),
        ("%{WORD}", "a", ""),
        ("%{WORD:a.b-c_d@e}", "x", "a.b-c_d@e=x"),
        ("%{WORD:a::}", "x", "a=x"),
        ("(?<n>\\w)\\k<n>", "abb", "n=b"),
        // Lines.
        ("^%{WORD:w}$", "a b\nc\nd e", "w=c"),
        ("%{GREEDYDATA:g}", "a\nb", "g=a"),
        ("(?m)%{GREEDYDATA:g}", "a\nb", "g=a\nb"),
        // Case.
        ("(?i)error %{WORD:w}", "ERROR x", "w=x"),
    ];
    for (pattern, text, expected) in cases {
        assert_eq!(applied(&[pattern], text), expected, "{pattern} on {text}");
    }
}

#[test]
fn several_patterns_are_tried() {
    let patterns = ["%{IP:ip}", "user=%{WORD:user}"];
    assert_eq!(applied(&patterns, "10.0.0.1"), "ip=10.0.0.1|user=");
    assert_eq!(applied(&patterns, "user=bob"), "ip=|user=bob");
    assert_eq!(applied(&patterns, "nothing"), "-");
    assert_eq!(applied(&["%{INT:n}", "%{WORD:w}"], "12"), "n=12|w=");
    assert_eq!(applied(&["%{WORD:w}", "%{INT:n}"], "12"), "n=|w=12");
    // The leftmost match counts.
    assert_eq!(applied(&patterns, "user=bob 10.0.0.1"), "ip=|user=bob");
    // The alternatives of one pattern stay its own.
    assert_eq!(applied(&["a|b", "(?<c>c)"], "c"), "c=c");
}

#[test]
fn fields_have_types() {
    let grok = parse(&["%{NUMBER:d:float} %{NUMBER:i:int} %{WORD:w:text}"]);
    let kinds: Vec<GrokKind> = grok.fields().iter().map(|field| field.kind).collect();
    assert_eq!(kinds, [GrokKind::Float, GrokKind::Integer, GrokKind::Keyword]);
    // Both are doubles.
    parse(&["%{NUMBER:n:float} %{NUMBER:n:double}"]);
}

#[test]
fn values_that_are_not_of_their_type_fail() {
    let conversion = |pattern: &str, text: &str| match parse(&[pattern]).apply(text) {
        Err(GrokFailure::Conversion { field, text }) => format!("{field}:{text}"),
        other => panic!("{pattern}: {other:?}"),
    };
    assert_eq!(conversion("%{NUMBER:n:int}", "1.5"), "n:1.5");
    assert_eq!(conversion("%{NUMBER:n:int}", "3000000000"), "n:3000000000");
    assert_eq!(conversion("%{WORD:n:double}", "inf"), "n:inf");
    assert_eq!(conversion("%{DATA:n:long}", "5"), "n:");
    assert_eq!(applied(&["%{NOTSPACE:n:double}"], "-Infinity"), "n=-inf");
    assert_eq!(applied(&["%{NOTSPACE:n:double}"], "1.5e3d"), "n=1500.0");
}

#[test]
fn faults_say_what_and_where() {
    let cases = [
        ("%{NOPE:a}", "esql::grok-unknown-pattern", "%{NOPE:a}"),
        ("é %{word:a} x", "esql::grok-unknown-pattern", "%{word:a}"),
        ("%{WORD:a", "esql::grok-reference", "%{"),
        ("%{WORD:}", "esql::grok-reference", "%{WORD:}"),
        ("%{WORD:a b}", "esql::grok-reference", "%{WORD:a b}"),
        ("%{}", "esql::grok-reference", "%{}"),
        ("%{WORD:a} %{INT:a:int}", "esql::grok-types", "%{WORD:a} %{INT:a:int}"),
        ("%{WORD:a} (", "esql::regex-group", "("),
    ];
    for (pattern, code, at) in cases {
        let fault = Grok::parse(&[pattern]).expect_err(pattern).diagnostic;
        let span = fault.span.expect(pattern);
        assert_eq!((fault.code, &pattern[span.start..span.end]), (code, at), "{pattern}: {}", fault.message);
    }
    let fault = Grok::parse(&["%{WORD:a}", "%{NOPE}"]).expect_err("the second is wrong");
    assert_eq!(fault.pattern, 1);
    let fault = Grok::parse(&["%{TIMESTAMPISO8601:t}"]).expect_err("it is written with `_`").diagnostic;
    assert!(fault.help.is_some_and(|help| help.contains("TIMESTAMP_ISO8601")));
}

#[test]
fn every_pattern_of_the_library_compiles() {
    let mut names: Vec<&str> = library::names().collect();
    for name in &names {
        parse(&[&format!("%{{{name}}}")]);
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "a name stands twice");
    assert!(count > 90, "{count}");
}

/// What each pattern takes of a text, and what it does not match.
#[test]
fn patterns_match_what_their_names_say() {
    let cases = [
        ("USERNAME", "j.doe-1_x!", "j.doe-1_x"),
        ("EMAILADDRESS", "mail a.b+c@mx.example.org now", "a.b+c@mx.example.org"),
        ("INT", "x-12", "-12"),
        ("NUMBER", "is +1.50 x", "+1.50"),
        ("NUMBER", ".5", ".5"),
        ("BASE16NUM", "0xFFzz", "0xFF"),
        ("BASE16FLOAT", "v 0xA.8 ", "0xA.8"),
        ("POSINT", "007 12", "12"),
        ("NONNEGINT", "a1 0", "0"),
        ("WORD", "-ab_1-", "ab_1"),
        ("NOTSPACE", " a,b ", "a,b"),
        ("QUOTEDSTRING", r#"x "a \" b" y"#, r#""a \" b""#),
        ("QS", "say 'hi'", "'hi'"),
        ("QUOTEDSTRING", "say \"\"", "\"\""),
        ("UUID", "id 0a1b2c3d-1111-2222-3333-444455556666.", "0a1b2c3d-1111-2222-3333-444455556666"),
        ("URN", "urn:isbn:0451450523 x", "urn:isbn:0451450523"),
        ("MAC", "00-1A-2b-3C-4D-5E", "00-1A-2b-3C-4D-5E"),
        ("MAC", "00:1A:2b:3C:4D:5E", "00:1A:2b:3C:4D:5E"),
        ("MAC", "001A.2b3C.4D5E", "001A.2b3C.4D5E"),
        ("IPV4", "999.10.0.1 192.168.255.1", "192.168.255.1"),
        ("IPV4", "1.2.3.4567", "-"),
        ("IPV6", "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("IPV6", "::1", "::1"),
        ("IPV6", "fe80::1ff:fe23:4567:890a%eth0", "fe80::1ff:fe23:4567:890a%eth0"),
        ("IPV6", "::ffff:10.1.2.3", "::ffff:10.1.2.3"),
        ("IPV6", "64:ff9b::10.1.2.3", "64:ff9b::10.1.2.3"),
        ("IPV6", "2001:db8::", "2001:db8::"),
        ("IPV6", "12:34", "-"),
        ("IP", "a 10.0.0.1 b", "10.0.0.1"),
        ("IP", "[2001:db8::1]:443", "2001:db8::1"),
        ("HOSTNAME", "https://www.example.org/x", "https"),
        ("HOSTPORT", "www.example.org:8443/x", "www.example.org:8443"),
        ("IPORHOST", "10.0.0.1", "10.0.0.1"),
        ("URIHOST", "example.org:80", "example.org:80"),
        ("UNIXPATH", "cat /etc/ssh/sshd_config x", "/etc/ssh/sshd_config"),
        ("WINPATH", r"C:\Windows\System32\cmd.exe", r"C:\Windows\System32\cmd.exe"),
        ("PATH", r"\\host\share", r"\\host\share"),
        ("TTY", "on /dev/pts/3 at", "/dev/pts/3"),
        ("TTY", "on /dev/tty1", "/dev/tty1"),
        ("URIPROTO", "git+ssh://", "git+ssh"),
        (
            "URI",
            "see https://me:pw@example.org:8443/a/b?c=d#e now",
            "https://me:pw@example.org:8443/a/b?c=d#e",
        ),
        ("URIPATHPARAM", "/a/b?c=d e", "/a/b?c=d"),
        ("URIPARAM", "/a?x=[1] ", "?x=[1]"),
        ("MONTH", "on 3 March", "March"),
        ("MONTH", "sep", "sep"),
        ("MONTH", "Dez", "Dez"),
        ("MONTH", "Marcher", "-"),
        ("DAY", "Thursday", "Thursday"),
        ("YEAR", "2024", "2024"),
        ("YEAR", "198", "19"),
        ("TIME", "at 23:59:60.123 UTC", "23:59:60.123"),
        ("TIME", "23:59", "-"),
        ("DATE_US", "12/31/2024", "12/31/2024"),
        ("DATE_EU", "31.12.2024", "31.12.2024"),
        ("DATESTAMP", "31-12-2024 01:02:03", "31-12-2024 01:02:03"),
        ("TIMESTAMP_ISO8601", "2024-02-29T23:59:59.999+02:00 x", "2024-02-29T23:59:59.999+02:00"),
        ("TIMESTAMP_ISO8601", "2024-02-29 23:59Z", "2024-02-29 23:59Z"),
        ("TZ", "PST", "PST"),
        ("DATESTAMP_RFC822", "Mon Jan 15 2024 01:02:03 UTC", "Mon Jan 15 2024 01:02:03 UTC"),
        ("DATESTAMP_RFC2822", "Mon, 15 Jan 2024 01:02:03 +0100", "Mon, 15 Jan 2024 01:02:03 +0100"),
        ("DATESTAMP_OTHER", "Mon Jan 15 01:02:03 UTC 2024", "Mon Jan 15 01:02:03 UTC 2024"),
        ("DATESTAMP_EVENTLOG", "20240115010203", "20240115010203"),
        ("HTTPDATE", "[15/Jan/2024:01:02:03 +0000]", "15/Jan/2024:01:02:03 +0000"),
        ("SYSLOGTIMESTAMP", "Jan  5 01:02:03 host", "Jan  5 01:02:03"),
        ("PROG", "sshd[12]:", "sshd"),
        ("LOGLEVEL", "<WARNING>", "WARNING"),
        ("LOGLEVEL", "level=info", "info"),
        ("JAVACLASS", "at org.example.Main$1.run(", "at"),
    ];
    for (name, text, expected) in cases {
        let taken = applied(&[&format!("%{{{name}:it}}")], text);
        let expected = if expected == "-" { expected.to_owned() } else { format!("it={expected}") };
        assert_eq!(taken, expected, "{name} on {text}");
    }
}

#[test]
fn log_lines_are_taken_apart() {
    let combined = "203.0.113.7 - alice [15/Jan/2024:01:02:03 +0000] \"GET /a?b=c HTTP/1.1\" 200 512 \
                    \"https://example.org/\" \"curl/8.0\"";
    assert_eq!(
        applied(&["%{COMBINEDAPACHELOG}"], combined),
        "apache.access.user.identity=|http.request.method=GET|http.request.referrer=https://example.org/|\
         http.response.body.bytes=512i|http.response.status_code=200i|http.version=1.1|source.address=203.0.113.7|\
         timestamp=15/Jan/2024:01:02:03 +0000|url.original=/a?b=c|user.name=alice|user_agent.original=curl/8.0"
    );
    assert_eq!(
        applied(&["%{SYSLOGLINE}"], "Jan  5 01:02:03 web-1 sshd[812]: Failed password for root"),
        "host.hostname=web-1|log.syslog.facility.code=|log.syslog.priority=|message=Failed password for root|\
         process.name=sshd|process.pid=812i|timestamp=Jan  5 01:02:03"
    );
    assert_eq!(
        applied(&["%{SYSLOG5424LINE}"], "<34>1 2024-01-15T01:02:03Z web-1 app 12 ID47 - started"),
        "event.code=ID47|host.hostname=web-1|log.syslog.priority=34i|message=started|process.name=app|\
         process.pid=12i|system.syslog.structured_data=|system.syslog.version=1|timestamp=2024-01-15T01:02:03Z"
    );
    assert_eq!(
        applied(&["%{JAVASTACKTRACEPART}"], "\tat org.example.Main.run(Main.java:42)"),
        "java.log.origin.class.name=org.example.Main|log.origin.file.line=42i|log.origin.file.name=Main.java|\
         log.origin.function=run"
    );
}

/// Patterns of the kinds that rules use, on texts of our own.
#[test]
fn rules_patterns_are_taken_apart() {
    let cases = [
        (
            "%{URIPROTO:proto}://%{URIHOST:host}",
            "curl -s https://files.example.org:8443/x",
            "host=files.example.org:8443|proto=https",
        ),
        (
            "^(?:%{URIPROTO:proto}://)?%{URIHOST:host}(?:/%{GREEDYDATA})?$",
            "198.51.100.7/a/b",
            "host=198.51.100.7|proto=",
        ),
        (
            "^(?:%{URIPROTO:proto}://)?%{URIHOST:host}(?:/%{GREEDYDATA})?$",
            "https://example.org",
            "host=example.org|proto=https",
        ),
        ("^(?:%{URIPROTO:proto}://)?%{URIHOST:host}(?:/%{GREEDYDATA})?$", "--no-check", "-"),
        (
            "%{DATA}/exec\\?%{DATA:raw}&(?:container|stdin|stdout|stderr)=%{GREEDYDATA}",
            "/api/v1/namespaces/x/pods/y/exec?command=sh&command=-c&container=z&stdin=true",
            "raw=command=sh&command=-c",
        ),
        (
            "%{INT:index}-%{DATA:payload}\\.%{GREEDYDATA:domain}",
            "12-SGVsbG8.t.example.org",
            "domain=t.example.org|index=12|payload=SGVsbG8",
        ),
        (
            "accessKeyId=%{NOTSPACE:id},",
            "{accessKey={accessKeyId=AKIAEXAMPLE, status=Active}}",
            "id=AKIAEXAMPLE",
        ),
        ("[Cc]ontent=(?<b64>[A-Za-z0-9+/=]+)", "{content=IyEvYmlu, x=1}", "b64=IyEvYmlu"),
        (
            ".*roleArn=(?<role>arn:aws[a-z-]*:iam::[0-9]{12}:role/[^,}]+).*",
            "{roleArn=arn:aws:iam::123456789012:role/a, b=c}",
            "role=arn:aws:iam::123456789012:role/a",
        ),
        ("modelId=(?<model>[^,}\\]]+)", "{modelId=anthropic.x-v2:0}", "model=anthropic.x-v2:0"),
        (":(?<account>[0-9]{12}):", "arn:aws:sts::123456789012:assumed-role/a/b", "account=123456789012"),
        ("ScriptBlock ID: (?<id>.+)", "x\r\nScriptBlock ID: 12-ab\r\nPath:", "id=12-ab\r"),
        (".*\\\\(?<rule>.*)$", "EUR\\a\\box\\rule 1", "rule=rule 1"),
        (
            "(?i:https?)://(?:[^/@\\s]+@)?(?<server>[a-zA-Z0-9-]+(?:\\.[a-zA-Z0-9-]+)*)",
            "net use HTTPS://u@dav.example.org/share",
            "server=dav.example.org",
        ),
        (
            "e=Access&y=Guest&h=(?<relay>[^&]+)&p",
            "x?e=Access&y=Guest&h=r.example.org&p=443",
            "relay=r.example.org",
        ),
    ];
    for (pattern, text, expected) in cases {
        assert_eq!(applied(&[pattern], text), expected, "{pattern} on {text}");
    }
}

/// A long word before what is looked for must not be tried from each of its letters.
#[test]
fn long_texts_are_searched() {
    let text = format!("{} https://example.org/", "QUJD".repeat(20_000));
    assert_eq!(applied(&["%{URIPROTO:proto}://%{URIHOST:host}"], &text), "host=example.org|proto=https");
    assert_eq!(applied(&["%{URIPROTO:proto}://%{URIHOST:host}"], &"QUJD".repeat(20_000)), "-");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics(
        pattern in "(%\\{(WORD|INT|DATA|IP)(:[ab.]{1,2}(:int)?)?\\}|\\(\\?<[ab]>|[()|a \\\\.*:{}%-]){0,8}",
        text in "[ab1 .:-é]{0,16}",
    ) {
        match Grok::parse(&[&pattern]) {
            Ok(grok) => {
                let sorted = grok.fields().windows(2).all(|pair| pair[0].name < pair[1].name);
                prop_assert!(sorted, "{:?}", grok.fields());
                if let Ok(Some(columns)) = grok.apply(&text) {
                    prop_assert_eq!(columns.len(), grok.fields().len());
                }
            }
            Err(fault) => {
                let span = fault.diagnostic.span.expect("a place");
                prop_assert!(pattern.get(span.start..span.end).is_some());
            }
        }
    }

    #[test]
    fn words_come_back(words in prop::collection::vec("[a-z0-9_]{1,6}", 1..6)) {
        let pattern: Vec<String> = (0..words.len()).map(|index| format!("%{{WORD:w{index}}}")).collect();
        let grok = parse(&[&pattern.join(" ")]);
        let text = words.join(" ");
        let columns = grok.apply(&text).expect("keywords").expect("the text fits");
        let expected: Vec<Vec<GrokValue<'_>>> = words.iter().map(|word| vec![GrokValue::Keyword(word.as_str())]).collect();
        prop_assert_eq!(columns, expected);
    }

    #[test]
    fn numbers_come_back(number in any::<i32>(), other in any::<i64>()) {
        let grok = parse(&["%{INT:a:int} %{INT:b:long}"]);
        let text = format!("{number} {other}");
        prop_assert_eq!(
            grok.apply(&text).expect("numbers").expect("the text fits"),
            [[GrokValue::Integer(number)], [GrokValue::Long(other)]]
        );
    }
}

#[test]
fn fields_are_named_as_written() {
    let grok = parse(&["%{WORD:a.b}"]);
    assert_eq!(grok.fields(), [GrokField { name: "a.b".to_owned(), kind: GrokKind::Keyword }]);
}
