//! `bartizan verify`, and what a hunt says of digests.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ingest::Limits;
use ingest::digest::{FileContent, data_to_sign, read_file};
use ring::rsa::KeyPair as RsaKeys;
use ring::signature::RSA_PKCS1_SHA256;
use serde_json::{Value, json};

use crate::sandbox::{Sandbox, gzip, kms_record, log_file};

const FOLDER: &str = "AWSLogs/111122223333";

fn digest_key(hour: u32) -> String {
    format!(
        "{FOLDER}/CloudTrail-Digest/eu-west-1/2026/03/10/111122223333_CloudTrail-Digest_eu-west-1_main_us-east-1_20260310T{hour}0000Z.json.gz"
    )
}

fn log_key(hour: u32) -> String {
    format!(
        "{FOLDER}/CloudTrail/eu-west-1/2026/03/10/111122223333_CloudTrail_eu-west-1_20260310T{hour}30Z_abc.json.gz"
    )
}

/// Three hours with a log file each, from ten o'clock; the public keys in `keys.json`; and the newest signature.
fn three_hours() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    // Made for tests alone.
    let key = RsaKeys::from_pkcs8(include_bytes!("../../../ingest/tests/digest/test_key_one.pkcs8")).unwrap();
    let keys = json!({"PublicKeyList": [{"Value": STANDARD.encode(key.public()), "Fingerprint": "f1",
        "ValidityStartTime": 1_770_000_000.0, "ValidityEndTime": 1_780_000_000.0}]});
    sandbox.write("keys.json", keys.to_string());
    let mut previous: Option<(String, String, String)> = None;
    for hour in 10..13 {
        let log = gzip(&log_file(&[kms_record("DescribeKey", hour)]));
        let FileContent::Other { hash } = read_file("", &log[..], &Limits::default()).content else {
            panic!("a log file")
        };
        sandbox.write(&format!("logs/{}", log_key(hour)), log);
        let object = digest_key(hour + 1);
        let (previous_object, previous_hash, previous_signature) = match previous {
            Some((object, hash, signature)) => (Some(object), Some(hash), Some(signature)),
            None => (None, None, None),
        };
        let digest = json!({
            "awsAccountId": "111122223333", "digestStartTime": format!("2026-03-10T{hour}:00:00Z"),
            "digestEndTime": format!("2026-03-10T{}:00:00Z", hour + 1), "digestS3Bucket": "the-bucket",
            "digestS3Object": object, "digestPublicKeyFingerprint": "f1",
            "digestSignatureAlgorithm": "SHA256withRSA",
            "previousDigestS3Bucket": previous_object.as_ref().map(|_| "the-bucket"),
            "previousDigestHashAlgorithm": previous_object.as_ref().map(|_| "SHA-256"),
            "previousDigestS3Object": previous_object, "previousDigestHashValue": previous_hash,
            "previousDigestSignature": previous_signature,
            "logFiles": [{"s3Bucket": "the-bucket", "s3Object": log_key(hour), "hashValue": hash.to_string(),
                "hashAlgorithm": "SHA-256"}],
        });
        let packed = gzip(digest.to_string().as_bytes());
        let FileContent::Digest { digest, hash } = read_file("", &packed[..], &Limits::default()).content
        else {
            panic!("a digest")
        };
        sandbox.write(&format!("logs/{object}"), packed);
        let mut signature = vec![0; key.public().modulus_len()];
        let random = ring::rand::SystemRandom::new();
        key.sign(&RSA_PKCS1_SHA256, &random, data_to_sign(&digest, hash).as_bytes(), &mut signature).unwrap();
        let hexadecimal: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        previous = Some((object, hash.to_string(), hexadecimal));
    }
    (sandbox, previous.unwrap().2)
}

fn verify_json(sandbox: &Sandbox, args: &[&str]) -> (Value, i32) {
    let run = sandbox.run(&[&["verify", "logs", "--format", "json"], args].concat());
    assert_eq!(run.stderr, "");
    (serde_json::from_str(&run.stdout).unwrap(), run.status)
}

fn statuses(answer: &Value) -> Vec<&str> {
    answer["files"].as_array().unwrap().iter().map(|file| file["status"].as_str().unwrap()).collect()
}

