//! A made-up hunt: deleted key material, a planned deletion, hostile texts, alerts that were not investigated.

use bartizan_report::{
    AlertField, Count, Coverage, DeadLetter, DigestCheck, DigestVerdict, Finding, HourRow, Hours, HuntReport,
    InputLine, InputOutcome, Investigation, RuleLine, RuleStatus, Version,
};
use rule::threat::{Technique, Threat, ThreatEntry};
use triage::actor::{Actor, Baseline, Novelty, Trait, TraitKind};
use triage::answer::{Answer, Answered, Evidence};
use triage::event::Origin;
use triage::kms::blast_radius::{BlastRadius, Dependent, Grade, MaterialUse};
use triage::kms::clock::{Clock, ClockKind};
use triage::kms::key_report::{KeyReport, Risk, TimelineEntry};
use triage::kms::reimport::{Reimport, ReimportVerdict};
use triage::kms::state::{Certainty, KeyState};
use triage::place::Place;
use triage::report::{AlertSummary, AnsweredQuestion, Topic, TriageReport};
use triage::response::{ResponseAction, ResponsePlan, ResponseStep};
use triage::surroundings::{Gravity, LinkedSummary, RelatedAlert, SessionStep, SurroundingAct, Surroundings};
use triage::verdict::{ProposedEntry, ProposedException, Reason, VERDICT_VERSION, Verdict, VerdictLevel};

/// What an attacker may write into a log: markup, attributes, half characters, the direction of writing, a formula.
pub(crate) const HOSTILE: &str = "</title></script><script>alert(1)</script><img src=x onerror=alert(2)>\" onmouseover=\"alert(3)\u{fffd}\u{202e}=1+1";

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const ROLE: &str = "arn:aws:iam::111122223333:role/KeyAdministration";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/KeyAdministration/night-shift";

fn s(text: &str) -> String {
    text.to_owned()
}

fn some(text: &str) -> Option<String> {
    Some(s(text))
}

/// The whole run.
pub(crate) fn hunt() -> HuntReport {
    let mut findings = vec![
        finding(0, "critical", "KMS Imported Key Material Deleted", Investigation::Done(Box::new(ransom()))),
        finding(1, "high", "KMS Key Scheduled for Deletion", Investigation::Done(Box::new(planned()))),
        finding(2, "medium", HOSTILE, Investigation::Done(Box::new(hostile()))),
    ];
    for number in 3..30 {
        let (severity, name) = match number % 3 {
            0 => ("medium", "Console Sign-in Without a Second Factor"),
            1 => ("low", "Bucket Listed for the First Time"),
            _ => ("high", "Trail Logging Stopped"),
        };
        let reason = s("Only alerts about KMS keys were asked for.");
        findings.push(finding(number, severity, name, Investigation::NotDone { reason }));
    }
    HuntReport {
        title: s("Hunt in AWSLogs/111122223333"),
        made_at: s("2026-03-15T08:30:00Z"),
        command: some("bartizan hunt AWSLogs --report report.html --case case"),
        versions: vec![
            Version { name: s("bartizan"), version: s("0.1.0") },
            Version { name: s("rules"), version: s("built-in pack of 2026-03-01, 214 rules") },
        ],
        coverage: coverage(),
        rules: rules(),
        findings,
        not_kept: 0,
        rest_is: some("in alerts.ndjson"),
    }
}

