//! The configuration of a server, as its file says it.

use std::net::SocketAddr;
use std::path::PathBuf;

use ecs::Interval;
use notify::SecretRef;
use serde::Deserialize;

use crate::error::ServerError;
use crate::investigation::InvestigationLimits;
use crate::scheduler::Limits;

use crate::responder::settings::RespondSettings;

/// The whole file. Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where the API listens, and who may use it.
    pub server: ServerSettings,
    /// Where everything but events is kept.
    pub state: StateSettings,
    /// Where events are kept.
    pub lake: LakeSettings,
    /// Where rules come from.
    pub rules: RulesSettings,
    /// What no round and no rule may go beyond.
    pub limits: LimitsSettings,
    /// How much of the lake the investigation of an alert rests on.
    pub investigation: InvestigationSettings,
    /// Databases for addresses.
    pub geoip: GeoipSettings,
    /// Whether and how keys are acted on.
    pub respond: RespondSettings,
    /// Where events come from.
    pub source: Vec<SourceSettings>,
}

impl Settings {
    /// May several nodes run by it, one after the other the active one? State and lake are where all reach them.
    pub fn is_shared(&self) -> bool {
        self.state.postgres.is_some() && self.lake.bucket.is_some()
    }
}

/// `[server]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSettings {
    /// Where the API listens.
    pub address: SocketAddr,
    /// The address under which people reach it.
    pub public_url: Option<String>,
    /// Certificate chain, PEM. Together with the key it makes the server speak TLS.
    pub tls_certificate: Option<PathBuf>,
    /// Its private key, PEM.
    pub tls_key: Option<PathBuf>,
    /// Whether callers show a token.
    pub auth: Auth,
}

/// Whether callers show a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Auth {
    /// They do.
    #[default]
    Token,
    /// They need not; only on loopback.
    None,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8585)),
            public_url: None,
            tls_certificate: None,
            tls_key: None,
            auth: Auth::Token,
        }
    }
}

/// `[state]`: SQLite, unless PostgreSQL is given.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StateSettings {
    /// The file of the database.
    pub sqlite: PathBuf,
    /// Where the URL of a PostgreSQL database is found: it may hold a password.
    pub postgres: Option<SecretRef>,
}

impl Default for StateSettings {
    fn default() -> Self {
        Self { sqlite: PathBuf::from("bartizan/state.sqlite"), postgres: None }
    }
}

/// `[lake]`: a folder, unless a bucket is given.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LakeSettings {
    /// The folder.
    pub folder: PathBuf,
    /// A bucket.
    pub bucket: Option<String>,
    /// Where in the bucket.
    pub prefix: String,
    /// Where events are logged before they are in files: on a disk of this machine.
    pub log: Option<PathBuf>,
    /// How long events are kept, for example `365d`; for ever when it is missing.
    pub retention: Option<String>,
}

impl Default for LakeSettings {
    fn default() -> Self {
        Self {
            folder: PathBuf::from("bartizan/lake"),
            bucket: None,
            prefix: String::new(),
            log: None,
            retention: None,
        }
    }
}

/// `[rules]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RulesSettings {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// The pack that comes with the program as well.
    pub builtin: bool,
    /// How often files are looked at again, for example `30s`.
    pub reload: String,
}

impl Default for RulesSettings {
    fn default() -> Self {
        Self { paths: Vec::new(), builtin: true, reload: "30s".to_owned() }
    }
}

/// `[limits]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsSettings {
    /// So many rules run at once, over one scan of the lake; at least 1.
    pub rules_at_once: usize,
    /// For how long one rule may be at work in an execution, for example `30s`.
    pub rule_time: String,
    /// Events of one rule that may wait until others have been seen, in one execution.
    pub rule_events: u64,
    /// Alerts that one rule may find in one execution, known ones included.
    pub rule_alerts: u64,
    /// Values, events and alerts of their histories that all rules together keep in memory; 0 for none.
    pub history_values: u64,
}

impl Default for LimitsSettings {
    fn default() -> Self {
        let Limits { rules_at_once, waiting_events, alerts, history_values, .. } = Limits::default();
        Self {
            rules_at_once,
            rule_time: "30s".to_owned(),
            rule_events: waiting_events,
            rule_alerts: alerts,
            history_values,
        }
    }
}

