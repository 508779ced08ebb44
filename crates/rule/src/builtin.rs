//! The rule pack that comes with the program: the files of the folder `rules/`.

/// Name and text of each file, in the order of the names.
pub const FILES: [(&str, &str); 2] = [
    (
        "aws_kms_customer_managed_key_disabled_or_scheduled_for_deletion.toml",
        include_str!("../../../rules/aws_kms_customer_managed_key_disabled_or_scheduled_for_deletion.toml"),
    ),
    (
        "aws_kms_imported_key_material_deleted.toml",
        include_str!("../../../rules/aws_kms_imported_key_material_deleted.toml"),
    ),
];

/// What paths of built-in rules start with; see [`Origin::path`](crate::Origin::path).
pub const FOLDER: &str = "built-in";

/// The text of a built-in file by its path, such as `built-in/aws_kms_imported_key_material_deleted.toml`.
pub fn text(path: &std::path::Path) -> Option<&'static str> {
    let name = path.strip_prefix(FOLDER).ok()?.to_str()?;
    FILES.iter().find(|(file, _)| *file == name).map(|(_, text)| *text)
}
