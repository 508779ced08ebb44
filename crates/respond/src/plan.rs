//! A dry run: what a response would do to a key as it is now. Nothing is changed.

use crate::carry_out::misplaced;
use crate::{Action, Judgement, KeyArn, KeyServices, LiveKey, judge};

/// What would be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The key.
    pub key: KeyArn,
    /// The action, as asked for or, when it was not, as the live state suggests; `None` when there is nothing to do or the live
    /// state is not known.
    pub action: Option<Action>,
    /// The key as it is now, or in one sentence why that is not known.
    pub live: Result<LiveKey, String>,
    /// What the live state says to the action; `None` when one of them is not known.
    pub judgement: Option<Judgement>,
    /// Why the call could not be made from here although the state allows it, such as credentials of another account.
    pub hindrance: Option<String>,
}

impl Plan {
    /// Reads the key and judges. A key that cannot be read gives a plan that says so.
    pub async fn make(key: &KeyArn, action: Option<Action>, services: &dyn KeyServices) -> Self {
        let (mut hindrance, mut live) = (None, Err("it was not read".to_owned()));
        match services.of(key, "bartizan-respond-plan").await {
            Err(error) => live = Err(error.to_string()),
            Ok(service) => {
                match service.place().await {
                    Ok(place) => hindrance = misplaced(key, &place),
                    Err(error) => hindrance = Some(error.to_string()),
                }
                // Of another Region another key of that id could be meant.
                if hindrance.is_none() {
                    live = service.describe(key).await.map_err(|error| error.to_string());
                } else if let Some(why) = &hindrance {
                    live = Err(why.clone());
                }
            }
        }
        let action = action.or_else(|| live.as_ref().ok().and_then(suggested));
        let judgement = match (&live, action) {
            (Ok(live), Some(action)) => Some(judge(action, live)),
            _ => None,
        };
        Self { key: key.clone(), action, live, judgement, hindrance }
    }

    /// The command of the AWS CLI that does the same as the call.
    pub fn command(&self) -> Option<String> {
        let command = match self.action? {
            Action::CancelKeyDeletion => "cancel-key-deletion",
            Action::EnableKey => "enable-key",
        };
        Some(format!("aws kms {command} --key-id {} --region {}", self.key, self.key.region()))
    }
}

fn suggested(live: &LiveKey) -> Option<Action> {
    Action::ALL.into_iter().find(|action| judge(*action, live) == Judgement::Call)
}
