//! Whether deleted key material was imported again, and what proves it.

use ecs::Timestamp;
use serde::Serialize;

use super::key_id::KeyId;
use super::lifecycle::{Change, LifecycleEvent};
use super::sighting::Sighting;
use super::sorted_keys::SortedKeys;
use super::use_groups::UseKind;
use crate::answer::Evidence;

/// What came of deleted material.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reimport {
    /// In short.
    pub verdict: ReimportVerdict,
    /// Whole sentences: the proof, the gap without material, a new expiry, how far the logs reach.
    pub says: Vec<String>,
    /// Seconds without material, as far as known.
    pub gap_seconds: Option<i64>,
    /// `validTo` of the new import. RFC 3339, UTC.
    pub expires: Option<String>,
    /// The deletion, the import, and a later use with the same material.
    pub evidence: Vec<Evidence>,
}

/// What came of deleted material, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReimportVerdict {
    /// The same material is back: the records name the same id.
    SameMaterial,
    /// Material is back, and the records don't name it; KMS takes only the same for an existing material.
    EnforcedByKms,
    /// Other material was imported, and the deleted one is still missing.
    OtherMaterial,
    /// It is not back, as far as the logs reach.
    NotReimported,
}

impl SortedKeys<'_> {
    /// What came of a deletion of a key's material: by DeleteImportedKeyMaterial, or by its expiry.
    ///
    /// `deletion` is the `eventID` of the deletion; without one it is the last that succeeded. `to` is how far the logs
    /// reach: the last event of the data, of whatever service. `None` when no such deletion is known by then.
    pub fn reimport(&self, key: &KeyId, deletion: Option<&str>, to: Timestamp) -> Option<Reimport> {
        let calls = &self.events(key).lifecycle;
        let succeeded = |event: &&&LifecycleEvent| event.succeeded() && event.sighting.time <= to;
        let deletes = |event: &&&LifecycleEvent| {
            matches!(event.change, Change::MaterialDeleted { .. })
                && deletion.is_none_or(|id| event.sighting.id.as_deref() == Some(id))
        };
        let deleted = calls.iter().filter(succeeded).rfind(deletes)?;
        let Change::MaterialDeleted { material: lost, .. } = &deleted.change else { return None };
        let since = deleted.sighting.time;
        let imports = calls.iter().filter(succeeded).filter(|event| event.sighting.time >= since);
        let imports = imports.filter_map(|event| match &event.change {
            Change::MaterialImported { material, valid_to, expires, .. } => Some(Import {
                sighting: &event.sighting,
                material: material.as_deref(),
                expires: valid_to.filter(|_| *expires != Some(false)),
            }),
            _ => None,
        });
        let imports: Vec<Import<'_>> = imports.collect();
        let lost = lost.as_deref();
        let is_same = |import: &&Import<'_>| lost.is_some() && import.material == lost;
        let is_silent = |import: &&Import<'_>| lost.is_none() || import.material.is_none();
        let told = |used| Told { deleted: &deleted.sighting, used, is_same: true, to, lost };
        let found = imports.iter().find(is_same).map(|import| (ReimportVerdict::SameMaterial, import));
        let found = found.or_else(|| {
            let import = imports.iter().find(is_silent)?;
            // A later use with the very material proves what the import does not say.
            let proven = lost.is_some() && self.first_use_of(key, lost, import.sighting.time, to).is_some();
            Some((
                if proven { ReimportVerdict::SameMaterial } else { ReimportVerdict::EnforcedByKms },
                import,
            ))
        });
        let found = found.or_else(|| Some((ReimportVerdict::OtherMaterial, imports.first()?)));
        let Some((verdict, import)) = found else {
            let proven = self.first_use_of(key, lost, since, to);
            let used = proven.or_else(|| self.first_use_of(key, None, since, to));
            return Some(Told { is_same: proven.is_some(), ..told(used) }.not_imported());
        };
        // What was imported last decides when it expires: the same material can come again with another date.
        let last = imports
            .iter()
            .rfind(|other| verdict == ReimportVerdict::OtherMaterial || is_same(other) || is_silent(other));
        let is_back = verdict != ReimportVerdict::OtherMaterial;
        let used = (is_back && lost.is_some())
            .then(|| self.first_use_of(key, lost, import.sighting.time, to))
            .flatten();
        Some(told(used).imported(verdict, import, last.unwrap_or(import)))
    }

    /// The first use that succeeded with a material, or `None` for uses that name none, at a moment or later, as far as first
    /// and last uses show.
    fn first_use_of(
        &self,
        key: &KeyId,
        material: Option<&str>,
        from: Timestamp,
        to: Timestamp,
    ) -> Option<&Sighting> {
        let uses = self.events(key).uses.iter().filter(|(group, _)| {
            group.kind == UseKind::Use && group.error.is_none() && group.material.as_deref() == material
        });
        let uses = uses.flat_map(|(_, tally)| [&tally.first, &tally.last]);
        uses.filter(|sighting| sighting.time > from && sighting.time <= to).min()
    }
}

