//! `event.category` and `event.type`, which depend on the event's name alone.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The categorisation of one event name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Category {
    /// The only value of `event.category`.
    pub category: &'static str,
    /// The values of `event.type`, in order.
    pub types: &'static [&'static str],
}

/// `event.type` of an event without a [`Category`]; such an event has no `event.category`.
pub const DEFAULT_TYPES: &[&str] = &["info"];

/// The categorisation of an event name; `None` for the many names that have none.
///
/// The match is exact and sensitive to case. Where the event comes from is not looked at, and versioned names such
/// as `CreateFunction20150331` are other names.
pub fn category(event_name: &str) -> Option<Category> {
    BY_NAME.get(event_name).copied()
}

/// Category, types, names.
#[rustfmt::skip]
const TABLE: &[(&str, &[&str], &str)] = &[
    (
        "iam",
        &["group", "change"],
        "AddUserToGroup AttachGroupPolicy DeleteGroupPolicy DetachGroupPolicy PutGroupPolicy RemoveUserFromGroup UpdateGroup",
    ),
    ("iam", &["group", "creation"], "CreateGroup"),
    ("iam", &["group", "deletion"], "DeleteGroup"),
    (
        "iam",
        &["group", "info"],
        "GetGroup GetGroupPolicy ListAttachedGroupPolicies ListGroupPolicies ListGroups",
    ),
    (
        "iam",
        &["user", "change"],
        "AttachUserPolicy ChangePassword CreateAccessKey CreateVirtualMFADevice DeactivateMFADevice DeleteAccessKey \
      DeleteSSHPublicKey DeleteUserPermissionsBoundary DeleteUserPolicy DeleteVirtualMFADevice DetachUserPolicy \
      EnableMFADevice PutUserPermissionsBoundary PutUserPolicy TagUser UntagUser UpdateAccessKey UpdateLoginProfile \
      UpdateSSHPublicKey UpdateUser",
    ),
    ("iam", &["user", "creation"], "CreateUser"),
    ("iam", &["user", "deletion"], "DeleteUser"),
    (
        "iam",
        &["user", "info"],
        "GetUser GetUserPolicy ListAttachedUserPolicies ListGroupsForUser ListUserPolicies ListUsers ListUserTags",
    ),
    ("iam", &["admin", "creation"], "CreateKeyPair"),
    (
        "iam",
        &["admin", "change"],
        "SetDefaultPolicyVersion SetSecurityTokenServicePreferences UpdateAccountPasswordPolicy UpdateRole",
    ),
    ("iam", &["info"], "ListRoles GetPolicy ListAttachedRolePolicies"),
    ("iam", &["creation"], "CreatePolicy"),
    ("iam", &["change"], "AttachRolePolicy"),
    ("authentication", &["info"], "AssumeRole ConsoleLogin GetCallerIdentity"),
    ("file", &["creation"], "CreateBucket CreateDocument"),
    ("file", &["deletion"], "DeleteBucket DeleteObject"),
    ("file", &["info"], "ListBuckets ListObjects HeadObject GetObject"),
    ("file", &["change"], "PutObject"),
    ("host", &["info"], "DescribeInstances DescribeVolumes ListInstanceAssociations"),
    (
        "network",
        &["info"],
        "DescribeSecurityGroups DescribeNetworkInterfaces DescribeVpcs DescribeNetworkAcls DescribeLoadBalancers",
    ),
    ("network", &["access"], "AuthorizeSecurityGroupIngress"),
    ("api", &["info"], "DescribeRegions Publish Converse"),
    ("configuration", &["info"], "DescribeTrails"),
    ("configuration", &["creation"], "CreateTopic"),
    ("configuration", &["change"], "Subscribe"),
    ("configuration", &["deletion"], "DeleteTrail"),
    ("package", &["info"], "ListFunctions"),
    ("database", &["info"], "ListTables DescribeDBInstances"),
    ("process", &["start"], "SendCommand"),
    (
        "session",
        &["start"],
        "StartSession CreateControlChannel OpenControlChannel CreateDataChannel OpenDataChannel",
    ),
    ("session", &["end"], "TerminateSession"),
];

static BY_NAME: LazyLock<HashMap<&'static str, Category, foldhash::fast::RandomState>> =
    LazyLock::new(|| {
        TABLE
            .iter()
            .flat_map(|&(category, types, names)| {
                names.split_whitespace().map(move |name| (name, Category { category, types }))
            })
            .collect()
    });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_each_event_once() {
        let names = TABLE.iter().flat_map(|(_, _, names)| names.split_whitespace()).count();
        assert_eq!((names, BY_NAME.len()), (91, 91));
    }

    #[test]
    fn names_match_exactly() {
        let user_change = Category { category: "iam", types: &["user", "change"] };
        assert_eq!(category("CreateAccessKey"), Some(user_change));
        for name in ["createaccesskey", "ListFunctions20150331", "RunInstances", "DisableKey", ""] {
            assert_eq!(category(name), None, "{name}");
        }
    }
}
