//! Who called: `aws.cloudtrail.user_identity.*`, `user.*`, and `service.name` for calls that AWS itself makes.

use serde_json::{Map, Value};

use super::instant::read_instant;
use super::moves::{move_keys, put, put_object, take_object};
use super::record_path::{WrongType, as_text};

/// What the identity of a record says, moved out of it.
#[derive(Debug, Default)]
pub(super) struct Identity {
    /// `aws.cloudtrail.user_identity`.
    pub(super) user_identity: Map<String, Value>,
    /// `user`: `id`, `name` and `email`.
    pub(super) user: Map<String, Value>,
    /// `service.name`: set when the caller is an AWS service; then the record says nothing of a user.
    pub(super) service_name: Option<String>,
    /// The caller's account.
    pub(super) account_id: Option<Value>,
    /// The name of the session of an assumed role.
    pub(super) session_name: Option<String>,
}

impl Identity {
    /// `on_behalf_of.user_id`.
    pub(super) fn on_behalf_of_user_id(&self) -> Option<&Value> {
        self.user_identity.get("on_behalf_of")?.get("user_id")
    }
}

const IDENTITY: [(&str, &str); 6] = [
    ("type", "type"),
    ("arn", "arn"),
    ("accessKeyId", "access_key_id"),
    ("invokedBy", "invoked_by"),
    ("credentialId", "credential_id"),
    ("identityProvider", "identity_provider"),
];
const IN_SCOPE_OF: [(&str, &str); 4] = [
    ("issuerType", "issuer_type"),
    ("credentialsIssuedTo", "credentials_issued_to"),
    ("sourceArn", "source_arn"),
    ("sourceAccount", "source_account"),
];
const SESSION_CONTEXT: [(&str, &str); 4] = [
    ("ec2RoleDelivery", "ec2_role_delivery"),
    ("sourceIdentity", "source_identity"),
    ("assumedRoot", "assumed_root"),
    ("signInSessionArn", "sign_in_session_arn"),
];
const SESSION_ISSUER: [(&str, &str); 4] =
    [("type", "type"), ("principalId", "principal_id"), ("arn", "arn"), ("accountId", "account_id")];
const WEB_ID_FEDERATION: [(&str, &str); 2] =
    [("federatedProvider", "federated_provider"), ("attributes", "attributes")];

/// Moves the identity out of a record; what goes wrong is added to `errors`.
pub(super) fn identity(record: &mut Map<String, Value>, errors: &mut Vec<String>) -> Identity {
    let mut raw = match record.remove("userIdentity") {
        Some(Value::Object(map)) => map,
        Some(_) => {
            errors.push("`userIdentity` should be an object".to_owned());
            return Identity::default();
        }
        None => return Identity::default(),
    };
    let service_name = service_actor(&raw).unwrap_or_else(|error| {
        errors.push(error.to_string());
        None
    });
    let kind = raw.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();

    let mut user = Map::new();
    let mut names = (raw.remove("userName"), raw.remove("principalId"));
    let account_id = raw.remove("accountId");
    let mut user_identity = Map::new();
    move_keys(&mut raw, &mut user_identity, &IDENTITY);

    let mut on_behalf_of = take_object(&mut raw, "onBehalfOf");
    if kind == "IdentityCenterUser" && names.1.is_none() {
        names.1 = on_behalf_of.get("userId").cloned();
    }
    let mut target = Map::new();
    move_keys(
        &mut on_behalf_of,
        &mut target,
        &[("userId", "user_id"), ("identityStoreArn", "identity_store_arn")],
    );
    put_object(&mut user_identity, "on_behalf_of", target);

    let mut delegate = Map::new();
    move_keys(&mut take_object(&mut raw, "invokedByDelegate"), &mut delegate, &[("accountId", "account_id")]);
    put_object(&mut user_identity, "invoked_by_delegate", delegate);

    let mut scope = Map::new();
    move_keys(&mut take_object(&mut raw, "inScopeOf"), &mut scope, &IN_SCOPE_OF);
    put_object(&mut user_identity, "in_scope_of", scope);

    let mut session = take_object(&mut raw, "sessionContext");
    let role_name = session
        .get_mut("sessionIssuer")
        .and_then(Value::as_object_mut)
        .and_then(|issuer| issuer.remove("userName"))
        .filter(|_| matches!(kind.as_str(), "AssumedRole" | "FederatedUser"));
    if role_name.is_some() {
        names.0 = role_name;
    }
    put_object(&mut user_identity, "session_context", session_context(&mut session, errors));

    let session_name = session_name(&kind, user_identity.get("arn")).unwrap_or_else(|error| {
        errors.push(error.to_string());
        None
    });
    if service_name.is_none() {
        put(&mut user, "name", names.0);
        put(&mut user, "id", names.1);
    }
    let email = session_name.as_deref().filter(|name| name.contains('@'));
    put(&mut user, "email", email);
    Identity { user_identity, user, service_name, account_id, session_name }
}

