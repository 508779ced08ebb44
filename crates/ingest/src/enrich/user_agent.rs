//! What a user agent is: its name, version, operating system and device, by the expressions of uap-core.
//!
//! The fields and their joining follow Elasticsearch's `user_agent` processor.

mod expressions;
mod required_text;

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use serde_json::{Map, Value};

use expressions::{Expressions, Extracted};

/// Distinct agents that are remembered; when they are more, the memory starts anew.
const REMEMBERED: usize = 8_192;

/// Read with the first agent; they serve the whole program.
static EXPRESSIONS: LazyLock<Expressions> = LazyLock::new(Expressions::new);

/// Reads user agents, each distinct one once.
#[derive(Debug, Default)]
pub struct UserAgents {
    known: RwLock<HashMap<Box<str>, Map<String, Value>, foldhash::fast::RandomState>>,
}

impl UserAgents {
    /// Remembers nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The fields of `user_agent` without `original`: `name` and `device.name` always (`Other` when unknown),
    /// `version`, `os.name`, `os.version` and `os.full` as far as they are known.
    pub fn fields(&self, agent: &str) -> Map<String, Value> {
        if let Some(fields) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(agent) {
            return fields.clone();
        }
        let fields = read(agent);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(agent.into(), fields.clone());
        fields
    }
}

fn read(agent: &str) -> Map<String, Value> {
    let Extracted { browser, system: os, device } = EXPRESSIONS.extract(agent);
    let text = |value: &str| Value::String(value.to_owned());
    let mut fields = Map::new();
    let name = browser.as_ref().map_or("Other", |browser| browser.family.as_ref());
    fields.insert("name".to_owned(), text(name));
    if let Some(version) = browser.and_then(|b| version([b.major, b.minor, b.patch, b.patch_minor])) {
        fields.insert("version".to_owned(), Value::String(version));
    }
    if let Some(os) = os {
        let mut os_fields = Map::new();
        os_fields.insert("name".to_owned(), text(&os.os));
        let parts = [&os.major, &os.minor, &os.patch, &os.patch_minor].map(|part| part.as_deref());
        if let Some(version) = version(parts) {
            os_fields.insert("full".to_owned(), Value::String(format!("{} {version}", os.os)));
            os_fields.insert("version".to_owned(), Value::String(version));
        }
        fields.insert("os".to_owned(), Value::Object(os_fields));
    }
    let device = device.as_ref().map_or("Other", |device| device.device.as_ref());
    fields.insert("device".to_owned(), Value::Object(Map::from_iter([("name".to_owned(), text(device))])));
    fields
}

/// The parts up to the first that is missing, joined by dots; `None` without a first one.
fn version(parts: [Option<&str>; 4]) -> Option<String> {
    let parts: Vec<&str> = parts.into_iter().map_while(|part| part.filter(|part| !part.is_empty())).collect();
    (!parts.is_empty()).then(|| parts.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn agents_are_told_apart() {
        let agents = UserAgents::new();
        for (agent, expected) in [
            (
                "aws-cli/2.15.0 Python/3.11.6 Linux/6.1.0-1 exe/x86_64 prompt/off command/kms.disable-key",
                json!({"name": "aws-cli", "version": "2.15.0", "os": {"name": "Linux", "version": "6.1.0", "full": "Linux 6.1.0"}, "device": {"name": "Other"}}),
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
                json!({"name": "Chrome", "version": "120.0.0.0", "os": {"name": "Mac OS X", "version": "10.15.7", "full": "Mac OS X 10.15.7"}, "device": {"name": "Mac"}}),
            ),
            ("something.unheard.of", json!({"name": "Other", "device": {"name": "Other"}})),
        ] {
            assert_eq!(Value::Object(agents.fields(agent)), expected, "{agent}");
            assert_eq!(Value::Object(agents.fields(agent)), expected, "remembered: {agent}");
        }
    }

    #[test]
    fn the_memory_is_bounded() {
        let agents = UserAgents::new();
        let known = || agents.known.read().unwrap().len();
        for i in 0..REMEMBERED {
            agents.known.write().unwrap().insert(i.to_string().into(), Map::new());
        }
        agents.fields("one more");
        assert_eq!(known(), 1);
    }

    #[test]
    fn versions_end_at_the_first_missing_part() {
        assert_eq!(version([Some("1"), Some("2"), None, Some("4")]).as_deref(), Some("1.2"));
        assert_eq!(version([Some("1"), Some(""), None, None]).as_deref(), Some("1"));
        assert_eq!(version([None, Some("2"), None, None]), None);
    }
}
