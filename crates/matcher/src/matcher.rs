//! Which of thousands of filters an event passes, without asking each of them.
//!
//! Every filter is hung up on an **anchor**: a condition on one field that it cannot do without, such as
//! `event.action` being `DisableKey`. For each anchor field the filters that a value lets through are worked out
//! when the value is first seen, and remembered. An event then costs a look-up per anchor field plus the filters
//! that these name, however many are loaded. Filters without an anchor are asked about every event.
//!
//! Start at [`Matcher::for_stream`].

use std::sync::Arc;

use ecs::{EventView, FieldId, FieldTable, Known};
use foldhash::{HashMap, HashMapExt};

use crate::glob::Fold;
use crate::predicate::{FieldTest, Leaf, Predicate};
use crate::value::ValueTest;

/// The number of a filter: its position in the list that the [`Matcher`] was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilterId(u32);

impl FilterId {
    /// The position in the list.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// All loaded filters.
#[derive(Debug, Clone)]
pub struct Matcher {
    filters: Arc<[Predicate]>,
}

/// The filters that read one data stream, hung up on their anchors. Shared by all threads.
#[derive(Debug)]
pub struct StreamMatcher {
    filters: Arc<[Predicate]>,
    /// What is left of each filter once its anchor is met; the whole filter for those without one.
    rest: Vec<Predicate>,
    anchors: Vec<AnchorField>,
    unanchored: Vec<FilterId>,
}

#[derive(Debug)]
struct AnchorField {
    field: FieldId,
    /// Filters by the exact value that they need.
    exact: HashMap<Box<str>, Vec<FilterId>>,
    /// Filters that need any other condition; tried once per distinct value.
    tests: Vec<(ValueTest, FilterId)>,
}

/// A condition on one field that a filter cannot do without: some value passes one of the tests.
#[derive(Debug)]
struct Anchor {
    tests: Vec<ValueTest>,
    /// What is left to ask of an event that meets the condition.
    rest: Predicate,
}

/// What one thread remembers between events. Belongs to one [`StreamMatcher`].
#[derive(Debug, Default)]
pub struct Memo {
    by_value: Vec<HashMap<Box<str>, Arc<[FilterId]>>>,
    candidates: Vec<FilterId>,
}

/// What is known of the filters after one look at an event.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Filters that the event passes, in order.
    pub passed: Vec<FilterId>,
    /// Filters for which this view of the event knows too little, in order.
    pub undecided: Vec<FilterId>,
}

impl Verdict {
    /// True when no filter can pass any more.
    pub fn is_empty(&self) -> bool {
        self.passed.is_empty() && self.undecided.is_empty()
    }
}

/// Distinct values remembered per anchor field and thread; then all are forgotten and learnt anew.
const REMEMBERED_VALUES: usize = 1 << 14;
/// Longer values are worked out each time, so that memory stays bounded.
const REMEMBERED_LENGTH: usize = 512;

impl Matcher {
    /// Takes the filters; their positions become their numbers.
    pub fn new(filters: impl Into<Arc<[Predicate]>>) -> Self {
        Self { filters: filters.into() }
    }

    /// A filter by its number.
    pub fn filter(&self, id: FilterId) -> &Predicate {
        &self.filters[id.index()]
    }

    /// Hangs up those filters that read a stream.
    ///
    /// `reads` says which do. `cheap` says which fields the first view of an event always knows: anchors on others
    /// would leave their filters undecided for every event.
    pub fn for_stream(
        &self,
        table: &FieldTable,
        reads: impl Fn(FilterId) -> bool,
        cheap: impl Fn(FieldId) -> bool,
    ) -> StreamMatcher {
        let mut matcher = StreamMatcher {
            filters: self.filters.clone(),
            rest: self.filters.to_vec(),
            anchors: Vec::new(),
            unanchored: Vec::new(),
        };
        for (position, predicate) in self.filters.iter().enumerate() {
            let id = FilterId(position as u32);
            if !reads(id) || matches!(predicate, Predicate::Const(false)) {
                continue;
            }
            let best = predicate
                .fields()
                .into_iter()
                .filter(|field| cheap(*field))
                .filter_map(|field| Some((field, anchor(predicate, field)?)))
                .min_by_key(|(field, anchor)| lets_through(&table.entry(*field).name, &anchor.tests));
            match best {
                Some((field, anchor)) => matcher.hang_up(id, field, anchor),
                None => matcher.unanchored.push(id),
            }
        }
        matcher
    }
}

