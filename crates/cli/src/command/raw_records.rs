//! Raw records looked up again by file and offset, for the evidence of a case.

use std::collections::BTreeMap;

use engine::HuntInput;
use ingest::decode::{Item, Limits, StreamBuffers, decode_stream};
use report::case::{RawRecord, WantedRecord};

/// Reads the files that hold wanted records a second time. Every wanted record comes back, with its bytes or the reason
/// why not.
pub(crate) fn look_up(wanted: Vec<WantedRecord>, inputs: &[HuntInput], limits: &Limits) -> Vec<RawRecord> {
    let by_name: BTreeMap<String, &HuntInput> = inputs.iter().map(|input| (input.name(), input)).collect();
    let mut found = Vec::with_capacity(wanted.len());
    let mut by_file: BTreeMap<String, Vec<(u64, WantedRecord)>> = BTreeMap::new();
    for record in wanted {
        match &record.file {
            Some((name, offset)) => by_file.entry(name.clone()).or_default().push((*offset, record.clone())),
            None => found.push(RawRecord {
                wanted: record,
                bytes: Err("the report does not know its place".to_owned()),
            }),
        }
    }
    for (name, records) in by_file {
        let mut bytes: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        let offsets: std::collections::BTreeSet<u64> = records.iter().map(|(offset, _)| *offset).collect();
        let mut sink = |item: Item<'_>| {
            if let Item::Record(record) = item
                && offsets.contains(&record.offset)
            {
                bytes.insert(record.offset, record.text.as_bytes().to_vec());
            }
        };
        let mut buffers = StreamBuffers::default();
        let failed = match by_name.get(&name) {
            Some(HuntInput::File(file)) => match file.open() {
                Ok(reader) => {
                    decode_stream(reader, limits, &mut buffers, &mut sink);
                    None
                }
                Err(reason) => Some(reason.to_string()),
            },
            Some(HuntInput::Memory { bytes, .. }) => {
                decode_stream(bytes.as_slice(), limits, &mut buffers, &mut sink);
                None
            }
            Some(HuntInput::Stdin) => Some("standard input can be read only once".to_owned()),
            Some(HuntInput::Unreadable { reason, .. }) => Some(reason.to_string()),
            None => Some("its file is none of those that were read".to_owned()),
        };
        for (offset, wanted) in records {
            let missing = || failed.clone().unwrap_or_else(|| "its file has changed since".to_owned());
            found.push(RawRecord { bytes: bytes.get(&offset).cloned().ok_or_else(missing), wanted });
        }
    }
    found
}
