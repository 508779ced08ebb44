//! With what was kept of the range before, rules find what they find when they read their history again: for every rule
//! type, with and without suppression, whatever the ranges.

use std::path::Path;

use alert::{Alert, AlertContext, ExecutionType};
use bartizan_engine::{
    AlertSink, ExecuteOptions, Executed, KeepHistory, KeptHistories, MadeEvent, Part, Plan, ReadHistory,
    RuleOutcome, Windows, execute_together, needed_range,
};
use ecs::{Catalog, DataStream, Document, TimeRange, Timestamp};
use proptest::prelude::*;
use rule::RuleLibrary;
use serde_json::Value;

use crate::every_run::{Event, Kind, Rule, START, at, documents, events, rule};

const MINUTE: i64 = 60_000;

#[derive(Default)]
struct Whole(Vec<Value>);

impl AlertSink for Whole {
    fn alert(&mut self, alert: Alert) -> std::io::Result<()> {
        self.0.push(Value::Object(alert.into_document().into_map()));
        Ok(())
    }
}

/// What a range gave, and how many events it read.
struct Given {
    alerts: Vec<Value>,
    outcomes: Vec<RuleOutcome>,
    kept: KeptHistories,
    read: usize,
    wants_history: bool,
}

struct Bench {
    library: RuleLibrary,
    catalog: Catalog,
    events: Vec<MadeEvent>,
}

impl Bench {
    fn new(rule: &Rule, events: &[Event]) -> Self {
        let mut library = RuleLibrary::default();
        library.add("rule.toml".into(), rule::format::toml::read(&rule.text(), Path::new("rule.toml")));
        let made = |(index, id, source): (String, String, Value)| {
            let Value::Object(map) = source else { panic!("an object") };
            let document = Document::from_map(map);
            let time = document.text("@timestamp").map(|time| time.parse().unwrap());
            MadeEvent { document, id, stream: DataStream::parse(&index).unwrap(), time }
        };
        Self {
            library,
            catalog: Catalog::builtin(),
            events: documents(events).into_iter().map(made).collect(),
        }
    }

    /// One range. With `history` what was kept is used, and kept again.
    fn run(&self, range: TimeRange, history: Option<KeepHistory>) -> Given {
        let plan = Plan::new(&self.library, &self.catalog, Timestamp::UNIX_EPOCH);
        assert_eq!(plan.rules.len(), 1, "{:?}", plan.outcomes);
        let read = needed_range(&plan, None, history.as_ref(), Windows::AsScheduled, range);
        let alerts = AlertContext {
            space: "default".into(),
            detected_at: range.to.unwrap(),
            execution_uuid: "00000000-0000-0000-0000-000000000000".into(),
            execution_type: ExecutionType::Scheduled,
            intended_timestamp: None,
            base_url: None,
            version: "test".into(),
        };
        let options = ExecuteOptions {
            range,
            windows: Windows::AsScheduled,
            catalog: &self.catalog,
            max_signals: None,
            alerts,
        };
        let part = Part { plan: &plan, only: None, options, read, bounds: None, history };
        let is_there = |event: &&MadeEvent| {
            event.time.is_some_and(|time| read.contains(time) && time < range.to.unwrap())
        };
        let events: Vec<MadeEvent> = self.events.iter().filter(is_there).cloned().collect();
        let count = events.len();
        let mut sink = Whole::default();
        let events = events.into_iter().map(Ok);
        let indicators = |is_wanted: &dyn Fn(&DataStream) -> bool| {
            let wanted = self.events.iter().filter(|event| is_wanted(&event.stream)).cloned();
            wanted.map(Ok).collect::<Vec<_>>().into_iter()
        };
        let mut done = execute_together(vec![part], events, indicators, &mut [&mut sink], &|| false).unwrap();
        let Executed { mut rules, kept, want_history, .. } = done.remove(0).unwrap();
        // Indicators are looked at only when some event of what was read waits for them.
        for outcome in rules.iter_mut().filter(|outcome| outcome.hits == 0) {
            outcome.indicators = None;
            outcome.warnings.retain(|warning| warning.code != "rule::no-indicators");
        }
        let wants_history = !want_history.is_empty();
        Given { alerts: sink.0, outcomes: rules, kept, read: count, wants_history }
    }
}

/// The ranges between ticks of the rule's schedule: the ends of the first few, so many ticks apart.
fn ranges(rule: &Rule, ticks: &[u8]) -> Vec<TimeRange> {
    let interval = rule.minutes * MINUTE;
    let mut from = START.div_euclid(interval) * interval;
    let range = |ticks: &u8| {
        let to = from + i64::from(*ticks) * interval;
        let range = TimeRange { from: Some(at(from)), to: Some(at(to)) };
        from = to;
        range
    };
    ticks.iter().map(range).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_was_kept_is_as_good_as_what_is_read_again(
        rule in rule(),
        events in events(),
        ticks in prop::collection::vec(1..14u8, 1..9),
        forgets in prop::collection::vec(prop::bool::weighted(0.1), 9),
        is_late in any::<bool>(),
    ) {
        let bench = Bench::new(&rule, &events);
        let mut kept = KeptHistories::new();
        for (range, forgets) in ranges(&rule, &ticks).into_iter().zip(forgets) {
            if forgets {
                kept = KeptHistories::new();
            }
            let again = bench.run(range, None);
            let reads = if is_late { ReadHistory::Late } else { ReadHistory::All };
            let mut given = bench.run(range, Some(KeepHistory { kept, reads, ..KeepHistory::default() }));
            if given.wants_history {
                prop_assert!(is_late);
                given = bench.run(range, Some(KeepHistory::default()));
                prop_assert!(!given.wants_history);
            }
            prop_assert_eq!(&given.alerts, &again.alerts);
            prop_assert_eq!(&given.outcomes, &again.outcomes);
            prop_assert!(given.read <= again.read);
            kept = given.kept;
        }
    }
}

/// Rules whose history would be long need none of it again.
#[test]
fn rules_with_a_long_history_read_nothing_before_the_range() {
    let event = |minutes: i64, host| Event {
        time: START + minutes * MINUTE,
        action: "a",
        host,
        users: vec![0],
        is_bad: true,
    };
    let events: Vec<Event> = (0..60).map(|minute| event(minute, (minute % 3) as u8)).collect();
    let (minutes, from, to) = (5, "now-6m", "now");
    let suppression = Some(crate::every_run::Suppression { minutes: Some(30), keeps_missing_apart: false });
    for (kind, suppression) in [
        (Kind::NewTerms("now-1d/d"), None),
        (Kind::Threshold, None),
        (Kind::Query, suppression),
        (Kind::EqlEvent, suppression),
        (Kind::EsqlRow, suppression),
    ] {
        let rule = Rule { kind, minutes, from, to, suppression };
        let bench = Bench::new(&rule, &events);
        let mut kept = KeptHistories::new();
        let mut alerts = 0;
        for (number, range) in ranges(&rule, &[2, 4, 6]).into_iter().enumerate() {
            let given = bench.run(range, Some(KeepHistory { kept, ..KeepHistory::default() }));
            assert!(number == 0 || given.read == [10, 20, 30][number], "{kind:?} {}", given.read);
            alerts += given.alerts.len();
            kept = given.kept;
            assert_eq!(kept.len(), 1, "{kind:?}");
            assert!(kept.values().all(|kept| !kept.is_empty()));
        }
        assert!(alerts > 0, "{kind:?}");
    }
}
