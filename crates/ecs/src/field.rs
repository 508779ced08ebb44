//! What a field is: its name, its type, and whether it holds one value or many.

/// The type of a field, as far as it changes what a query means.
///
/// Types that behave alike are one here: `constant_keyword` is [`Keyword`](Self::Keyword), `integer` is
/// [`Long`](Self::Long), `float` and `scaled_float` are [`Double`](Self::Double).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// Exact text, compared byte for byte.
    Keyword,
    /// Exact text meant for wildcard searches; compared like a keyword.
    Wildcard,
    /// Analysed text: compared token by token.
    Text,
    /// Analysed text without positions or scores; the same to us as [`Text`](Self::Text).
    MatchOnlyText,
    /// An IPv4 or IPv6 address.
    Ip,
    /// An instant with millisecond precision.
    Date,
    /// A whole number.
    Long,
    /// A floating-point number.
    Double,
    /// True or false.
    Boolean,
    /// An object whose every leaf is a keyword; sub-keys are addressed by dots.
    Flattened,
    /// An array of objects whose conditions must hold within one element.
    Nested,
    /// An object that only groups other fields.
    Object,
    /// A point on the globe.
    GeoPoint,
    /// Exact text in the order of software versions.
    Version,
}

impl FieldType {
    /// The name used in field tables, for example `match_only_text`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keyword => "keyword",
            Self::Wildcard => "wildcard",
            Self::Text => "text",
            Self::MatchOnlyText => "match_only_text",
            Self::Ip => "ip",
            Self::Date => "date",
            Self::Long => "long",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::Flattened => "flattened",
            Self::Nested => "nested",
            Self::Object => "object",
            Self::GeoPoint => "geo_point",
            Self::Version => "version",
        }
    }

    /// Reads a type name as mappings spell it, folding the types that behave alike; `None` for others.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "keyword" | "constant_keyword" => Self::Keyword,
            "wildcard" => Self::Wildcard,
            "text" => Self::Text,
            "match_only_text" => Self::MatchOnlyText,
            "ip" => Self::Ip,
            "date" | "date_nanos" => Self::Date,
            "long" | "integer" | "short" | "byte" | "unsigned_long" => Self::Long,
            "double" | "float" | "half_float" | "scaled_float" => Self::Double,
            "boolean" => Self::Boolean,
            "flattened" => Self::Flattened,
            "nested" => Self::Nested,
            "object" | "group" => Self::Object,
            "geo_point" => Self::GeoPoint,
            "version" => Self::Version,
            _ => return None,
        })
    }

    /// True for types whose text is analysed into tokens.
    pub fn is_analysed(self) -> bool {
        matches!(self, Self::Text | Self::MatchOnlyText)
    }
}

/// Whether a field normally holds one value or many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arity {
    /// At most one value.
    One,
    /// Any number of values.
    Many,
}

/// One entry of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Dotted name, for example `event.action`.
    pub name: Box<str>,
    /// Its type.
    pub field_type: FieldType,
    /// One value or many.
    pub arity: Arity,
}