impl StreamMatcher {
    /// A memory for one thread.
    pub fn memo(&self) -> Memo {
        Memo { by_value: self.anchors.iter().map(|_| HashMap::new()).collect(), candidates: Vec::new() }
    }

    /// True when no filter reads the stream.
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty() && self.unanchored.is_empty()
    }

    /// How many filters are asked about every event, for want of an anchor.
    pub fn unanchored(&self) -> usize {
        self.unanchored.len()
    }

    /// Looks at an event once.
    pub fn look(&self, event: &dyn EventView, memo: &mut Memo) -> Verdict {
        let mut verdict = Verdict::default();
        let mut candidates = std::mem::take(&mut memo.candidates);
        candidates.clear();
        for (anchor, remembered) in self.anchors.iter().zip(&mut memo.by_value) {
            let known = event.any_value(anchor.field, &mut |value| {
                anchor.let_through(&value.text(), remembered, &mut candidates);
                false
            });
            if known == Known::Unknown {
                verdict.undecided.extend(anchor.all());
            }
        }
        candidates.extend(&self.unanchored);
        if !candidates.is_empty() {
            candidates.sort_unstable();
            candidates.dedup();
            for id in &candidates {
                match self.rest[id.index()].eval(event) {
                    Known::Yes => verdict.passed.push(*id),
                    Known::No => {}
                    Known::Unknown => verdict.undecided.push(*id),
                }
            }
        }
        if !verdict.undecided.is_empty() {
            verdict.undecided.sort_unstable();
            verdict.undecided.dedup();
        }
        memo.candidates = candidates;
        verdict
    }

    /// Decides what an earlier look left undecided, with a view that knows every field.
    pub fn settle(&self, verdict: Verdict, event: &dyn EventView) -> Vec<FilterId> {
        let Verdict { mut passed, undecided } = verdict;
        passed.extend(undecided.into_iter().filter(|id| self.filters[id.index()].eval(event) == Known::Yes));
        passed.sort_unstable();
        passed
    }

    fn hang_up(&mut self, id: FilterId, field: FieldId, anchor: Anchor) {
        self.rest[id.index()] = anchor.rest;
        let at = self.anchors.iter().position(|a| a.field == field).unwrap_or_else(|| {
            self.anchors.push(AnchorField { field, exact: HashMap::new(), tests: Vec::new() });
            self.anchors.len() - 1
        });
        let on_field = &mut self.anchors[at];
        for test in anchor.tests {
            match test {
                ValueTest::Text { values, fold: Fold::None } => {
                    let mut sorted: Vec<Box<str>> = values.into_iter().collect();
                    sorted.sort_unstable();
                    for value in sorted {
                        on_field.exact.entry(value).or_default().push(id);
                    }
                }
                other => on_field.tests.push((other, id)),
            }
        }
    }
}

impl AnchorField {
    /// Adds the filters that a value lets through.
    fn let_through(
        &self,
        value: &str,
        remembered: &mut HashMap<Box<str>, Arc<[FilterId]>>,
        candidates: &mut Vec<FilterId>,
    ) {
        if self.tests.is_empty() {
            candidates.extend(self.exact.get(value).into_iter().flatten());
            return;
        }
        if let Some(ids) = remembered.get(value) {
            candidates.extend(&**ids);
            return;
        }
        let mut ids: Vec<FilterId> = self.exact.get(value).into_iter().flatten().copied().collect();
        ids.extend(
            self.tests.iter().filter(|(test, _)| test.passes(ecs::Scalar::Str(value))).map(|(_, id)| *id),
        );
        candidates.extend(&ids);
        if value.len() <= REMEMBERED_LENGTH {
            if remembered.len() >= REMEMBERED_VALUES {
                remembered.clear();
            }
            remembered.insert(value.into(), ids.into());
        }
    }

