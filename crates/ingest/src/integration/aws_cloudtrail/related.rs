//! `related.user`, `related.ip`, `related.hosts`: what an event shares with others, for pivoting.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::java_string::{java_length, java_string};
use super::moves::put;

/// What the related values are gathered from.
#[derive(Debug)]
pub(super) struct Related<'a> {
    pub(super) session_name: Option<&'a str>,
    /// `user`, with `target` and `changes`.
    pub(super) user: &'a Map<String, Value>,
    pub(super) on_behalf_of: Option<&'a Value>,
    pub(super) source_address: Option<&'a Value>,
    /// The server that the client asked for.
    pub(super) server_name: Option<&'a Value>,
    /// `aws.cloudtrail.resources`.
    pub(super) resources: Option<&'a Value>,
    pub(super) request: Option<&'a Value>,
    pub(super) response: Option<&'a Value>,
    pub(super) service_event: Option<&'a Value>,
    pub(super) digest_hash: Option<&'a Value>,
}

/// `related`, without its entities.
pub(super) fn related(event: &Related<'_>) -> Map<String, Value> {
    let mut related = Map::new();
    put(&mut related, "user", users(event).into_value());
    put(&mut related, "ip", addresses(event).into_value());
    put(&mut related, "hosts", hosts(event).into_value());
    let mut hashes = RelatedList::default();
    hashes.add(event.digest_hash);
    put(&mut related, "hash", hashes.into_value());
    related
}

/// Is the value the literal of an IPv4 or IPv6 address?
pub(super) fn as_ip(value: &Value) -> Option<IpAddr> {
    value.as_str()?.parse().ok()
}

/// A list of distinct texts, in the order in which they came.
#[derive(Debug, Default)]
struct RelatedList {
    values: Vec<Value>,
}

impl RelatedList {
    /// Adds a value as text, unless it is empty or there already.
    fn add(&mut self, value: Option<&Value>) {
        match value {
            None => {}
            Some(Value::String(text)) => self.add_text(text),
            Some(other) => self.add_text(&java_string(other)),
        }
    }

    fn add_text(&mut self, text: &str) {
        if !text.is_empty() && !self.values.iter().any(|known| known == text) {
            self.values.push(Value::from(text));
        }
    }

    fn into_value(self) -> Option<Value> {
        (!self.values.is_empty()).then_some(Value::Array(self.values))
    }
}

fn users(event: &Related<'_>) -> RelatedList {
    let mut users = RelatedList::default();
    if let Some(name) = event.session_name {
        users.add_text(name);
        if let Some((local, _)) = name.split_once('@') {
            users.add_text(local);
        }
    }
    let of_user = |group: &str, key: &str| event.user.get(group)?.get(key);
    users.add(of_user("target", "name"));
    users.add(of_user("changes", "name"));
    users.add(of_user("target", "id"));
    users.add(event.user.get("id"));
    users.add(event.user.get("name"));
    users.add(event.on_behalf_of);
    users
}

fn addresses(event: &Related<'_>) -> RelatedList {
    let mut addresses = RelatedList::default();
    let of_service = event.service_event.and_then(|details| details.get("sourceIpAddress"));
    for address in [event.source_address, of_service].into_iter().flatten() {
        if as_ip(address).is_some() {
            addresses.add(Some(address));
        }
    }
    addresses
}

/// Hosts by name, and EC2 instances by id.
fn hosts(event: &Related<'_>) -> RelatedList {
    let mut hosts = RelatedList::default();
    let of_aws = |value: &Value| value.as_str().is_some_and(|text| text.ends_with(".amazonaws.com"));
    hosts.add(event.server_name.filter(|name| !of_aws(name)));
    hosts.add(event.source_address.filter(|address| {
        let name = address.as_str().unwrap_or_default();
        as_ip(address).is_none() && name.contains('.') && !name.contains(' ') && !of_aws(address)
    }));
    hosts.add(event.request.and_then(|request| request.get("computerName")));
    add_instances(&mut hosts, event);
    hosts
}

