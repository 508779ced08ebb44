//! A skimmed record seen as the fields of a table: which of them it knows, and their values.

use std::net::IpAddr;

use ecs::{DataStream, EventView, FieldId, FieldTable, Known, Scalar};

use super::category::{DEFAULT_TYPES, category};
use super::request_look::is_of_request;
use super::skim::{Identity, SkimmedRecord};
use super::user_identity::service_name;

/// The fields that a quick look knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Skimmed {
    Action,
    Provider,
    EventId,
    EventTypes,
    EventCategories,
    RecordType,
    RecordCategory,
    Region,
    AccountId,
    RecipientAccountId,
    Outcome,
    ErrorCode,
    ErrorMessage,
    SourceAddress,
    SourceIp,
    UserAgent,
    UserName,
    UserId,
    IdentityType,
    IdentityArn,
    AccessKeyId,
    InvokedBy,
    IssuerType,
    IssuerArn,
    IssuerAccountId,
    IssuerPrincipalId,
    /// The same text for every event of the stream.
    Constant(Constant),
    /// In the request, which is made into a document of its own.
    Request,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Constant {
    Dataset,
    Kind,
    Namespace,
    Aws,
}

impl Skimmed {
    fn of(field: &str) -> Option<Self> {
        Some(match field {
            "event.action" => Self::Action,
            "event.provider" => Self::Provider,
            "event.id" => Self::EventId,
            "event.type" => Self::EventTypes,
            "event.category" => Self::EventCategories,
            "aws.cloudtrail.event_type" => Self::RecordType,
            "aws.cloudtrail.event_category" => Self::RecordCategory,
            "cloud.region" => Self::Region,
            "cloud.account.id" => Self::AccountId,
            "aws.cloudtrail.recipient_account_id" => Self::RecipientAccountId,
            "event.outcome" => Self::Outcome,
            "aws.cloudtrail.error_code" => Self::ErrorCode,
            "aws.cloudtrail.error_message" => Self::ErrorMessage,
            "source.address" => Self::SourceAddress,
            "source.ip" => Self::SourceIp,
            "user_agent.original" => Self::UserAgent,
            "user.name" => Self::UserName,
            "user.id" => Self::UserId,
            "aws.cloudtrail.user_identity.type" => Self::IdentityType,
            "aws.cloudtrail.user_identity.arn" => Self::IdentityArn,
            "aws.cloudtrail.user_identity.access_key_id" => Self::AccessKeyId,
            "aws.cloudtrail.user_identity.invoked_by" => Self::InvokedBy,
            "aws.cloudtrail.user_identity.session_context.session_issuer.type" => Self::IssuerType,
            "aws.cloudtrail.user_identity.session_context.session_issuer.arn" => Self::IssuerArn,
            "aws.cloudtrail.user_identity.session_context.session_issuer.account_id" => Self::IssuerAccountId,
            "aws.cloudtrail.user_identity.session_context.session_issuer.principal_id" => {
                Self::IssuerPrincipalId
            }
            "event.dataset" | "data_stream.dataset" => Self::Constant(Constant::Dataset),
            "data_stream.type" => Self::Constant(Constant::Kind),
            "data_stream.namespace" => Self::Constant(Constant::Namespace),
            "event.module" | "cloud.provider" => Self::Constant(Constant::Aws),
            request if is_of_request(request) => Self::Request,
            _ => return None,
        })
    }
}

/// Which fields of a table a quick look knows.
#[derive(Debug, Clone)]
pub struct SkimPlan {
    fields: Vec<Option<Skimmed>>,
    table: FieldTable,
    stream: DataStream,
}

impl SkimPlan {
    /// A plan for the fields of `table`, and for records that go into `stream`.
    pub fn new(table: &FieldTable, stream: DataStream) -> Self {
        // A multi-field such as `user.name.text` has its own name here, and so is not known.
        let fields = table.entries().map(|(_, entry)| Skimmed::of(&entry.name)).collect();
        Self { fields, table: table.clone(), stream }
    }

    /// True for a field that a quick look knows at once, but for rare events.
    pub fn knows(&self, field: FieldId) -> bool {
        self.skimmed(field).is_some_and(|skimmed| skimmed != Skimmed::Request)
    }

    fn skimmed(&self, field: FieldId) -> Option<Skimmed> {
        self.fields.get(field.index()).copied().flatten()
    }
}

/// A [`SkimmedRecord`] seen through a [`SkimPlan`].
#[derive(Debug, Clone, Copy)]
pub struct SkimView<'v, 'a> {
    record: &'v SkimmedRecord<'a>,
    plan: &'v SkimPlan,
}

/// The values of a field that is known.
enum Values<'v> {
    One(Option<&'v str>),
    Many(&'static [&'static str]),
}

impl<'v, 'a> SkimView<'v, 'a> {
    pub(super) fn new(record: &'v SkimmedRecord<'a>, plan: &'v SkimPlan) -> Self {
        Self { record, plan }
    }
}

impl SkimView<'_, '_> {
    /// The request, for a field that lies in it. `None` inside when it cannot be read.
    fn request(&self, field: FieldId) -> Option<Option<impl EventView>> {
        let of_request = self.plan.skimmed(field) == Some(Skimmed::Request);
        of_request.then(|| Some(self.record.request()?.view(&self.plan.table)))
    }

