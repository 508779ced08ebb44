//! Who acted, on what, and every entity that a record names: `actor.*`, `*.entity.id`, `*.target.*`, `related.entity`.
//!
//! Runs on the whole record, before fields are moved out of it. All lists are sets, sorted as Java sorts text.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::entity_kind::{Arn, Kind, instance_id, is_service_role, target_kind};
use super::entity_services::{Items, Service, Target, service};
use super::java_string::{Utf16Ordered, java_string};
use super::record_path::{WrongType, as_list, as_object, as_text, list_at, text_at, value_at};

/// The entity fields of a record, as names and values.
///
/// # Errors
/// When a value that should be text, a list or an object is none: then the record gets no entity fields at all.
pub(super) fn entity_fields(record: &Map<String, Value>) -> Result<Vec<(&'static str, Value)>, WrongType> {
    let source = text_at(record, "eventSource")?;
    let name = text_at(record, "eventName")?;
    let mut related = Entities::new();
    let mut targets = Entities::new();

    for path in [
        "userIdentity.accessKeyId",
        "userIdentity.arn",
        "userIdentity.userName",
        "userIdentity.sessionContext.sessionIssuer.arn",
        "userIdentity.sessionContext.sessionIssuer.userName",
    ] {
        add(&mut related, text_at(record, path)?);
    }
    let identity_type = value_at(record, "userIdentity.type").and_then(Value::as_str);
    if identity_type == Some("IdentityCenterUser") {
        add(&mut related, text_at(record, "userIdentity.onBehalfOf.identityStoreArn")?);
    }
    for arn in resource_arns(record)? {
        add(&mut related, arn);
    }
    // Owned texts must outlive the sets that borrow them.
    let service = source.and_then(service);
    let acts_on = service.map_or(&[][..], |service| service.targets_of(name.unwrap_or_default()));
    let numbers = number_targets(record, acts_on);
    if let Some(service) = service {
        add_related(&mut related, record, service)?;
    }
    for target in acts_on {
        add_target(&mut targets, record, target, &numbers)?;
    }

    let mut fields = Vec::with_capacity(8);
    if !targets.is_empty() {
        push_targets(&mut fields, &targets);
        related.extend(&targets);
    }
    if let Some(actor) = actor(record, source, name, identity_type) {
        push_actor(&mut fields, record, actor, identity_type);
    }
    fields.push(("related.entity", list(&related)));
    fields.retain(|(_, value)| value.as_array().is_none_or(|items| !items.is_empty()));
    Ok(fields)
}

type Entities<'a> = BTreeSet<Utf16Ordered<'a>>;

/// Adds a value; false when it is missing or was there already.
fn add<'a>(entities: &mut Entities<'a>, value: Option<&'a str>) -> bool {
    value.is_some_and(|value| entities.insert(Utf16Ordered(value)))
}

fn list(entities: &Entities<'_>) -> Value {
    entities.iter().map(|entity| entity.0).collect()
}

fn resource_arns(record: &Map<String, Value>) -> Result<Vec<Option<&str>>, WrongType> {
    list_at(record, "resources")?
        .iter()
        .map(|resource| item_text(as_object(resource, "resources[]")?, "ARN", "resources[]"))
        .collect()
}

fn add_related<'a>(
    related: &mut Entities<'a>,
    record: &'a Map<String, Value>,
    service: &Service,
) -> Result<(), WrongType> {
    for path in service.related {
        add(related, text_at(record, path)?);
    }
    for items in service.related_items {
        add_items(related, list_at(record, items.list)?, items)?;
    }
    for path in service.related_lists {
        let texts: Vec<_> = list_at(record, path)?
            .iter()
            .map(|item| as_text(item, path).map(Some))
            .collect::<Result<_, _>>()?;
        add_until_known(related, texts);
    }
    Ok(())
}

/// Adds values up to the first that is missing or known.
fn add_until_known<'a>(entities: &mut Entities<'a>, values: Vec<Option<&'a str>>) {
    for value in values {
        if !add(entities, value) {
            return;
        }
    }
}

