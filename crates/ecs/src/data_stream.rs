//! Where events lie: a data stream, and every name by which index patterns may reach it.

use std::fmt;

/// A data stream such as `logs-aws.cloudtrail-default`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DataStream {
    /// `logs`, `metrics`, …
    pub kind: Box<str>,
    /// For example `aws.cloudtrail`.
    pub dataset: Box<str>,
    /// For example `default`.
    pub namespace: Box<str>,
}

impl DataStream {
    /// A stream of logs in the namespace `default`.
    pub fn logs(dataset: &str) -> Self {
        Self { kind: "logs".into(), dataset: dataset.into(), namespace: "default".into() }
    }

    /// Reads `kind-dataset-namespace`; data sets hold no dash, namespaces may. `None` when a part is missing.
    pub fn parse(name: &str) -> Option<Self> {
        let name = backing_index_stream(name).unwrap_or(name);
        let (kind, rest) = name.split_once('-')?;
        let (dataset, namespace) = rest.split_once('-')?;
        (!kind.is_empty() && !dataset.is_empty() && !namespace.is_empty()).then(|| Self {
            kind: kind.into(),
            dataset: dataset.into(),
            namespace: namespace.into(),
        })
    }

    /// The name of the stream itself, `kind-dataset-namespace`.
    pub fn name(&self) -> String {
        self.to_string()
    }

    /// Every name by which a pattern may reach the stream: its own, and that of the Beat which shipped the
    /// same events before data streams existed. A stream that several patterns reach is still read once.
    pub fn names(&self) -> Vec<String> {
        let mut names = vec![self.name()];
        names.extend(self.beat().map(|beat| format!("{beat}-{}", self.namespace)));
        names
    }

    /// The Beat whose indices held these events: `filebeat-*` for the events of cloud and SaaS modules and of
    /// network devices, `winlogbeat-*`, `auditbeat-*` and `packetbeat-*` for theirs; none for metrics and endpoint data.
    fn beat(&self) -> Option<&'static str> {
        if &*self.kind != "logs" {
            return None;
        }
        let dataset = &*self.dataset;
        let package = dataset.split('.').next().unwrap_or(dataset);
        Some(match package {
            "endpoint" | "ti_" | "cloud_defend" | "ml" => return None,
            "windows" | "winlog" => "winlogbeat",
            "system" if matches!(dataset, "system.security" | "system.application" | "system.system") => {
                "winlogbeat"
            }
            "auditd_manager" | "fim" => "auditbeat",
            "network_traffic" => "packetbeat",
            _ => "filebeat",
        })
    }
}

impl fmt::Display for DataStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.kind, self.dataset, self.namespace)
    }
}

/// The stream behind a backing index such as `.ds-logs-aws.cloudtrail-default-2026.03.14-000001`.
fn backing_index_stream(name: &str) -> Option<&str> {
    let rest = name.strip_prefix(".ds-")?;
    let (rest, generation) = rest.rsplit_once('-')?;
    let (stream, date) = rest.rsplit_once('-')?;
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    (digits(generation) && digits(date)).then_some(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_and_written() {
        let stream = DataStream::parse("logs-aws.cloudtrail-eu-prod").unwrap();
        assert_eq!((&*stream.dataset, &*stream.namespace), ("aws.cloudtrail", "eu-prod"));
        assert_eq!(stream.name(), "logs-aws.cloudtrail-eu-prod");
        assert_eq!(DataStream::parse("filebeat"), None);
    }

    #[test]
    fn a_backing_index_belongs_to_its_stream() {
        let stream = DataStream::parse(".ds-logs-aws.cloudtrail-default-2026.03.14-000001");
        assert_eq!(stream, Some(DataStream::logs("aws.cloudtrail")));
    }

    #[test]
    fn cloudtrail_answers_to_filebeat_too() {
        assert_eq!(
            DataStream::logs("aws.cloudtrail").names(),
            ["logs-aws.cloudtrail-default", "filebeat-default"]
        );
    }
}