    #[expect(clippy::iter_over_hash_type, reason = "the candidates are sorted before they are used")]
    fn all(&self) -> Vec<FilterId> {
        let mut ids: Vec<FilterId> = self.tests.iter().map(|(_, id)| *id).collect();
        for named in self.exact.values() {
            ids.extend(named);
        }
        ids
    }
}

/// The anchor of a predicate on `field`; `None` when it can do without the field.
///
/// Existence is no anchor: a field may exist as an object and have no value to look up.
fn anchor(predicate: &Predicate, field: FieldId) -> Option<Anchor> {
    match predicate {
        Predicate::Leaf(Leaf { field: own, test: FieldTest::Any(test) })
            if *own == field && reads_text(test) =>
        {
            Some(Anchor { tests: vec![test.clone()], rest: Predicate::Const(true) })
        }
        Predicate::And(parts) => {
            let on_parts = parts.iter().enumerate().filter_map(|(at, part)| Some((at, anchor(part, field)?)));
            let (at, anchor) = on_parts.min_by_key(|(_, anchor)| cost(&anchor.tests))?;
            let others =
                parts.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, part)| part.clone());
            Some(Anchor {
                rest: Predicate::and(std::iter::once(anchor.rest).chain(others)),
                tests: anchor.tests,
            })
        }
        Predicate::Or(parts) => {
            let mut tests = Vec::new();
            let mut met = true;
            for part in parts {
                let anchor = anchor(part, field)?;
                met &= matches!(anchor.rest, Predicate::Const(true));
                tests.extend(anchor.tests);
            }
            // Which of the alternatives met it is not remembered: all are asked again if any asks for more.
            Some(Anchor { tests, rest: if met { Predicate::Const(true) } else { predicate.clone() } })
        }
        _ => None,
    }
}

/// Tests that give the same answer for a value and for its text, since anchors remember texts.
fn reads_text(test: &ValueTest) -> bool {
    match test {
        ValueTest::Text { .. }
        | ValueTest::Glob(_)
        | ValueTest::Regex { .. }
        | ValueTest::TextRange(_)
        | ValueTest::Network(_)
        | ValueTest::IpRange(_) => true,
        ValueTest::Listed(listed) => listed.reads_text(),
        _ => false,
    }
}

/// How much an anchor lets through, roughly. A pattern over a telling field lets through less than an exact value of
/// a field that is much the same for all events.
fn lets_through(field: &str, tests: &[ValueTest]) -> usize {
    rank(field) * 2 + cost(tests) * 3
}

/// Exact values are looked up, other tests are tried once per distinct value.
fn cost(tests: &[ValueTest]) -> usize {
    usize::from(tests.iter().any(|test| !matches!(test, ValueTest::Text { .. })))
}

