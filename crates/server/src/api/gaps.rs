//! The route for gaps: time that no run of a rule has searched.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use state::{Gap, GapFilter, GapState};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::AppState;
use super::access::Routes;
use super::alert_query::span;
use super::page::{Limit, List, read_place, written_place};
use super::problem::Problem;
use super::request::{InQuery, Instant};

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.viewer(routes!(list))
}

/// Time that no run has searched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GapView {
    /// Unique.
    pub id: i64,
    /// The rule's signature id.
    pub rule_id: String,
    /// First instant that was not covered.
    #[schema(format = DateTime)]
    pub from: String,
    /// First instant after.
    #[schema(format = DateTime)]
    pub to: String,
    /// Why it was not covered.
    pub reason: String,
    /// How far the filling is.
    pub state: GapStateName,
    /// How often it was tried.
    pub attempts: i64,
    /// Covered up to here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub filled_until: Option<String>,
    /// Not to be tried before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub not_before: Option<String>,
}

/// How far the filling of a gap is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum GapStateName {
    /// Nobody fills it.
    Open,
    /// It is being filled.
    Filling,
    /// All of it is covered.
    Filled,
}

/// Which gaps.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GapQuery {
    /// Of one of these rules.
    #[serde(default)]
    pub rule_id: Vec<String>,
    /// In one of these states.
    #[serde(default)]
    #[param(inline)]
    pub state: Vec<GapStateName>,
    /// That end after this.
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Instant>,
    /// That begin before this.
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Instant>,
    /// At most so many.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 50)]
    pub limit: Limit,
    /// `next` of the page before.
    pub after: Option<String>,
}

impl From<Gap> for GapView {
    fn from(gap: Gap) -> Self {
        Self {
            id: gap.id,
            rule_id: gap.rule_id,
            from: gap.from.to_string(),
            to: gap.to.to_string(),
            reason: gap.reason,
            state: match gap.state {
                GapState::Open => GapStateName::Open,
                GapState::Filling => GapStateName::Filling,
                GapState::Filled => GapStateName::Filled,
            },
            attempts: gap.attempts,
            filled_until: gap.filled_until.map(|at| at.to_string()),
            not_before: gap.not_before.map(|at| at.to_string()),
        }
    }
}

/// Lists gaps, the oldest first.
#[utoipa::path(
    get, path = "/api/v1/gaps", tag = "gaps", operation_id = "list_gaps", params(GapQuery),
    responses((status = 200, description = "A page of gaps.", body = List<GapView>))
)]
async fn list(
    State(state): State<AppState>,
    InQuery(query): InQuery<GapQuery>,
) -> Result<Json<List<GapView>>, Problem> {
    let filter = GapFilter {
        rule_ids: query.rule_id,
        states: query
            .state
            .iter()
            .map(|state| match state {
                GapStateName::Open => GapState::Open,
                GapStateName::Filling => GapState::Filling,
                GapStateName::Filled => GapState::Filled,
            })
            .collect(),
        time: span(query.from.map(|at| at.0), query.to.map(|at| at.0))?,
    };
    let after: Option<(i64, i64)> = read_place(query.after.as_deref())?;
    let place = |gap: &Gap| (gap.from.as_millisecond(), gap.id);
    // The state gives them in this order, and no place to go on from.
    let all = state.store.gaps(&filter, i32::MAX as u32).await?;
    let mut rest = all.into_iter().filter(|gap| after.is_none_or(|after| place(gap) > after));
    let taken: Vec<Gap> = rest.by_ref().take(query.limit.0 as usize).collect();
    let has_more = rest.next().is_some();
    let next = taken.last().filter(|_| has_more).map(|last| written_place(&place(last)));
    Ok(Json(List { items: taken.into_iter().map(GapView::from).collect(), next }))
}