fn coverage() -> Coverage {
    let hour = |seed: usize| -> Vec<u64> {
        (0..170usize)
            .map(|hour| {
                let quiet = (60..67).contains(&hour) || (seed == 1 && hour > 150);
                if quiet { 0 } else { ((hour * 7919 + seed * 104_729) % 900 + 12) as u64 }
            })
            .collect()
    };
    let input = |name: &str, outcome, reason: &str, offset, records, dropped| InputLine {
        name: s(name),
        outcome,
        reason: s(reason),
        offset,
        records,
        events: records - dropped,
        duplicates: 0,
        dropped,
    };
    Coverage {
        inputs: 4212,
        read: 4209,
        partly_read: 1,
        skipped: 2,
        not_fully_read: vec![
            input(
                "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/12/111122223333_CloudTrail_eu-west-1_20260312T1005Z_x7.json.gz",
                InputOutcome::PartlyRead,
                "the compressed data ends too early",
                Some(182_344),
                412,
                1,
            ),
            input(
                "AWSLogs/notes.docx",
                InputOutcome::Skipped,
                "not a log: a ZIP archive of documents",
                None,
                0,
                0,
            ),
            input(
                &format!("AWSLogs/{HOSTILE}.json"),
                InputOutcome::Skipped,
                "the file can't be opened: permission denied",
                None,
                0,
                0,
            ),
        ],
        not_named: 0,
        shapes: vec![Count::new("CloudTrail file with Records", 4209), Count::new("NDJSON", 1)],
        bytes_stored: 734_003_200,
        bytes_decompressed: 9_212_985_344,
        records: 1_012_345,
        events: 1_000_211,
        duplicates: 12_130,
        dropped: 4,
        outside_of_range: 0,
        drop_reasons: vec![Count::new("no JSON object", 3), Count::new("digest: holds no events", 1)],
        without_time: 2,
        range_from: some("2026-03-08T00:00:00Z"),
        range_to: None,
        first_event: some("2026-03-08T00:00:04Z"),
        last_event: some("2026-03-15T01:58:59Z"),
        accounts: vec![Count::new("111122223333", 900_211), Count::new("444455556666", 100_000)],
        other_accounts: 0,
        regions: [
            "eu-west-1",
            "us-east-1",
            "eu-central-1",
            "ap-southeast-2",
            "us-west-2",
            "sa-east-1",
            "eu-north-1",
            "ca-central-1",
            "af-south-1",
            "me-south-1",
        ]
        .iter()
        .enumerate()
        .map(|(index, name)| Count::new(*name, 700_000 >> (index * 2)))
        .collect(),
        other_regions: 0,
        hours: Some(Hours {
            first: s("2026-03-08T00:00:00Z"),
            rows: vec![
                HourRow { name: s("all events"), counts: hour(0) },
                HourRow { name: s("444455556666 us-east-1"), counts: hour(1) },
            ],
        }),
        digests: Some(DigestCheck {
            verdict: DigestVerdict::Incomplete,
            says: vec![
                s("166 of 168 digests are signed and in a chain; for 2 hours there is no digest."),
                s("No file differs from its digest."),
            ],
        }),
        dead_letter: Some(DeadLetter { file: s("dead-letter.ndjson"), entries: 3 }),
        notes: vec![s(
            "The trail leaves out KMS data events of one account, so that uses of its keys are not seen.",
        )],
    }
}

fn rule_id(name: &str) -> String {
    name.to_lowercase()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == ' ')
        .take(40)
        .collect::<String>()
        .replace(' ', "-")
}

fn entry(id: &str, name: &str) -> ThreatEntry {
    ThreatEntry { id: s(id), name: s(name), reference: format!("https://attack.mitre.org/{id}/") }
}

fn threat(tactic: (&str, &str), technique: (&str, &str), sub: Option<(&str, &str)>) -> Threat {
    let subtechnique = sub.map(|(id, name)| entry(id, name)).into_iter().collect();
    Threat {
        framework: s("MITRE ATT&CK"),
        tactic: entry(tactic.0, tactic.1),
        technique: vec![Technique { entry: entry(technique.0, technique.1), subtechnique }],
    }
}