/// The ids of instances, in the shapes in which the services name them.
fn add_instances(hosts: &mut RelatedList, event: &Related<'_>) {
    let mut add = |id: Option<&str>| {
        if let Some(id) = id.filter(|id| id.starts_with("i-") && java_length(id) >= 10) {
            hosts.add_text(id);
        }
    };
    for resource in event.resources.and_then(Value::as_array).into_iter().flatten() {
        let arn = resource.get("arn").and_then(Value::as_str).filter(|arn| arn.contains(":instance/"));
        add(arn.and_then(|arn| arn.rsplit_once('/')).map(|(_, id)| id));
    }
    for payload in [event.request, event.response].into_iter().flatten() {
        for key in ["instanceId", "target", "resourceId"] {
            add(payload.get(key).and_then(Value::as_str));
        }
        for id in payload.get("instanceIds").and_then(Value::as_array).into_iter().flatten() {
            add(id.as_str());
        }
        let items = payload.get("instancesSet").and_then(|set| set.get("items")?.as_array());
        for item in items.into_iter().flatten() {
            add(item.get("instanceId").and_then(Value::as_str));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn nothing(user: &Map<String, Value>) -> Related<'_> {
        Related {
            session_name: None,
            user,
            on_behalf_of: None,
            source_address: None,
            server_name: None,
            resources: None,
            request: None,
            response: None,
            service_event: None,
            digest_hash: None,
        }
    }

    #[test]
    fn users_come_in_a_fixed_order_and_once() {
        let user = json!({
            "id": "ID", "name": "ops", "target": {"id": "TID", "name": "ada"}, "changes": {"name": "grace"}
        });
        let got = related(&Related {
            session_name: Some("ada@example.org"),
            user: user.as_object().unwrap(),
            on_behalf_of: Some(&json!(7)),
            digest_hash: Some(&json!("h")),
            ..nothing(&Map::new())
        });
        assert_eq!(
            Value::Object(got),
            json!({
                "user": ["ada@example.org", "ada", "grace", "TID", "ID", "ops", "7"], "hash": ["h"]
            })
        );
    }

    #[test]
    fn hosts_are_names_outside_aws_and_addresses_are_literals() {
        let request = json!({"computerName": "desk-1"});
        let service_event = json!({"sourceIpAddress": "2001:db8::1"});
        for (server, source, expected) in [
            ("s3.amazonaws.com", "config.amazonaws.com", json!({"ip": ["2001:db8::1"], "hosts": ["desk-1"]})),
            (
                "kms.example.org",
                "nat.example.org",
                json!({"ip": ["2001:db8::1"], "hosts": ["kms.example.org", "nat.example.org", "desk-1"]}),
            ),
            ("h", "AWS Internal", json!({"ip": ["2001:db8::1"], "hosts": ["h", "desk-1"]})),
            ("h", "not. a host", json!({"ip": ["2001:db8::1"], "hosts": ["h", "desk-1"]})),
            ("h", "192.0.2.1", json!({"ip": ["192.0.2.1", "2001:db8::1"], "hosts": ["h", "desk-1"]})),
        ] {
            let got = related(&Related {
                server_name: Some(&json!(server)),
                source_address: Some(&json!(source)),
                request: Some(&request),
                service_event: Some(&service_event),
                ..nothing(&Map::new())
            });
            assert_eq!(Value::Object(got), expected, "{server} {source}");
        }
    }

    #[test]
    fn instances_are_found_in_every_shape() {
        let resources = json!([
            {"arn": "arn:aws:ec2:us-east-1:1:instance/i-00000001"}, {"arn": "arn:aws:kms:us-east-1:1:key/i-0000000k"}
        ]);
        let request = json!({
            "target": "i-00000002", "instanceId": "i-00000003", "resourceId": "vol-00000001",
            "instanceIds": ["i-00000004", 7, "i-short"],
            "instancesSet": {"items": [{"instanceId": "i-00000005"}, "x"]}
        });
        let response = json!({"instanceId": "i-00000003", "resourceId": "i-00000006"});
        let got = related(&Related {
            resources: Some(&resources),
            request: Some(&request),
            response: Some(&response),
            ..nothing(&Map::new())
        });
        let ids = [1, 3, 2, 4, 5, 6].map(|n| format!("i-0000000{n}"));
        assert_eq!(Value::Object(got), json!({"hosts": ids}));
    }
}