fn add_items<'a>(related: &mut Entities<'a>, list: &'a [Value], items: &Items) -> Result<(), WrongType> {
    for item in list {
        let item = as_object(item, items.list)?;
        let texts =
            items.values.iter().map(|path| item_text(item, path, items.list)).collect::<Result<_, _>>()?;
        add_until_known(related, texts);
        for inner in items.inner {
            if let Some(value) = item_value(item, inner.list, items.list)? {
                add_items(related, as_list(value, inner.list)?, inner)?;
            }
        }
    }
    Ok(())
}

/// A value inside an object of a list; here every step that exists must be an object.
fn item_value<'a>(
    item: &'a Map<String, Value>,
    path: &str,
    list: &str,
) -> Result<Option<&'a Value>, WrongType> {
    match path.split_once('.') {
        None => Ok(item.get(path)),
        Some((step, rest)) => match item.get(step) {
            None => Ok(None),
            Some(inner) => item_value(as_object(inner, list)?, rest, list),
        },
    }
}

fn item_text<'a>(item: &'a Map<String, Value>, path: &str, list: &str) -> Result<Option<&'a str>, WrongType> {
    item_value(item, path, list)?.map(|value| as_text(value, list)).transpose()
}

/// The texts of the numbers that are targets of this event.
fn number_targets(record: &Map<String, Value>, targets: &[Target]) -> Vec<String> {
    let number = |target: &Target| match target {
        Target::NumberAt(path) => value_at(record, path).map(java_string),
        _ => None,
    };
    targets.iter().filter_map(number).collect()
}

fn add_target<'a>(
    targets: &mut Entities<'a>,
    record: &'a Map<String, Value>,
    target: &Target,
    numbers: &'a [String],
) -> Result<(), WrongType> {
    match target {
        Target::TextAt(path) => {
            add(targets, text_at(record, path)?);
        }
        Target::NumberAt(_) => {
            for number in numbers {
                add(targets, Some(number));
            }
        }
        Target::EachOf(path) => {
            for item in list_at(record, path)? {
                add(targets, Some(as_text(item, path)?));
            }
        }
        Target::EachIn(path, key) => {
            for item in list_at(record, path)? {
                add(targets, item_text(as_object(item, path)?, key, path)?);
            }
        }
        Target::ResourceArns => {
            for arn in resource_arns(record)? {
                add(targets, arn);
            }
        }
        Target::Account => {
            add(targets, text_at(record, "recipientAccountId")?);
        }
        Target::RunCommandInstances => add_until_known(targets, run_command_instances(record)?),
    }
    Ok(())
}

fn run_command_instances(record: &Map<String, Value>) -> Result<Vec<Option<&str>>, WrongType> {
    const IDS: &str = "requestParameters.instanceIds";
    const TARGETS: &str = "requestParameters.targets";
    let mut instances: Vec<&Value> = list_at(record, IDS)?.iter().collect();
    if instances.is_empty() {
        for target in list_at(record, TARGETS)? {
            let values = as_object(target, TARGETS)?.get("values");
            instances.extend(as_list(values.unwrap_or(&Value::Null), TARGETS)?);
        }
    }
    if let [Value::String(all)] = instances.as_slice()
        && all == "*"
    {
        return Ok(vec![text_at(record, "recipientAccountId")?]);
    }
    instances.into_iter().map(|instance| as_text(instance, TARGETS).map(Some)).collect()
}

