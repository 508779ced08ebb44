//! Long lists, a page at a time: how many, and an opaque place to go on from.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;
use super::request::holds_nul;

/// A page has as many when the request does not say.
pub const USUAL_LIMIT: u32 = 50;
/// A page has at most as many.
pub const MAX_LIMIT: u32 = 1000;

/// Some of many things.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct List<T: ToSchema> {
    /// In the order that the route states.
    pub items: Vec<T>,
    /// Pass it as `after` for what follows; missing at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Which part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// At most so many.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 50)]
    pub limit: Limit,
    /// `next` of the page before.
    #[param(max_length = 4096)]
    pub after: Option<String>,
}

/// How many things are asked for: 1 to [`MAX_LIMIT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(pub u32);

impl Default for Limit {
    fn default() -> Self {
        Self(USUAL_LIMIT)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer) {
            Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(Self(limit)),
            _ => Err(serde::de::Error::custom(format!("must be a whole number from 1 to {MAX_LIMIT}"))),
        }
    }
}

/// A place in a list, for the caller to hand back.
pub(crate) fn written_place<P: Serialize>(place: &P) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(place).unwrap_or_default())
}

/// The place that an earlier answer gave.
pub(crate) fn read_place<P: DeserializeOwned>(after: Option<&str>) -> Result<Option<P>, Problem> {
    let Some(after) = after else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(after).ok();
    let place = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match place.filter(|place| !holds_nul(place)).and_then(|place| serde_json::from_value(place).ok()) {
        Some(place) => Ok(Some(place)),
        None => {
            Err(Problem::bad_request("query: `after` must be the `next` of an earlier page of this list"))
        }
    }
}

/// A page of a list that is in memory as a whole, in the order of its keys.
pub(crate) fn page_of<T, U: ToSchema>(
    all: impl IntoIterator<Item = T>,
    limit: Limit,
    after: Option<&str>,
    key: impl Fn(&T) -> String,
    shown: impl Fn(T) -> U,
) -> Result<List<U>, Problem> {
    let after: Option<String> = read_place(after)?;
    let is_later = |item: &T| after.as_ref().is_none_or(|after| key(item) > *after);
    let mut rest = all.into_iter().filter(is_later);
    let mut taken: Vec<T> = Vec::new();
    for item in rest.by_ref().take(limit.0 as usize) {
        taken.push(item);
    }
    let has_more = rest.next().is_some();
    let next = taken.last().filter(|_| has_more).map(|last| written_place(&key(last)));
    Ok(List { items: taken.into_iter().map(shown).collect(), next })
}
