//! The address of an HTTP connector, and other texts that may or must be secret.

use std::fmt;

use reqwest::Url;
use serde::de::{self, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::ConfigError;
use crate::secret::SecretRef;

/// A text that is written out, or a reference to a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum PlainOrSecret {
    /// Written out; shown in errors and exports.
    Plain(String),
    /// `{"env": "NAME"}` or `{"file": "/path"}`
    Secret(SecretRef),
}

impl<'de> Deserialize<'de> for PlainOrSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Both;
        impl<'de> Visitor<'de> for Both {
            type Value = PlainOrSecret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, {\"env\": \"NAME\"} or {\"file\": \"/path\"}")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<PlainOrSecret, E> {
                Ok(PlainOrSecret::Plain(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PlainOrSecret, A::Error> {
                SecretRef::deserialize(MapAccessDeserializer::new(map)).map(PlainOrSecret::Secret)
            }
        }
        deserializer.deserialize_any(Both)
    }
}

/// Parts of names of headers and parameters whose values are secrets.
const SECRET_NAMES: [&str; 10] =
    ["auth", "cookie", "token", "secret", "key", "passw", "pwd", "signature", "sig", "code"];
/// Hosts whose addresses hold a token in the path.
const SECRET_HOSTS: [&str; 9] = [
    "hooks.slack.com",
    "discord.com",
    "discordapp.com",
    "office.com",
    "chat.googleapis.com",
    "hooks.zapier.com",
    "logic.azure.com",
    "api.telegram.org",
    "events.pagerduty.com",
];

/// Does a header or parameter of this name hold a secret?
pub(crate) fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

/// Checks an address: `http` or `https`, without encryption only where `allow_http` or within the machine. The reason for
/// a refusal does not repeat it.
pub(crate) fn check_address(text: &str, allow_http: bool) -> Result<Url, &'static str> {
    let Ok(url) = Url::parse(text) else {
        return Err("is no address; it must begin with https://");
    };
    let host = url.host_str().unwrap_or_default();
    let is_local = matches!(host, "localhost" | "[::1]") || host.starts_with("127.");
    match url.scheme() {
        "https" => Ok(url),
        "http" if allow_http || is_local => Ok(url),
        "http" => {
            Err("is not encrypted; use https://, or set `allow_http` to true where the network is trusted")
        }
        _ => Err("must begin with https://"),
    }
}

/// Checks an address that is written out: it must hold nothing secret.
pub(crate) fn check_plain_address(text: &str, allow_http: bool) -> Result<Url, &'static str> {
    let url = check_address(text, allow_http)?;
    let host = url.host_str().unwrap_or_default();
    let by_host = SECRET_HOSTS
        .iter()
        .any(|known| host.strip_suffix(known).is_some_and(|h| h.is_empty() || h.ends_with('.')));
    let by_query = url.query_pairs().any(|(name, _)| names_a_secret(&name));
    if by_host || by_query || url.password().is_some() || !url.username().is_empty() {
        return Err(
            "holds a token or password: put the whole address into an environment variable or a file, and \
                    write {\"env\": \"NAME\"} or {\"file\": \"/path\"}",
        );
    }
    Ok(url)
}

impl PlainOrSecret {
    pub(crate) fn check_as_address(&self, what: String, allow_http: bool) -> Result<(), ConfigError> {
        match self {
            Self::Plain(text) => match check_plain_address(text, allow_http) {
                Ok(_) => Ok(()),
                Err(reason) => Err(ConfigError::value(what, reason)),
            },
            Self::Secret(_) => Ok(()),
        }
    }
}
