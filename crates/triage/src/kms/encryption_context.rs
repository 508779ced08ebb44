//! Which service and resource the encryption context of a KMS call speaks of.

use std::borrow::Cow;

/// Keys of encryption contexts that AWS documents, with the service that writes them; the more telling ones first, as
/// CloudTrail also names its bucket and RDS its volume.
///
/// Sources: the pages of these services on KMS in AWS's documentation. Keys that aren't here are shown as they stand.
const DOCUMENTED: [(&str, &str); 11] = [
    ("aws:cloudtrail:arn", "cloudtrail.amazonaws.com"),
    ("aws:s3:arn", "s3.amazonaws.com"),
    ("aws:rds:dbc-id", "rds.amazonaws.com"),
    ("aws:rds:db-id", "rds.amazonaws.com"),
    ("aws:redshift:arn", "redshift.amazonaws.com"),
    ("aws:dynamodb:tableName", "dynamodb.amazonaws.com"),
    ("PARAMETER_ARN", "ssm.amazonaws.com"),
    ("aws:workmail:arn", "workmail.amazonaws.com"),
    ("aws:ses:rule-name", "ses.amazonaws.com"),
    ("aws:workspaces:sid-directoryid", "workspaces.amazonaws.com"),
    ("aws:ebs:id", "ec2.amazonaws.com"),
];

/// What a context speaks of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Spoken<'a> {
    /// Such as `s3.amazonaws.com`.
    pub(crate) service: Option<Cow<'a, str>>,
    /// An ARN or an id; for S3 the bucket, for objects of it as well.
    pub(crate) resource: Option<Cow<'a, str>>,
}

/// What a context speaks of. Nothing for contexts of people's own, such as `Department`.
pub(crate) fn spoken_of<'a>(context: &'a [(Cow<'_, str>, Cow<'_, str>)]) -> Spoken<'a> {
    for (name, service) in DOCUMENTED {
        if let Some((_, value)) = context.iter().find(|(key, value)| key == name && !value.is_empty()) {
            return Spoken {
                service: Some(Cow::Borrowed(service)),
                resource: Some(Cow::Borrowed(whole(value))),
            };
        }
    }
    // The order of a context's keys means nothing.
    let smallest = |take: fn(&str, &str) -> bool| {
        context.iter().filter(|(key, value)| take(key, value)).min_by(|left, right| left.0.cmp(&right.0))
    };
    if let Some((_, value)) = smallest(|_, value| service_of_arn(value).is_some()) {
        let service = service_of_arn(value).map(|service| Cow::Owned(format!("{service}.amazonaws.com")));
        return Spoken { service, resource: Some(Cow::Borrowed(whole(value))) };
    }
    match smallest(|key, _| service_of_key(key).is_some()) {
        Some((key, value)) => Spoken {
            service: service_of_key(key).map(|service| Cow::Owned(format!("{service}.amazonaws.com"))),
            resource: Some(Cow::Owned(format!("{key}={value}"))),
        },
        None => Spoken::default(),
    }
}

/// The bucket of an object; anything else as it is. A key has as many objects as it likes, and few buckets.
fn whole(resource: &str) -> &str {
    match (service_of_arn(resource), resource.find('/')) {
        (Some("s3"), Some(slash)) => &resource[..slash],
        _ => resource,
    }
}

/// The third part of an ARN.
pub(crate) fn service_of_arn(text: &str) -> Option<&str> {
    let mut parts = text.strip_prefix("arn:")?.splitn(5, ':');
    let service = parts.nth(1).filter(|service| !service.is_empty())?;
    parts.nth(2).filter(|name| !name.is_empty()).map(|_| service)
}

/// `lambda` of `aws:lambda:FunctionArn`.
fn service_of_key(key: &str) -> Option<&str> {
    let (service, _) = key.strip_prefix("aws:")?.split_once(':')?;
    (!service.is_empty()).then_some(service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_contexts_speak_of() {
        let s3 = "s3.amazonaws.com";
        type Row = (&'static [(&'static str, &'static str)], Option<&'static str>, Option<&'static str>);
        let table: &[Row] = &[
            (&[("aws:s3:arn", "arn:aws:s3:::ledger/2026/a.csv")], Some(s3), Some("arn:aws:s3:::ledger")),
            (&[("aws:s3:arn", "arn:aws:s3:::ledger")], Some(s3), Some("arn:aws:s3:::ledger")),
            (
                &[
                    ("aws:s3:arn", "arn:aws:s3:::logs/a"),
                    ("aws:cloudtrail:arn", "arn:aws:cloudtrail:eu-west-1:1:trail/t"),
                ],
                Some("cloudtrail.amazonaws.com"),
                Some("arn:aws:cloudtrail:eu-west-1:1:trail/t"),
            ),
            (&[("aws:ebs:id", "vol-1"), ("aws:rds:db-id", "db-1")], Some("rds.amazonaws.com"), Some("db-1")),
            (
                &[("aws:dynamodb:subscriberId", "1"), ("aws:dynamodb:tableName", "orders")],
                Some("dynamodb.amazonaws.com"),
                Some("orders"),
            ),
            (
                &[("SecretVersionId", "v"), ("SecretARN", "arn:aws:secretsmanager:eu-west-1:1:secret:db")],
                Some("secretsmanager.amazonaws.com"),
                Some("arn:aws:secretsmanager:eu-west-1:1:secret:db"),
            ),
            (
                &[("aws:elasticfilesystem:filesystem:id", "fs-1")],
                Some("elasticfilesystem.amazonaws.com"),
                Some("aws:elasticfilesystem:filesystem:id=fs-1"),
            ),
            (&[("Department", "Finance")], None, None),
            (&[], None, None),
        ];
        for (context, service, resource) in table {
            let context: Vec<_> =
                context.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
            let spoken = spoken_of(&context);
            assert_eq!((spoken.service.as_deref(), spoken.resource.as_deref()), (*service, *resource));
        }
    }
}
