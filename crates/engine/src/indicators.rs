//! Indicators that are handed over as files: ECS documents as JSON, or CSV.
//!
//! A file is told by its content: gzip, zstd or plain; JSON when its first character is `{` or `[` (one document a line,
//! an array, search hits, or a whole answer of a search), CSV otherwise. Every record becomes an indicator or is counted
//! with the reason why not.

mod csv_file;
mod fault;
mod json_file;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use alert::EventHit;
use ecs::{Catalog, DataStream, Document, Scalar, Timestamp};
use ingest::duplicate::{EventKey, SeenEvents};
use ingest::integration::ecs::read_ecs;
use matcher::value::network;
use serde_json::{Map, Value};

use crate::error::EngineError;

pub use fault::IndicatorFault;

/// Indicators to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndicatorFile {
    /// A file.
    Path(PathBuf),
    /// Bytes at hand, in any form that a file may have.
    Memory {
        /// What to call them.
        name: String,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

/// The account of one file of indicators: `records` = `indicators` + `duplicates` + what was dropped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IndicatorAccount {
    /// The file.
    pub name: String,
    /// Why the file, or what comes after its last record, could not be read.
    pub unreadable: Option<String>,
    /// What was found in it.
    pub records: u64,
    /// What was handed to the rules.
    pub indicators: u64,
    /// Of those, how many some rule looks for.
    pub wanted: u64,
    /// Records that are the same as earlier ones, of any file.
    pub duplicates: u64,
    /// Records that are no indicators, by reason.
    pub dropped: BTreeMap<IndicatorFault, u64>,
    /// Columns of a CSV file that mean nothing here.
    pub ignored_columns: Vec<String>,
}

/// The most bytes that one file may have after decompression.
const MOST_BYTES: u64 = 1 << 30;
/// The data set of indicators that do not say where they belong.
const DATA_SET: &str = "ti_file";

impl IndicatorAccount {
    /// How many records are no indicators.
    pub fn dropped(&self) -> u64 {
        self.dropped.values().sum()
    }
}

impl IndicatorFile {
    /// What the account calls it.
    pub fn name(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Memory { name, .. } => name.clone(),
        }
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        match self {
            Self::Path(path) => inflate(&mut File::open(path)?),
            Self::Memory { bytes, .. } => inflate(&mut bytes.as_slice()),
        }
    }
}

/// The records of files, each handed over once.
#[derive(Debug)]
pub struct IndicatorReader {
    now: Timestamp,
    seen: SeenEvents,
}

impl IndicatorReader {
    /// Nothing read yet. `now` stands in for the time of indicators without one.
    pub fn new(now: Timestamp) -> Self {
        Self { now, seen: SeenEvents::new() }
    }

