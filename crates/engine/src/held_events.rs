//! Events that are kept until a rule has seen all others: compressed, and in a temporary file once they are many.
//!
//! A sequence is known only at its end, so every event that may take part in one has to be kept. Events lie in
//! blocks, each compressed by itself, so that one event is had again without reading the others.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use alert::{EventHit, EventText};
use ecs::Document;
use foldhash::HashMap;
use serde_json::{Map, Value};

use crate::error::EngineError;

/// The number of a kept event, in order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HeldEvent(pub u32);

/// An event that was kept, in the form in which it was.
#[derive(Debug, Clone, PartialEq)]
pub enum KeptEvent {
    /// The whole event.
    Whole(EventHit),
    /// What alerts about it take from it.
    Text(EventText),
}

/// The first byte of each event in a block says its form.
const WHOLE: u8 = b'w';
const TEXT: u8 = b't';

/// Bytes of events in a block. Larger ones pack a little better, but events are had again in the order of their times, and
/// inputs lie in that of their names: nearly each event may lie in another block than the last.
const BLOCK: usize = 64 * 1024;
/// Compressed bytes in memory; what comes after goes into the file.
const IN_MEMORY: usize = 64 * 1024 * 1024;
/// Blocks kept inflated while events are had again: 8 MB, one for each of many inputs of the same hour.
const INFLATED: usize = 128;
const LEVEL: i32 = 1;

/// Events kept for later.
#[derive(Debug, Default)]
pub struct HeldEvents {
    /// Of each event, its block and where it starts there.
    places: Vec<(u32, u32)>,
    blocks: Vec<Block>,
    /// The block that is being filled.
    open: Vec<u8>,
    compressed_in_memory: usize,
    file: Option<File>,
    file_bytes: u64,
    inflated: HashMap<u32, Vec<u8>>,
    /// The inflated blocks, oldest first.
    inflated_order: VecDeque<u32>,
    in_memory_limit: Option<usize>,
}

#[derive(Debug)]
enum Block {
    Memory { packed: Box<[u8]>, inflated: usize },
    File { at: u64, bytes: usize, inflated: usize },
}

impl HeldEvents {
    /// Nothing kept yet, with another limit of memory than the usual one.
    #[cfg(test)]
    fn with_limit(in_memory_limit: usize) -> Self {
        Self { in_memory_limit: Some(in_memory_limit), ..Self::default() }
    }

    /// Keeps an event.
    ///
    /// # Errors
    /// When the temporary file cannot be written, or when there are more events than can be numbered.
    pub fn push(&mut self, event: &EventHit) -> Result<HeldEvent, EngineError> {
        self.keep(|open| {
            open.push(WHOLE);
            let parts = (&event.id, &event.index, event.document.as_map());
            serde_json::to_writer(open, &parts).map_err(|e| EngineError::HeldEvents(e.into()))
        })
    }