fn rules() -> Vec<RuleLine> {
    let impact = threat(("TA0040", "Impact"), ("T1485", "Data Destruction"), None);
    let encrypted = threat(("TA0040", "Impact"), ("T1486", "Data Encrypted for Impact"), None);
    let access = threat(
        ("TA0001", "Initial Access"),
        ("T1078", "Valid Accounts"),
        Some(("T1078.004", "Cloud Accounts")),
    );
    let evasion = threat(
        ("TA0005", "Defense Evasion"),
        ("T1562", "Impair Defenses"),
        Some(("T1562.008", "Disable or Modify Cloud Logs")),
    );
    let discovery = threat(("TA0007", "Discovery"), ("T1619", "Cloud Storage Object Discovery"), None);
    let rule = |name: &str, severity: &str, alerts, threat: Vec<Threat>| RuleLine {
        rule_id: rule_id(name),
        name: s(name),
        rule_type: s("query"),
        severity: s(severity),
        version: Some(7),
        file: format!("rules/{}.toml", rule_id(name)),
        status: RuleStatus::Ran,
        hits: alerts,
        alerts,
        suppressed: 0,
        cut: 0,
        excepted: 0,
        notes: Vec::new(),
        threat,
    };
    let mut rules = vec![
        rule("KMS Imported Key Material Deleted", "critical", 1, vec![impact.clone(), encrypted]),
        rule("KMS Key Scheduled for Deletion", "high", 1, vec![impact]),
        rule("Trail Logging Stopped", "high", 9, vec![evasion]),
        rule("Bucket Listed for the First Time", "low", 9, vec![discovery]),
        rule("Console Sign-in Without a Second Factor", "medium", 9, vec![access]),
        rule(HOSTILE, "medium", 1, Vec::new()),
        rule("A Rule That Found Nothing", "low", 0, Vec::new()),
    ];
    rules[3].notes.push(s("3 events had no time, and could take no part."));
    for (kind, reason, name) in [
        ("machine_learning", "rules of type machine_learning cannot be run", "Unusual City for a Call"),
        ("errors in the rule", "unknown function `lenght`; did you mean `length`?", "A Rule With a Fault"),
    ] {
        let mut not_run = rule(name, "low", 0, Vec::new());
        not_run.status = RuleStatus::NotRun { kind: s(kind), reason: s(reason) };
        rules.push(not_run);
    }
    rules
}

fn finding(number: usize, severity: &str, name: &str, investigation: Investigation) -> Finding {
    let event = format!("0000{number:04}-aaaa-4bbb-8ccc-123456789abc");
    let rule_id = rule_id(name);
    let alert = match &investigation {
        Investigation::Done(report) => report.alert.clone(),
        Investigation::NotDone { .. } => AlertSummary {
            uuid: format!("{number:064x}"),
            rule_id,
            rule_name: s(name),
            severity: s(severity),
            risk_score: 47.0,
            time: format!("2026-03-{:02}T10:{:02}:00Z", 8 + number % 7, number),
            reason: format!("{name} by {SESSION} from 203.0.113.{number}."),
            event_ids: vec![event],
        },
    };
    let field = |name: &str, value: &str| AlertField { name: s(name), values: vec![s(value)] };
    let fields = vec![
        field("event.action", "DeleteImportedKeyMaterial"),
        field("event.provider", "kms.amazonaws.com"),
        field("event.outcome", "success"),
        field("aws.cloudtrail.user_identity.arn", SESSION),
        field("source.ip", &format!("203.0.113.{number}")),
        field("user_agent.original", if number == 2 { HOSTILE } else { "aws-cli/2.15.0 Python/3.11" }),
        field("cloud.account.id", "111122223333"),
        field("cloud.region", "eu-west-1"),
        field("aws.cloudtrail.resources.arn", KEY),
        field("log.file.path", "AWSLogs/a.json.gz"),
        field("log.offset", &(number * 1200).to_string()),
    ];
    let document = serde_json::json!({
        "@timestamp": "2026-03-15T08:30:00.000Z", "kibana.alert.uuid": alert.uuid,
        "kibana.alert.rule.name": alert.rule_name, "kibana.alert.reason": alert.reason,
    });
    Finding { alert, fields, investigation, document: document.to_string() }
}

fn evidence(time: &str, id: u32, action: &str, shows: &str) -> Evidence {
    Evidence {
        time: s(time),
        event_id: Some(format!("{id:08x}-1111-4222-8333-444455556666")),
        provider: s(if action.contains("Trail") { "cloudtrail.amazonaws.com" } else { "kms.amazonaws.com" }),
        action: s(action),
        shows: s(shows),
        place: Place::File {
            name: "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/14/111122223333_CloudTrail_eu-west-1_20260314T0215Z_a1.json.gz".into(),
            offset: u64::from(id) * 1873,
        },
    }
}

fn summary(
    number: usize,
    name: &str,
    severity: &str,
    risk_score: f64,
    time: &str,
    reason: &str,
) -> AlertSummary {
    AlertSummary {
        uuid: format!("{number:064x}"),
        rule_id: rule_id(name),
        rule_name: s(name),
        severity: s(severity),
        risk_score,
        time: s(time),
        reason: s(reason),
        event_ids: vec![evidence(time, 104, "", "").event_id.unwrap_or_default()],
    }
}

fn asked(question: &str, topic: Topic, answer: Answer) -> AnsweredQuestion {
    AnsweredQuestion { question: s(question), topic, answer }
}

