//! What EQL and ES|QL write alike: white space, comments, names, numbers and texts. Elasticsearch, too, keeps what
//! the two share in a project called `ql`.

mod language;
pub(crate) mod name;
pub(crate) mod number;
pub(crate) mod space;
pub(crate) mod text;
pub(crate) mod unknown;

pub(crate) use language::Language;