    /// Keeps of an event what alerts about it take from it, which [`get`](Self::get) does not give.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn push_text(&mut self, event: &EventText) -> Result<HeldEvent, EngineError> {
        self.keep(|open| {
            open.push(TEXT);
            open.extend_from_slice(event.as_bytes());
            Ok(())
        })
    }

    /// An event that was kept whole.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub fn get(&mut self, event: HeldEvent) -> Result<EventHit, EngineError> {
        match self.get_kept(event)? {
            KeptEvent::Whole(event) => Ok(event),
            KeptEvent::Text(_) => Err(lost()),
        }
    }

    /// An event that was kept, in its form.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub fn get_kept(&mut self, event: HeldEvent) -> Result<KeptEvent, EngineError> {
        let (block, start) = *self.places.get(event.0 as usize).ok_or_else(lost)?;
        let end = match self.places.get(event.0 as usize + 1) {
            Some((next, end)) if *next == block => Some(*end as usize),
            _ => None,
        };
        let bytes = self.block(block).map_err(EngineError::HeldEvents)?;
        let bytes = bytes.get(start as usize..end.unwrap_or(bytes.len())).ok_or_else(lost)?;
        match bytes.split_first() {
            Some((&TEXT, bytes)) => Ok(KeptEvent::Text(EventText::of_bytes(bytes))),
            Some((&WHOLE, json)) => {
                let (id, index, map): (String, String, Map<String, Value>) =
                    serde_json::from_slice(json).map_err(|e| EngineError::HeldEvents(e.into()))?;
                Ok(KeptEvent::Whole(EventHit { document: Document::from_map(map), id, index }))
            }
            _ => Err(lost()),
        }
    }

    fn keep(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), EngineError>,
    ) -> Result<HeldEvent, EngineError> {
        let number = u32::try_from(self.places.len()).map_err(|_| EngineError::TooManyEvents)?;
        let start = self.open.len();
        write(&mut self.open)?;
        self.places.push((self.blocks.len() as u32, start as u32));
        if self.open.len() >= BLOCK {
            self.close_block().map_err(EngineError::HeldEvents)?;
        }
        Ok(HeldEvent(number))
    }

    /// How many events are kept.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// True when no event is kept.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    fn close_block(&mut self) -> io::Result<()> {
        let packed = zstd::bulk::compress(&self.open, LEVEL)?;
        let inflated = self.open.len();
        self.open.clear();
        if self.compressed_in_memory + packed.len() <= self.in_memory_limit.unwrap_or(IN_MEMORY) {
            self.compressed_in_memory += packed.len();
            self.blocks.push(Block::Memory { packed: packed.into(), inflated });
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            // The file has no name: it is gone with this process, however that ends.
            none => none.insert(tempfile::tempfile()?),
        };
        file.seek(SeekFrom::Start(self.file_bytes))?;
        file.write_all(&packed)?;
        self.blocks.push(Block::File { at: self.file_bytes, bytes: packed.len(), inflated });
        self.file_bytes += packed.len() as u64;
        Ok(())
    }

    fn block(&mut self, number: u32) -> io::Result<&[u8]> {
        let Some(block) = self.blocks.get(number as usize) else { return Ok(&self.open) };
        if !self.inflated.contains_key(&number) {
            let read;
            let (packed, inflated): (&[u8], usize) = match (block, &mut self.file) {
                (Block::Memory { packed, inflated }, _) => (packed, *inflated),
                (Block::File { at, bytes, inflated }, Some(file)) => {
                    let mut buffer = vec![0; *bytes];
                    file.seek(SeekFrom::Start(*at))?;
                    file.read_exact(&mut buffer)?;
                    read = buffer;
                    (&read, *inflated)
                }
                (Block::File { .. }, None) => return Err(io::ErrorKind::NotFound.into()),
            };
            let bytes = zstd::bulk::decompress(packed, inflated)?;
            if self.inflated_order.len() >= INFLATED
                && let Some(oldest) = self.inflated_order.pop_front()
            {
                self.inflated.remove(&oldest);
            }
            self.inflated_order.push_back(number);
            self.inflated.insert(number, bytes);
        }
        Ok(self.inflated.get(&number).map_or(&[], Vec::as_slice))
    }
}

fn lost() -> EngineError {
    EngineError::HeldEvents(io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn event(number: usize, filler: usize) -> EventHit {
        let Value::Object(map) =
            json!({"event": {"id": format!("e{number}")}, "n": number, "x": 0.1, "text": "é".repeat(filler)})
        else {
            panic!("an object")
        };
        EventHit {
            document: Document::from_map(map),
            id: format!("id{number}"),
            index: "logs-a-b".to_owned(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn what_was_kept_is_had_again(
            fillers in prop::collection::vec(0usize..60_000, 1..60),
            limit in prop_oneof![Just(0usize), Just(200), Just(usize::MAX)],
            order in prop::collection::vec(any::<prop::sample::Index>(), 1..80),
        ) {
            let mut held = HeldEvents::with_limit(limit);
            let kept: Vec<EventHit> = fillers.iter().enumerate().map(|(n, filler)| event(n, *filler)).collect();
            let text = |n: usize| EventText::of(&kept[n]).filter(|_| n.is_multiple_of(3));
            for (n, event) in kept.iter().enumerate() {
                let number = match text(n) {
                    Some(text) => held.push_text(&text),
                    None => held.push(event),
                };
                prop_assert_eq!(number.unwrap(), HeldEvent(n as u32));
            }
            prop_assert_eq!(held.len(), kept.len());
            for index in order {
                let n = index.index(kept.len());
                let number = HeldEvent(n as u32);
                match text(n) {
                    Some(text) => {
                        prop_assert!(held.get(number).is_err());
                        prop_assert_eq!(held.get_kept(number).unwrap(), KeptEvent::Text(text));
                    }
                    None => prop_assert_eq!(&held.get(number).unwrap(), &kept[n]),
                }
            }
        }
    }

    #[test]
    fn an_event_that_was_never_kept_is_an_error() {
        assert!(HeldEvents::default().get(HeldEvent(0)).is_err());
    }
}