    /// `None` for a field that is not known.
    fn values(&self, field: FieldId) -> Option<Values<'_>> {
        let record = self.record;
        let head = &record.head;
        let name = head.event_name.get();
        Some(Values::One(match self.plan.skimmed(field)? {
            Skimmed::Action => name,
            Skimmed::Provider => head.event_source.get(),
            Skimmed::EventId => head.event_id.get(),
            Skimmed::EventTypes => {
                return Some(Values::Many(
                    name.and_then(category).map_or(DEFAULT_TYPES, |found| found.types),
                ));
            }
            Skimmed::EventCategories => name.and_then(category).map(|found| found.category),
            Skimmed::RecordType => head.event_type.get(),
            Skimmed::RecordCategory => head.event_category.get(),
            Skimmed::Region => head.aws_region.get(),
            Skimmed::RecipientAccountId => head.recipient_account_id.get(),
            Skimmed::AccountId => record.identity()?.account_id.get().or(head.recipient_account_id.get()),
            // A console login says in its response how it went.
            Skimmed::Outcome if name == Some("ConsoleLogin") => return None,
            Skimmed::Outcome if head.error_code.get().or(head.error_message.get()).is_some() => {
                Some("failure")
            }
            Skimmed::Outcome => Some("success"),
            Skimmed::ErrorCode => head.error_code.get(),
            Skimmed::ErrorMessage => head.error_message.get(),
            Skimmed::SourceAddress => head.source_ip_address.get(),
            Skimmed::SourceIp => head.source_ip_address.get().filter(|text| text.parse::<IpAddr>().is_ok()),
            Skimmed::UserAgent => head.user_agent.get(),
            Skimmed::UserName => self.user_name()?,
            Skimmed::UserId => self.user_id()?,
            Skimmed::IdentityType => record.identity()?.kind.get(),
            Skimmed::IdentityArn => record.identity()?.arn.get(),
            Skimmed::AccessKeyId => record.identity()?.access_key_id.get(),
            Skimmed::InvokedBy => record.identity()?.invoked_by.get(),
            Skimmed::IssuerType => record.identity()?.issuer.kind.get(),
            Skimmed::IssuerArn => record.identity()?.issuer.arn.get(),
            Skimmed::IssuerAccountId => record.identity()?.issuer.account_id.get(),
            Skimmed::IssuerPrincipalId => record.identity()?.issuer.principal_id.get(),
            Skimmed::Constant(Constant::Dataset) => Some(&self.plan.stream.dataset),
            Skimmed::Constant(Constant::Kind) => Some(&self.plan.stream.kind),
            Skimmed::Constant(Constant::Namespace) => Some(&self.plan.stream.namespace),
            Skimmed::Constant(Constant::Aws) => Some("aws"),
            Skimmed::Request => return None,
        }))
    }

    fn is_service(&self, identity: &Identity<'_>) -> bool {
        service_name(identity.kind.get(), identity.invoked_by.get(), identity.issuer.arn.get()).is_some()
    }

    fn user_name(&self) -> Option<Option<&str>> {
        let identity = self.record.identity()?;
        if self.is_service(identity) {
            // An authentication without a name may bring one elsewhere, here too.
            return (self.record.head.event_name.get() != Some("UserAuthentication")).then_some(None);
        }
        let role = identity.issuer.user_name.get();
        let role = role.filter(|_| matches!(identity.kind.get(), Some("AssumedRole" | "FederatedUser")));
        match role.or(identity.user_name.get()) {
            None if self.record.head.event_name.get() == Some("UserAuthentication") => None,
            name => Some(name),
        }
    }

    fn user_id(&self) -> Option<Option<&str>> {
        let identity = self.record.identity()?;
        match identity.principal_id.get() {
            _ if self.is_service(identity) => Some(None),
            // It may act on behalf of a user, who is told elsewhere.
            None if identity.kind.get() == Some("IdentityCenterUser") => None,
            id => Some(id),
        }
    }
}

impl EventView for SkimView<'_, '_> {
    fn any_value(&self, field: FieldId, test: &mut dyn FnMut(Scalar<'_>) -> bool) -> Known {
        if let Some(request) = self.request(field) {
            return request.map_or(Known::Unknown, |request| request.any_value(field, test));
        }
        match self.values(field) {
            None => Known::Unknown,
            Some(Values::One(value)) => value.is_some_and(|text| test(Scalar::Str(text))).into(),
            Some(Values::Many(values)) => values.iter().any(|text| test(Scalar::Str(text))).into(),
        }
    }

    fn exists(&self, field: FieldId) -> Known {
        if let Some(request) = self.request(field) {
            return request.map_or(Known::Unknown, |request| request.exists(field));
        }
        match self.values(field) {
            None => Known::Unknown,
            Some(Values::One(value)) => value.is_some().into(),
            Some(Values::Many(values)) => (!values.is_empty()).into(),
        }
    }

    fn any_leaf(&self, _: &mut dyn FnMut(&str, Scalar<'_>) -> bool) -> Known {
        Known::Unknown
    }

    fn any_nested(&self, _: FieldId, _: &mut dyn FnMut(&dyn EventView) -> Known) -> Known {
        Known::Unknown
    }
}
