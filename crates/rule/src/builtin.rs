//! The rule pack that comes with the program: the files of the folder `rules/`.

/// Name and text of each file, in the order of the names.
pub const FILES: [(&str, &str); 20] = [
    (
        "aws_kms_custom_key_store_disconnected_or_changed.toml",
        include_str!("../../../rules/aws_kms_custom_key_store_disconnected_or_changed.toml"),
    ),
    (
        "aws_kms_customer_managed_key_disabled_or_scheduled_for_deletion.toml",
        include_str!("../../../rules/aws_kms_customer_managed_key_disabled_or_scheduled_for_deletion.toml"),
    ),
    (
        "aws_kms_destructive_call_denied.toml",
        include_str!("../../../rules/aws_kms_destructive_call_denied.toml"),
    ),
    (
        "aws_kms_events_excluded_from_trail.toml",
        include_str!("../../../rules/aws_kms_events_excluded_from_trail.toml"),
    ),
    (
        "aws_kms_expired_key_material_deleted.toml",
        include_str!("../../../rules/aws_kms_expired_key_material_deleted.toml"),
    ),
    (
        "aws_kms_first_key_administration_by_principal.toml",
        include_str!("../../../rules/aws_kms_first_key_administration_by_principal.toml"),
    ),
    (
        "aws_kms_grant_to_another_account.toml",
        include_str!("../../../rules/aws_kms_grant_to_another_account.toml"),
    ),
    (
        "aws_kms_imported_key_material_deleted.toml",
        include_str!("../../../rules/aws_kms_imported_key_material_deleted.toml"),
    ),
    (
        "aws_kms_imported_key_material_not_restored.toml",
        include_str!("../../../rules/aws_kms_imported_key_material_not_restored.toml"),
    ),
    (
        "aws_kms_key_alias_redirected_or_deleted.toml",
        include_str!("../../../rules/aws_kms_key_alias_redirected_or_deleted.toml"),
    ),
    ("aws_kms_key_deleted.toml", include_str!("../../../rules/aws_kms_key_deleted.toml")),
    (
        "aws_kms_key_deletion_scheduled_with_shortest_wait.toml",
        include_str!("../../../rules/aws_kms_key_deletion_scheduled_with_shortest_wait.toml"),
    ),
    (
        "aws_kms_key_disabled_then_scheduled_for_deletion.toml",
        include_str!("../../../rules/aws_kms_key_disabled_then_scheduled_for_deletion.toml"),
    ),
    (
        "aws_kms_key_material_imported_with_expiry.toml",
        include_str!("../../../rules/aws_kms_key_material_imported_with_expiry.toml"),
    ),
    (
        "aws_kms_key_policy_lockout_check_bypassed.toml",
        include_str!("../../../rules/aws_kms_key_policy_lockout_check_bypassed.toml"),
    ),
    (
        "aws_kms_key_policy_names_another_account.toml",
        include_str!("../../../rules/aws_kms_key_policy_names_another_account.toml"),
    ),
    (
        "aws_kms_key_policy_without_account_root.toml",
        include_str!("../../../rules/aws_kms_key_policy_without_account_root.toml"),
    ),
    ("aws_kms_key_use_refused.toml", include_str!("../../../rules/aws_kms_key_use_refused.toml")),
    (
        "aws_kms_many_keys_taken_out_of_use.toml",
        include_str!("../../../rules/aws_kms_many_keys_taken_out_of_use.toml"),
    ),
    (
        "aws_kms_multi_region_key_replicated_or_primary_moved.toml",
        include_str!("../../../rules/aws_kms_multi_region_key_replicated_or_primary_moved.toml"),
    ),
];

/// What paths of built-in rules start with; see [`Origin::path`](crate::Origin::path).
pub const FOLDER: &str = "built-in";

/// The text of a built-in file by its path, such as `built-in/aws_kms_imported_key_material_deleted.toml`.
pub fn text(path: &std::path::Path) -> Option<&'static str> {
    let name = path.strip_prefix(FOLDER).ok()?.to_str()?;
    FILES.iter().find(|(file, _)| *file == name).map(|(_, text)| *text)
}
