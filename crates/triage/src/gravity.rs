//! How grave a call is: written tables, one row for calls with the same consequence.

use crate::surroundings::Gravity;

/// Calls of one service with one consequence.
struct Graded {
    provider: &'static str,
    gravity: Gravity,
    /// Completes "This …".
    does: &'static str,
    actions: &'static [&'static str],
}

const fn row(
    gravity: Gravity,
    provider: &'static str,
    does: &'static str,
    actions: &'static [&'static str],
) -> Graded {
    Graded { provider, gravity, does, actions }
}

use Gravity::{Access, Blinding, Destructive, Discovery};

/// Names are those of `eventSource` and `eventName` in the AWS CloudTrail and service API references.
const TABLE: &[Graded] = &[
    // KMS.
    row(
        Destructive,
        "kms.amazonaws.com",
        "takes a key out of use or destroys it",
        &[
            "ScheduleKeyDeletion",
            "DisableKey",
            "DeleteImportedKeyMaterial",
            "DeleteCustomKeyStore",
            "DisconnectCustomKeyStore",
            "DeleteAlias",
        ],
    ),
    row(
        Access,
        "kms.amazonaws.com",
        "changes who can use a key, or which key is used",
        &[
            "PutKeyPolicy",
            "CreateGrant",
            "RevokeGrant",
            "RetireGrant",
            "UpdateAlias",
            "ReplicateKey",
            "UpdatePrimaryRegion",
            "UpdateCustomKeyStore",
            "ImportKeyMaterial",
        ],
    ),
    // Data and what protects it.
    row(
        Destructive,
        "s3.amazonaws.com",
        "deletes data, or removes the protection of data, in S3",
        &[
            "DeleteBucket",
            "DeleteObject",
            "DeleteObjects",
            "DeleteObjectVersion",
            "PutBucketLifecycle",
            "PutBucketLifecycleConfiguration",
            "PutLifecycleConfiguration",
            "DeleteBucketLifecycle",
            "PutBucketVersioning",
            "PutBucketObjectLockConfiguration",
            "PutObjectLockConfiguration",
            "PutObjectRetention",
            "PutObjectLegalHold",
            "DeleteBucketReplication",
            "PutBucketReplication",
            "PutBucketEncryption",
            "DeleteBucketEncryption",
        ],
    ),
    row(
        Access,
        "s3.amazonaws.com",
        "changes who can read or write a bucket",
        &[
            "PutBucketPolicy",
            "DeleteBucketPolicy",
            "PutBucketAcl",
            "PutObjectAcl",
            "PutBucketPublicAccessBlock",
            "DeleteBucketPublicAccessBlock",
            "PutAccountPublicAccessBlock",
            "DeleteAccountPublicAccessBlock",
        ],
    ),
    row(Blinding, "s3.amazonaws.com", "changes the access log of a bucket", &["PutBucketLogging"]),
    row(
        Destructive,
        "ec2.amazonaws.com",
        "deletes volumes, snapshots, images or machines",
        &[
            "DeleteVolume",
            "DeleteSnapshot",
            "DeregisterImage",
            "TerminateInstances",
            "StopInstances",
            "DisableFastSnapshotRestores",
            "DeleteRecycleBinRule",
            "ModifyEbsDefaultKmsKeyId",
            "DisableEbsEncryptionByDefault",
        ],
    ),
    row(
        Access,
        "ec2.amazonaws.com",
        "opens data or machines to others",
        &[
            "ModifySnapshotAttribute",
            "ModifyImageAttribute",
            "AuthorizeSecurityGroupIngress",
            "AuthorizeSecurityGroupEgress",
            "CreateKeyPair",
            "ImportKeyPair",
            "AssociateIamInstanceProfile",
            "ReplaceIamInstanceProfileAssociation",
            "ModifyInstanceAttribute",
            "DisableSnapshotBlockPublicAccess",
            "DisableImageBlockPublicAccess",
        ],
    ),
    row(Blinding, "ec2.amazonaws.com", "stops the log of network traffic", &["DeleteFlowLogs"]),
    row(
        Destructive,
        "rbin.amazonaws.com",
        "removes the retention of deleted snapshots and images",
        &["DeleteRule", "UpdateRule", "UnlockRule"],
    ),
    row(
        Destructive,
        "rds.amazonaws.com",
        "deletes databases, their snapshots or their backups",
        &[
            "DeleteDBInstance",
            "DeleteDBCluster",
            "DeleteGlobalCluster",
            "DeleteDBSnapshot",
            "DeleteDBClusterSnapshot",
            "DeleteDBInstanceAutomatedBackup",
            "DeleteDBClusterAutomatedBackup",
            "StopDBInstance",
            "StopDBCluster",
        ],
    ),
    row(
        Access,
        "rds.amazonaws.com",
        "changes a database or opens its snapshots to others",
        &[
            "ModifyDBInstance",
            "ModifyDBCluster",
            "ModifyDBSnapshotAttribute",
            "ModifyDBClusterSnapshotAttribute",
        ],
    ),
    row(
        Destructive,
        "dynamodb.amazonaws.com",
        "deletes tables or their backups",
        &["DeleteTable", "DeleteBackup", "UpdateContinuousBackups"],
    ),
    row(
        Destructive,
        "backup.amazonaws.com",
        "deletes backups, or removes their protection",
        &[
            "DeleteRecoveryPoint",
            "DeleteBackupVault",
            "DeleteBackupPlan",
            "DeleteBackupSelection",
            "DeleteBackupVaultLockConfiguration",
            "DisassociateRecoveryPoint",
            "StopBackupJob",
            "UpdateRecoveryPointLifecycle",
            "PutBackupVaultAccessPolicy",
            "DeleteBackupVaultAccessPolicy",
        ],
    ),
    row(
        Destructive,
        "elasticfilesystem.amazonaws.com",
        "deletes file systems or their protection",
        &["DeleteFileSystem", "DeleteMountTarget", "PutBackupPolicy", "DeleteReplicationConfiguration"],
    ),
    row(
        Destructive,
        "redshift.amazonaws.com",
        "deletes data warehouses or their snapshots",
        &["DeleteCluster", "DeleteClusterSnapshot", "BatchDeleteClusterSnapshots"],
    ),
    row(Destructive, "glacier.amazonaws.com", "deletes archives", &["DeleteArchive", "DeleteVault"]),
    row(Destructive, "secretsmanager.amazonaws.com", "deletes secrets", &["DeleteSecret"]),
    row(
        Access,
        "secretsmanager.amazonaws.com",
        "reads secrets, or changes them or who can read them",
        &[
            "GetSecretValue",
            "BatchGetSecretValue",
            "PutSecretValue",
            "UpdateSecret",
            "PutResourcePolicy",
            "DeleteResourcePolicy",
        ],
    ),
    row(Destructive, "ssm.amazonaws.com", "deletes parameters", &["DeleteParameter", "DeleteParameters"]),
    row(
        Access,
        "ssm.amazonaws.com",
        "runs commands on machines, or reads parameters",
        &[
            "SendCommand",
            "StartSession",
            "ResumeSession",
            "GetParameter",
            "GetParameters",
            "GetParametersByPath",
            "StartAutomationExecution",
        ],
    ),
    row(
        Destructive,
        "ecr.amazonaws.com",
        "deletes container images",
        &["DeleteRepository", "BatchDeleteImage"],
    ),
    row(Destructive, "eks.amazonaws.com", "deletes clusters", &["DeleteCluster", "DeleteNodegroup"]),
    row(
        Destructive,
        "lambda.amazonaws.com",
        "deletes functions",
        &["DeleteFunction20150331", "DeleteFunction"],
    ),
    row(
        Destructive,
        "cloudhsm.amazonaws.com",
        "deletes hardware modules or their backups",
        &["DeleteCluster", "DeleteHsm", "DeleteBackup"],
    ),
    row(
        Destructive,
        "cloudformation.amazonaws.com",
        "deletes everything that a stack made",
        &["DeleteStack"],
    ),
    // Sight.
    row(
        Blinding,
        "cloudtrail.amazonaws.com",
        "stops or narrows what CloudTrail records",
        &[
            "StopLogging",
            "DeleteTrail",
            "UpdateTrail",
            "PutEventSelectors",
            "DeleteEventDataStore",
            "StopEventDataStoreIngestion",
            "UpdateEventDataStore",
        ],
    ),
    row(
        Blinding,
        "config.amazonaws.com",
        "stops the record of configuration changes",
        &[
            "StopConfigurationRecorder",
            "DeleteConfigurationRecorder",
            "DeleteDeliveryChannel",
            "DeleteConfigRule",
        ],
    ),
    row(
        Blinding,
        "guardduty.amazonaws.com",
        "stops or narrows GuardDuty",
        &[
            "DeleteDetector",
            "UpdateDetector",
            "StopMonitoringMembers",
            "DisassociateFromMasterAccount",
            "DisassociateFromAdministratorAccount",
            "DisassociateMembers",
            "DeleteMembers",
            "CreateFilter",
            "CreateIPSet",
            "UpdateIPSet",
            "DeletePublishingDestination",
        ],
    ),
    row(
        Blinding,
        "securityhub.amazonaws.com",
        "stops or narrows Security Hub",
        &[
            "DisableSecurityHub",
            "DisassociateFromAdministratorAccount",
            "DeleteMembers",
            "BatchDisableStandards",
        ],
    ),
    row(Blinding, "access-analyzer.amazonaws.com", "stops the analysis of access", &["DeleteAnalyzer"]),
    row(Blinding, "macie2.amazonaws.com", "stops Macie", &["DisableMacie"]),
    row(Blinding, "inspector2.amazonaws.com", "stops Inspector", &["Disable"]),
    row(
        Blinding,
        "logs.amazonaws.com",
        "deletes logs, or shortens how long they are kept",
        &[
            "DeleteLogGroup",
            "DeleteLogStream",
            "PutRetentionPolicy",
            "DeleteMetricFilter",
            "DeleteSubscriptionFilter",
        ],
    ),
    row(
        Blinding,
        "monitoring.amazonaws.com",
        "switches alarms off",
        &["DeleteAlarms", "DisableAlarmActions"],
    ),
    row(
        Blinding,
        "events.amazonaws.com",
        "stops what reacts to events",
        &["DeleteRule", "DisableRule", "RemoveTargets"],
    ),
    row(
        Blinding,
        "wafv2.amazonaws.com",
        "stops the log of the web firewall",
        &["DeleteLoggingConfiguration"],
    ),
    // Access.
    row(
        Access,
        "iam.amazonaws.com",
        "makes or changes credentials, policies or trust",
        &[
            "CreateUser",
            "CreateAccessKey",
            "UpdateAccessKey",
            "DeleteAccessKey",
            "CreateLoginProfile",
            "UpdateLoginProfile",
            "DeleteLoginProfile",
            "CreateRole",
            "DeleteRole",
            "DeleteUser",
            "UpdateAssumeRolePolicy",
            "AttachUserPolicy",
            "AttachRolePolicy",
            "AttachGroupPolicy",
            "DetachUserPolicy",
            "DetachRolePolicy",
            "DetachGroupPolicy",
            "PutUserPolicy",
            "PutRolePolicy",
            "PutGroupPolicy",
            "DeleteUserPolicy",
            "DeleteRolePolicy",
            "DeleteGroupPolicy",
            "CreatePolicy",
            "CreatePolicyVersion",
            "SetDefaultPolicyVersion",
            "AddUserToGroup",
            "AddRoleToInstanceProfile",
            "CreateVirtualMFADevice",
            "DeactivateMFADevice",
            "DeleteVirtualMFADevice",
            "EnableMFADevice",
            "CreateSAMLProvider",
            "UpdateSAMLProvider",
            "CreateOpenIDConnectProvider",
            "UpdateOpenIDConnectProviderThumbprint",
            "CreateServiceSpecificCredential",
            "DeleteUserPermissionsBoundary",
            "DeleteRolePermissionsBoundary",
            "PutUserPermissionsBoundary",
            "PutRolePermissionsBoundary",
            "UpdateAccountPasswordPolicy",
            "DeleteAccountPasswordPolicy",
        ],
    ),
    row(Access, "sts.amazonaws.com", "makes temporary credentials", &["GetFederationToken", "AssumeRoot"]),
    row(
        Access,
        "rolesanywhere.amazonaws.com",
        "lets machines outside of AWS take roles",
        &["CreateTrustAnchor", "UpdateTrustAnchor", "CreateProfile"],
    ),
    row(
        Access,
        "sso.amazonaws.com",
        "changes who gets which permissions",
        &[
            "CreateAccountAssignment",
            "CreatePermissionSet",
            "PutInlinePolicyToPermissionSet",
            "AttachManagedPolicyToPermissionSet",
        ],
    ),
    row(
        Access,
        "lambda.amazonaws.com",
        "changes what a function does or who may call it",
        &[
            "UpdateFunctionCode20150331v2",
            "UpdateFunctionConfiguration20150331v2",
            "AddPermission20150331v2",
            "CreateFunction20150331",
            "CreateFunctionUrlConfig",
        ],
    ),
    row(
        Blinding,
        "organizations.amazonaws.com",
        "takes accounts out from under the organization's rules",
        &[
            "LeaveOrganization",
            "RemoveAccountFromOrganization",
            "DetachPolicy",
            "DisablePolicyType",
            "DeletePolicy",
            "UpdatePolicy",
            "DeleteOrganization",
            "CloseAccount",
            "MoveAccount",
        ],
    ),
    // Looking around.
    row(
        Discovery,
        "kms.amazonaws.com",
        "looks for keys and for who may use them",
        &[
            "ListKeys",
            "ListAliases",
            "ListGrants",
            "ListKeyPolicies",
            "GetKeyPolicy",
            "DescribeKey",
            "DescribeCustomKeyStores",
            "GetParametersForImport",
        ],
    ),
    row(Discovery, "sts.amazonaws.com", "asks who the caller is", &["GetCallerIdentity"]),
    row(
        Discovery,
        "iam.amazonaws.com",
        "looks for users, roles and permissions",
        &[
            "ListUsers",
            "ListRoles",
            "ListGroups",
            "ListPolicies",
            "ListAccessKeys",
            "ListAttachedUserPolicies",
            "ListAttachedRolePolicies",
            "ListUserPolicies",
            "ListRolePolicies",
            "GetAccountAuthorizationDetails",
            "GetAccountSummary",
            "ListInstanceProfiles",
            "SimulatePrincipalPolicy",
            "GetUser",
            "ListMFADevices",
            "ListAccountAliases",
        ],
    ),
    row(
        Discovery,
        "s3.amazonaws.com",
        "looks for buckets and how they are protected",
        &[
            "ListBuckets",
            "GetBucketPolicy",
            "GetBucketAcl",
            "GetBucketVersioning",
            "GetBucketLogging",
            "GetBucketLifecycle",
            "GetBucketEncryption",
        ],
    ),
    row(
        Discovery,
        "ec2.amazonaws.com",
        "looks for machines, volumes and snapshots",
        &[
            "DescribeInstances",
            "DescribeSnapshots",
            "DescribeVolumes",
            "DescribeImages",
            "DescribeRegions",
            "DescribeSecurityGroups",
            "GetPasswordData",
        ],
    ),
    row(
        Discovery,
        "rds.amazonaws.com",
        "looks for databases",
        &["DescribeDBInstances", "DescribeDBClusters", "DescribeDBSnapshots"],
    ),
    row(
        Discovery,
        "backup.amazonaws.com",
        "looks for backups",
        &["ListBackupVaults", "ListRecoveryPointsByBackupVault"],
    ),
    row(Discovery, "secretsmanager.amazonaws.com", "looks for secrets", &["ListSecrets"]),
    row(
        Discovery,
        "cloudtrail.amazonaws.com",
        "looks how the account is watched",
        &["DescribeTrails", "GetTrailStatus", "GetEventSelectors", "ListTrails"],
    ),
    row(
        Discovery,
        "guardduty.amazonaws.com",
        "looks how the account is watched",
        &["ListDetectors", "GetDetector"],
    ),
    row(
        Discovery,
        "organizations.amazonaws.com",
        "looks for accounts",
        &["ListAccounts", "DescribeOrganization"],
    ),
];

