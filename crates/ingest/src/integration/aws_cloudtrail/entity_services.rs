//! Which values of which service's records are entities, and which of them an event acts on.
//!
//! Paths start at the record. A service is told by the whole `eventSource`, an event by its exact name unless said
//! otherwise.

use Target::{Account, EachIn, EachOf, NumberAt, ResourceArns, RunCommandInstances, TextAt};

/// What is known of one service.
pub(super) struct Service {
    /// The record's `eventSource`.
    pub(super) source: &'static str,
    /// Paths of values for `related.entity`.
    pub(super) related: &'static [&'static str],
    /// Lists of text for `related.entity`; each ends at its first value that is already known.
    pub(super) related_lists: &'static [&'static str],
    /// Lists of objects with values for `related.entity`.
    pub(super) related_items: &'static [Items],
    /// Event names (divided by spaces) and what such an event acts on. `*Name*` is any name that contains it.
    pub(super) targets: &'static [(&'static str, &'static [Target])],
}

/// A list of objects. The values of one object are added up to the first that is missing or already known: the rest
/// of that object is left out, as in the original.
pub(super) struct Items {
    /// Path of the list.
    pub(super) list: &'static str,
    /// Paths inside an object of the list.
    pub(super) values: &'static [&'static str],
    /// Lists inside an object of the list.
    pub(super) inner: &'static [Items],
}

