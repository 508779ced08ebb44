//! The shapes in which records arrive.

use std::fmt;

/// How an input holds its records, told by its first recognised value. Records of every kind may come in every
/// shape, and what follows in another shape is read as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// `{"Records":[…]}`, as CloudTrail delivers to S3.
    LogFile,
    /// A JSON array of records.
    Array,
    /// One record a line (NDJSON).
    Lines,
    /// One record, pretty-printed or not.
    Single,
    /// Several JSON values one after another, not one a line.
    Concatenated,
    /// `{"Events":[{"CloudTrailEvent":"…"}]}`, the answer of CloudTrail's `LookupEvents`.
    LookupEvents,
    /// EventBridge envelopes: the record is in `detail`.
    EventBridge,
    /// `TIMESTAMP {…}` a line, as CloudWatch Logs exports to S3.
    CloudWatchExport,
    /// `{"messageType":…,"logEvents":[{"message":"…"}]}`, as a CloudWatch Logs subscription delivers.
    CloudWatchSubscription,
    /// `{"events":[{"message":"…"}]}`, the answer of CloudWatch Logs' `FilterLogEvents` and `GetLogEvents`.
    CloudWatchEvents,
    /// A search response of Elasticsearch, or its hits: the document is in `_source`.
    SearchHits,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LogFile => "CloudTrail log file",
            Self::Array => "JSON array",
            Self::Lines => "NDJSON",
            Self::Single => "single JSON record",
            Self::Concatenated => "concatenated JSON",
            Self::LookupEvents => "LookupEvents answer",
            Self::EventBridge => "EventBridge envelopes",
            Self::CloudWatchExport => "CloudWatch Logs export",
            Self::CloudWatchSubscription => "CloudWatch Logs subscription",
            Self::CloudWatchEvents => "CloudWatch Logs events",
            Self::SearchHits => "search hits",
        })
    }
}
