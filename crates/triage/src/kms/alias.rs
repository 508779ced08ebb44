//! Which key an alias pointed to at which time, as CreateAlias, UpdateAlias and DeleteAlias say.

use std::collections::{BTreeMap, BTreeSet};

use ecs::Timestamp;

use super::key_id::{AliasId, KeyId};

/// Aliases over time.
#[derive(Debug, Clone, Default)]
pub(crate) struct AliasTable {
    /// Per alias what it pointed to since when, oldest first; `None` after its deletion.
    targets: BTreeMap<AliasId, Vec<(Timestamp, Option<KeyId>)>>,
    /// Per key the aliases that ever pointed to it.
    ever: BTreeMap<KeyId, BTreeSet<AliasId>>,
}

impl AliasTable {
    /// An alias points to a key from now on; `None` when it is deleted. Has to be told in the order of time.
    pub(crate) fn point(&mut self, alias: AliasId, time: Timestamp, target: Option<KeyId>) {
        if let Some(key) = &target {
            self.ever.entry(key.clone()).or_default().insert(alias.clone());
        }
        self.targets.entry(alias).or_default().push((time, target));
    }

    /// What it pointed to. Before the first change that is known of it, and after its deletion: nothing.
    pub(crate) fn target(&self, alias: &AliasId, at: Timestamp) -> Option<&KeyId> {
        let changes = self.targets.get(alias)?;
        changes.iter().rev().find(|(time, _)| *time <= at)?.1.as_ref()
    }

    /// The aliases that point to a key, by name.
    pub(crate) fn of_key(&self, key: &KeyId, at: Timestamp) -> Vec<String> {
        let points = |alias: &&AliasId| self.target(alias, at) == Some(key);
        self.ever.get(key).into_iter().flatten().filter(points).map(|alias| alias.name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_moved_and_deleted() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let key =
            |id: &str| KeyId::parse_arn(&format!("arn:aws:kms:eu-west-1:111122223333:key/{id}")).unwrap();
        let alias = AliasId {
            partition: "aws".to_owned(),
            account: Some("111122223333".to_owned()),
            region: Some("eu-west-1".to_owned()),
            name: "alias/payments".to_owned(),
        };
        let mut table = AliasTable::default();
        table.point(alias.clone(), time("2026-01-01T00:00:00Z"), Some(key("old")));
        table.point(alias.clone(), time("2026-02-01T00:00:00Z"), Some(key("new")));
        table.point(alias.clone(), time("2026-03-01T00:00:00Z"), None);
        for (at, expected) in [
            ("2025-12-31T23:59:59Z", None),
            ("2026-01-01T00:00:00Z", Some("old")),
            ("2026-02-15T00:00:00Z", Some("new")),
            ("2026-03-01T00:00:00Z", None),
        ] {
            assert_eq!(table.target(&alias, time(at)).map(|key| key.id.as_str()), expected, "{at}");
        }
        assert_eq!(table.of_key(&key("new"), time("2026-02-15T00:00:00Z")), ["alias/payments"]);
        assert!(table.of_key(&key("old"), time("2026-02-15T00:00:00Z")).is_empty());
    }
}