#[test]
fn a_chain_is_verified_with_public_keys_and_the_newest_signature() {
    let (sandbox, signature) = three_hours();
    let keys = ["--public-keys", "keys.json"];
    let (answer, status) = verify_json(&sandbox, &keys);
    assert_eq!(statuses(&answer), ["valid", "valid", "unverifiable", "valid", "valid", "unverifiable"]);
    assert_eq!(status, 0);
    assert_eq!(sandbox.run(&["verify", "logs", "--public-keys", "keys.json", "--strict"]).status, 2);

    sandbox.write("newest.txt", format!("s3://the-bucket/{} {signature}\n", digest_key(13)));
    let (answer, status) =
        verify_json(&sandbox, &[&keys[..], &["--signatures", "newest.txt", "--strict"]].concat());
    assert_eq!((statuses(&answer), status), (vec!["valid"; 6], 0));
    let trail = &answer["trails"][0];
    assert_eq!(trail["trail"], "main");
    assert_eq!(trail["log_files"]["valid"], 3);
    assert_eq!(answer["gaps"], json!([]));

    // The same as a file beside the digest; it is no log file then.
    sandbox.write(&format!("logs/{}.signature", digest_key(13)), format!("{signature}\n"));
    let (answer, _) = verify_json(&sandbox, &keys);
    assert_eq!(statuses(&answer), ["valid"; 6]);

    let run = sandbox.run(&["verify", "logs", "--public-keys", "keys.json"]);
    assert_eq!(
        run.stdout,
        "Verification
  signatures  checked with 1 public key
  given       the signatures of 1 digest
  digests     3 valid
  log files   3 valid

account       region     trail  from                  to                    digests  log files
111122223333  eu-west-1  main   2026-03-10T10:00:00Z  2026-03-10T13:00:00Z  3 valid  3 valid
"
    );
}

#[test]
fn what_is_changed_or_missing_is_named() {
    let (sandbox, _) = three_hours();
    sandbox.write(&format!("logs/{}", log_key(10)), gzip(&log_file(&[kms_record("DescribeKey", 9)])));
    std::fs::remove_file(sandbox.path().join("logs").join(log_key(11))).unwrap();
    let run = sandbox.run(&["verify", "logs", "--public-keys", "keys.json"]);
    assert_eq!(run.status, 1, "{run:#?}");
    for line in [
        "2 files are not as they were delivered".to_owned(),
        format!("  invalid  logs/{}", log_key(10)),
        format!("           it was changed: its content has not the hash that {} has for it", digest_key(11)),
        format!("  missing  {}", log_key(11)),
        "  unverifiable 1 log file: its hash is the one in a digest, but that cannot be verified itself"
            .to_owned(),
    ] {
        assert!(run.stdout.lines().any(|found| found == line), "{line}\n{}", run.stdout);
    }
    std::fs::remove_file(sandbox.path().join("logs").join(digest_key(12))).unwrap();
    let (answer, status) = verify_json(&sandbox, &["--public-keys", "keys.json"]);
    assert_eq!(status, 1);
    assert_eq!(answer["gaps"][0]["kind"], "digests_missing");
}

#[test]
fn without_keys_it_is_said_that_no_signature_was_checked() {
    let (sandbox, _) = three_hours();
    let run = sandbox.run(&["verify", "logs"]);
    assert_eq!(run.status, 0);
    assert!(run.stdout.contains("signatures  not checked, for no --public-keys are given"), "{}", run.stdout);
    assert!(run.stdout.contains("digests     2 consistent, 1 unverifiable"), "{}", run.stdout);
    sandbox.write(
        "other.json",
        std::fs::read_to_string(sandbox.path().join("keys.json")).unwrap().replace("f1", "f2"),
    );
    assert_eq!(sandbox.run(&["verify", "logs", "--public-keys", "other.json"]).status, 2);
}

#[test]
fn nothing_to_verify_is_no_success() {
    let sandbox = Sandbox::new();
    sandbox.write("logs/a.json", "{}");
    let run = sandbox.run(&["verify", "logs"]);
    assert_eq!(run.status, 2);
    assert!(run.stdout.contains("no digest is among the files"), "{}", run.stdout);
    sandbox.write("bad.json", "[]");
    for args in [
        &["verify", "-"][..],
        &["verify", "nowhere"],
        &["verify", "logs", "--public-keys", "bad.json"],
        &["verify", "logs", "--signatures", "bad.json"],
        &["verify", "logs", "--public-keys", "nowhere"],
    ] {
        let run = sandbox.run(args);
        assert_eq!((run.status, run.stdout.as_str()), (3, ""), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn a_hunt_says_that_there_are_digests_to_check() {
    let (sandbox, _) = three_hours();
    let run = sandbox.hunt(&["logs"]);
    assert_eq!(
        run.account("digests"),
        "3 CloudTrail digests; `bartizan verify PATH` checks them, and the log files that they name"
    );
}

#[test]
fn a_hunt_checks_them_when_asked() {
    let (sandbox, signature) = three_hours();
    sandbox.write(&format!("logs/{}.signature", digest_key(13)), format!("{signature}\n"));
    let args = ["hunt", "logs", "--verify", "--public-keys", "keys.json"];
    let run = sandbox.run(&args);
    assert!(run.stdout.contains("verified  as CloudTrail delivered them"), "{}", run.stdout);
    assert!(run.stdout.contains("Log files: 3 valid."), "{}", run.stdout);
    std::fs::remove_file(sandbox.path().join("logs").join(log_key(11))).unwrap();
    let run = sandbox.run(&[&args[..], &["--format", "json", "--report", "report.html"]].concat());
    let answer: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(answer["coverage"]["verification"]["verdict"], "broken", "{}", answer["coverage"]);
    let page = std::fs::read_to_string(sandbox.path().join("report.html")).unwrap();
    assert!(page.contains("1 missing"), "the report says it");
    assert_eq!(sandbox.run(&["hunt", "logs", "--public-keys", "keys.json"]).status, 3, "needs --verify");
}
