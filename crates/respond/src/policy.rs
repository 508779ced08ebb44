//! The least that the roles of a response may do, as policies of IAM to copy.

use serde_json::{Value, json};

use crate::KeyArn;

/// Which keys a policy is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyScope<'a> {
    /// These and no others.
    Keys(&'a [KeyArn]),
    /// Every key of an account, in every Region.
    Account {
        /// For example `aws`.
        partition: &'a str,
        /// 12 digits.
        account: &'a str,
    },
}

impl PolicyScope<'_> {
    fn resources(self) -> Value {
        match self {
            Self::Keys(keys) => {
                let mut arns: Vec<&str> = keys.iter().map(KeyArn::as_str).collect();
                arns.sort_unstable();
                arns.dedup();
                arns.into()
            }
            Self::Account { partition, account } => json!([format!("arn:{partition}:kms:*:{account}:key/*")]),
        }
    }
}

/// For the role that reads: `kms:DescribeKey`, and nothing that changes anything.
pub fn reading_policy(scope: PolicyScope<'_>) -> Value {
    policy(json!({
        "Sid": "BartizanReadsTheStateOfKeys",
        "Effect": "Allow",
        "Action": ["kms:DescribeKey"],
        "Resource": scope.resources(),
    }))
}

/// For the role that writes: the two calls. It is another role than the one that reads.
pub fn writing_policy(scope: PolicyScope<'_>) -> Value {
    policy(json!({
        "Sid": "BartizanCancelsDeletionsAndEnablesKeys",
        "Effect": "Allow",
        "Action": ["kms:CancelKeyDeletion", "kms:EnableKey"],
        "Resource": scope.resources(),
    }))
}

/// For whoever runs the server: it may assume these roles. Sorted and without duplicates.
pub fn assume_policy(roles: &[String]) -> Value {
    let mut roles: Vec<&str> = roles.iter().map(String::as_str).collect();
    roles.sort_unstable();
    roles.dedup();
    policy(json!({
        "Sid": "BartizanAssumesTheRolesOfResponses",
        "Effect": "Allow",
        "Action": ["sts:AssumeRole"],
        "Resource": roles,
    }))
}

/// Who may assume such a role: the principal that runs the server, and nobody else. Sessions must bear our name.
pub fn trust_policy(principal: &str) -> Value {
    policy(json!({
        "Sid": "BartizanAssumesThisRole",
        "Effect": "Allow",
        "Principal": { "AWS": principal },
        "Action": ["sts:AssumeRole"],
        "Condition": { "StringLike": { "sts:RoleSessionName": "bartizan-respond-*" } },
    }))
}

fn policy(statement: Value) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [statement] })
}