/// Imported material is deleted, the key's deletion scheduled with the shortest window, logging stopped.
fn ransom() -> TriageReport {
    let disabled = evidence("2026-03-14T02:09:40Z", 102, "DisableKey", "the key is switched off");
    let deleted = evidence(
        "2026-03-14T02:11:05Z",
        104,
        "DeleteImportedKeyMaterial",
        "the imported material is deleted",
    );
    let scheduled = evidence(
        "2026-03-14T02:14:31Z",
        107,
        "ScheduleKeyDeletion",
        "the deletion is scheduled with the shortest window, 7 days",
    );
    let stopped =
        evidence("2026-03-14T02:16:02Z", 109, "StopLogging of Trail org-trail", "logging is stopped");
    let failed =
        evidence("2026-03-14T02:12:44Z", 105, "Decrypt", "a call fails because the key has no material");
    TriageReport {
        at: s("2026-03-14T12:00:00Z"),
        alert: summary(
            0,
            "KMS Imported Key Material Deleted",
            "critical",
            91.0,
            "2026-03-14T02:11:05Z",
            "night-shift deleted the imported material of a key in account 111122223333, eu-west-1, from 203.0.113.77.",
        ),
        questions: vec![
            asked(
                "Who deleted the material, and do they do so regularly?",
                Topic::Actor,
                Answer::whole(
                    vec![
                        s(
                            "The session night-shift of the role KeyAdministration. In 6 days and 2 hours of logs the role never deleted key material before.",
                        ),
                        s("The address 203.0.113.77 and the Region's hour are new for it."),
                    ],
                    vec![deleted.clone()],
                ),
            ),
            asked(
                "Which data depends on the key?",
                Topic::Target,
                Answer {
                    answered: Answered::Partly,
                    text: vec![s(
                        "Two buckets, one volume and one database used the key before; calls for three of them fail now.",
                    )],
                    evidence: vec![
                        failed.clone(),
                        disabled.clone(),
                        deleted.clone(),
                        scheduled.clone(),
                        stopped.clone(),
                    ],
                    why_not_whole: some(
                        "S3 bucket keys hide most uses: a bucket that is named once may hold any number of objects.",
                    ),
                    warnings: vec![s("No use in the logs doesn't mean that nothing depends on the key.")],
                },
            ),
            asked(
                "Is the material back?",
                Topic::State,
                Answer::whole(
                    vec![s("No. Until 2026-03-15 01:58:59 UTC nobody imported material.")],
                    vec![scheduled.clone()],
                ),
            ),
            asked(
                "Was there a change ticket?",
                Topic::Other,
                Answer::none("Tickets aren't in the logs: ask the team that owns the key."),
            ),
        ],
        verdict: Verdict {
            level: VerdictLevel::MaliciousLooking,
            version: VERDICT_VERSION,
            for_attack: vec![
                Reason {
                    name: s("shortest_window"),
                    weight: 8,
                    says: s("The key's deletion was scheduled with the shortest window that KMS allows."),
                },
                Reason {
                    name: s("logging_stopped"),
                    weight: 9,
                    says: s("The same session stopped the trail five minutes later."),
                },
                Reason {
                    name: s("new_address"),
                    weight: 4,
                    says: s("The address was never seen for this principal."),
                },
            ],
            against_attack: vec![Reason {
                name: s("second_factor"),
                weight: 2,
                says: s("The session was opened with a second factor."),
            }],
            exceptions: Vec::new(),
        },
        actor: Some(actor()),
        keys: vec![KeyReport {
            key: s(KEY),
            aliases: vec![s("alias/payments"), s("alias/payments-archive")],
            account: some("111122223333"),
            region: some("eu-west-1"),
            related: Vec::new(),
            origin: some("EXTERNAL"),
            state: KeyState::PendingDeletion,
            certainty: Certainty::Recorded,
            since: some("2026-03-14T02:14:31Z"),
            because: s("ScheduleKeyDeletion succeeded and nobody has cancelled it since."),
            cause: Some(scheduled.clone()),
            clocks: vec![
                Clock {
                    kind: ClockKind::Deletion,
                    ends: some("2026-03-21T02:14:31Z"),
                    seconds_left: Some(517_472),
                    certainty: Certainty::Recorded,
                    says: s("Until then the deletion can be cancelled; afterwards the key is gone for ever."),
                },
                Clock {
                    kind: ClockKind::DependentService,
                    ends: some("2026-03-21T02:09:40Z"),
                    seconds_left: Some(517_181),
                    certainty: Certainty::Inferred,
                    says: s("RDS gives up on an encrypted database seven days after it lost its key."),
                },
                Clock {
                    kind: ClockKind::MaterialExpiry,
                    ends: None,
                    seconds_left: None,
                    certainty: Certainty::Unknown,
                    says: s("There is no material that could expire."),
                },
            ],
            timeline: vec![
                life(KeyState::Enabled, KeyState::Disabled, &disabled, "somebody switches the key off"),
                life(
                    KeyState::Disabled,
                    KeyState::PendingImport,
                    &deleted,
                    "the imported material is deleted",
                ),
                life(KeyState::PendingImport, KeyState::PendingDeletion, &scheduled, "deletion after 7 days"),
                TimelineEntry {
                    time: failed.time.clone(),
                    action: s("Decrypt"),
                    principal: some("arn:aws:iam::111122223333:role/PaymentsService"),
                    error: some("KMSInvalidStateException"),
                    before: None,
                    after: None,
                    says: s("the first call that fails"),
                    evidence: failed.clone(),
                },
            ],
            first_seen: some("2026-03-08T00:04:00Z"),
            last_seen: some("2026-03-15T01:50:12Z"),
            last_use: some("2026-03-14T02:09:31Z"),
            uses: 18_204,
            failed_uses: 3_311,
            risk: Risk::Critical,
            risk_because: s("A clock runs towards loss, and the material is gone."),
        }],
        blast_radius: vec![BlastRadius {
            key: s(KEY),
            dependents: vec![
                dependent(
                    Grade::BrokenNow,
                    "s3.amazonaws.com",
                    "arn:aws:s3:::payments-archive-eu-west-1-111122223333",
                    2204,
                    &failed,
                ),
                dependent(
                    Grade::BrokenNow,
                    "rds.amazonaws.com",
                    "arn:aws:rds:eu-west-1:111122223333:db:payments",
                    611,
                    &failed,
                ),
                dependent(Grade::ObservedUse, "ec2.amazonaws.com", "vol-0abc1234def567890", 41, &disabled),
                dependent(
                    Grade::ObservedUse,
                    "secretsmanager.amazonaws.com",
                    "arn:aws:secretsmanager:eu-west-1:111122223333:secret:payments/psp-token-a1B2c3",
                    904,
                    &disabled,
                ),
                dependent(
                    Grade::Granted,
                    "dynamodb.amazonaws.com",
                    "arn:aws:dynamodb:eu-west-1:111122223333:table/ledger",
                    1,
                    &disabled,
                ),
                dependent(
                    Grade::Declared,
                    "sqs.amazonaws.com",
                    "arn:aws:sqs:eu-west-1:111122223333:settlements",
                    2,
                    &disabled,
                ),
            ],
            materials: vec![MaterialUse {
                material: s("123b4567c89d0e1f2345a67b89c01d23e4f5a678b9c0d1e2f3a4b5c6d7e8f901"),
                uses: 18_204,
                first: s("2026-03-08T00:04:00Z"),
                last: s("2026-03-14T02:09:31Z"),
            }],
            unknown_because: vec![
                s("Bucket keys hide uses of S3."),
                s("The account 444455556666 leaves KMS out of its trail."),
            ],
        }],
        reimport: Some(Reimport {
            verdict: ReimportVerdict::NotReimported,
            says: vec![s(
                "The logs reach 23 hours and 47 minutes beyond the deletion and hold no ImportKeyMaterial for the key.",
            )],
            gap_seconds: Some(85_674),
            expires: None,
            evidence: vec![deleted.clone()],
        }),
        surroundings: Surroundings {
            from: some("2026-03-14T00:11:05Z"),
            to: some("2026-03-14T08:11:05Z"),
            acts: vec![
                SurroundingAct {
                    gravity: Gravity::Destructive,
                    count: 1,
                    usual: false,
                    linked: false,
                    says: s("The key's deletion was scheduled with a window of 7 days."),
                    evidence: vec![scheduled.clone()],
                },
                SurroundingAct {
                    gravity: Gravity::Blinding,
                    count: 1,
                    usual: false,
                    linked: false,
                    says: s("The trail org-trail was stopped."),
                    evidence: vec![stopped],
                },
                SurroundingAct {
                    gravity: Gravity::Denied,
                    count: 14,
                    usual: false,
                    linked: true,
                    says: s("14 calls were denied, all of them to delete backups."),
                    evidence: vec![evidence("2026-03-14T02:18:00Z", 120, "DeleteRecoveryPoint", "denied")],
                },
            ],
            denied: 14,
            session: session(),
            linked: vec![LinkedSummary {
                principal: s("arn:aws:iam::111122223333:role/backup-operator"),
                access_key: some("ASIABACKUPEXAMPLE"),
                says: s(
                    "`arn:aws:sts::111122223333:assumed-role/key-admin/dana` began a session of `arn:aws:iam::111122223333:role/backup-operator` by `AssumeRole` at 2026-03-14T02:17:00Z.",
                ),
                began: Some(evidence("2026-03-14T02:17:00Z", 119, "AssumeRole", "the session begins")),
                acts: 14,
            }],
            alerts: vec![RelatedAlert {
                uuid: format!("{:064x}", 5),
                rule_name: s("Trail Logging Stopped"),
                severity: s("high"),
                time: s("2026-03-14T02:16:02Z"),
                linked: false,
            }],
            missing: vec![s(
                "The trail was stopped at 02:16:02: what came after is known from another trail only.",
            )],
        },
        response: ResponsePlan {
            steps: vec![
                ResponseStep {
                    title: s("Cancel the key's deletion"),
                    why: vec![s(
                        "Six days are left. Cancelling leaves the key disabled: no data is at risk through it.",
                    )],
                    commands: vec![
                        s(
                            "aws kms cancel-key-deletion --region eu-west-1 \\\n  --key-id 1234abcd-12ab-34cd-56ef-1234567890ab",
                        ),
                        s(
                            "aws kms describe-key --region eu-west-1 --key-id 1234abcd-12ab-34cd-56ef-1234567890ab",
                        ),
                    ],
                    action: Some(ResponseAction::CancelKeyDeletion),
                    ask: None,
                },
                ResponseStep {
                    title: s("Import the same material again"),
                    why: vec![s("KMS takes only the material that the key had.")],
                    commands: vec![s(
                        "aws kms get-parameters-for-import --region eu-west-1 --key-id 1234abcd-12ab-34cd-56ef-1234567890ab --wrapping-algorithm RSA_AES_KEY_WRAP_SHA_256 --wrapping-key-spec RSA_4096",
                    )],
                    action: None,
                    ask: some("Who holds the copy of the material, and can it be trusted?"),
                },
                ResponseStep {
                    title: s("End the sessions of the role"),
                    why: vec![
                        s("Every session that began before now loses its rights; the role itself stays."),
                        s("Services that use the role need a new session."),
                    ],
                    commands: vec![s(
                        "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [{\n    \"Effect\": \"Deny\", \"Action\": \"*\", \"Resource\": \"*\",\n    \"Condition\": { \"DateLessThan\": { \"aws:TokenIssueTime\": \"2026-03-15T08:30:00Z\" } }\n  }]\n}",
                    )],
                    action: None,
                    ask: None,
                },
                ResponseStep {
                    title: s("Enable the key"),
                    why: vec![s("Only after the material is back.")],
                    commands: vec![s(
                        "aws kms enable-key --region eu-west-1 --key-id 1234abcd-12ab-34cd-56ef-1234567890ab",
                    )],
                    action: Some(ResponseAction::EnableKey),
                    ask: some("Was the key disabled by a defender?"),
                },
            ],
        },
        coverage: vec![
            s("The logs hold 6 days and 2 hours before the alert and 23 hours after it."),
            s("Seven hours are missing in the night of 2026-03-10."),
        ],
    }
}

