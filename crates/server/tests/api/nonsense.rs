//! Nonsense in path, query and body of every operation: it is refused, and is never a server error.

use crate::world::{Answer, world};

const SEGMENTS: [&str; 6] =
    ["%00", "%ff%fe", "..%2f..%2fetc", "%F0%9F%92%A9", "-9223372036854775809", "'%20OR%201=1--"];
const QUERIES: [&str; 12] = [
    "limit=99999999999999999999",
    "limit=-1",
    "limit=",
    "after=%00",
    "after=bnVsbA",
    "after=WzkyMjMzNzIwMzY4NTQ3NzU4MDcsImEiXQ",
    "from=%C3%A9&to=0000",
    "from=-9999-01-01T00:00:00Z",
    "from=9999-12-31T23:59:59.999999999Z",
    "query=((((((((((%22",
    "state=dead&state=sent",
    "&&&=&%",
];
const BODIES: [&str; 10] = [
    "",
    "{",
    "null",
    "[]",
    "\"\"",
    "1e999",
    "{\"a\":{\"b\":[[[[[[]]]]]]}}",
    "{\"\\u0000\":1}",
    "{\"ids\":[\"\\ud800\"]}",
    "{\"source\":\"[rule]\",\"format\":\"toml\",\"from\":\"2026-13-01T00:00:00Z\",\"to\":\"\"}",
];

#[tokio::test]
async fn nonsense_is_refused_and_breaks_nothing() {
    let world = world().await;
    let document = world.ask("GET", "/openapi.json", None, "").await.json();
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            let fill = |with: &str| -> String {
                let parts = path.split('/').map(|part| if part.starts_with('{') { with } else { part });
                parts.collect::<Vec<_>>().join("/")
            };
            let mut check = |what: &str, answer: &Answer| {
                asked += 1;
                assert!(answer.status.as_u16() < 500, "{method} {path} {what}: {answer:?}");
                if answer.status.is_client_error() {
                    assert!(
                        answer.header("content-type").ends_with("json"),
                        "{method} {path} {what}: {answer:?}"
                    );
                }
            };
            for segment in SEGMENTS {
                check(segment, &world.as_admin(&method, &fill(segment), "").await);
            }
            for query in QUERIES {
                check(query, &world.as_admin(&method, &format!("{}?{query}", fill("a")), "").await);
            }
            for body in BODIES {
                check(body, &world.as_admin(&method, &fill("a"), body).await);
            }
        }
    }
    assert!(asked > 1500, "{asked}");
}