fn push_targets(fields: &mut Vec<(&'static str, Value)>, targets: &Entities<'_>) {
    fields.push(("target.entity.id", list(targets)));
    for (kind, name) in [
        (Kind::User, "user.target.entity.id"),
        (Kind::Host, "host.target.entity.id"),
        (Kind::Service, "service.target.entity.id"),
        (Kind::Generic, "entity.target.id"),
    ] {
        let of_kind: Entities<'_> = targets.iter().copied().filter(|t| target_kind(t.0) == kind).collect();
        if kind == Kind::Host {
            let instances: Entities<'_> =
                of_kind.iter().filter_map(|t| instance_id(t.0)).map(Utf16Ordered).collect();
            fields.push(("host.target.id", list(&instances)));
        }
        fields.push((name, list(&of_kind)));
    }
}

fn actor<'a>(
    record: &'a Map<String, Value>,
    source: Option<&str>,
    name: Option<&str>,
    identity_type: Option<&str>,
) -> Option<&'a Value> {
    let own = value_at(record, "userIdentity.arn");
    match (source, name) {
        (Some("sts.amazonaws.com"), Some("AssumeRole")) => match identity_type {
            Some("AWSService") => value_at(record, "userIdentity.invokedBy"),
            Some("AssumedRole") => value_at(record, "userIdentity.sessionContext.sessionIssuer.arn"),
            _ => own,
        },
        (Some("sts.amazonaws.com"), Some("GetCallerIdentity")) => own,
        _ => own.or_else(|| value_at(record, "userIdentity.onBehalfOf.userId")),
    }
}