fn life(before: KeyState, after: KeyState, of: &Evidence, says: &str) -> TimelineEntry {
    TimelineEntry {
        time: of.time.clone(),
        action: of.action.clone(),
        principal: some(ROLE),
        error: None,
        before: Some(before),
        after: Some(after),
        says: s(says),
        evidence: of.clone(),
    }
}

fn dependent(grade: Grade, service: &str, resource: &str, count: u64, of: &Evidence) -> Dependent {
    Dependent {
        grade,
        service: some(service),
        resource: some(resource),
        principals: vec![s("arn:aws:iam::111122223333:role/PaymentsService")],
        count,
        first: s("2026-03-08T00:04:00Z"),
        last: of.time.clone(),
        says: format!("{service} used the key for this resource."),
        evidence: vec![of.clone()],
    }
}

fn actor() -> Actor {
    let one = |kind, value: &str, before, novelty, says: &str| Trait {
        kind,
        value: s(value),
        before,
        first_seen: (before > 0).then(|| s("2026-03-08T07:01:00Z")),
        novelty,
        says: s(says),
    };
    Actor {
        chain: Vec::new(),
        principal: some(ROLE),
        kind: some("AssumedRole"),
        arn: some(SESSION),
        session_name: some("night-shift"),
        origin_principal: some("arn:aws:iam::111122223333:user/on-call"),
        origin_because: some(
            "The user on-call took the role at 02:01:12 with the access key of this session.",
        ),
        mfa: Some(true),
        console: Some(false),
        access_key: some("ASIAIOSFODNN7EXAMPLE"),
        access_key_first_seen: some("2026-03-14T02:01:12Z"),
        address: some("203.0.113.77"),
        origin: Some(Origin {
            country: some("NL"),
            as_number: Some(64_496),
            as_organization: some("Example Hosting"),
        }),
        user_agent: some(
            "aws-cli/2.15.0 Python/3.11.6 Linux/6.5.0 exe/x86_64.ubuntu.22 prompt/off command/kms.delete-imported-key-material",
        ),
        baseline: Baseline {
            reaches_back: true,
            long_enough: true,
            from: some("2026-03-08T00:00:04Z"),
            to: some("2026-03-14T02:11:05Z"),
            events: 4_120,
            first_seen: some("2026-03-08T07:01:00Z"),
            last_seen: some("2026-03-13T17:40:22Z"),
            days: 6,
            says: s("Six days with 4,120 events are enough to call something new."),
        },
        traits: vec![
            one(
                TraitKind::Action,
                "DeleteImportedKeyMaterial",
                0,
                Novelty::New,
                "Never called by this principal before.",
            ),
            one(TraitKind::Address, "203.0.113.77", 0, Novelty::New, "Never seen for this principal."),
            one(TraitKind::Country, "NL", 212, Novelty::Usual, "Seen on four of six days."),
            one(TraitKind::Hour, "02", 3, Novelty::Rare, "Three of 4,120 events were in this hour."),
            one(TraitKind::UserAgent, "aws-cli/2.15.0 Python/3.11.6", 3_900, Novelty::Usual, "As before."),
        ],
        hours: vec![
            0, 1, 3, 0, 0, 2, 40, 210, 480, 520, 500, 410, 300, 420, 460, 390, 230, 120, 30, 2, 1, 0, 0, 1,
        ],
    }
}

