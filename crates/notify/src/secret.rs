//! Secrets: settings hold references to them, and their values are looked up when a message is sent.

use std::fmt;
use std::path::PathBuf;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::SecretError;

/// Where a secret lies: `{"env": "NAME"}` or `{"file": "/path"}`. Can be shown and exported.
///
/// A secret that is written out is refused, and the error does not repeat it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretRef {
    /// An environment variable of the process that sends.
    Env(String),
    /// A file; white space at its end does not count.
    File(PathBuf),
}

/// Looks up secrets. The process that sends gives it, for it alone may read the environment.
pub trait Secrets: Send + Sync {
    /// The value, without white space at its end. Asked for each time that a message is sent, so that a secret can be
    /// changed without a restart.
    ///
    /// # Errors
    /// There is none, or it is empty.
    fn resolve(&self, reference: &SecretRef) -> Result<Secret, SecretError>;
}

/// The value of a secret. Not shown by `Debug`, has no `Display`, cannot be serialized.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Keeps a value; white space at its end is cut.
    ///
    /// # Errors
    /// Nothing is left of it.
    pub fn new(value: &str, reference: &SecretRef) -> Result<Self, SecretError> {
        match value.trim_end() {
            "" => Err(SecretError::Unusable { reference: reference.to_string(), reason: "is empty" }),
            value => Ok(Self(value.to_owned())),
        }
    }

    /// The value itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
        }
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReferenceVisitor)
    }
}

struct ReferenceVisitor;

const LITERAL: &str = "a secret must not be written here: put it into an environment variable or a file, and write \
                       {\"env\": \"NAME\"} or {\"file\": \"/path\"}";

impl<'de> Visitor<'de> for ReferenceVisitor {
    type Value = SecretRef;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{\"env\": \"NAME\"} or {\"file\": \"/path\"}")
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<SecretRef, E> {
        Err(E::custom(LITERAL))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<SecretRef, E> {
        Err(E::custom(LITERAL))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<SecretRef, E> {
        Err(E::custom(LITERAL))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<SecretRef, E> {
        Err(E::custom(LITERAL))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretRef, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            // Neither an unknown key nor its value is repeated: either may be the secret.
            let reference = match (key.as_str(), map.next_value::<serde_json::Value>()?) {
                ("env", serde_json::Value::String(name)) if is_variable_name(&name) => SecretRef::Env(name),
                ("env", _) => {
                    return Err(de::Error::custom(
                        "`env` must be the name of an environment variable: letters, digits and _, for example \
                         SLACK_WEBHOOK_URL",
                    ));
                }
                ("file", serde_json::Value::String(path)) if path.starts_with('/') => {
                    SecretRef::File(path.into())
                }
                ("file", _) => {
                    return Err(de::Error::custom("`file` must be an absolute path; or write `env`"));
                }
                _ => return Err(de::Error::custom(LITERAL)),
            };
            if found.replace(reference).is_some() {
                return Err(de::Error::custom("write either `env` or `file`, not both"));
            }
        }
        found.ok_or_else(|| de::Error::custom("write {\"env\": \"NAME\"} or {\"file\": \"/path\"}"))
    }
}

/// So that a secret put there by mistake is seldom taken, and then shown, as a name.
fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 128
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_and_written_back() {
        for text in [r#"{"env":"TOKEN"}"#, r#"{"file":"/run/secrets/token"}"#] {
            let reference: SecretRef = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&reference).unwrap(), text);
        }
    }

    #[test]
    fn a_secret_that_is_written_out_is_refused_and_not_repeated() {
        for text in [
            r#""hunter2""#,
            "4711",
            r#"{"env":"hunter2-xyz"}"#,
            r#"{"file":"hunter2"}"#,
            r#"{"hunter2":"hunter2"}"#,
            r#"{"value":"hunter2"}"#,
            r#"{"env":"A","file":"/b"}"#,
            "{}",
        ] {
            let error = serde_json::from_str::<SecretRef>(text).unwrap_err().to_string();
            assert!(!error.contains("hunter2") && !error.contains("4711"), "{error}");
            assert!(error.contains("env"), "{error}");
        }
    }

    #[test]
    fn the_value_is_not_shown() {
        let secret = Secret::new("hunter2\n", &SecretRef::Env("A".into())).unwrap();
        assert_eq!(secret.expose(), "hunter2");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert!(Secret::new(" \n", &SecretRef::Env("A".into())).is_err());
    }
}
