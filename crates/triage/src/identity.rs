//! Who acted, as a record says it, and who that is once sessions are followed to what issued them.

use serde::Serialize;

/// `userIdentity` of a record. Empty texts and nulls are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Identity {
    /// `type`: `IAMUser`, `AssumedRole`, `Root`, `AWSService`, …; service events of KMS have none.
    pub kind: Option<String>,
    /// `arn`.
    pub arn: Option<String>,
    /// `principalId`.
    pub principal_id: Option<String>,
    /// `accountId`.
    pub account: Option<String>,
    /// `accessKeyId`.
    pub access_key: Option<String>,
    /// `userName`.
    pub user_name: Option<String>,
    /// `invokedBy`: the service that called on somebody's behalf.
    pub invoked_by: Option<String>,
    /// `sessionContext.sessionIssuer.arn`: the role behind a session.
    pub issuer_arn: Option<String>,
    /// `sessionContext.sessionIssuer.type`.
    pub issuer_kind: Option<String>,
    /// `sessionContext.sessionIssuer.userName`.
    pub issuer_name: Option<String>,
    /// `sessionContext.sourceIdentity`: what the first session of a chain was told who it is for.
    pub source_identity: Option<String>,
    /// `sessionContext.attributes.mfaAuthenticated`.
    pub mfa: Option<bool>,
    /// `sessionContext.attributes.creationDate`, as written.
    pub session_created: Option<String>,
}

impl Identity {
    /// Tells principals apart: the role behind a session, else the ARN, else the principal id, else the service, else
    /// `account:` and the account. `None` for a record that names nobody.
    ///
    /// Sessions of one role are one principal; which session it was is in [`Identity::session_name`].
    pub fn principal(&self) -> Option<String> {
        principal(
            self.issuer_arn.as_deref(),
            self.arn.as_deref(),
            self.principal_id.as_deref(),
            self.invoked_by.as_deref(),
            self.account.as_deref(),
        )
    }

    /// The last part of the ARN of an assumed role: mostly the human or the machine that took the role.
    pub fn session_name(&self) -> Option<&str> {
        let (head, name) = self.arn.as_deref()?.rsplit_once('/')?;
        head.contains(":assumed-role/").then_some(name)
    }
}

/// [`Identity::principal`], of its parts.
pub fn principal(
    issuer_arn: Option<&str>,
    arn: Option<&str>,
    principal_id: Option<&str>,
    invoked_by: Option<&str>,
    account: Option<&str>,
) -> Option<String> {
    let named = issuer_arn.or(arn).or(principal_id).or(invoked_by).map(str::to_owned);
    named.or_else(|| account.map(|account| format!("account:{account}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_of_a_role_are_one_principal() {
        let of = |session: &str| Identity {
            arn: Some(format!("arn:aws:sts::111122223333:assumed-role/Admin/{session}")),
            issuer_arn: Some("arn:aws:iam::111122223333:role/Admin".to_owned()),
            ..Identity::default()
        };
        assert_eq!(of("alice").principal(), of("bob").principal());
        assert_eq!(of("alice").session_name(), Some("alice"));
    }

    #[test]
    fn a_service_event_without_a_type_is_the_services() {
        let identity = Identity {
            account: Some("111122223333".to_owned()),
            invoked_by: Some("AWS Internal".to_owned()),
            ..Identity::default()
        };
        assert_eq!(identity.principal().as_deref(), Some("AWS Internal"));
        assert_eq!(Identity::default().principal(), None);
    }
}