fn session() -> Vec<SessionStep> {
    let step =
        |first: &str, last: &str, provider: &str, action: &str, error: Option<&str>, count, is_subject| {
            SessionStep {
                first: format!("2026-03-14T{first}Z"),
                last: format!("2026-03-14T{last}Z"),
                provider: s(provider),
                action: s(action),
                error: error.map(s),
                region: some("eu-west-1"),
                count,
                is_subject,
            }
        };
    vec![
        step("02:01:12", "02:01:12", "sts.amazonaws.com", "AssumeRole", None, 1, false),
        step("02:01:40", "02:02:10", "kms.amazonaws.com", "ListKeys", None, 12, false),
        step("02:02:31", "02:05:00", "kms.amazonaws.com", "DescribeKey", None, 64, false),
        step("02:05:20", "02:06:02", "s3.amazonaws.com", "GetBucketEncryption", None, 31, false),
        step("02:07:30", "02:08:00", "rds.amazonaws.com", "DescribeDBInstances", None, 4, false),
        step("02:09:40", "02:09:40", "kms.amazonaws.com", "DisableKey", None, 1, false),
        step("02:11:05", "02:11:05", "kms.amazonaws.com", "DeleteImportedKeyMaterial", None, 1, true),
        step("02:14:31", "02:14:31", "kms.amazonaws.com", "ScheduleKeyDeletion", None, 1, false),
        step("02:16:02", "02:16:02", "cloudtrail.amazonaws.com", "StopLogging", None, 1, false),
        step(
            "02:18:00",
            "02:21:44",
            "backup.amazonaws.com",
            "DeleteRecoveryPoint",
            Some("AccessDenied"),
            14,
            false,
        ),
    ]
}

