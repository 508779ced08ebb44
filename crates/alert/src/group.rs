//! From a sequence or sample to its alert group: a building block for each event, and the shell that people work on.
//!
//! Source: elastic/kibana rule_types/eql/build_alert_group_from_sequence.ts.

use ecs::Document;
use serde_json::{Map, Value};

use crate::ancestors::{self, Ancestors};
use crate::build::BuildOutcome;
use crate::context::AlertContext;
use crate::document::Alert;
use crate::fields;
use crate::hit::SequenceHit;
use crate::identity::{AlertUuid, block_alert_uuids, shell_alert_uuid};
use crate::intersection::intersection;
use crate::overrides::Overrides;
use crate::own_fields::OwnFields;
use crate::reason::reason;
use crate::rule_fields::AlertRule;
use crate::source::{SourceCopy, copy_source, original_time};

/// The alerts of a sequence or sample. All have the same `kibana.alert.group.id`: the id of the shell.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertGroup {
    /// What the events have in common. Its depth is one more than that of the blocks, which are its ancestors.
    pub shell: Alert,
    /// One alert for each event, in the order of the events; `kibana.alert.group.index` counts them from 0. They are
    /// building blocks: kept from view, and of no effect on actions.
    pub blocks: Vec<Alert>,
}

impl AlertGroup {
    /// Every alert, in the order in which Kibana writes them: the shell, then the blocks.
    pub fn into_alerts(self) -> impl Iterator<Item = Alert> {
        std::iter::once(self.shell).chain(self.blocks)
    }
}

/// Makes the alerts of a sequence or sample. None has overrides: severity, risk score and name are the rule's.
pub(crate) fn build_group(hit: &SequenceHit, rule: &AlertRule<'_>, context: &AlertContext) -> BuildOutcome {
    let rule_uuid = &rule.rule.uuid;
    let ancestors: Vec<Ancestors> = hit.events.iter().map(ancestors::of_event).collect();
    if ancestors.iter().any(|ancestors| ancestors.include_rule(rule_uuid)) {
        return BuildOutcome::SelfFeeding;
    }
    let block_uuids = block_alert_uuids(&ancestors, rule_uuid);
    let shell_ancestors = ancestors::of_blocks(&block_uuids, &ancestors, rule_uuid);
    let shell_uuid = shell_alert_uuid(&shell_ancestors, rule_uuid);
    let copies: Vec<SourceCopy> = hit.events.iter().map(|event| copy_source(&event.document)).collect();
    let shell = build_shell(hit, &copies, shell_uuid.clone(), shell_ancestors, rule, context);

    let own = block_uuids.into_iter().zip(ancestors);
    let evidence = hit.events.iter().zip(copies);
    let blocks = evidence.zip(own).enumerate().map(|(index, ((event, copy), (uuid, ancestors)))| {
        let own = own_fields(uuid, ancestors, &event.document, &event.document, rule);
        let mut alert = copy.fields;
        alert.extend(copy.originals);
        alert.extend(own.into_map(rule, context));
        let mut put = |name: &str, value: Value| alert.insert(name.to_owned(), value);
        put(fields::BUILDING_BLOCK_TYPE, fields::BUILDING_BLOCK.into());
        put(fields::GROUP_ID, shell_uuid.as_str().into());
        put(fields::GROUP_INDEX, index.into());
        Alert::new(alert, copy.removed)
    });
    BuildOutcome::Group(AlertGroup { blocks: blocks.collect(), shell })
}

/// The shell has no warnings: the blocks name what they leave out.
fn build_shell(
    hit: &SequenceHit,
    copies: &[SourceCopy],
    uuid: AlertUuid,
    ancestors: Ancestors,
    rule: &AlertRule<'_>,
    context: &AlertContext,
) -> Alert {
    let shared = |part: fn(&SourceCopy) -> &Map<String, Value>| {
        intersection(&copies.iter().map(part).collect::<Vec<_>>())
    };
    let source = Document::from_map(shared(|copy| &copy.fields));
    let nothing = Document::new();
    let first = hit.events.first().map_or(&nothing, |event| &event.document);
    let group_id = Value::from(uuid.as_str());
    let own = own_fields(uuid, ancestors, &source, first, rule);
    let mut alert = source.into_map();
    alert.extend(shared(|copy| &copy.originals));
    alert.extend(own.into_map(rule, context));
    alert.insert(fields::GROUP_ID.to_owned(), group_id);
    Alert::new(alert, Vec::new())
}

/// `told` is what the reason tells of, `timed` the event whose time the alert names.
fn own_fields(
    uuid: AlertUuid,
    ancestors: Ancestors,
    told: &Document,
    timed: &Document,
    rule: &AlertRule<'_>,
) -> OwnFields {
    let overridden = Overrides::none(rule.rule);
    let reason = reason(told, &overridden.rule_name, overridden.severity);
    OwnFields { uuid, ancestors, overridden, reason, original_time: original_time(timed) }
}
