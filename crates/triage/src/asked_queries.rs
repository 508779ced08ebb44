//! The queries that guides carry, once all of them are known, and what comes of them while documents go by.

use ecs::{Document, Timestamp};

use crate::answer::Evidence;
use crate::event::Event;
use crate::investigate_query::{Query, QueryAnswer};
use crate::place::Place;

/// Events that are named of one query: the first ones.
const EXAMPLES: usize = 10;

/// Queries and what came of them so far. What is shown to them may come in any order.
#[derive(Debug, Clone, Default)]
pub struct AskedQueries {
    asked: Vec<Asked>,
}

#[derive(Debug, Clone)]
struct Asked {
    query: Query,
    count: u64,
    span: Option<(Timestamp, Timestamp)>,
    /// By time and id.
    examples: Vec<(Timestamp, Evidence)>,
    /// Why it has no answer, as a whole sentence.
    why_not: Option<String>,
    /// Why its answer is not whole, as a whole sentence.
    why_not_whole: Option<String>,
}

impl AskedQueries {
    /// Each of the queries once.
    pub fn new(queries: Vec<Query>) -> Self {
        let mut asked: Vec<Asked> = Vec::new();
        for query in queries {
            if !asked.iter().any(|known| known.query == query) {
                let (examples, why_not, why_not_whole) = (Vec::new(), None, None);
                asked.push(Asked { query, count: 0, span: None, examples, why_not, why_not_whole });
            }
        }
        Self { asked }
    }

    /// Those about events.
    pub fn of_events(&self) -> impl Iterator<Item = &Query> {
        self.asked.iter().map(|asked| &asked.query).filter(|query| !query.asks_for_alerts())
    }

    /// Those about alerts.
    pub fn of_alerts(&self) -> impl Iterator<Item = &Query> {
        self.asked.iter().map(|asked| &asked.query).filter(|query| query.asks_for_alerts())
    }

    /// Shows an event to the queries about events. `place` is where it lies when the document does not say it.
    pub fn see(&mut self, event: &Document, place: &Place) {
        self.look(event, place, false);
    }

    /// Shows an alert to the queries about alerts.
    pub fn see_alert(&mut self, alert: &Document) {
        self.look(alert, &Place::Unknown, true);
    }

    /// The queries that `which` says yes to have no answer: why, as a whole sentence.
    pub fn give_up(&mut self, why: &str, which: impl Fn(&Query) -> bool) {
        for asked in self.asked.iter_mut().filter(|asked| which(&asked.query)) {
            asked.why_not = Some(why.to_owned());
        }
    }

    /// The answers of those that `which` says yes to are not whole: why, as a whole sentence.
    pub fn limit(&mut self, why: &str, which: impl Fn(&Query) -> bool) {
        for asked in self.asked.iter_mut().filter(|asked| which(&asked.query)) {
            asked.why_not_whole = Some(why.to_owned());
        }
    }

    /// What came of a query.
    ///
    /// # Errors
    /// When it was not asked: why, as a whole sentence.
    pub fn answer(&self, query: &Query) -> Result<QueryAnswer, String> {
        let asked = self.asked.iter().find(|asked| asked.query == *query);
        let asked = asked.ok_or_else(|| "The query was not asked.".to_owned())?;
        if let Some(why) = &asked.why_not {
            return Err(why.clone());
        }
        Ok(QueryAnswer {
            count: asked.count,
            first: asked.span.map(|(first, _)| first.to_string()),
            last: asked.span.map(|(_, last)| last.to_string()),
            examples: asked.examples.iter().map(|(_, evidence)| evidence.clone()).collect(),
            why_not_whole: asked.why_not_whole.clone(),
        })
    }

    fn look(&mut self, document: &Document, place: &Place, is_alert: bool) {
        let time = document.text("kibana.alert.original_time").or_else(|| document.text("@timestamp"));
        let Some(time) = time.and_then(|time| time.parse::<Timestamp>().ok()) else { return };
        for asked in &mut self.asked {
            let Asked { query, why_not, .. } = asked;
            if query.asks_for_alerts() == is_alert && why_not.is_none() && query.finds(document, time) {
                asked.add(document, place, time);
            }
        }
    }
}

impl Asked {
    fn add(&mut self, document: &Document, place: &Place, time: Timestamp) {
        self.count += 1;
        let (first, last) = self.span.unwrap_or((time, time));
        self.span = Some((first.min(time), last.max(time)));
        if self.examples.len() == EXAMPLES && self.examples.last().is_some_and(|(last, _)| *last < time) {
            return;
        }
        let offset = document.nodes("log.offset").first().and_then(|offset| offset.as_u64());
        let place = match (document.text("log.file.path"), offset) {
            (Some(name), Some(offset)) => Place::File { name: name.into(), offset },
            _ => place.clone(),
        };
        let Some(event) = Event::of_document(document, place) else { return };
        let evidence = Evidence::of(&event, "the query finds it");
        let at = self
            .examples
            .partition_point(|(known, other)| (*known, &other.event_id) <= (time, &evidence.event_id));
        self.examples.insert(at, (time, evidence));
        self.examples.truncate(EXAMPLES);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::investigate_query::queries_of;

    fn document(value: Value) -> Document {
        match value {
            Value::Object(map) => Document::from_map(map),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn the_answer_does_not_depend_on_the_order_of_events() {
        let text = r#"!{investigate{"label":"x","providers":[[{"field":"user.name","value":"ana"}]]}}"#;
        let now = "2026-03-10T12:00:00Z".parse().unwrap();
        let query = queries_of(text).remove(0).unwrap().fill(&Document::new(), now, now).unwrap().0;
        let mut events: Vec<Document> = (0..30)
            .map(|number| {
                // Whole seconds are written without a fraction.
                let time = format!("2026-03-10T09:00:{:02}{}Z", number / 2, ["", ".5"][number % 2]);
                document(json!({ "@timestamp": time, "user": { "name": "ana" },
                    "event": { "id": format!("{number:02}"), "action": "A", "provider": "p" } }))
            })
            .collect();
        let answer = |events: &[Document]| {
            let mut asked = AskedQueries::new(vec![query.clone(), query.clone()]);
            events.iter().for_each(|event| asked.see(event, &Place::Lake));
            asked.answer(&query).unwrap()
        };
        let straight = answer(&events);
        assert_eq!(straight.count, 30);
        assert_eq!(straight.first.as_deref(), Some("2026-03-10T09:00:00Z"));
        assert_eq!(straight.last.as_deref(), Some("2026-03-10T09:00:14.5Z"));
        assert_eq!(straight.examples.len(), EXAMPLES);
        events.reverse();
        assert_eq!(answer(&events), straight);
        events.rotate_left(7);
        assert_eq!(answer(&events), straight);
    }
}
