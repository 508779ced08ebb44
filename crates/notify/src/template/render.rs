//! Nodes and variables to text.

use std::borrow::Cow;

use serde_json::Value;

use super::format_date::format_date;
use super::lookup::lookup;
use super::{Escape, Node};

/// The longest text that a template makes, in bytes; what would come after is cut.
pub const MAX_OUTPUT: usize = 256 * 1024;
/// So that sections within sections over many alerts come to an end.
const MAX_STEPS: usize = 1_000_000;

/// What a template made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// At most [`MAX_OUTPUT`] bytes.
    pub text: String,
    /// There would have been more.
    pub is_cut: bool,
}

/// The values in which names are looked up, innermost first.
struct Frame<'a> {
    value: &'a Value,
    outer: Option<&'a Frame<'a>>,
}

impl Frame<'_> {
    fn lookup(&self, path: &[String]) -> Option<Cow<'_, Value>> {
        match lookup(self.value, path) {
            None => self.outer.and_then(|outer| outer.lookup(path)),
            found => found,
        }
    }
}

struct Renderer {
    text: String,
    escape: Escape,
    steps: usize,
    is_cut: bool,
}

pub(super) fn render(nodes: &[Node], variables: &Value, escape: Escape) -> Rendered {
    let mut renderer = Renderer { text: String::new(), escape, steps: 0, is_cut: false };
    renderer.nodes(nodes, &Frame { value: variables, outer: None });
    Rendered { text: renderer.text, is_cut: renderer.is_cut }
}

impl Renderer {
    fn put(&mut self, text: &str) {
        let room = MAX_OUTPUT - self.text.len();
        let end = text.floor_char_boundary(room);
        self.text.push_str(&text[..end]);
        self.is_cut |= end < text.len();
    }

    fn nodes(&mut self, nodes: &[Node], frame: &Frame<'_>) {
        for node in nodes {
            self.steps += 1;
            self.is_cut |= self.steps > MAX_STEPS;
            if self.is_cut {
                return;
            }
            match node {
                Node::Text(text) => self.put(text),
                Node::Value { path, escaped } => {
                    if let Some(value) = frame.lookup(path) {
                        let text = printed(&value);
                        let escape = if *escaped { self.escape } else { Escape::None };
                        self.put(&escape.escape(&text));
                    }
                }
                Node::FormatDate(inner) => {
                    let mut plain =
                        Self { text: String::new(), escape: Escape::None, steps: self.steps, is_cut: false };
                    plain.nodes(inner, frame);
                    self.steps = plain.steps;
                    self.put(&self.escape.escape(&format_date(&plain.text)));
                }
                Node::Section { path, inverted, nodes } => {
                    let value = frame.lookup(path);
                    match (value.as_deref().filter(|value| says_yes(value)), inverted) {
                        (None, true) => self.nodes(nodes, frame),
                        (None, false) | (Some(_), true) => {}
                        (Some(Value::Array(items)), false) => {
                            for value in items {
                                if self.is_cut {
                                    return;
                                }
                                self.steps += 1;
                                self.nodes(nodes, &Frame { value, outer: Some(frame) });
                            }
                        }
                        (Some(value), false) => self.nodes(nodes, &Frame { value, outer: Some(frame) }),
                    }
                }
            }
        }
    }
}

/// As JavaScript has it: no, nothing, zero, empty text; and the empty array.
fn says_yes(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Bool(true) | Value::Object(_) => true,
    }
}

fn printed(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        Value::Array(items) => Cow::Owned(items.iter().map(printed).collect::<Vec<_>>().join(",")),
        other => Cow::Owned(other.to_string()),
    }
}
