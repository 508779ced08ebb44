//! One entry of the log: the events of one append, framed so that a torn one is told from a damaged one.

use ecs::DataStream;

use crate::event::PreparedEvent;

/// Begins every entry, so that entries are found again behind one that cannot be read.
pub(crate) const MAGIC: [u8; 8] = *b"\x89BZENTRY";
/// Magic, checksum, length, sequence, synced.
pub(crate) const HEADER_BYTES: usize = 8 + 4 + 4 + 8 + 8;
/// The largest payload.
pub(crate) const MAX_BYTES: usize = 1 << 30;

/// What one append wrote.
#[derive(Debug)]
pub(crate) struct LogEntry {
    pub(crate) sequence: u64,
    pub(crate) data_stream: DataStream,
    /// Milliseconds since the epoch.
    pub(crate) ingested: i64,
    pub(crate) events: Vec<PreparedEvent>,
}

/// The framed bytes of an entry. `synced` is the place in the segment up to which it is known to be durable when
/// the entry is written: what lies before it was acknowledged, so that a fault there is damage and no torn tail.
/// `None` when the entry is too large.
pub(crate) fn frame(payload: &[u8], sequence: u64, synced: u64) -> Option<Vec<u8>> {
    if payload.len() > MAX_BYTES {
        return None;
    }
    let length = u32::try_from(payload.len()).ok()?;
    let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len());
    bytes.extend(MAGIC);
    bytes.extend([0; 4]);
    bytes.extend(length.to_le_bytes());
    bytes.extend(sequence.to_le_bytes());
    bytes.extend(synced.to_le_bytes());
    bytes.extend(payload);
    let sum = crc32fast::hash(&bytes[12..]).to_le_bytes();
    bytes[8..12].copy_from_slice(&sum);
    Some(bytes)
}

/// A framed entry that is whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Framed<'a> {
    pub(crate) sequence: u64,
    pub(crate) synced: u64,
    pub(crate) payload: &'a [u8],
    /// With its frame.
    pub(crate) bytes: usize,
}

/// The entry at the beginning of the bytes; `None` when it is cut off or its checksum does not match.
pub(crate) fn unframe(bytes: &[u8]) -> Option<Framed<'_>> {
    let mut reader = Reader { bytes };
    if reader.take(8)? != MAGIC {
        return None;
    }
    let sum = reader.u32()?;
    let length = usize::try_from(reader.u32()?).ok()?;
    let sequence = reader.u64()?;
    let synced = reader.u64()?;
    let payload = reader.take(length)?;
    let whole = HEADER_BYTES + length;
    (crc32fast::hash(&bytes[12..whole]) == sum).then_some(Framed { sequence, synced, payload, bytes: whole })
}

/// The payload: lengths and texts, compressed.
pub(crate) fn encode(
    stream: &DataStream,
    ingested: i64,
    events: &[PreparedEvent],
) -> std::io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    plain.extend(ingested.to_le_bytes());
    for part in [&stream.kind, &stream.dataset, &stream.namespace] {
        put_text(&mut plain, part);
    }
    plain.extend((events.len() as u64).to_le_bytes());
    for event in events {
        put_text(&mut plain, &event.id);
        put_text(&mut plain, &event.source);
        plain.push(u8::from(event.raw.is_some()));
        if let Some(raw) = &event.raw {
            put_text(&mut plain, raw);
        }
    }
    zstd::bulk::compress(&plain, 1)
}

/// Reads a payload back; `None` when it is not what [`encode`] makes.
pub(crate) fn decode(framed: Framed<'_>) -> Option<LogEntry> {
    let plain = zstd::stream::decode_all(framed.payload).ok()?;
    let mut reader = Reader { bytes: &plain };
    let ingested = i64::from_le_bytes(reader.take(8)?.try_into().ok()?);
    let data_stream = DataStream {
        kind: reader.text()?.into(),
        dataset: reader.text()?.into(),
        namespace: reader.text()?.into(),
    };
    let count = reader.u64()?;
    let mut events = Vec::new();
    for _ in 0..count {
        let (id, source) = (reader.text()?, reader.text()?);
        let raw = match reader.take(1)? {
            [0] => None,
            _ => Some(reader.text()?),
        };
        events.push(PreparedEvent::stored(id, source, raw)?);
    }
    reader.bytes.is_empty().then_some(LogEntry { sequence: framed.sequence, data_stream, ingested, events })
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(head)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.u64()?).ok()?;
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }
}
