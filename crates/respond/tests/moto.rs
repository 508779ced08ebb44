//! A response against KMS of moto's server, by the real SDK; says so when moto is not installed.
#![cfg(feature = "aws")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and says what it did not run"
)]

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use bartizan_respond as respond;
use jiff::{SignedDuration, Timestamp};
use respond::{
    Action, AwsKeyServices, AwsSettings, DisableAnswer, DisableStatement, KeyArn, KeyServices as _, KeyState,
    NewRequest, Plan, RespondError, Response, Status, carry_out,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const REREADS: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(50)];

/// A server that ends with the test.
struct Moto {
    child: Child,
    endpoint: String,
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Moto {
    async fn start() -> Option<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("moto_server")
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = child else {
            println!("not run: moto_server is not installed (pip install 'moto[server]')");
            return None;
        };
        let mut moto = Self { child, endpoint: format!("http://127.0.0.1:{port}") };
        for _ in 0..600 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(moto);
            }
            if moto.child.try_wait().unwrap().is_some() {
                println!("not run: moto_server does not start (is the extra `server` installed?)");
                return None;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("moto_server does not answer");
    }

    /// What an attacker's or an owner's program has: the account `123456789012`, which is moto's own.
    fn client(&self, region: &str) -> aws_sdk_kms::Client {
        let config = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .endpoint_url(&self.endpoint)
            .credentials_provider(Credentials::new("AKIDEXAMPLE", "not-a-secret", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        aws_sdk_kms::Client::from_conf(config)
    }

    fn services(&self, role_arn: Option<&str>) -> AwsKeyServices {
        AwsKeyServices::new(AwsSettings {
            endpoint_url: Some(self.endpoint.clone()),
            role_arn: role_arn.map(|role| role.parse().unwrap()),
            ..AwsSettings::default()
        })
    }
}

/// The standard chain of credentials reads the environment: this runs before any thread is there.
fn with_environment(test: impl Future<Output = ()>) {
    if std::env::var_os("AWS_ACCESS_KEY_ID").is_none() {
        // A test must not set its own environment, so it runs itself again with one.
        let name = std::thread::current().name().unwrap().to_owned();
        let status = Command::new(std::env::current_exe().unwrap())
            .args([name.as_str(), "--exact", "--nocapture"])
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env_remove("AWS_PROFILE")
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_770_000_000 + minutes * 60).unwrap()
}

async fn new_key(client: &aws_sdk_kms::Client) -> KeyArn {
    let made = client.create_key().send().await.unwrap();
    made.key_metadata().unwrap().arn().unwrap().parse().unwrap()
}

fn request(key: &KeyArn, action: Action) -> Response {
    let statement = DisableStatement { answer: DisableAnswer::No, said_by: "Alice".to_owned() };
    let request = NewRequest {
        id: "0f1e".to_owned(),
        alert_id: "alert-1".to_owned(),
        key: key.clone(),
        action,
        reason: "ransom note found".to_owned(),
        by: "token:alice".to_owned(),
        statement: (action == Action::EnableKey).then_some(statement),
    };
    Response::request(request, HOUR, at(0)).unwrap()
}

async fn execute(response: &Response, services: &AwsKeyServices) -> Response {
    let begun = response.begin("token:bob", at(2)).unwrap();
    let (key, action) = (&response.request.key, response.request.action);
    let service = services.of(key, "bartizan-respond-0f1e").await.unwrap();
    begun.finish(&carry_out(action, key, &*service, &REREADS).await, at(3)).unwrap()
}

#[test]
fn a_scheduled_deletion_is_cancelled_and_the_key_enabled_by_two_people() {
    with_environment(async {
        let Some(moto) = Moto::start().await else { return };
        let owner = moto.client("eu-west-1");
        let key = new_key(&owner).await;
        owner.schedule_key_deletion().key_id(key.id()).pending_window_in_days(7).send().await.unwrap();

        for services in
            [moto.services(None), moto.services(Some("arn:{partition}:iam::{account}:role/bartizan-respond"))]
        {
            let plan = Plan::make(&key, None, &services).await;
            assert_eq!(plan.action, Some(Action::CancelKeyDeletion), "{plan:?}");
            assert!(plan.live.unwrap().deletion_date.is_some());
        }

        let services = moto.services(Some("arn:{partition}:iam::{account}:role/bartizan-respond"));
        let requested = request(&key, Action::CancelKeyDeletion);
        let alone = requested.approve("token:alice", HOUR, at(1));
        assert!(matches!(alone, Err(RespondError::SelfApproval { .. })), "{alone:?}");
        let approved = requested.approve("token:bob", HOUR, at(1)).unwrap();
        assert!(matches!(approved.begin("token:bob", at(61)), Err(RespondError::Expired { .. })));
        let done = execute(&approved, &services).await;
        assert_eq!(done.status, Status::Confirmed, "{done:?}");
        assert!(
            done.request_id.is_some() && done.outcome.as_deref().unwrap().contains("request EnableKey"),
            "{done:?}"
        );
        let live = services.of(&key, "x").await.unwrap().describe(&key).await.unwrap();
        assert_eq!((live.state, live.deletion_date), (KeyState::Disabled, None));

        // The same response cannot be carried out again, and another one finds nothing to do.
        assert!(done.begin("token:bob", at(4)).is_err());
        let again = request(&key, Action::CancelKeyDeletion).approve("token:bob", HOUR, at(1)).unwrap();
        let again = execute(&again, &services).await;
        assert_eq!(again.status, Status::Unneeded);
        assert!(again.outcome.unwrap().contains("was not called"));

        let enable = request(&key, Action::EnableKey).approve("token:bob", HOUR, at(1)).unwrap();
        assert_eq!(execute(&enable, &services).await.status, Status::Confirmed);
        let live = services.of(&key, "x").await.unwrap().describe(&key).await.unwrap();
        assert_eq!(live.state, KeyState::Enabled);
    });
}

#[test]
fn states_accounts_and_regions_that_forbid_a_call() {
    with_environment(async {
        let Some(moto) = Moto::start().await else { return };
        let owner = moto.client("eu-west-1");
        let key = new_key(&owner).await;
        owner.schedule_key_deletion().key_id(key.id()).send().await.unwrap();

        let approved = |key: &KeyArn, action| request(key, action).approve("token:bob", HOUR, at(1)).unwrap();
        let enable = execute(&approved(&key, Action::EnableKey), &moto.services(None)).await;
        assert_eq!(enable.status, Status::Failed);
        assert!(enable.outcome.unwrap().contains("cancel its deletion first"));

        let text = key.as_str();
        let elsewhere: KeyArn = text.replace("123456789012", "444455556666").parse().unwrap();
        let fixed = moto.services(Some("arn:aws:iam::444455556666:role/bartizan-respond"));
        let other_region: KeyArn = text.replace("eu-west-1", "us-east-2").parse().unwrap();
        for (key, services, part) in [
            (
                &elsewhere,
                moto.services(None),
                "belongs to account 444455556666 and the credentials to 123456789012",
            ),
            (&key, fixed, "belongs to account 123456789012 and the credentials to 444455556666"),
            (&other_region, moto.services(None), "NotFoundException"),
        ] {
            let done = execute(&approved(key, Action::CancelKeyDeletion), &services).await;
            assert_eq!(done.status, Status::Failed);
            let outcome = done.outcome.unwrap();
            assert!(outcome.contains(part) && outcome.contains("nothing was called"), "{outcome}");
        }
        // A client of another Region is refused before it asks.
        let service = moto.services(None).of(&other_region, "x").await.unwrap();
        let carried = carry_out(Action::CancelKeyDeletion, &key, &*service, &REREADS).await;
        assert!(
            format!("{carried:?}").contains("lies in eu-west-1 and the client in us-east-2"),
            "{carried:?}"
        );

        let state = owner.describe_key().key_id(text).send().await.unwrap();
        assert_eq!(
            state.key_metadata().unwrap().key_state().unwrap().as_str(),
            "PendingDeletion",
            "nothing was done"
        );
    });
}

#[test]
fn nobody_listening_is_said_and_calls_bear_our_name() {
    with_environment(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let services =
            AwsKeyServices::new(AwsSettings { endpoint_url: Some(endpoint), ..AwsSettings::default() });
        let key: KeyArn = "arn:aws:kms:eu-west-1:123456789012:key/a".parse().unwrap();
        let heard = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 16 * 1024];
            let read = stream.read(&mut head).await.unwrap();
            let answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 38\r\nConnection: close\r\n\r\n{\"__type\":\"AccessDeniedException\"}    \n";
            stream.write_all(answer).await.unwrap();
            String::from_utf8_lossy(&head[..read]).into_owned()
        });
        let service = services.of(&key, "x").await.unwrap();
        let error = service.describe(&key).await.unwrap_err();
        assert_eq!(error.fault, respond::ServiceFault::Denied, "{error}");
        let head = heard.await.unwrap().to_lowercase();
        let agent = head.lines().find(|line| line.starts_with("user-agent:")).unwrap();
        assert!(agent.contains("app/bartizan-respond"), "{agent}");
        // The listener is gone by now.
        let error = service.describe(&key).await.unwrap_err();
        assert_eq!(error.fault, respond::ServiceFault::NotReached, "{error}");
        assert!(error.to_string().len() < 400, "{error}");
    });
}