/// Moves `additionalEventData.UserName` to the user of a `UserAuthentication` event that names none; true when it did.
pub(super) fn take_authenticated_name(
    event_name: Option<&str>,
    record: &mut Map<String, Value>,
    user: &mut Map<String, Value>,
) -> bool {
    if event_name != Some("UserAuthentication") || user.contains_key("name") {
        return false;
    }
    let data = record.get_mut("additionalEventData").and_then(Value::as_object_mut);
    let name = data.and_then(|data| data.shift_remove("UserName"));
    let taken = name.is_some();
    put(user, "name", name);
    taken
}

/// `user` completed: the address of a user whose name is one, and the user that the call is about.
pub(super) fn user(mut user: Map<String, Value>, record: &Map<String, Value>) -> Map<String, Value> {
    let address =
        user.get("name").and_then(Value::as_str).filter(|name| name.find('@').is_some_and(|at| at > 0));
    if let Some(address) = address.filter(|_| !user.contains_key("email")).map(str::to_owned) {
        put(&mut user, "email", Some(address));
    }
    let request = |key: &str| record.get("requestParameters")?.get(key).cloned();
    let mut target = Map::new();
    put(
        &mut target,
        "id",
        record.get("responseElements").and_then(|r| r.get("user")?.get("userId")).cloned(),
    );
    put(&mut target, "name", request("userName"));
    put_object(&mut user, "target", target);
    let mut changes = Map::new();
    put(&mut changes, "name", request("newUserName"));
    put_object(&mut user, "changes", changes);
    user
}

fn session_context(session: &mut Map<String, Value>, errors: &mut Vec<String>) -> Map<String, Value> {
    let mut context = Map::new();
    let mut attributes = take_object(session, "attributes");
    move_keys(&mut attributes, &mut context, &[("mfaAuthenticated", "mfa_authenticated")]);
    if let Some(raw) = attributes.remove("creationDate") {
        match read_instant(&raw) {
            Some(at) => put(&mut context, "creation_date", Some(at)),
            None => errors.push(format!("the session's creationDate {raw} is no date")),
        }
    }
    let mut issuer = Map::new();
    move_keys(&mut take_object(session, "sessionIssuer"), &mut issuer, &SESSION_ISSUER);
    put_object(&mut context, "session_issuer", issuer);
    move_keys(session, &mut context, &SESSION_CONTEXT);
    let mut federation = Map::new();
    move_keys(&mut take_object(session, "webIdFederationData"), &mut federation, &WEB_ID_FEDERATION);
    put_object(&mut context, "web_id_federation_data", federation);
    context
}

fn service_actor(identity: &Map<String, Value>) -> Result<Option<String>, WrongType> {
    let text = |value: Option<&Value>, path: &str| -> Result<Option<String>, WrongType> {
        value.map(|value| as_text(value, path).map(str::to_owned)).transpose()
    };
    let kind = identity.get("type").and_then(Value::as_str);
    let invoked_by = text(identity.get("invokedBy"), "userIdentity.invokedBy")?;
    let issuer_arn = if kind == Some("AssumedRole") {
        let arn = identity.get("sessionContext").and_then(|s| s.get("sessionIssuer")?.get("arn"));
        text(arn, "userIdentity.sessionContext.sessionIssuer.arn")?
    } else {
        None
    };
    Ok(service_name(kind, invoked_by.as_deref(), issuer_arn.as_deref()).map(str::to_owned))
}

