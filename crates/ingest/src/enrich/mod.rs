//! What is known of a value beyond the record: where an address lies, what a user agent is.

use std::net::IpAddr;
use std::path::Path;

use ecs::Document;
use serde_json::{Map, Value};

pub mod geo;
pub mod user_agent;

pub use geo::GeoDatabases;
pub use user_agent::UserAgents;

use crate::IngestError;

/// Everything that normalisation may ask. Made once, shared by all threads.
#[derive(Debug, Default)]
pub struct Enrichment {
    geo: GeoDatabases,
    user_agents: UserAgents,
}

impl Enrichment {
    /// With these databases.
    pub fn new(geo: GeoDatabases) -> Self {
        Self { geo, user_agents: UserAgents::new() }
    }

    /// With the MaxMind-format files at these paths; either may be left out.
    ///
    /// # Errors
    /// [`IngestError::GeoDatabase`] when a file cannot be read or is no such database.
    pub fn open(city: Option<&Path>, asn: Option<&Path>) -> Result<Self, IngestError> {
        Ok(Self::new(GeoDatabases::open(city, asn)?))
    }

    /// Adds to a document what is known of its `source.ip` (`source.geo`, `source.as`) and its
    /// `user_agent.original`. A document that was enriched before stays as it is.
    pub fn enrich(&self, document: &mut Document) {
        if let Some(ip) = document.text("source.ip").and_then(|text| text.parse().ok()) {
            for (field, found) in [("source.geo", self.geo(ip)), ("source.as", self.autonomous_system(ip))] {
                if !found.is_empty() {
                    document.set(field, found);
                }
            }
        }
        let Some(fields) = document.text("user_agent.original").map(|agent| self.user_agent(agent)) else {
            return;
        };
        match document.as_map_mut().get_mut("user_agent") {
            Some(Value::Object(agent)) => agent.extend(fields),
            _ => document.set("user_agent", fields),
        }
    }

    /// The fields of `geo` for an address, empty when nothing is known.
    pub fn geo(&self, ip: IpAddr) -> Map<String, Value> {
        self.geo.city(ip)
    }

    /// The fields of `as` for an address, empty when nothing is known.
    pub fn autonomous_system(&self, ip: IpAddr) -> Map<String, Value> {
        self.geo.autonomous_system(ip)
    }

    /// The fields of `user_agent` for an agent, without `original`.
    pub fn user_agent(&self, agent: &str) -> Map<String, Value> {
        self.user_agents.fields(agent)
    }
}