impl LimitsSettings {
    /// The limits, as the scheduler has them.
    ///
    /// # Errors
    /// When one of them makes no sense; the text says which.
    pub fn limits(&self) -> Result<Limits, ServerError> {
        let bad = |name: &str, text: &str| Err(ServerError::BadRequest(format!("limits.{name}: {text}")));
        let Ok(rule_time) = self.rule_time.parse::<Interval>() else {
            return bad("rule_time", &format!("`{}` is no time such as 30s", self.rule_time));
        };
        if rule_time.as_seconds() <= 0 {
            return bad("rule_time", "a rule needs some time");
        }
        for (name, most) in [("rule_events", self.rule_events), ("rule_alerts", self.rule_alerts)] {
            if most == 0 {
                return bad(name, "with 0 no rule could find anything");
            }
        }
        if self.rules_at_once == 0 {
            return bad("rules_at_once", "with 0 no rule could run");
        }
        Ok(Limits {
            rules_at_once: self.rules_at_once,
            rule_time: rule_time.as_duration(),
            waiting_events: self.rule_events,
            alerts: self.rule_alerts,
            history_values: self.history_values,
        })
    }
}

/// `[investigation]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InvestigationSettings {
    /// How far back it looks, such as `30d`.
    pub look_back: String,
    /// The most events that are read for it, the newest first; 0 for no investigations.
    pub events: u64,
    /// The most alerts of one execution that are investigated.
    pub alerts: usize,
}

impl Default for InvestigationSettings {
    fn default() -> Self {
        let InvestigationLimits { events, alerts, .. } = InvestigationLimits::default();
        Self { look_back: "30d".to_owned(), events, alerts }
    }
}

impl InvestigationSettings {
    /// The limits, as the scheduler has them.
    ///
    /// # Errors
    /// When the look-back is no time.
    pub fn limits(&self) -> Result<InvestigationLimits, ServerError> {
        let look_back = self.look_back.parse::<Interval>().ok().filter(|time| time.as_seconds() > 0);
        let Some(look_back) = look_back else {
            return Err(ServerError::BadRequest(format!(
                "investigation.look_back: `{}` is no time such as 30d",
                self.look_back
            )));
        };
        Ok(InvestigationLimits {
            look_back: look_back.as_duration(),
            events: self.events,
            alerts: self.alerts,
        })
    }
}

/// `[geoip]`
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct GeoipSettings {
    /// Database of places.
    pub city: Option<PathBuf>,
    /// Database of networks.
    pub asn: Option<PathBuf>,
}

/// `[[source]]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SourceSettings {
    /// Unique: checkpoints are kept under it.
    pub name: String,
    /// What it reads.
    #[serde(flatten)]
    pub kind: SourceKind,
}

/// What a source reads.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum SourceKind {
    /// Files in folders, watched.
    Folder {
        /// Files and folders.
        paths: Vec<PathBuf>,
    },
    /// Objects that a queue tells of.
    Sqs {
        /// The queue.
        queue_url: String,
        /// Its region.
        #[serde(default)]
        region: Option<String>,
        /// For how long a message stays hidden while it is worked on, for example `5m`, which it is when missing. After a
        /// crash it comes again as late.
        #[serde(default)]
        visibility: Option<String>,
    },
    /// A bucket, listed by date.
    S3Prefix {
        /// The bucket.
        bucket: String,
        /// What lies before `AWSLogs/`.
        #[serde(default)]
        prefix: String,
        /// Its region.
        #[serde(default)]
        region: Option<String>,
        /// The first day to be read, for example `2026-01-31`.
        #[serde(default)]
        from: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_read_and_unknown_keys_are_refused() {
        let example = include_str!("../../../deploy/bartizan.toml");
        let settings: Settings = toml::from_str(example).unwrap();
        assert!(settings.server.address.ip().is_loopback());
        assert_eq!(settings.limits.limits().unwrap(), Limits::default());
        for bad in ["rule_time = \"soon\"", "rule_time = \"0s\"", "rules_at_once = 0", "rule_events = 0"] {
            let settings: Settings = toml::from_str(&format!("[limits]\n{bad}")).unwrap();
            let message = settings.limits.limits().unwrap_err().to_string();
            assert!(message.contains(bad.split(' ').next().unwrap()), "{message}");
        }
        for bad in [
            "[server]\nadress = \"127.0.0.1:1\"",
            "[[source]]\nname = \"a\"\ntype = \"sqs\"\nqueue = \"b\"",
            "[[source]]\nname = \"a\"\ntype = \"folder\"\npaths = []\nregion = \"b\"",
            "[lakes]",
        ] {
            assert!(toml::from_str::<Settings>(bad).is_err(), "{bad}");
        }
    }
}