/// How grave a call is that succeeded; `None` when it is in no table.
pub fn gravity_of(provider: &str, action: &str) -> Option<Gravity> {
    find(provider, action).map(|row| row.gravity)
}

/// How grave a call is that failed: [`Gravity::Denied`] when it was refused for lack of permission, or when the tables
/// grade the call as more than looking around.
pub fn gravity_of_failed(provider: &str, action: &str, error: &str, read_only: bool) -> Option<Gravity> {
    if is_denial(error) {
        return Some(Gravity::Denied);
    }
    gravity_of(provider, action)
        .filter(|&gravity| gravity != Discovery && !read_only)
        .map(|_| Gravity::Denied)
}

/// The consequence of a call, as the end of "This …".
pub fn consequence_of(provider: &str, action: &str) -> Option<&'static str> {
    find(provider, action).map(|row| row.does)
}

/// Does an `errorCode` say that permission was missing? Services name it differently.
pub fn is_denial(error: &str) -> bool {
    ["AccessDenied", "Unauthorized", "NotAuthorized", "Forbidden"].iter().any(|part| error.contains(part))
}

fn find(provider: &str, action: &str) -> Option<&'static Graded> {
    TABLE.iter().find(|row| row.provider == provider && row.actions.contains(&action))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_stands_in_two_rows() {
        let mut seen = std::collections::BTreeSet::new();
        for row in TABLE {
            for action in row.actions {
                assert!(seen.insert((row.provider, *action)), "{} {action}", row.provider);
            }
        }
    }

    #[test]
    fn what_failed_is_denied_and_what_is_unknown_is_nothing() {
        let kms = "kms.amazonaws.com";
        assert_eq!(gravity_of(kms, "DisableKey"), Some(Destructive));
        assert_eq!(gravity_of("other.amazonaws.com", "DisableKey"), None);
        assert_eq!(gravity_of_failed(kms, "Decrypt", "AccessDeniedException", true), Some(Gravity::Denied));
        assert_eq!(
            gravity_of_failed(kms, "DisableKey", "KMSInvalidStateException", false),
            Some(Gravity::Denied)
        );
        assert_eq!(gravity_of_failed(kms, "ListKeys", "ThrottlingException", true), None);
        assert_eq!(
            gravity_of_failed("ec2.amazonaws.com", "RunInstances", "Client.UnauthorizedOperation", false),
            Some(Gravity::Denied)
        );
    }
}