/// A planned deletion with a routine principal, a proposed exception and many changes.
fn planned() -> TriageReport {
    let mut report = ransom();
    report.alert = summary(
        1,
        "KMS Key Scheduled for Deletion",
        "high",
        73.0,
        "2026-03-12T10:00:00Z",
        "retire-keys scheduled a key's deletion in account 111122223333, eu-west-1.",
    );
    report.verdict = Verdict {
        level: VerdictLevel::Expected,
        version: VERDICT_VERSION,
        for_attack: Vec::new(),
        against_attack: vec![Reason {
            name: s("routine"),
            weight: 6,
            says: s("The pipeline schedules deletions every Thursday, with the longest window."),
        }],
        exceptions: vec![ProposedException {
            name: s("Retirement pipeline"),
            entries: vec![
                ProposedEntry {
                    field: s("aws.cloudtrail.user_identity.arn"),
                    value: s("arn:aws:sts::111122223333:assumed-role/KeyRetirement/pipeline"),
                },
                ProposedEntry { field: s("source.ip"), value: s("198.51.100.20") },
            ],
            hides: 9,
            hides_suspicious: 1,
            says: s("Every alert of the pipeline since the first event has these values."),
        }],
    };
    report.surroundings = Surroundings::default();
    report.reimport = None;
    report.blast_radius[0].dependents.clear();
    let states = [KeyState::Disabled, KeyState::PendingDeletion, KeyState::Disabled, KeyState::Enabled];
    let key = &mut report.keys[0];
    key.timeline = (0..20)
        .map(|index| {
            let of = evidence(
                &format!("2026-03-{:02}T10:00:00Z", index / 2 + 1),
                200 + index,
                "UpdateKeyState",
                "a change",
            );
            let index = index as usize;
            life(states[index % 4], states[(index + 1) % 4], &of, "one of many changes")
        })
        .collect();
    report.questions.truncate(1);
    report
}