/// Fields in order of how much they tell apart: constants of a data stream are the worst anchors.
fn rank(name: &str) -> usize {
    match name {
        "event.action" => 0,
        "event.code" | "process.name" => 1,
        "event.provider" | "event.category" | "event.type" => 3,
        "event.outcome" | "host.os.type" | "aws.cloudtrail.user_identity.type" => 4,
        "event.dataset" | "data_stream.dataset" | "event.module" | "event.kind" | "cloud.provider" => 5,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Resolver;
    use crate::glob::Glob;
    use ecs::{Catalog, Document, Timestamp};
    use proptest::prelude::*;

    const FIELDS: [&str; 4] = ["event.action", "event.provider", "user_agent.original", "related.user"];
    const VALUES: [&str; 4] = ["Delete", "DeleteKey", "Disable", "x"];

    fn predicate(table: &FieldTable) -> impl Strategy<Value = Predicate> + use<> {
        let ids: Vec<FieldId> = FIELDS.iter().map(|f| table.get(f).unwrap()).collect();
        let leaf = (0..FIELDS.len(), 0..VALUES.len(), 0..4u8).prop_map(move |(f, v, kind)| {
            Predicate::Leaf(Leaf {
                field: ids[f],
                test: match kind {
                    0 => FieldTest::Exists,
                    1 => FieldTest::Any(ValueTest::Glob(Glob::from_wildcard(
                        &format!("{}*", VALUES[v]),
                        Fold::Ascii,
                    ))),
                    2 => FieldTest::Any(ValueTest::text_folded(VALUES[v], Fold::Ascii)),
                    _ => FieldTest::Any(ValueTest::text(VALUES[v])),
                },
            })
        });
        leaf.prop_recursive(4, 24, 3, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 2..4).prop_map(Predicate::and),
                proptest::collection::vec(inner.clone(), 2..4).prop_map(Predicate::or),
                inner.prop_map(Predicate::not),
            ]
        })
    }

    fn table() -> FieldTable {
        let mut table = FieldTable::new();
        FIELDS.iter().for_each(|f| {
            table.intern(f, &Catalog::builtin());
        });
        table
    }

    proptest! {
        #[test]
        fn a_shared_look_finds_what_each_filter_finds_alone(
            filters in proptest::collection::vec(predicate(&table()), 1..12),
            events in proptest::collection::vec(
                proptest::collection::vec((0..FIELDS.len(), proptest::collection::vec(0..VALUES.len(), 0..3)), 0..4), 1..6),
            cheap in proptest::collection::vec(any::<bool>(), FIELDS.len()),
        ) {
            let table = table();
            let matcher = Matcher::new(filters.clone());
            let stream = matcher.for_stream(&table, |_| true, |field| cheap[field.index()]);
            let mut memo = stream.memo();
            for event in events {
                let mut document = Document::new();
                for (field, values) in event {
                    let values: Vec<&str> = values.into_iter().map(|v| VALUES[v]).collect();
                    document.set(FIELDS[field], values);
                }
                let view = document.view(&table);
                let verdict = stream.look(&view, &mut memo);
                prop_assert!(verdict.undecided.is_empty());
                let alone: Vec<FilterId> = (0..filters.len())
                    .filter(|i| filters[*i].eval(&view) == Known::Yes)
                    .map(|i| FilterId(i as u32))
                    .collect();
                prop_assert_eq!(stream.settle(verdict, &view), alone);
            }
        }
    }

    #[test]
    fn a_pattern_over_a_telling_field_beats_a_value_that_most_events_have() {
        let catalog = Catalog::builtin();
        let mut table = FieldTable::new();
        let mut resolver = Resolver::new(&catalog, &mut table, Timestamp::UNIX_EPOCH);
        let resolved =
            resolver.kql(&query::kql::parse("event.outcome:success and user_agent.original:*tool*").tree);
        let stream = Matcher::new(vec![resolved.predicate]).for_stream(&table, |_| true, |_| true);
        assert_eq!(&*table.entry(stream.anchors[0].field).name, "user_agent.original");
    }

    #[test]
    fn a_rule_is_hung_up_on_its_action() {
        let catalog = Catalog::builtin();
        let mut table = FieldTable::new();
        let mut resolver = Resolver::new(&catalog, &mut table, Timestamp::UNIX_EPOCH);
        let text = "data_stream.dataset:aws.cloudtrail and event.provider:kms.amazonaws.com and event.action:(DisableKey or ScheduleKeyDeletion) and event.outcome:success";
        let resolved = resolver.kql(&query::kql::parse(text).tree);
        let matcher = Matcher::new(vec![resolved.predicate]);
        let stream = matcher.for_stream(&table, |_| true, |_| true);
        assert_eq!(stream.unanchored(), 0);
        assert_eq!(stream.anchors.len(), 1);
        assert_eq!(&*table.entry(stream.anchors[0].field).name, "event.action");
        assert_eq!(stream.anchors[0].exact.len(), 2);
    }
}
