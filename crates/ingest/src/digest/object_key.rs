//! What the keys of digests and log files say: account, region, trail, time; and which path a key is downloaded to.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::source::cloudtrail_key::LOGS_FOLDER;

/// Whose logs they are. Sorted as it is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trail {
    /// The account.
    pub account: String,
    /// The region that the log files are about.
    pub region: String,
    /// The trail's name; empty where it is not known, since the keys of log files do not say it.
    pub name: String,
    /// The region in which the trail was made; empty where it is not known.
    pub home_region: String,
}

/// The name of a file in the last folder of a path or key, without `.gz`: unpacked files lose it.
pub(super) fn file_name(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    name.strip_suffix(".gz").unwrap_or(name)
}

/// A path or key from `AWSLogs/` on, without `.gz`: what remains the same wherever files are downloaded to.
pub(super) fn tail(path: &str) -> Option<String> {
    let path = path.replace('\\', "/");
    let at = path.rfind(LOGS_FOLDER).filter(|at| *at == 0 || path.as_bytes().get(at - 1) == Some(&b'/'))?;
    let tail = path.get(at..)?;
    Some(tail.strip_suffix(".gz").unwrap_or(tail).to_owned())
}

/// Whether a path says that a digest lies there, whatever its content.
pub(super) fn is_digest_path(path: &str) -> bool {
    file_name(path).contains("_CloudTrail-Digest_")
}

/// Whether a digest brings log files that were late for the digest of their hour.
pub(super) fn is_backfill(key: &str) -> bool {
    file_name(key).ends_with("_backfill.json")
}

/// `account_CloudTrail-Digest_region_trail_homeregion_time[_backfill].json.gz`; a trail's name may have underscores.
pub(super) fn trail_of_digest(key: &str) -> Option<Trail> {
    let name = file_name(key).strip_suffix(".json")?;
    let (account, rest) = name.split_once("_CloudTrail-Digest_")?;
    let rest = rest.strip_suffix("_backfill").unwrap_or(rest);
    let (rest, _time) = rest.rsplit_once('_')?;
    let (rest, home_region) = rest.rsplit_once('_')?;
    let (region, trail) = rest.split_once('_')?;
    let [account, region, name, home_region] = [account, region, trail, home_region].map(str::to_owned);
    Some(Trail { account, region, name, home_region })
}

/// What the name of a log file says: `account_CloudTrail_region_time_random.json.gz`.
pub(super) struct LogName<'k> {
    pub(super) account: &'k str,
    pub(super) region: &'k str,
    /// About when it was delivered, to the minute.
    pub(super) time: Option<Timestamp>,
}

pub(super) fn log_name(key: &str) -> Option<LogName<'_>> {
    let mut parts = file_name(key).split('_');
    let (account, kind, region, time) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_log = matches!(kind, "CloudTrail" | "CloudTrail-Insight");
    is_log.then(|| LogName { account, region, time: minute(time) })
}

fn minute(text: &str) -> Option<Timestamp> {
    let at = DateTime::strptime("%Y%m%dT%H%MZ", text).ok()?;
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_paths_meet_from_awslogs_on() {
        for (path, expected) in [
            ("AWSLogs/1/a.json.gz", Some("AWSLogs/1/a.json")),
            ("/evidence/b/prefix/AWSLogs/o-x/1/a.json", Some("AWSLogs/o-x/1/a.json")),
            (r"C:\evidence\AWSLogs\1\a.json.gz", Some("AWSLogs/1/a.json")),
            ("AWSLogs/old/AWSLogs/1/a.json.gz", Some("AWSLogs/1/a.json")),
            ("myAWSLogs/1/a.json.gz", None),
            ("a.json.gz", None),
        ] {
            assert_eq!(tail(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn the_names_of_digests_say_the_trail() {
        let name = "p/1_CloudTrail-Digest_eu-west-1_my_own_trail_us-east-1_20260310T100000Z";
        for suffix in [".json.gz", "_backfill.json.gz", ".json"] {
            let key = format!("{name}{suffix}");
            let trail = trail_of_digest(&key).unwrap();
            let Trail { account, region, name, home_region } = &trail;
            assert_eq!(
                [account.as_str(), region, name, home_region],
                ["1", "eu-west-1", "my_own_trail", "us-east-1"]
            );
            assert_eq!(is_backfill(&key), suffix.starts_with("_b"), "{key}");
            assert!(is_digest_path(&key));
        }
        for other in
            ["a.json.gz", "1_CloudTrail-Digest_x.json.gz", "1_CloudTrail_eu-west-1_20260310T1000Z_x.json.gz"]
        {
            assert_eq!(trail_of_digest(other), None, "{other}");
        }
    }

    #[test]
    fn the_names_of_log_files_say_when() {
        let log = log_name("p/1_CloudTrail_eu-west-1_20260310T1005Z_Ab.json.gz").unwrap();
        assert_eq!((log.account, log.region), ("1", "eu-west-1"));
        assert_eq!(log.time, Some("2026-03-10T10:05:00Z".parse().unwrap()));
        assert!(log_name("notes.txt").is_none());
        assert!(log_name("1_CloudTrail-Digest_eu-west-1_t_eu-west-1_20260310T100000Z.json.gz").is_none());
    }
}
