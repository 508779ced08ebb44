//! The types of ES|QL, and the Arrow types that hold their values.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType as ArrowType, Field, TimeUnit};
use ecs::FieldType;

/// A type of ES|QL. Source: elastic/elasticsearch docs, "ES|QL data types".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataType {
    /// Of the literal `null`, and of a field that no event has; every function takes it.
    Null,
    /// True or false.
    Boolean,
    /// A whole number of 32 bits.
    Integer,
    /// A whole number of 64 bits.
    Long,
    /// A whole number of 64 bits without a sign.
    UnsignedLong,
    /// A floating-point number of 64 bits.
    Double,
    /// Text.
    Keyword,
    /// Text that is analysed in an index; like [`Keyword`](Self::Keyword) everywhere but in searches.
    Text,
    /// An IPv4 or IPv6 address: 16 bytes, IPv4 mapped to IPv6.
    Ip,
    /// The version of a piece of software, see [`crate::value::version`].
    Version,
    /// An instant: milliseconds since the epoch, UTC.
    Date,
    /// An instant: nanoseconds since the epoch, UTC.
    DateNanos,
    /// A point on the globe, as well-known text: `POINT (longitude latitude)`.
    GeoPoint,
    /// Days and what is made of them, by the calendar. Only literals have it.
    DatePeriod,
    /// Hours and what they are made of. Only literals have it.
    TimeDuration,
    /// Of a field that ES|QL cannot read: an object, or nested documents. Always null.
    Unsupported,
}

impl DataType {
    /// The name that ES|QL has for it, for example `date_nanos`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Long => "long",
            Self::UnsignedLong => "unsigned_long",
            Self::Double => "double",
            Self::Keyword => "keyword",
            Self::Text => "text",
            Self::Ip => "ip",
            Self::Version => "version",
            Self::Date => "date",
            Self::DateNanos => "date_nanos",
            Self::GeoPoint => "geo_point",
            Self::DatePeriod => "date_period",
            Self::TimeDuration => "time_duration",
            Self::Unsupported => "unsupported",
        }
    }

    /// Reads the name of a field's type as a mapping, a `::` cast or a result has it; `None` for others. Small numbers
    /// are read as the type that ES|QL widens them to.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "null" => Self::Null,
            "boolean" | "bool" => Self::Boolean,
            "integer" | "int" | "short" | "byte" => Self::Integer,
            "long" => Self::Long,
            "unsigned_long" | "ul" => Self::UnsignedLong,
            "double" | "float" | "half_float" | "scaled_float" => Self::Double,
            "keyword" | "string" | "constant_keyword" | "wildcard" => Self::Keyword,
            "text" | "match_only_text" => Self::Text,
            "ip" => Self::Ip,
            "version" => Self::Version,
            "date" | "datetime" => Self::Date,
            "date_nanos" => Self::DateNanos,
            "geo_point" => Self::GeoPoint,
            "date_period" => Self::DatePeriod,
            "time_duration" => Self::TimeDuration,
            "object" | "nested" | "flattened" | "unsupported" => Self::Unsupported,
            _ => return None,
        })
    }

    /// The type of a column that holds a field of events.
    pub fn of_field(field_type: FieldType) -> Self {
        match field_type {
            FieldType::Keyword | FieldType::Wildcard | FieldType::Flattened => Self::Keyword,
            FieldType::Text | FieldType::MatchOnlyText => Self::Text,
            FieldType::Ip => Self::Ip,
            FieldType::Date => Self::Date,
            FieldType::Long => Self::Long,
            FieldType::Double => Self::Double,
            FieldType::Boolean => Self::Boolean,
            FieldType::GeoPoint => Self::GeoPoint,
            FieldType::Version => Self::Version,
            FieldType::Nested | FieldType::Object => Self::Unsupported,
        }
    }

    /// The Arrow type of one value. Null and what cannot be read are columns of booleans without values.
    pub fn arrow(self) -> ArrowType {
        match self {
            Self::Null | Self::Unsupported | Self::Boolean => ArrowType::Boolean,
            Self::Integer => ArrowType::Int32,
            Self::Long | Self::DatePeriod | Self::TimeDuration => ArrowType::Int64,
            Self::UnsignedLong => ArrowType::UInt64,
            Self::Double => ArrowType::Float64,
            Self::Keyword | Self::Text | Self::GeoPoint => ArrowType::Utf8,
            Self::Ip | Self::Version => ArrowType::Binary,
            Self::Date => ArrowType::Timestamp(TimeUnit::Millisecond, None),
            Self::DateNanos => ArrowType::Timestamp(TimeUnit::Nanosecond, None),
        }
    }

    /// The Arrow type of a column: of single values, or of lists of them, where null is "no value" and no list is empty.
    pub fn arrow_column(self, many: bool) -> ArrowType {
        if many { ArrowType::List(Arc::new(Field::new_list_field(self.arrow(), true))) } else { self.arrow() }
    }

    /// True for `keyword` and `text`.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Keyword | Self::Text)
    }

    /// True for types of numbers.
    pub fn is_number(self) -> bool {
        self.is_whole_number() || self == Self::Double
    }

    /// True for types of whole numbers.
    pub fn is_whole_number(self) -> bool {
        matches!(self, Self::Integer | Self::Long | Self::UnsignedLong)
    }

    /// True for `date` and `date_nanos`.
    pub fn is_date(self) -> bool {
        matches!(self, Self::Date | Self::DateNanos)
    }

    /// True for lengths of time.
    pub fn is_time_span(self) -> bool {
        matches!(self, Self::DatePeriod | Self::TimeDuration)
    }

    /// The type in which values of both can be compared, chosen or put into one column; `None` when there is none.
    /// Numbers widen; a whole number without a sign and one with a sign meet in `double`, as upstream has it.
    pub fn common(self, other: Self) -> Option<Self> {
        Some(match (self, other) {
            (a, b) if a == b => a,
            (Self::Null | Self::Unsupported, other) | (other, Self::Null | Self::Unsupported) => other,
            (a, b) if a.is_text() && b.is_text() => Self::Keyword,
            (Self::Double, b) if b.is_number() => Self::Double,
            (a, Self::Double) if a.is_number() => Self::Double,
            (Self::Integer, Self::Long) | (Self::Long, Self::Integer) => Self::Long,
            (Self::UnsignedLong, b) if b.is_number() => Self::Double,
            (a, Self::UnsignedLong) if a.is_number() => Self::Double,
            (a, b) if a.is_date() && b.is_date() => Self::DateNanos,
            _ => return None,
        })
    }
}
