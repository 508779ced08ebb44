//! INLINE STATS: aggregates of its group beside every row.

use query::Span;
use query::esql::ast::Stats;

use super::{Lowering, Piped, Refused};

impl Lowering<'_> {
    /// Adds to each row the aggregates of its group; new columns stand at the end, aggregates before keys.
    pub(crate) fn inline_stats(
        &mut self,
        _stats: &Stats,
        _piped: Piped,
        span: Span,
    ) -> Result<Piped, Refused> {
        self.unsupported("INLINE STATS", "it is being built", span)
    }
}
