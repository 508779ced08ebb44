//! The queries that guides carry, once all of them are known, and what comes of them while documents go by.

use ecs::{Document, Timestamp};

use crate::answer::Evidence;
use crate::event::Event;
use crate::investigate_query::{Query, QueryAnswer};
use crate::place::Place;

/// Events that are named of one query.
const EXAMPLES: usize = 10;

/// Queries and what came of them so far.
#[derive(Debug, Clone, Default)]
pub struct AskedQueries {
    queries: Vec<Query>,
    answers: Vec<QueryAnswer>,
    why_not: Option<String>,
}

impl AskedQueries {
    /// Each of the queries once. Those about alerts are answered from the alerts at hand; for the others events have to be
    /// shown.
    pub fn new<'a>(queries: Vec<Query>, alerts: impl IntoIterator<Item = &'a Document>) -> Self {
        let mut distinct: Vec<Query> = Vec::new();
        for query in queries {
            if !distinct.contains(&query) {
                distinct.push(query);
            }
        }
        let answers = vec![QueryAnswer::default(); distinct.len()];
        let mut asked = Self { queries: distinct, answers, why_not: None };
        for alert in alerts {
            asked.look(alert, &Place::Unknown, true);
        }
        asked
    }

    /// Those about events.
    pub fn of_events(&self) -> impl Iterator<Item = &Query> {
        self.queries.iter().filter(|query| !query.asks_for_alerts())
    }

    /// Shows an event to the queries about events. `place` is where it lies when the document does not say it.
    pub fn see(&mut self, event: &Document, place: &Place) {
        self.look(event, place, false);
    }

    /// Queries about events have no answer: why, as a whole sentence.
    pub fn give_up(&mut self, why: String) {
        self.why_not = Some(why);
    }

    /// What came of a query.
    ///
    /// # Errors
    /// When it was not asked: why, as a whole sentence.
    pub fn answer(&self, query: &Query) -> Result<QueryAnswer, String> {
        if let Some(why) = self.why_not.as_ref().filter(|_| !query.asks_for_alerts()) {
            return Err(why.clone());
        }
        let at = self.queries.iter().position(|asked| asked == query);
        let answer = at.and_then(|at| self.answers.get(at));
        answer.cloned().ok_or_else(|| "The query was not asked.".to_owned())
    }

    fn look(&mut self, document: &Document, place: &Place, is_alert: bool) {
        let time = document.text("kibana.alert.original_time").or_else(|| document.text("@timestamp"));
        let Some(time) = time.and_then(|time| time.parse::<Timestamp>().ok()) else { return };
        for (query, answer) in self.queries.iter().zip(&mut self.answers) {
            if query.asks_for_alerts() == is_alert && query.finds(document, time) {
                add(answer, document, place, time);
            }
        }
    }
}

fn add(answer: &mut QueryAnswer, document: &Document, place: &Place, time: Timestamp) {
    let text = time.to_string();
    answer.count += 1;
    // Texts of one form go by time.
    if answer.first.as_ref().is_none_or(|first| text < *first) {
        answer.first = Some(text.clone());
    }
    if answer.last.as_ref().is_none_or(|last| text > *last) {
        answer.last = Some(text);
    }
    if answer.examples.len() < EXAMPLES {
        let offset = document.nodes("log.offset").first().and_then(|offset| offset.as_u64());
        let place = match (document.text("log.file.path"), offset) {
            (Some(name), Some(offset)) => Place::File { name: name.into(), offset },
            _ => place.clone(),
        };
        if let Some(event) = Event::of_document(document, place) {
            answer.examples.push(Evidence::of(&event, "the query finds it"));
        }
    }
}