    /// Reads a file. `take` gets every indicator, and says whether some rule looks for it.
    ///
    /// # Errors
    /// Those of `take`. What is wrong with the file is in its account.
    pub fn read(
        &mut self,
        file: &IndicatorFile,
        take: &mut dyn FnMut(EventHit) -> Result<bool, EngineError>,
    ) -> Result<IndicatorAccount, EngineError> {
        let mut account = IndicatorAccount { name: file.name(), ..IndicatorAccount::default() };
        let bytes = match file.bytes() {
            Ok(bytes) => bytes,
            Err(error) => {
                account.unreadable = Some(error.to_string());
                return Ok(account);
            }
        };
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let mut sink = |account: &mut IndicatorAccount,
                        record: Result<Map<String, Value>, IndicatorFault>| {
            self.record(account, record, take)
        };
        match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            None => account.unreadable = Some("it is empty".to_owned()),
            Some(b'{' | b'[') => json_file::read(bytes, &mut account, &mut sink)?,
            Some(_) => csv_file::read(bytes, &Catalog::builtin(), &mut account, &mut sink)?,
        }
        Ok(account)
    }

    fn record(
        &mut self,
        account: &mut IndicatorAccount,
        record: Result<Map<String, Value>, IndicatorFault>,
        take: &mut dyn FnMut(EventHit) -> Result<bool, EngineError>,
    ) -> Result<(), EngineError> {
        account.records += 1;
        let record = match record {
            Ok(record) if record.is_empty() => Err(IndicatorFault::Empty),
            record => record,
        };
        match record {
            Ok(record) => {
                let indicator = self.indicator(record, &account.name);
                // Two are one when they are the same document of the same index.
                if self.seen.insert(EventKey::of_event(&indicator.id, Some(&indicator.index))) {
                    account.indicators += 1;
                    account.wanted += u64::from(take(indicator)?);
                } else {
                    account.duplicates += 1;
                }
            }
            Err(fault) => *account.dropped.entry(fault).or_default() += 1,
        }
        Ok(())
    }

    fn indicator(&self, record: Map<String, Value>, file: &str) -> EventHit {
        let index = record.get("_index").and_then(Value::as_str).map(str::to_owned);
        // Where a document says where it belongs, that is its index; else the file is.
        let says = |name| record.get("_source").and_then(|source| source.get(name)).is_some();
        let names_stream = record.contains_key("data_stream")
            || record.contains_key("data_stream.dataset")
            || says("data_stream");
        let read = read_ecs(record, &DataStream::logs(DATA_SET));
        let mut document = read.document;
        let index = match index {
            Some(index) => index,
            None if names_stream => read.data_stream.name(),
            None => file.to_owned(),
        };
        let id = match read.id {
            Some(id) => id.into(),
            None => match document.text("event.id") {
                Some(id) => id.to_owned(),
                None => {
                    let mut content = Value::Object(document.as_map().clone());
                    content.sort_all_objects();
                    EventKey::of_bytes(content.to_string().as_bytes()).to_string()
                }
            },
        };
        make_current(&mut document, self.now);
        EventHit { document, id, index }
    }
}

/// Gives an indicator what the rules that look for indicators ask of one and a file need not say. What is handed over now
/// counts as current.
fn make_current(document: &mut Document, now: Timestamp) {
    let millis = format!("{now:.3}");
    for (field, value) in [
        ("@timestamp", millis.as_str()),
        ("event.kind", "enrichment"),
        ("event.category", "threat"),
        ("event.type", "indicator"),
        ("event.module", "threatintel"),
    ] {
        if document.first(field).is_some() {
            continue;
        }
        let nested = field
            .split_once('.')
            .is_none_or(|(head, _)| document.as_map().get(head).is_none_or(Value::is_object));
        if nested {
            document.set(field, value);
        } else {
            document.as_map_mut().insert(field.to_owned(), Value::from(value));
        }
    }
}

/// The indicator as queries see it: with the first address of each network that stands where ECS has an address. A field
/// of addresses holds no networks, so that `threat.indicator.ip:*` would leave them out.
pub(crate) fn as_queried(indicator: &Document) -> Cow<'_, Document> {
    const ADDRESS: &str = "threat.indicator.ip";
    let values = indicator.values(ADDRESS);
    if !values.iter().any(|value| value.text().contains('/')) {
        return Cow::Borrowed(indicator);
    }
    let address = |value: &Scalar<'_>| match network(&value.text()) {
        Some(network) => Value::from(network.addr().to_string()),
        None => Value::from(value.text()),
    };
    let addresses: Vec<Value> = values.iter().map(address).collect();
    let mut queried = indicator.clone();
    queried.as_map_mut().remove(ADDRESS);
    queried.set(ADDRESS, addresses);
    Cow::Owned(queried)
}

