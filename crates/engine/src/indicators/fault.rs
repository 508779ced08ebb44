//! Why a record is no indicator.

use std::fmt;

/// Why a record is no indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum IndicatorFault {
    /// It says nothing.
    Empty,
    /// Its line is no JSON.
    NoJson,
    /// Its line is JSON of another kind.
    NoObject,
    /// A row of a CSV file that has more or fewer cells than the first line, or that cannot be read.
    Cells,
    /// A value of type `ip` that is neither an address nor a network.
    NoAddress,
    /// A hash with other characters, or of another length, than its type has.
    NoHash,
    /// A type that is not known.
    UnknownType,
}

impl fmt::Display for IndicatorFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it is empty",
            Self::NoJson => "it is no JSON",
            Self::NoObject => "it is no JSON object",
            Self::Cells => "it has another number of cells than the first line",
            Self::NoAddress => "the value is no address",
            Self::NoHash => "the value is no hash of that kind",
            Self::UnknownType => {
                "the type is none of ip, domain, url, hash, md5, sha1, sha256, sha512, email, registry"
            }
        })
    }
}