/// The AWS service that made the call: an `AWSService` that says which, or a service-linked role.
///
/// `invokedBy` alone does not tell: console sign-ins of people have it too.
pub(super) fn service_name<'a>(
    kind: Option<&str>,
    invoked_by: Option<&'a str>,
    issuer_arn: Option<&'a str>,
) -> Option<&'a str> {
    const SERVICE_ROLE: &str = ":role/aws-service-role/";
    match kind? {
        "AWSService" => invoked_by,
        "AssumedRole" => {
            let (_, path) = issuer_arn?.split_once(SERVICE_ROLE)?;
            let in_path = || path.split_once('/').map(|(service, _)| service).filter(|s| !s.is_empty());
            invoked_by.or_else(in_path)
        }
        _ => None,
    }
}

/// The text after the last slash of an STS ARN, of the kinds of identity that have sessions.
fn session_name(kind: &str, arn: Option<&Value>) -> Result<Option<String>, WrongType> {
    const PATH: &str = "userIdentity.arn";
    if !matches!(kind, "AssumedRole" | "FederatedUser" | "IdentityCenterUser") {
        return Ok(None);
    }
    let Some(arn) = arn else { return Ok(None) };
    let arn = as_text(arn, PATH)?;
    if !arn.contains(":sts:") || !arn.contains('/') {
        return Ok(None);
    }
    let partition = |p: &str| {
        !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let name = arn
        .strip_prefix("arn:")
        .and_then(|rest| rest.split_once(':'))
        .filter(|(p, _)| partition(p))
        .and_then(|(_, rest)| rest.strip_prefix("sts:"))
        .and_then(|rest| rest.rsplit_once('/'))
        .map(|(_, name)| name)
        .ok_or_else(|| WrongType::new(PATH, "an ARN of STS"))?;
    Ok((!name.is_empty()).then(|| name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(identity_json: Value) -> (Identity, Vec<String>) {
        let mut record = Map::new();
        record.insert("userIdentity".to_owned(), identity_json);
        let mut errors = Vec::new();
        let identity = identity(&mut record, &mut errors);
        assert!(record.is_empty());
        (identity, errors)
    }

    #[test]
    fn every_part_of_an_identity_has_its_field() {
        let (identity, errors) = read(json!({
            "type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/ops/ada", "principalId": "AROA:ada",
            "accountId": "1", "accessKeyId": "ASIA", "invokedBy": "athena.amazonaws.com", "userName": "shadowed",
            "credentialId": "c", "identityProvider": "idp", "unknown": "dropped",
            "onBehalfOf": {"userId": "u", "identityStoreArn": "arn:store"},
            "invokedByDelegate": {"accountId": "2"},
            "inScopeOf": {"issuerType": "it", "credentialsIssuedTo": "ct", "sourceArn": "sa", "sourceAccount": "sc"},
            "sessionContext": {
                "attributes": {"mfaAuthenticated": "false", "creationDate": "20131102T010628Z"},
                "sessionIssuer": {"type": "Role", "principalId": "AROA", "arn": "arn:aws:iam::1:role/ops", "accountId": "1", "userName": "ops"},
                "ec2RoleDelivery": "2.0", "sourceIdentity": "si", "assumedRoot": true, "signInSessionArn": "ss",
                "webIdFederationData": {"federatedProvider": "fp", "attributes": {"any.key": "v"}}
            }
        }));
        assert_eq!(errors, Vec::<String>::new());
        assert_eq!(
            Value::Object(identity.user_identity),
            json!({
                "type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/ops/ada", "access_key_id": "ASIA",
                "invoked_by": "athena.amazonaws.com", "credential_id": "c", "identity_provider": "idp",
                "on_behalf_of": {"user_id": "u", "identity_store_arn": "arn:store"},
                "invoked_by_delegate": {"account_id": "2"},
                "in_scope_of": {"issuer_type": "it", "credentials_issued_to": "ct", "source_arn": "sa", "source_account": "sc"},
                "session_context": {
                    "mfa_authenticated": "false", "creation_date": "2013-11-02T01:06:28.000Z",
                    "session_issuer": {"type": "Role", "principal_id": "AROA", "arn": "arn:aws:iam::1:role/ops", "account_id": "1"},
                    "ec2_role_delivery": "2.0", "source_identity": "si", "assumed_root": true, "sign_in_session_arn": "ss",
                    "web_id_federation_data": {"federated_provider": "fp", "attributes": {"any.key": "v"}}
                }
            })
        );
        assert_eq!(Value::Object(identity.user), json!({"id": "AROA:ada", "name": "ops"}));
        assert_eq!(identity.account_id, Some(json!("1")));
        assert_eq!(identity.session_name.as_deref(), Some("ada"));
    }

    #[test]
    fn users_and_services() {
        let service_role =
            "arn:aws:iam::1:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling";
        for (identity, user, service) in [
            (
                json!({"type": "IAMUser", "userName": "ada", "principalId": "AIDA"}),
                json!({"name": "ada", "id": "AIDA"}),
                None,
            ),
            (
                json!({"type": "IAMUser", "userName": "ada@example.org"}),
                json!({"name": "ada@example.org"}),
                None,
            ),
            (
                json!({"type": "IAMUser", "userName": "ada", "invokedBy": "signin.amazonaws.com"}),
                json!({"name": "ada"}),
                None,
            ),
            (
                json!({"type": "AWSService", "invokedBy": "ec2.amazonaws.com", "principalId": "P"}),
                json!({}),
                Some("ec2.amazonaws.com"),
            ),
            (json!({"type": "AWSService", "principalId": "P"}), json!({"id": "P"}), None),
            (
                json!({"type": "AssumedRole", "principalId": "P", "sessionContext": {"sessionIssuer": {"arn": service_role, "userName": "r"}}}),
                json!({}),
                Some("autoscaling.amazonaws.com"),
            ),
            (
                json!({"type": "AssumedRole", "invokedBy": "x", "sessionContext": {"sessionIssuer": {"arn": service_role}}}),
                json!({}),
                Some("x"),
            ),
            (
                json!({"type": "IdentityCenterUser", "onBehalfOf": {"userId": "u-1"}}),
                json!({"id": "u-1"}),
                None,
            ),
            (
                json!({"type": "IdentityCenterUser", "principalId": "P", "onBehalfOf": {"userId": "u-1"}}),
                json!({"id": "P"}),
                None,
            ),
            (
                json!({"type": "FederatedUser", "sessionContext": {"sessionIssuer": {"userName": "ops"}}}),
                json!({"name": "ops"}),
                None,
            ),
            (
                json!({"type": "WebIdentityUser", "userName": "w", "sessionContext": {"sessionIssuer": {"userName": "ops"}}}),
                json!({"name": "w"}),
                None,
            ),
            (
                json!({"type": "AssumedRole", "arn": "arn:aws-us-gov:sts::1:assumed-role/ops/ada@example.org"}),
                json!({"email": "ada@example.org"}),
                None,
            ),
        ] {
            let (got, errors) = read(identity.clone());
            assert_eq!((Value::Object(got.user), got.service_name.as_deref()), (user, service), "{identity}");
            assert_eq!(errors, Vec::<String>::new(), "{identity}");
        }
    }

    #[test]
    fn session_names_end_an_sts_arn() {
        for (kind, arn, expected) in [
            ("AssumedRole", "arn:aws:sts::1:assumed-role/path/ops/ada", Ok(Some("ada"))),
            ("FederatedUser", "arn:aws-cn:sts::1:federated-user/ada", Ok(Some("ada"))),
            ("IdentityCenterUser", "arn:aws:sts::1:x/ada", Ok(Some("ada"))),
            ("IAMUser", "arn:aws:sts::1:x/ada", Ok(None)),
            ("AssumedRole", "arn:aws:iam::1:role/ops", Ok(None)),
            ("AssumedRole", "arn:aws:sts::1:assumed-role/ops/", Ok(None)),
            ("AssumedRole", "arn:aws:iam::1:sts:x/ops", Err(())),
        ] {
            let got = session_name(kind, Some(&json!(arn)));
            assert_eq!(got.as_ref().map(Option::as_deref).map_err(|_| ()), expected, "{kind} {arn}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_reported() {
        for identity in [
            json!("ada"),
            json!({"type": "AWSService", "invokedBy": 1}),
            json!({"sessionContext": {"attributes": {"creationDate": "yesterday"}}}),
        ] {
            assert_eq!(read(identity.clone()).1.len(), 1, "{identity}");
        }
    }
}
