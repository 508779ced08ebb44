//! What a value must look like where it is put, so that it cannot be read as anything but text.

use std::borrow::Cow;

/// Where the text of a template goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Escape {
    /// Plain text: values stay as they are.
    None,
    /// Within the quotes of a JSON string.
    Json,
    /// Slack's markup. Source: <https://api.slack.com/reference/surfaces/formatting#escaping>
    Slack,
    /// Markdown (CommonMark).
    Markdown,
    /// HTML, in text and in quoted attributes.
    Html,
}

impl Escape {
    /// The text as it must be written.
    pub fn escape(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::None => Cow::Borrowed(text),
            Self::Json => {
                let quoted = serde_json::Value::from(text).to_string();
                Cow::Owned(quoted[1..quoted.len() - 1].to_owned())
            }
            Self::Slack => each(text, |c| match c {
                '&' => Some("&amp;"),
                '<' => Some("&lt;"),
                '>' => Some("&gt;"),
                _ => None,
            }),
            Self::Html => each(text, |c| match c {
                '&' => Some("&amp;"),
                '<' => Some("&lt;"),
                '>' => Some("&gt;"),
                '"' => Some("&quot;"),
                '\'' => Some("&#39;"),
                _ => None,
            }),
            // Every ASCII mark may be escaped in CommonMark; `&` would begin an entity. A new line could begin a block.
            Self::Markdown => {
                Cow::Owned(text.chars().fold(String::with_capacity(text.len()), |mut to, c| {
                    match c {
                        '\n' | '\r' => to.push(' '),
                        c if c.is_ascii_punctuation() => to.extend(['\\', c]),
                        c => to.push(c),
                    }
                    to
                }))
            }
        }
    }
}

fn each(text: &str, replaced: fn(char) -> Option<&'static str>) -> Cow<'_, str> {
    if !text.chars().any(|c| replaced(c).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut to = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match replaced(c) {
            Some(text) => to.push_str(text),
            None => to.push(c),
        }
    }
    Cow::Owned(to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_escaped_means_what_it_was(text in any::<String>()) {
            let json = format!("\"{}\"", Escape::Json.escape(&text));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text.clone());
            prop_assert!(!Escape::Html.escape(&text).contains(['<', '>', '"', '\'']));
            prop_assert!(!Escape::Slack.escape(&text).contains(['<', '>']));
            prop_assert_eq!(&*Escape::None.escape(&text), &*text);
        }

        #[test]
        fn markdown_takes_escaped_text_as_text(text in r"[ -~]{1,20}") {
            let escaped = Escape::Markdown.escape(&text);
            let read: String = pulldown_cmark::Parser::new(&escaped)
                .filter_map(|event| match event {
                    pulldown_cmark::Event::Text(text) => Some(text.to_string()),
                    _ => None,
                })
                .collect();
            // White space at the ends, or four blanks at the start, are the page's business.
            if !text.starts_with("    ") {
                prop_assert_eq!(read.trim(), text.trim());
            }
        }
    }
}