/// Hostile texts and nothing known.
fn hostile() -> TriageReport {
    let long = format!("{}{HOSTILE}", "A".repeat(3000));
    let mut of = evidence("2026-03-13T09:00:00Z", 300, HOSTILE, HOSTILE);
    of.event_id = some("../../../etc/passwd");
    TriageReport {
        at: s("2026-03-14T12:00:00Z"),
        alert: summary(2, HOSTILE, "medium", 47.0, "2026-03-13T09:00:00Z", &long),
        questions: vec![asked(HOSTILE, Topic::Query, Answer::whole(vec![long.clone()], vec![of]))],
        verdict: Verdict {
            level: VerdictLevel::NeedsHuman,
            version: VERDICT_VERSION,
            for_attack: vec![Reason { name: s(HOSTILE), weight: 250, says: long.clone() }],
            against_attack: Vec::new(),
            exceptions: Vec::new(),
        },
        actor: Some(Actor {
            user_agent: Some(long.clone()),
            principal: some(HOSTILE),
            hours: vec![u64::MAX / 24; 3],
            ..Actor::default()
        }),
        keys: Vec::new(),
        blast_radius: vec![BlastRadius {
            key: s(HOSTILE),
            dependents: vec![Dependent {
                first: s(HOSTILE),
                last: s(HOSTILE),
                ..dependent(Grade::Live, HOSTILE, &long, u64::MAX, &evidence("x", 1, "a", "b"))
            }],
            materials: Vec::new(),
            unknown_because: Vec::new(),
        }],
        reimport: None,
        surroundings: Surroundings {
            session: vec![SessionStep {
                first: s("2026-03-13T09:00:00Z"),
                last: s("never"),
                provider: s(HOSTILE),
                action: s(HOSTILE),
                error: some(HOSTILE),
                region: some(HOSTILE),
                count: 1,
                is_subject: true,
            }],
            linked: vec![LinkedSummary {
                principal: s(HOSTILE),
                access_key: some(HOSTILE),
                says: s(HOSTILE),
                began: None,
                acts: u64::MAX,
            }],
            ..Surroundings::default()
        },
        response: ResponsePlan {
            steps: vec![ResponseStep {
                title: s(HOSTILE),
                why: vec![s(HOSTILE)],
                commands: vec![long],
                action: None,
                ask: None,
            }],
        },
        coverage: vec![s(HOSTILE)],
    }
}
