//! Pages of long lists, and spans of time as filters.

use jiff::Timestamp;

/// Some of many things, and where the next ones begin.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T, P> {
    /// In the order that the method states.
    pub items: Vec<T>,
    /// Pass it as `after` for what follows; `None` at the end.
    pub next: Option<P>,
}

/// A half-open span of time as a filter, `[from, to)`; an end that is `None` is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeSpan {
    /// First instant inside.
    pub from: Option<Timestamp>,
    /// First instant after.
    pub to: Option<Timestamp>,
}

impl<T, P> Page<T, P> {
    /// A page of items of which one more than `limit` was asked for.
    pub(crate) fn cut(mut items: Vec<T>, limit: u32, position: impl Fn(&T) -> P) -> Self {
        let limit = limit.max(1) as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(position) } else { None };
        Self { items, next }
    }
}