fn inflate(stream: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    let mut inflated = Vec::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::MultiGzDecoder::new(bytes.as_slice())
            .take(MOST_BYTES + 1)
            .read_to_end(&mut inflated)?;
    } else if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        zstd::stream::Decoder::new(bytes.as_slice())?.take(MOST_BYTES + 1).read_to_end(&mut inflated)?;
    } else {
        inflated = bytes;
    }
    if inflated.len() as u64 > MOST_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 GiB"));
    }
    Ok(inflated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// The account, and of each indicator its index and what it says.
    fn read(bytes: &[u8]) -> (IndicatorAccount, Vec<EventHit>) {
        let file = IndicatorFile::Memory { name: "feed".to_owned(), bytes: bytes.to_vec() };
        let mut reader = IndicatorReader::new("2024-05-15T12:00:00Z".parse().unwrap());
        let mut found = Vec::new();
        let account = reader
            .read(&file, &mut |indicator| {
                found.push(indicator);
                Ok(true)
            })
            .unwrap();
        (account, found)
    }

    fn values(found: &[EventHit], field: &str) -> Vec<String> {
        found
            .iter()
            .map(|i| i.document.values(field).iter().map(|v| v.text()).collect::<Vec<_>>().join("|"))
            .collect()
    }

    const TWO: &str =
        "{\"threat\":{\"indicator\":{\"ip\":\"192.0.2.1\"}}}\n\n{\"threat.indicator.ip\":\"192.0.2.2\"}\n";

    #[test]
    fn json_is_read_in_every_form() {
        let pretty = serde_json::to_string_pretty(
            &serde_json::json!({"hits": {"hits": [
                {"_id": "1", "_index": "logs-ti_x-default", "_source": {"threat": {"indicator": {"ip": "192.0.2.1"}}}},
                {"_id": "2", "_index": "own-indicators", "fields": {"threat.indicator.ip": ["192.0.2.2"]}},
            ]}}),
        )
        .unwrap();
        let array =
            "[{\"threat\":{\"indicator\":{\"ip\":\"192.0.2.1\"}}},\n{\"threat.indicator.ip\":\"192.0.2.2\"}]";
        for (text, indices) in [
            (TWO, ["feed", "feed"]),
            (array, ["feed", "feed"]),
            (&pretty, ["logs-ti_x-default", "own-indicators"]),
        ] {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(text.as_bytes()).unwrap();
            let forms = [
                text.as_bytes().to_vec(),
                gzip.finish().unwrap(),
                zstd::encode_all(text.as_bytes(), 1).unwrap(),
            ];
            for bytes in forms {
                let (account, found) = read(&bytes);
                assert_eq!((account.records, account.indicators, account.wanted), (2, 2, 2), "{text}");
                assert_eq!(values(&found, "threat.indicator.ip"), ["192.0.2.1", "192.0.2.2"], "{text}");
                assert_eq!(found.iter().map(|i| i.index.as_str()).collect::<Vec<_>>(), indices);
            }
        }
    }

    #[test]
    fn what_rules_ask_of_indicators_is_filled_in_and_never_replaced() {
        let (_, found) = read(TWO.as_bytes());
        for (field, expected) in [
            ("@timestamp", "2024-05-15T12:00:00.000Z"),
            ("event.kind", "enrichment"),
            ("event.category", "threat"),
            ("event.type", "indicator"),
            ("event.module", "threatintel"),
        ] {
            assert_eq!(values(&found, field), [expected, expected]);
        }
        let own = r#"{"@timestamp":"2020-01-01","event":{"module":"ti_abc","kind":"event","category":["x"],"type":["y"]}}"#;
        let (_, found) = read(own.as_bytes());
        assert_eq!(values(&found, "event.module"), ["ti_abc"]);
        assert_eq!(values(&found, "@timestamp"), ["2020-01-01"]);
        assert_eq!(values(&found, "event.kind"), ["event"]);
    }

    #[test]
    fn nothing_is_lost_in_silence() {
        let text = format!("{TWO}{{\"threat.indicator.ip\":\"192.0.2.2\"}}\nno json\n7\n{{}}\n[1]\n");
        let (account, found) = read(text.as_bytes());
        assert_eq!(found.len(), 2);
        assert_eq!((account.records, account.indicators, account.duplicates), (7, 2, 1));
        let dropped: Vec<(String, u64)> = account.dropped.iter().map(|(f, n)| (f.to_string(), *n)).collect();
        let expected = [("it is empty", 1), ("it is no JSON", 1), ("it is no JSON object", 2)];
        assert_eq!(dropped, expected.map(|(fault, n)| (fault.to_owned(), n)));
        for (bytes, reason) in [
            (&b""[..], "it is empty"),
            (b" \n", "it is empty"),
            (
                b"\xff\xfe\xfd",
                "its first line names no field that is known: it is to be `type,value` or the names of ECS fields",
            ),
            (
                b"a,b\n1,2\n",
                "its first line names no field that is known: it is to be `type,value` or the names of ECS fields",
            ),
            (b"[{\"a\":1},", "it breaks off, or is no JSON, after 0 records: "),
        ] {
            let (account, _) = read(bytes);
            let found = account.unreadable.unwrap();
            assert!(found.starts_with(reason), "{found}");
        }
        let missing = IndicatorFile::Path("no-such-file".into());
        let account = IndicatorReader::new(Timestamp::UNIX_EPOCH).read(&missing, &mut |_| Ok(true)).unwrap();
        assert!(account.unreadable.is_some());
    }

    #[test]
    fn a_csv_file_names_fields_or_types() {
        let (account, found) = read(
            b"# a feed\nthreat.indicator.ip,threat.feed.name,note,threat.indicator.confidence\n192.0.2.1,Ours,n,High\n\"192.0.2.2\",,,\n,,,\na,b\n",
        );
        assert_eq!(values(&found, "threat.indicator.ip"), ["192.0.2.1", "192.0.2.2"]);
        assert_eq!(values(&found, "threat.feed.name"), ["Ours", ""]);
        assert_eq!(account.ignored_columns, ["note"]);
        let dropped: Vec<(String, u64)> = account.dropped.iter().map(|(f, n)| (f.to_string(), *n)).collect();
        let expected = [("it is empty", 1), ("it has another number of cells than the first line", 1)];
        assert_eq!(dropped, expected.map(|(fault, n)| (fault.to_owned(), n)));
        assert_eq!(account.records, 4);
    }

    #[test]
    fn types_have_their_usual_fields() {
        let hash = |digits: usize| "Ab".repeat(digits / 2);
        let rows = [
            ("IP", "192.0.2.1".to_owned(), "threat.indicator.ip", "192.0.2.1"),
            ("ipv6", "2001:db8::1".to_owned(), "threat.indicator.ip", "2001:db8::1"),
            ("cidr", "192.0.2.0/24".to_owned(), "threat.indicator.ip", "192.0.2.0/24"),
            ("domain", "Evil.Example".to_owned(), "threat.indicator.url.domain", "evil.example"),
            ("url", "https://a.example/B".to_owned(), "threat.indicator.url.full", "https://a.example/B"),
            ("url", "https://a.example/C".to_owned(), "threat.indicator.url.original", "https://a.example/C"),
            ("md5", hash(32), "threat.indicator.file.hash.md5", &"ab".repeat(16)),
            ("hash", hash(40), "threat.indicator.file.hash.sha1", &"ab".repeat(20)),
            ("sha256", hash(64), "threat.indicator.file.hash.sha256", &"ab".repeat(32)),
            ("file", hash(128), "threat.indicator.file.hash.sha512", &"ab".repeat(64)),
            ("email", "a@b.example".to_owned(), "threat.indicator.email.address", "a@b.example"),
            ("registry", "HKLM\\x".to_owned(), "threat.indicator.registry.path", "HKLM\\x"),
        ];
        for (kind, value, field, expected) in rows {
            let (account, found) =
                read(format!("Type, Value,threat.feed.name\n{kind},{value},Ours\n").as_bytes());
            assert_eq!(values(&found, field), [expected], "{kind} {account:?}");
            assert_eq!(values(&found, "threat.feed.name"), ["Ours"]);
            assert_eq!(values(&found, "threat.indicator.name").len(), 1);
        }
        let (account, found) = read(b"type,value\nip,nowhere\nhash,abc\nmd5,zz\nmood,bad\nip,\n,1.1.1.1\n");
        assert_eq!((found.len(), account.records, account.dropped.values().sum::<u64>()), (0, 6, 6));
        let reasons: Vec<String> = account.dropped.keys().map(ToString::to_string).collect();
        assert_eq!(
            reasons,
            [
                "it is empty",
                "the value is no address",
                "the value is no hash of that kind",
                "the type is none of ip, domain, url, hash, md5, sha1, sha256, sha512, email, registry"
            ]
        );
    }
}
