//! Makes a document of any JSON object; what a quick look at the record knows, the document has.

#![no_main]

use ecs::{Catalog, DataStream, EventView, FieldTable, Known};
use ingest::integration::aws_cloudtrail::{NormalizeContext, SkimPlan, normalize, skim};
use ingest::{Buffers, Item, Limits, decode};

const FIELDS: [&str; 8] = [
    "event.action",
    "event.provider",
    "event.outcome",
    "source.ip",
    "user.name",
    "user.id",
    "cloud.account.id",
    "aws.cloudtrail.user_identity.type",
];

libfuzzer_sys::fuzz_target!(|text: &str| {
    let stream = DataStream::logs("aws.cloudtrail");
    let mut table = FieldTable::new();
    let ids = FIELDS.map(|field| table.intern(field, &Catalog::builtin()));
    let plan = SkimPlan::new(&table, stream.clone());
    decode(text.as_bytes(), &Limits::default(), &mut Buffers::new(), &mut |item| {
        let Item::Record(record) = item else { return };
        let Ok(serde_json::Value::Object(object)) = serde_json::from_str(record.text) else { return };
        let document = normalize(object, &NormalizeContext::new(jiff::Timestamp::UNIX_EPOCH, &stream));
        let Some(skimmed) = skim(&record) else { return };
        for id in ids {
            let seen = |view: &dyn EventView| {
                let mut values = Vec::new();
                let known = view.any_value(id, &mut |value| {
                    values.push(value.text().into_owned());
                    false
                });
                (known, values)
            };
            let (known, quick) = seen(&skimmed.view(&plan));
            if known != Known::Unknown {
                assert_eq!(quick, seen(&document.view(&table)).1, "{} of {}", table.entry(id).name, record.text);
            }
        }
    });
});