fn push_actor(
    fields: &mut Vec<(&'static str, Value)>,
    record: &Map<String, Value>,
    actor: &Value,
    identity_type: Option<&str>,
) {
    let one = |value: &Value| Value::Array(vec![value.clone()]);
    let text = java_string(actor);
    let resource_type =
        text.starts_with("arn:").then(|| Arn::read(&text)).flatten().map(|arn| arn.resource_type);
    let name = match (identity_type, resource_type) {
        (Some("AWSService"), _) => "service.entity.id",
        _ if is_service_role(&text) => "service.entity.id",
        (Some("IAMUser" | "Root" | "AssumedRole"), _) => "user.entity.id",
        (_, Some("user" | "role" | "assumed-role" | "federated-user")) => "user.entity.id",
        (_, Some("instance")) => "host.entity.id",
        _ if text.starts_with("i-") => "host.entity.id",
        _ => "entity.id",
    };
    // A role is one user, however many sessions it has.
    let role = value_at(record, "userIdentity.sessionContext.sessionIssuer.arn");
    let entity = match (name, identity_type) {
        ("user.entity.id", Some("AssumedRole")) => role.unwrap_or(actor),
        _ => actor,
    };
    fields.push(("actor.entity.id", one(actor)));
    fields.push((name, one(entity)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(record: Value) -> Value {
        let mut document = ecs::Document::new();
        for (name, value) in entity_fields(record.as_object().unwrap()).unwrap() {
            document.set(name, value);
        }
        Value::Object(document.into_map())
    }

    #[test]
    fn an_assumed_role_acts_as_its_session_and_is_the_user_of_its_role() {
        let got = fields(json!({
            "eventSource": "kms.amazonaws.com", "eventName": "DisableKey",
            "userIdentity": {
                "type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/ops/ada",
                "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::1:role/ops", "userName": "ops"}}
            },
            "requestParameters": {"keyId": "k-1"},
            "resources": [{"ARN": "arn:aws:kms:eu-west-1:1:key/k-1"}, {"arn": "not read here"}]
        }));
        let key = "arn:aws:kms:eu-west-1:1:key/k-1";
        assert_eq!(
            got,
            json!({
                "actor": {"entity": {"id": ["arn:aws:sts::1:assumed-role/ops/ada"]}},
                "user": {"entity": {"id": ["arn:aws:iam::1:role/ops"]}},
                "target": {"entity": {"id": [key]}},
                "service": {"target": {"entity": {"id": [key]}}},
                "related": {"entity": ["arn:aws:iam::1:role/ops", key, "arn:aws:sts::1:assumed-role/ops/ada", "k-1", "ops"]}
            })
        );
    }

    #[test]
    fn the_actor_depends_on_who_calls_what() {
        let role = json!({"sessionIssuer": {"arn": "arn:aws:iam::1:role/ops"}});
        for (source, name, identity, field, expected) in [
            (
                "ec2",
                "X",
                json!({"type": "IAMUser", "arn": "arn:aws:iam::1:user/ada"}),
                "user",
                "arn:aws:iam::1:user/ada",
            ),
            ("ec2", "X", json!({"type": "IdentityCenterUser", "onBehalfOf": {"userId": "u-1"}}), "", "u-1"),
            (
                "ec2",
                "X",
                json!({"type": "FederatedUser", "arn": "arn:aws:sts::1:federated-user/ada"}),
                "user",
                "arn:aws:sts::1:federated-user/ada",
            ),
            (
                "ec2",
                "X",
                json!({"type": "Other", "arn": "arn:aws:ec2:us-east-1:1:instance/i-1"}),
                "host",
                "arn:aws:ec2:us-east-1:1:instance/i-1",
            ),
            ("ec2", "X", json!({"arn": "i-0123456789"}), "host", "i-0123456789"),
            (
                "sts",
                "AssumeRole",
                json!({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}),
                "service",
                "ec2.amazonaws.com",
            ),
            (
                "sts",
                "AssumeRole",
                json!({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/ops/a", "sessionContext": role}),
                "user",
                "arn:aws:iam::1:role/ops",
            ),
        ] {
            let got = fields(
                json!({"eventSource": format!("{source}.amazonaws.com"), "eventName": name, "userIdentity": identity}),
            );
            let pointer =
                if field.is_empty() { "/entity/id/0".to_owned() } else { format!("/{field}/entity/id/0") };
            assert_eq!(got.pointer(&pointer), Some(&json!(expected)), "{got}");
            assert_eq!(got.pointer("/actor/entity/id/0"), Some(&json!(expected)), "{got}");
        }
        for name in ["AssumeRole", "GetCallerIdentity"] {
            let got = fields(json!({
                "eventSource": "sts.amazonaws.com", "eventName": name, "userIdentity": {"onBehalfOf": {"userId": "u-1"}}
            }));
            assert_eq!(got.get("actor"), None, "{name}");
        }
    }

    #[test]
    fn values_of_an_item_end_at_the_first_that_is_missing_or_known() {
        let got = fields(json!({
            "eventSource": "ec2.amazonaws.com", "eventName": "RunInstances",
            "responseElements": {"instancesSet": {"items": [
                {"subnetId": "subnet-1", "vpcId": "vpc-1", "instanceId": "i-1", "imageId": "ami-1",
                 "networkInterfaceSet": {"items": [
                    {"networkInterfaceId": "eni-1", "vpcId": "vpc-1", "subnetId": "subnet-9",
                     "groupSet": {"items": [{"groupId": "sg-1"}, {"groupId": "sg-2"}]}}]}},
                {"subnetId": "subnet-1", "vpcId": "vpc-2", "instanceId": "i-2"},
                {"vpcId": "vpc-3", "instanceId": "i-3"}
            ]}}
        }));
        assert_eq!(
            got,
            json!({"related": {"entity": [
                "ami-1", "eni-1", "i-1", "sg-1", "sg-2", "subnet-1", "vpc-1"
            ]}})
        );
    }

    #[test]
    fn targets_of_events() {
        let account = "111122223333";
        for (source, name, request, response, expected) in [
            ("ssm", "SendCommand", json!({"instanceIds": ["i-2", "i-1"]}), json!({}), vec!["i-1", "i-2"]),
            ("ssm", "SendCommand", json!({"instanceIds": ["i-2", "i-2", "i-1"]}), json!({}), vec!["i-2"]),
            (
                "ssm",
                "SendCommand",
                json!({"targets": [{"values": ["i-2"]}, {"values": ["i-1"]}]}),
                json!({}),
                vec!["i-1", "i-2"],
            ),
            ("ssm", "SendCommand", json!({"instanceIds": ["*"]}), json!({}), vec![account]),
            ("ssm", "SendCommand", json!({"targets": [{"values": ["*"]}]}), json!({}), vec![account]),
            (
                "ec2",
                "DeleteNetworkAclEntry",
                json!({"networkAclId": "acl-1", "ruleNumber": 100}),
                json!({}),
                vec!["100", "acl-1"],
            ),
            (
                "ec2",
                "AuthorizeSecurityGroupIngress",
                json!({"groupId": "sg-1"}),
                json!({"securityGroupRuleSet": {"items": [{"securityGroupRuleId": "sgr-2"}, {"securityGroupRuleId": "sgr-1"}]}}),
                vec!["sg-1", "sgr-1", "sgr-2"],
            ),
            (
                "ec2",
                "RunInstances",
                json!({}),
                json!({"instancesSet": {"items": [{"instanceId": "i-1"}]}}),
                vec![],
            ),
            ("lambda", "AddPermission20150331v2", json!({"functionName": "f"}), json!({}), vec!["f"]),
            ("lambda", "ListFunctions20150331", json!({}), json!({}), vec![account]),
            ("lambda", "Invoke", json!({"functionName": "f"}), json!({}), vec![]),
            ("monitoring", "DeleteAlarms", json!({"alarmNames": ["b", "a"]}), json!({}), vec!["a", "b"]),
            (
                "iam",
                "CreateAccessKey",
                json!({"userName": "ada"}),
                json!({"accessKey": {"accessKeyId": "AKIA1"}}),
                vec!["AKIA1", "ada"],
            ),
            ("signin", "ConsoleLogin", json!({}), json!({}), vec![account]),
            (
                "s3",
                "PutBucketReplication",
                json!({"ReplicationConfiguration": {"Rule": {"Destination": {"Bucket": "arn:aws:s3:::b"}}}}),
                json!({}),
                vec!["arn:aws:s3:::b", "arn:aws:s3:::res"],
            ),
            ("s3", "PutBucketPolicy", json!({}), json!({}), vec![]),
        ] {
            let got = fields(json!({
                "eventSource": format!("{source}.amazonaws.com"), "eventName": name, "recipientAccountId": account,
                "requestParameters": request, "responseElements": response, "resources": [{"ARN": "arn:aws:s3:::res"}]
            }));
            let targets = got.pointer("/target/entity/id").cloned().unwrap_or_else(|| json!([]));
            assert_eq!(targets, json!(expected), "{source} {name}");
        }
    }

    #[test]
    fn host_targets_have_their_bare_instance_id_too() {
        let mut fields = Vec::new();
        let arn = "arn:aws:ec2:us-east-1:1:instance/i-2";
        let foreign = "arn:aws:ssm:us-east-1:1:instance/i-3";
        push_targets(&mut fields, &["i-1", arn, foreign].map(Utf16Ordered).into());
        let of = |name| fields.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone());
        assert_eq!(of("host.target.id"), Some(json!(["i-1", "i-2"])));
        assert_eq!(of("host.target.entity.id"), Some(json!([arn, foreign, "i-1"])));
    }

    #[test]
    fn a_value_of_the_wrong_type_fails_the_whole_step() {
        for record in [
            json!({"eventSource": "cloudtrail.amazonaws.com", "requestParameters": {"name": {"a": 1}}}),
            json!({"eventSource": "s3.amazonaws.com", "resources": "x"}),
            json!({"eventSource": "s3.amazonaws.com", "resources": ["x"]}),
            json!({"eventSource": 1}),
            json!({"eventSource": "ssm.amazonaws.com", "eventName": "SendCommand", "requestParameters": {"targets": [{"key": "k"}]}}),
            json!({"eventSource": "ec2.amazonaws.com", "responseElements": {"groupSet": {"items": [{"groupId": 1}]}}}),
        ] {
            assert!(entity_fields(record.as_object().unwrap()).is_err(), "{record}");
        }
        // Without a service that reads it, the type does not matter.
        let other = json!({"eventSource": "ecr.amazonaws.com", "requestParameters": {"name": {"a": 1}}});
        assert!(entity_fields(other.as_object().unwrap()).is_ok());
    }
}
