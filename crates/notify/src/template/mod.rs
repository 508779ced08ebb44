//! Templates: text with `{{tags}}` that are filled in from the variables of a message, as in mustache.
//!
//! ```text
//!   {{name}}                        the value, escaped for where the text goes
//!   {{{name}}}  {{&name}}           the value as it is
//!   {{#name}} … {{/name}}           once for each element, or once when the value says yes; names are looked up in it first
//!   {{^name}} … {{/name}}           when there is none
//!   {{! remark }}  {{=<% %>=}}      nothing; other delimiters
//!   {{#FormatDate}} date; zone; format {{/FormatDate}}
//! ```
//!
//! A dotted name finds nested and dotted keys alike. Arrays print their elements with commas between; `.asJSON` prints JSON,
//! `.length` how many there are, `.0` is the first. A name without a value prints nothing.
//! Source: <https://mustache.github.io/mustache.5.html>; elastic/kibana x-pack/plugins/actions/server/lib/mustache_renderer.ts.
//! Of its functions there is FormatDate alone; templates that ask for another, or include others, are refused.

mod escape;
mod format_date;
mod lookup;
mod parse;
mod render;

pub use escape::Escape;
pub use render::{MAX_OUTPUT, Rendered};

use serde_json::Value;

use crate::error::TemplateError;

/// A template that can be rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Text(String),
    /// The segments of a dotted name; none for `.`.
    Value {
        path: Vec<String>,
        escaped: bool,
    },
    Section {
        path: Vec<String>,
        inverted: bool,
        nodes: Vec<Node>,
    },
    FormatDate(Vec<Node>),
}

impl Template {
    /// Reads a template. Text without `{{` is always one, and means itself.
    ///
    /// # Errors
    /// The first tag that cannot be understood, with its place.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Ok(Self { nodes: parse::parse(text)? })
    }

    /// Fills the tags in.
    pub fn render(&self, variables: &Value, escape: Escape) -> Rendered {
        render::render(&self.nodes, variables, escape)
    }
}