/// Where to find what an event acts on.
pub(super) enum Target {
    /// The text at a path.
    TextAt(&'static str),
    /// The number (or text) at a path, as text.
    NumberAt(&'static str),
    /// Every text of the list at a path.
    EachOf(&'static str),
    /// Of every object of the list at a path, the text under a key.
    EachIn(&'static str, &'static str),
    /// The ARN of every resource that the record lists.
    ResourceArns,
    /// The account that got the record.
    Account,
    /// `instanceIds`, else the values of all `targets`; a lone `*` means the whole account.
    RunCommandInstances,
}

const NOTHING: Service =
    Service { source: "", related: &[], related_lists: &[], related_items: &[], targets: &[] };

/// The service of an `eventSource`.
pub(super) fn service(source: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.source == source)
}

const fn flat(list: &'static str, values: &'static [&'static str]) -> Items {
    Items { list, values, inner: &[] }
}

static SERVICES: &[Service] = &[
    Service {
        source: "bedrock.amazonaws.com",
        targets: &[("Converse", &[TextAt("requestParameters.modelId")])],
        ..NOTHING
    },
    Service {
        source: "cloudformation.amazonaws.com",
        targets: &[
            ("CreateStackSet", &[TextAt("responseElements.stackSetId")]),
            ("CreateStack", &[TextAt("responseElements.stackId")]),
        ],
        ..NOTHING
    },
    Service {
        source: "cloudtrail.amazonaws.com",
        related: &[
            "requestParameters.name",
            "requestParameters.s3BucketName",
            "responseElements.cloudWatchLogsLogGroupArn",
            "responseElements.cloudWatchLogsRoleArn",
            "responseElements.kmsKeyId",
            "responseElements.snsTopicARN",
            "responseElements.trailARN",
            "responseElements.name",
        ],
        targets: &[
            ("DeleteTrail StopLogging", &[TextAt("requestParameters.name")]),
            ("DescribeTrails", &[Account]),
        ],
        ..NOTHING
    },
    Service {
        source: "config.amazonaws.com",
        related: &["requestParameters.configurationRecorderName"],
        targets: &[(
            "StartConfigurationRecorder StopConfigurationRecorder",
            &[TextAt("requestParameters.configurationRecorderName")],
        )],
        ..NOTHING
    },
    Service { source: "dynamodb.amazonaws.com", targets: &[("ListTables", &[Account])], ..NOTHING },
    Service {
        source: "ec2.amazonaws.com",
        related: &[
            "requestParameters.groupId",
            "requestParameters.groupName",
            "requestParameters.roleName",
            "requestParameters.subnetId",
            "requestParameters.volumeId",
            "requestParameters.networkInterfaceId",
            "requestParameters.vpcId",
            "requestParameters.snapshotId",
            "responseElements.groupId",
            "responseElements.reservationId",
            "responseElements.vpc.vpcId",
            "responseElements.vpc.dhcpOptionsId",
            "responseElements.snapshotId",
            "responseElements.volumeId",
        ],
        related_items: &[
            flat(
                "responseElements.securityGroupRuleSet.items",
                &["groupId", "referencedGroupInfo.groupId", "securityGroupRuleId"],
            ),
            flat("responseElements.groupSet.items", &["groupId"]),
            flat("requestParameters.groupSet.items", &["groupId"]),
            flat("requestParameters.instancesSet.items", &["instanceId"]),
            Items {
                list: "responseElements.instancesSet.items",
                values: &["subnetId", "vpcId", "instanceId", "imageId", "iamInstanceProfile.arn"],
                inner: &[Items {
                    list: "networkInterfaceSet.items",
                    values: &["networkInterfaceId", "vpcId", "subnetId"],
                    inner: &[flat("groupSet.items", &["groupId"])],
                }],
            },
            flat("requestParameters.revokedSecurityGroupRuleSet.items", &["securityGroupRuleId", "groupId"]),
        ],
        targets: &[
            (
                "AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress",
                &[
                    TextAt("requestParameters.groupId"),
                    EachIn("responseElements.securityGroupRuleSet.items", "securityGroupRuleId"),
                ],
            ),
            (
                "CreateTrafficMirrorFilter",
                &[TextAt(
                    "responseElements.CreateTrafficMirrorFilterResponse.trafficMirrorFilter.trafficMirrorFilterId",
                )],
            ),
            (
                "CreateTrafficMirrorFilterRule",
                &[TextAt(
                    "responseElements.CreateTrafficMirrorFilterRuleResponse.trafficMirrorFilterRule.trafficMirrorFilterRuleId",
                )],
            ),
            (
                "CreateTrafficMirrorSession",
                &[TextAt(
                    "responseElements.CreateTrafficMirrorSessionResponse.trafficMirrorSession.trafficMirrorSessionId",
                )],
            ),
            (
                "CreateTrafficMirrorTarget",
                &[TextAt(
                    "responseElements.CreateTrafficMirrorTargetResponse.trafficMirrorTarget.trafficMirrorTargetId",
                )],
            ),
            ("DeleteFlowLogs", &[TextAt("requestParameters.DeleteFlowLogsRequest.FlowLogId.content")]),
            ("DeleteNetworkAcl", &[TextAt("requestParameters.networkAclId")]),
            (
                "DeleteNetworkAclEntry",
                &[TextAt("requestParameters.networkAclId"), NumberAt("requestParameters.ruleNumber")],
            ),
            ("GetPasswordData", &[TextAt("requestParameters.instanceId")]),
            ("ModifyImageAttribute", &[TextAt("requestParameters.imageId")]),
            ("ModifySnapshotAttribute", &[TextAt("requestParameters.snapshotId")]),
            (
                "DescribeSecurityGroups DescribeNetworkInterfaces DescribeRegions DescribeVpcs DescribeNetworkAcls \
                 DescribeVolumes",
                &[Account],
            ),
        ],
        ..NOTHING
    },
    Service {
        source: "ec2-instance-connect.amazonaws.com",
        targets: &[(
            "SendSSHPublicKey SendSerialConsoleSSHPublicKey",
            &[TextAt("requestParameters.instanceId")],
        )],
        ..NOTHING
    },
    Service {
        source: "elasticfilesystem.amazonaws.com",
        targets: &[
            ("DeleteFileSystem", &[TextAt("requestParameters.fileSystemId")]),
            ("DeleteMountTarget", &[TextAt("requestParameters.mountTargetId")]),
        ],
        ..NOTHING
    },
    Service {
        source: "elasticloadbalancing.amazonaws.com",
        targets: &[("DescribeLoadBalancers", &[Account])],
        ..NOTHING
    },
    Service {
        source: "events.amazonaws.com",
        targets: &[("DeleteRule", &[TextAt("requestParameters.name")])],
        ..NOTHING
    },
    Service {
        source: "guardduty.amazonaws.com",
        related: &["requestParameters.detectorId", "responseElements.detectorId"],
        targets: &[
            ("CreateDetector", &[TextAt("responseElements.detectorId")]),
            ("DeleteDetector", &[TextAt("requestParameters.detectorId")]),
        ],
        ..NOTHING
    },
    Service {
        source: "iam.amazonaws.com",
        related: &[
            "requestParameters.userName",
            "requestParameters.serialNumber",
            "requestParameters.accessKeyId",
            "requestParameters.policyArn",
            "requestParameters.roleName",
            "requestParameters.policyName",
            "responseElements.accessKey.userName",
            "responseElements.accessKey.accessKeyId",
            "responseElements.user.arn",
            "responseElements.user.userId",
            "responseElements.user.userName",
            "responseElements.userId",
            "responseElements.role.arn",
            "responseElements.serialNumber",
        ],
        targets: &[
            ("AttachGroupPolicy", &[TextAt("requestParameters.groupName")]),
            (
                "AttachRolePolicy ListAttachedRolePolicies UpdateAssumeRolePolicy",
                &[TextAt("requestParameters.roleName")],
            ),
            (
                "AttachUserPolicy",
                &[TextAt("requestParameters.policyArn"), TextAt("requestParameters.userName")],
            ),
            (
                "CreateAccessKey",
                &[TextAt("responseElements.accessKey.accessKeyId"), TextAt("requestParameters.userName")],
            ),
            ("CreateUser DeactivateMFADevice", &[TextAt("requestParameters.userName")]),
            ("DeleteVirtualMFADevice", &[TextAt("requestParameters.serialNumber")]),
            ("GetPolicy", &[TextAt("requestParameters.policyArn")]),
            ("CreatePolicy", &[TextAt("responseElements.policy.arn")]),
            ("ListRoles ListUsers", &[Account]),
        ],
        ..NOTHING
    },
    Service {
        source: "kms.amazonaws.com",
        related: &[
            "requestParameters.keyId",
            "responseElements.keyId",
            "responseElements.keyMetadata.arn",
            "responseElements.keyMetadata.keyId",
        ],
        targets: &[("DisableKey ScheduleKeyDeletion", &[ResourceArns])],
        ..NOTHING
    },
    Service {
        source: "lambda.amazonaws.com",
        related: &[
            "requestParameters.functionName",
            "responseElements.functionArn",
            "responseElements.functionName",
            "responseElements.role",
        ],
        related_lists: &[
            "responseElements.vpcConfig.securityGroupIds",
            "responseElements.vpcConfig.subnetIds",
        ],
        // Lambda puts a version behind the names of its events.
        targets: &[
            ("*AddPermission*", &[TextAt("requestParameters.functionName")]),
            ("*ListFunctions*", &[Account]),
        ],
        ..NOTHING
    },
    Service {
        source: "logs.amazonaws.com",
        targets: &[
            ("DeleteLogGroup", &[TextAt("requestParameters.logGroupName")]),
            ("DeleteLogStream", &[TextAt("requestParameters.logStreamName")]),
        ],
        ..NOTHING
    },
    Service {
        source: "monitoring.amazonaws.com",
        targets: &[("DeleteAlarms", &[EachOf("requestParameters.alarmNames")])],
        ..NOTHING
    },
    Service {
        source: "rds.amazonaws.com",
        related: &[
            "requestParameters.dBInstanceIdentifier",
            "requestParameters.dBInstanceArn",
            "responseElements.dBInstanceIdentifier",
            "responseElements.dbInstanceArn",
            "responseElements.dBSubnetGroup.vpcId",
        ],
        related_items: &[
            flat("responseElements.dBSubnetGroup.subnets", &["subnetIdentifier"]),
            flat("responseElements.vpcSecurityGroups", &["vpcSecurityGroupId"]),
        ],
        targets: &[
            ("DeleteDBCluster ModifyDBCluster StopDBCluster", &[TextAt("responseElements.dBClusterArn")]),
            (
                "DeleteDBInstance ModifyDBInstance StopDBInstance RestoreDBInstanceFromDBSnapshot \
                 RestoreDBInstanceFromS3",
                &[TextAt("responseElements.dBInstanceArn")],
            ),
            ("DeleteGlobalCluster", &[TextAt("responseElements.globalClusterArn")]),
            ("ModifyDBClusterSnapshotAttribute", &[TextAt("responseElements.dBClusterSnapshotIdentifier")]),
            ("ModifyDBSnapshotAttribute", &[TextAt("responseElements.dBSnapshotIdentifier")]),
            ("DescribeDBInstances", &[Account]),
        ],
        ..NOTHING
    },
    Service {
        source: "rolesanywhere.amazonaws.com",
        targets: &[("CreateTrustAnchor", &[TextAt("responseElements.trustAnchor.trustAnchorArn")])],
        ..NOTHING
    },
    Service {
        source: "route53resolver.amazonaws.com",
        targets: &[(
            "DeleteResolverQueryLogConfig",
            &[TextAt("responseElements.resolverQueryLogConfig.arn")],
        )],
        ..NOTHING
    },
    Service {
        source: "s3.amazonaws.com",
        related: &["requestParameters.bucketName"],
        targets: &[
            (
                "CopyObject PutBucketLogging PutBucketVersioning PutObject GetBucketPolicy ListObjects HeadObject \
                 GetObject DeleteObject DeleteBucket",
                &[ResourceArns],
            ),
            (
                "PutBucketReplication",
                &[ResourceArns, TextAt("requestParameters.ReplicationConfiguration.Rule.Destination.Bucket")],
            ),
            ("ListBuckets", &[Account]),
        ],
        ..NOTHING
    },
    Service {
        source: "secretsmanager.amazonaws.com",
        targets: &[
            ("BatchGetSecretValue", &[EachOf("requestParameters.secretIdList")]),
            ("GetSecretValue", &[TextAt("requestParameters.secretId")]),
        ],
        ..NOTHING
    },
    Service { source: "signin.amazonaws.com", targets: &[("ConsoleLogin", &[Account])], ..NOTHING },
    Service {
        source: "sns.amazonaws.com",
        targets: &[
            ("CreateTopic", &[TextAt("responseElements.topicArn")]),
            ("Subscribe Publish", &[TextAt("requestParameters.topicArn")]),
        ],
        ..NOTHING
    },
    Service {
        source: "ssm.amazonaws.com",
        targets: &[
            ("GetParameter GetParameters CreateControlChannel OpenControlChannel", &[ResourceArns]),
            ("StartSession", &[TextAt("requestParameters.target")]),
            ("CreateDocument", &[TextAt("requestParameters.name")]),
            ("TerminateSession OpenDataChannel", &[TextAt("requestParameters.sessionId")]),
            ("SendCommand", &[RunCommandInstances]),
            ("ListInstanceAssociations", &[Account]),
        ],
        ..NOTHING
    },
    Service {
        source: "sts.amazonaws.com",
        related: &[
            "requestParameters.roleArn",
            "sourceIdentity",
            "additionalEventData.MFAIdentifier",
            "responseElements.assumedRoleUser.arn",
            "requestParameters.roleSessionName",
            "responseElements.accessKeyId",
        ],
        targets: &[("AssumeRole", &[TextAt("requestParameters.roleArn")]), ("GetCallerIdentity", &[Account])],
        ..NOTHING
    },
    Service {
        source: "wafv2.amazonaws.com",
        related: &["requestParameters.id", "responseElements.summary"],
        targets: &[("DeleteRuleGroup DeleteWebACL", &[TextAt("requestParameters.id")])],
        ..NOTHING
    },
];

impl Service {
    /// What an event of this name acts on.
    pub(super) fn targets_of(&self, event_name: &str) -> &'static [Target] {
        self.targets
            .iter()
            .find(|(names, _)| {
                names.split(' ').any(|name| {
                    match name.strip_prefix('*').and_then(|name| name.strip_suffix('*')) {
                        Some(part) => event_name.contains(part),
                        None => name == event_name,
                    }
                })
            })
            .map_or(&[], |(_, targets)| targets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_service_and_each_of_its_events_is_named_once() {
        let mut sources = HashSet::new();
        for service in SERVICES {
            assert!(sources.insert(service.source), "{}", service.source);
            assert!(service.source.ends_with(".amazonaws.com"), "{}", service.source);
            let mut events = HashSet::new();
            for (names, targets) in service.targets {
                assert!(!targets.is_empty(), "{names}");
                assert!(names.split_whitespace().all(|name| events.insert(name)), "{names}");
            }
        }
        assert_eq!(sources.len(), 26);
    }
}
