//! Shippers of others: the official Python client of Elasticsearch, and rsyslog's omelasticsearch.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::node::{Node, wait_for};

/// Sends twenty ECS events, two of them again, three things that must be refused (no time, an update, a deletion), and
/// three hundred events on several connections at once.
const CLIENT: &str = r#"
import sys
from elasticsearch import Elasticsearch, helpers

address, token = sys.argv[1:]
client = Elasticsearch(address, basic_auth=("bartizan", token))
print("version", client.info()["version"]["number"])

def event(number):
    return {
        "_op_type": "create", "_index": "logs-aws.cloudtrail-default", "_id": f"shipped-{number}",
        "_source": {
            "@timestamp": "2026-03-10T10:00:00.000Z",
            "event": {"provider": "kms.amazonaws.com", "outcome": "success", "dataset": "aws.cloudtrail",
                      "action": "DisableKey" if number == 0 else "ListKeys"},
            "data_stream": {"type": "logs", "dataset": "aws.cloudtrail", "namespace": "default"},
        },
    }

print("taken", *helpers.bulk(client, (event(number) for number in range(20)), chunk_size=7))
again, refused = helpers.bulk(client, [event(3), event(4)], raise_on_error=False)
print("again", again, len(refused))
bad = [
    {"_op_type": "create", "_index": "logs-generic-default", "_source": {"message": "no time"}},
    {"_op_type": "update", "_index": "logs-generic-default", "_id": "shipped-0", "doc": {"message": "changed"}},
    {"_op_type": "delete", "_index": "logs-generic-default", "_id": "shipped-0"},
]
taken, refused = helpers.bulk(client, bad, raise_on_error=False)
print("bad", taken, len(refused))
streaming = helpers.parallel_bulk(client, ({**event(number), "_op_type": "index"} for number in range(100, 400)), chunk_size=50)
print("parallel", sum(1 for ok, _ in streaming if ok))
"#;

#[test]
fn the_python_client_of_elasticsearch() {
    let known = Command::new("python3").args(["-c", "import elasticsearch"]).stderr(Stdio::null()).status();
    if !known.is_ok_and(|status| status.success()) {
        println!("not run: python3 has no module elasticsearch (pip install elasticsearch)");
        return;
    }
    let mut node = Node::new(None);
    node.start();
    node.wait_until_ready();
    wait_for_events(&node);
    let address = format!("http://{}/es", node.address());
    let output = Command::new("python3").args(["-c", CLIENT, &address, node.token()]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    println!("{said}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = said.lines().skip(1).collect();
    // What is sent again is taken, and kept once: counted below.
    assert_eq!(lines, ["taken 20 []", "again 2 0", "bad 0 3", "parallel 300"]);
    assert_eq!(node.metric("bartizan_duplicates_total"), 2.0);
    wait_for("the alert", Duration::from_secs(20), || !node.alerts().is_empty());
    assert_eq!(node.alerts().into_values().map(|ids| ids.len()).collect::<Vec<_>>(), [1]);
    let (status, _) = node.stop();
    assert_eq!(status.code(), Some(0));
    let events = node.sql("SELECT count(*) AS n FROM \"logs-aws.cloudtrail-default\"");
    assert_eq!(events[0]["n"], 320);
}

/// Stopped when the test ends.
struct Rsyslog(Child);

impl Drop for Rsyslog {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn rsyslog_ships_through_omelasticsearch_and_waits_while_the_server_is_down() {
    let module = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
    if !module.iter().any(|folder| fs::exists(format!("{folder}/rsyslog/omelasticsearch.so")).unwrap()) {
        println!("not run: rsyslog has no omelasticsearch (apt-get install rsyslog rsyslog-elasticsearch)");
        return;
    }
    let mut node = Node::new(None);
    let folder = node.folder().to_owned();
    let log = folder.join("app.log");
    fs::write(&log, "").unwrap();
    let configuration = format!(
        r#"
global(workDirectory="{folder}")
module(load="imfile" mode="polling" pollingInterval="1")
module(load="omelasticsearch")
input(type="imfile" file="{log}" tag="app" ruleset="ship")
template(name="ecs" type="list" option.jsonf="on") {{
    property(outname="@timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
    property(outname="message" name="msg" format="jsonf")
    property(outname="host.name" name="hostname" format="jsonf")
    constant(outname="event.dataset" value="app" format="jsonf")
}}
template(name="index" type="string" string="logs-app-default")
ruleset(name="ship") {{
    action(type="omelasticsearch" server="http://{address}/es" uid="bartizan" pwd="{token}"
        searchIndex="index" dynSearchIndex="on" searchType="" bulkmode="on" template="ecs"
        esversion.major="8" action.resumeRetryCount="-1" action.resumeInterval="1")
}}
"#,
        folder = folder.display(),
        log = log.display(),
        address = node.address(),
        token = node.token(),
    );
    fs::write(folder.join("rsyslog.conf"), configuration).unwrap();
    let mut command = Command::new("rsyslogd");
    let errors = fs::File::create(folder.join("rsyslog.err")).unwrap();
    command.arg("-n").arg("-f").arg(folder.join("rsyslog.conf")).arg("-i").arg(folder.join("rsyslog.pid"));
    command.stdout(Stdio::null()).stderr(errors);
    let Ok(child) = command.spawn() else {
        println!("not run: rsyslogd is not in the PATH");
        return;
    };
    let _rsyslog = Rsyslog(child);
    let line = |number: u32| format!("the line of number {number}\n");
    let append = |numbers: std::ops::Range<u32>| {
        use std::io::Write;
        let text: String = numbers.map(line).collect();
        fs::OpenOptions::new().append(true).open(&log).unwrap().write_all(text.as_bytes()).unwrap();
    };
    // Before the server is there, while it is there, and after it was killed.
    append(0..50);
    std::thread::sleep(Duration::from_secs(3));
    node.start();
    node.wait_until_ready();
    append(50..100);
    let taken = wait_for("lines", Duration::from_secs(60), || node.metric("bartizan_events_total") >= 100.0);
    println!("100 lines {taken:?} after the server was ready");
    node.kill();
    append(100..150);
    std::thread::sleep(Duration::from_secs(2));
    node.start();
    node.wait_until_ready();
    let taken = wait_for("lines", Duration::from_secs(60), || node.metric("bartizan_events_total") >= 50.0);
    println!("50 lines {taken:?} after it was ready again");
    node.stop();
    let rows = node.sql("SELECT message, count(*) AS n FROM \"logs-app-default\" GROUP BY 1");
    let mut found: Vec<(String, u64)> = rows
        .iter()
        .map(|row| (row["message"].as_str().unwrap().trim().to_owned(), row["n"].as_u64().unwrap()))
        .collect();
    found.sort();
    let mut wanted: Vec<(String, u64)> = (0..150).map(|number| (line(number).trim().to_owned(), 1)).collect();
    wanted.sort();
    assert_eq!(found, wanted);
}

/// The server takes events in once it is the active one.
fn wait_for_events(node: &Node) {
    wait_for("the active node", Duration::from_secs(20), || {
        let log = fs::read_to_string(node.folder().join("log.ndjson")).unwrap_or_default();
        log.contains("this is the active node")
    });
}
