//! What a source that never ends hands over, and how it learns what became of it.
//!
//! ```text
//!   source ──next──▶ Delivery ──events_of──▶ events ──▶ committed by the caller ──done──▶ source forgets it
//!                                                   └─▶ not committed ──failed──▶ delivered again
//! ```
//!
//! Invariant: a source forgets nothing before [`LiveSource::done`]. What was handed over and not acknowledged is
//! delivered again, after a restart too, so that the same event may come twice and never not at all.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::error::IngestError;
use crate::ledger::InputAccount;

/// One input that a source read: a file, an object, a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// What the ledger calls it: a path, `s3://bucket/key`.
    pub name: String,
    /// As stored: compressed or not.
    pub bytes: Vec<u8>,
    /// When it was last changed. It stands in for the time of records that have none, so that such a record is the
    /// same event when it is delivered again. `None` when the source does not know.
    pub modified: Option<Timestamp>,
}

/// Tells the deliveries of one source apart, as long as the source lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Receipt(pub(crate) u64);

/// What is acknowledged as a whole.
///
/// Everything in it must be kept (events committed, `skipped` entered in the ledger, `set_aside` stored) before
/// [`LiveSource::done`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// To be handed to [`LiveSource::done`] or [`LiveSource::failed`].
    pub receipt: Receipt,
    /// To be decoded, in order. May be empty.
    pub inputs: Vec<Input>,
    /// Inputs that were not read, and why: digests, test messages, files without permission.
    pub skipped: Vec<InputAccount>,
    /// What the source gives up on.
    pub set_aside: Vec<SetAside>,
}

impl Delivery {
    /// A delivery of nothing yet.
    pub(crate) fn empty(receipt: Receipt) -> Self {
        Self { receipt, inputs: Vec::new(), skipped: Vec::new(), set_aside: Vec::new() }
    }
}

/// Something that can never be read, for people to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// The name of the source.
    pub source: String,
    /// What the source calls it: the id of a message.
    pub id: String,
    /// Why it is given up.
    pub reason: String,
    /// How it begins, at most [`EXCERPT_BYTES`] long.
    pub excerpt: String,
}

/// Most bytes of [`SetAside::excerpt`].
pub const EXCERPT_BYTES: usize = 4096;

impl SetAside {
    /// Keeps the beginning of `text`.
    pub fn new(source: &str, id: &str, reason: String, text: &str) -> Self {
        let end = text.floor_char_boundary(EXCERPT_BYTES);
        Self { source: source.to_owned(), id: id.to_owned(), reason, excerpt: text[..end].to_owned() }
    }
}

/// A source that is asked again and again.
///
/// Several deliveries may be under way at once: ask for more before the earlier ones are acknowledged, so that many
/// small inputs share one commit.
#[async_trait]
pub trait LiveSource: Send {
    /// What settings and messages call it.
    fn name(&self) -> &str;

    /// The next delivery; `None` when there is nothing at present. A queue waits for some seconds before it says so;
    /// after any other source's `None` the caller pauses before it asks again. `now` is the present time.
    ///
    /// # Errors
    /// When the surroundings fail: the folder is gone, the queue cannot be reached. Nothing is lost by it; ask again
    /// after a pause.
    async fn next(&mut self, now: Timestamp) -> Result<Option<Delivery>, IngestError>;

    /// Would [`LiveSource::next`] wait for something new to come, as a queue does for seconds? What is at hand can be kept
    /// in the meantime.
    fn would_wait(&self) -> bool {
        false
    }

    /// The delivery is kept for good: the source may forget it. A receipt that is not under way is ignored.
    ///
    /// # Errors
    /// When the source could not be told. The delivery then comes again.
    async fn done(&mut self, receipt: Receipt) -> Result<(), IngestError>;

    /// The delivery could not be kept, for a reason that does not lie in it (a full disk): it is to come again. A
    /// receipt that is not under way is ignored.
    ///
    /// # Errors
    /// When the source could not be told. The delivery comes again nevertheless, later.
    async fn failed(&mut self, receipt: Receipt, reason: &str) -> Result<(), IngestError>;

    /// What the caller keeps after [`LiveSource::done`], and hands to the source when it is made again: opaque bytes.
    /// `None` for a source that remembers by itself, as a queue does.
    ///
    /// A checkpoint that is lost or old costs reading, not events.
    fn checkpoint(&self) -> Option<Vec<u8>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_ends_between_characters() {
        let text = "é".repeat(EXCERPT_BYTES);
        let aside = SetAside::new("queue", "1", "unreadable".to_owned(), &format!("x{text}"));
        assert_eq!(aside.excerpt.len(), EXCERPT_BYTES - 1);
        assert_eq!(SetAside::new("queue", "1", String::new(), "short").excerpt, "short");
    }
}