/// An import, as far as it matters here.
struct Import<'a> {
    sighting: &'a Sighting,
    material: Option<&'a str>,
    expires: Option<Timestamp>,
}

/// What the sentences are made of.
struct Told<'a> {
    deleted: &'a Sighting,
    lost: Option<&'a str>,
    /// A later use with the same material, or where it names none, with whatever the key had.
    used: Option<&'a Sighting>,
    is_same: bool,
    to: Timestamp,
}

impl Told<'_> {
    fn not_imported(&self) -> Reimport {
        let until = self.used.map_or(self.to, |used| used.time);
        let gap = until.duration_since(self.deleted.time).as_secs();
        let (deleted, to) = (self.deleted.time, self.to);
        let none = format!("No import of material after {deleted} is in the logs, which reach to {to}");
        let mut evidence = vec![self.deletion()];
        let says = match self.used {
            None => vec![format!("{none}: the key has been without it for {gap} seconds.")],
            Some(used) => {
                let (how, shows) = match self.is_same {
                    true => ("with the same material", "a use succeeds with the same material"),
                    false => ("and does not name its material", "a use succeeds"),
                };
                evidence.push(used.evidence(shows));
                vec![
                    format!("{none}."),
                    format!(
                        "A use at {} succeeded {how}, so an import is missing from the logs, or KMS had not yet followed the \
                         deletion.",
                        used.time
                    ),
                ]
            }
        };
        Reimport {
            verdict: ReimportVerdict::NotReimported,
            says,
            gap_seconds: Some(gap),
            expires: None,
            evidence,
        }
    }

    fn imported(&self, verdict: ReimportVerdict, import: &Import<'_>, last: &Import<'_>) -> Reimport {
        let time = import.sighting.time;
        let gap = time.duration_since(self.deleted.time).as_secs();
        let lost = self.lost.unwrap_or_default();
        let mut says = vec![match verdict {
            ReimportVerdict::SameMaterial if import.material.is_some() => {
                format!("The same material was imported again at {time}: deletion and import name {lost}.")
            }
            ReimportVerdict::SameMaterial => format!(
                "Material was imported at {time}; the record does not name it, and a later use with {lost} proves that it is \
                 the same."
            ),
            ReimportVerdict::EnforcedByKms => format!(
                "Material was imported at {time}. The records don't name it; KMS takes only the same bytes for an existing \
                 material."
            ),
            ReimportVerdict::OtherMaterial | ReimportVerdict::NotReimported => format!(
                "Other material ({}) was imported at {time}; the deleted one, {lost}, is not back, and the key stays \
                 PendingImport without it.",
                import.material.unwrap_or("of unknown id")
            ),
        }];
        let is_back = verdict != ReimportVerdict::OtherMaterial;
        let gap = if is_back { gap } else { self.to.duration_since(self.deleted.time).as_secs() };
        says.push(format!(
            "The key was without it for {gap} seconds{}.",
            if is_back { "" } else { " so far" }
        ));
        let mut evidence = vec![self.deletion(), import.sighting.evidence("material is imported")];
        if let Some(used) = self.used {
            says.push(format!("A use at {} succeeded with the same material.", used.time));
            evidence.push(used.evidence("a use succeeds with the same material"));
        }
        if let Some(end) = last.expires {
            says.push(format!(
                "The import expires at {end}, {} seconds after it was made: then KMS deletes the material again, so this is \
                 no lasting recovery.",
                end.duration_since(last.sighting.time).as_secs()
            ));
            if last.sighting != import.sighting {
                evidence.push(last.sighting.evidence("an expiry is set"));
            }
        }
        says.push(format!("The logs reach to {}.", self.to));
        Reimport {
            verdict,
            says,
            gap_seconds: Some(gap),
            expires: last.expires.map(|end| end.to_string()),
            evidence,
        }
    }

    fn deletion(&self) -> Evidence {
        self.deleted.evidence("the material is deleted")
    }
}
