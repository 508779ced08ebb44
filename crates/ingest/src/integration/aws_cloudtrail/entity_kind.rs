//! What kind of thing an entity is, told from the form of its name.

use super::java_string::java_length;

/// What an entity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Host,
    Service,
    /// Anything else: bare names, account ids, snapshots.
    Generic,
}

/// The kind of a target: ARNs by their resource, other ids by their prefix.
pub(super) fn target_kind(target: &str) -> Kind {
    if target.starts_with("arn:") {
        let Some(arn) = Arn::read(target) else { return Kind::Generic };
        return match arn.resource_type {
            _ if is_service_role(target) => Kind::Service,
            user if USER_RESOURCES.contains(&user) => Kind::User,
            "instance" => Kind::Host,
            service if SERVICE_RESOURCES.contains(&service) || arn.service == "s3" => Kind::Service,
            _ => Kind::Generic,
        };
    }
    if target.starts_with("AKIA") && java_length(target) == 20 {
        Kind::User
    } else if target.starts_with("i-") {
        Kind::Host
    } else if SERVICE_ID_PREFIXES.iter().any(|prefix| target.starts_with(prefix)) {
        Kind::Service
    } else {
        Kind::Generic
    }
}

/// Is it a role that belongs to a service?
pub(super) fn is_service_role(entity: &str) -> bool {
    entity.contains("/AWSServiceRoleFor") || entity.contains("/aws-service-role/")
}

/// The bare id of an EC2 instance, from itself or its ARN.
pub(super) fn instance_id(target: &str) -> Option<&str> {
    let id = if target.starts_with("arn:") {
        let arn = Arn::read(target).filter(|arn| arn.service == "ec2")?;
        arn.resource.strip_prefix("instance/")?
    } else {
        target
    };
    id.starts_with("i-").then_some(id)
}

/// The parts of an ARN that tell what it names.
pub(super) struct Arn<'a> {
    pub(super) service: &'a str,
    /// The sixth part, up to the next colon.
    pub(super) resource: &'a str,
    /// The resource up to its first slash.
    pub(super) resource_type: &'a str,
}

impl<'a> Arn<'a> {
    /// `None` with fewer than six parts.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(':');
        let service = parts.nth(2)?;
        let resource = parts.nth(2)?;
        let resource_type = match resource.split_once('/') {
            Some((kind, _)) if !kind.is_empty() => kind,
            _ => resource,
        };
        Some(Self { service, resource, resource_type })
    }
}

const USER_RESOURCES: &[&str] =
    &["user", "role", "assumed-role", "federated-user", "instance-profile", "mfa", "serialNumber"];

const SERVICE_RESOURCES: &[&str] = &[
    "stack",
    "stack-set",
    "trail",
    "configuration-recorder",
    "file-system",
    "mount-target",
    "rule",
    "detector",
    "key",
    "function",
    "log-group",
    "log-stream",
    "alarm",
    "db",
    "cluster",
    "global-cluster",
    "trust-anchor",
    "resolver-query-log-config",
    "secret",
    "parameter",
    "document",
    "session",
    "webacl",
    "rulegroup",
    "ipset",
    "topic",
    "model",
    "loadbalancer",
    "table",
    "group",
    "policy",
    "security-group",
    "network-interface",
    "vpc",
    "subnet",
    "network-acl",
    "dhcp-options",
];

const SERVICE_ID_PREFIXES: &[&str] =
    &["sg-", "sgr-", "eni-", "vpc-", "subnet-", "acl-", "rtb-", "igw-", "nat-", "vpce-", "tgw-", "pcx-"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_told_apart_by_their_form() {
        for (target, expected) in [
            ("arn:aws:iam::111122223333:user/ada", Kind::User),
            ("arn:aws:iam::111122223333:mfa/phone", Kind::User),
            ("arn:aws:sts::111122223333:assumed-role/ops/ada", Kind::User),
            (
                "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
                Kind::Service,
            ),
            ("arn:aws:ec2:us-east-1:111122223333:instance/i-0aaaabbbb", Kind::Host),
            ("arn:aws:kms:us-east-1:111122223333:key/1", Kind::Service),
            ("arn:aws:rds:us-east-1:111122223333:db:orders", Kind::Service),
            ("arn:aws:s3:::ledger/2024/", Kind::Service),
            ("arn:aws:sns:us-east-1:111122223333:alarms", Kind::Generic),
            ("arn:aws:short", Kind::Generic),
            ("AKIAABCDEFGHIJKLMNOP", Kind::User),
            ("AKIASHORT", Kind::Generic),
            ("i-0aaaabbbb", Kind::Host),
            ("subnet-1", Kind::Service),
            ("pcx-1", Kind::Service),
            ("snap-1", Kind::Generic),
            ("111122223333", Kind::Generic),
        ] {
            assert_eq!(target_kind(target), expected, "{target}");
        }
    }
}
