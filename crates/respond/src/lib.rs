//! Guarded response: a key is re-read, two people agree, one call is made, and its effect is confirmed.
//!
//! ```text
//!   alert ─▶ plan: what the live state allows          people ─▶ request ─▶ approve (another person) ─┐ each step a new
//!              ▲                                                   └ refuse, expire                   │ `Response`, or a refusal
//!   KeyService ┘ describe                                                                            ▼
//!   KeyService ◀─ describe, judge, ONE call, describe again ◀────────────────────────────────── carry_out
//!                                                                                                    │
//!   CloudTrail ─▶ SeenCall ─▶ is it ours, and of this response? ─▶ confirmed in the log ◀────────────┘
//! ```
//!
//! Invariant: only `CancelKeyDeletion` and `EnableKey` can be called, and only after the live state has been read and allows it.
//! Invariant: who requests never approves; nothing is called without an approval that is still valid.
//! Invariant: a key is never enabled before somebody has said that its disabling was not the defender's own act.
//! Invariant: time is a parameter. Spans are half-open: what expires at `t` is valid before `t` and not at `t`.

pub mod action;
#[cfg(feature = "aws")]
pub mod aws_key_service;
pub mod carry_out;
pub mod disable_question;
pub mod error;
pub mod fake_key_service;
pub mod key_arn;
pub mod key_service;
pub mod live_key;
pub mod own_call;
pub mod plan;
pub mod policy;
pub mod response;
pub mod role_template;

pub use action::{Action, Judgement, judge};
#[cfg(feature = "aws")]
pub use aws_key_service::{AwsKeyServices, AwsSettings};
pub use carry_out::{Carried, carry_out};
pub use disable_question::{DisableAnswer, DisableStatement, LastDisable, check_enable};
pub use error::RespondError;
pub use fake_key_service::FakeKeyService;
pub use key_arn::KeyArn;
pub use key_service::{
    CallReceipt, KeyService, KeyServices, NoKeyServices, Place, ServiceError, ServiceFault,
};
pub use live_key::{KeyState, LiveKey};
pub use own_call::{SeenCall, USER_AGENT_NAME, Whose, whose};
pub use plan::Plan;
pub use policy::{PolicyScope, assume_policy, reading_policy, trust_policy, writing_policy};
pub use response::{NewRequest, Response, Status};
pub use role_template::RoleTemplate;
