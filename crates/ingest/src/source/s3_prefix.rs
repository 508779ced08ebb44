//! A bucket that CloudTrail writes to, polled without a queue: folder by folder of accounts, regions and days.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use async_trait::async_trait;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::aws_clients::AwsClients;
use super::cloudtrail_key::{LOGS_FOLDER, day_of, folder_of, not_a_log};
use super::delivery::{Delivery, LiveSource, Receipt, SetAside};
use super::s3_object::{ObjectFailure, read_object};
use crate::decode::Limits;
use crate::error::IngestError;
use crate::ledger::InputAccount;

/// Which bucket, and from when on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3PrefixSettings {
    /// What messages call the source.
    pub name: String,
    /// The bucket.
    pub bucket: String,
    /// What lies before `AWSLogs/`: empty, or ending with a slash.
    pub prefix: String,
    /// The bucket's region, where it is another than that of the clients.
    pub region: Option<String>,
    /// The first day to be read, in UTC; the day before the first poll when it is left out.
    pub from: Option<Date>,
    /// How many days are listed again for files that came late, counted back from that of the last file. Default 2.
    pub listed_again: u16,
    /// An object that is missing or denied is set aside when it was asked for so often. Default 5.
    pub most_attempts: u32,
    /// Larger objects are skipped, with the reason. Default 1 GiB.
    pub most_bytes: u64,
    /// Read the files of CloudTrail Insights too. Default no.
    pub insights: bool,
}

impl S3PrefixSettings {
    /// The defaults.
    pub fn new(name: impl Into<String>, bucket: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            bucket: bucket.into(),
            prefix: String::new(),
            region: None,
            from: None,
            listed_again: 2,
            most_attempts: 5,
            most_bytes: Limits::default().decompressed_bytes as u64,
            insights: false,
        }
    }
}

/// At most so many objects of one region are queued at once.
const MOST_QUEUED: usize = 1000;

/// A bucket that CloudTrail writes to. One delivery is one object, in the order of the keys of its region.
///
/// Each account and region is followed by itself. New accounts, regions and organisations are found by themselves.
#[derive(Debug)]
pub struct S3PrefixSource {
    settings: S3PrefixSettings,
    clients: AwsClients,
    /// By the prefix of an account's region, which ends with a slash.
    regions: BTreeMap<String, RegionLogs>,
    /// Region and the rest of the key.
    queue: VecDeque<(String, String)>,
    in_flight: BTreeMap<Receipt, (String, String)>,
    next_receipt: u64,
}

/// How far one region of one account was read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RegionLogs {
    /// Days before it are read, and not listed again.
    from: Date,
    /// Files of this day and later may not have been seen by the last listing, because it was cut short.
    unlisted_from: Option<Date>,
    /// What was delivered and acknowledged, of that day and later: keys behind the region's prefix.
    done: BTreeSet<String>,
    /// What is queued or under way.
    open: BTreeSet<String>,
    /// What could not be read or kept, and is queued again in the next poll.
    owed: BTreeSet<String>,
    /// How often an object could not be read.
    attempts: BTreeMap<String, u32>,
}

#[derive(Serialize, Deserialize)]
struct Checkpoint {
    version: u32,
    regions: Vec<CheckpointRegion>,
}

#[derive(Serialize, Deserialize)]
struct CheckpointRegion {
    prefix: String,
    from: String,
    done: Vec<String>,
}

const CHECKPOINT_VERSION: u32 = 1;

impl RegionLogs {
    fn starting(from: Date) -> Self {
        Self {
            from,
            unlisted_from: Some(from),
            done: BTreeSet::new(),
            open: BTreeSet::new(),
            owed: BTreeSet::new(),
            attempts: BTreeMap::new(),
        }
    }

    /// Enters what a listing found, which ended there or went to the end.
    fn found(&mut self, found: &[String], to_the_end: bool, listed_again: u16) {
        self.unlisted_from = match found.last().and_then(|rest| day_of(rest)) {
            _ if to_the_end => None,
            Some(last) => Some(last),
            None => Some(self.from),
        };
        self.open.extend(found.iter().cloned());
        self.forget_days(listed_again);
    }

    /// Enters an object as done.
    fn finish(&mut self, rest: String, listed_again: u16) {
        self.open.remove(&rest);
        self.attempts.remove(&rest);
        self.done.insert(rest);
        self.forget_days(listed_again);
    }

    /// Forgets days that need no more listing: those that lie `listed_again` days back, and before everything that is open,
    /// owed or not listed yet.
    fn forget_days(&mut self, listed_again: u16) {
        let Some(last) = self.done.iter().rev().find_map(|rest| day_of(rest)) else { return };
        let back = i32::from(listed_again).saturating_sub(1).max(0).days();
        let Ok(mut from) = last.checked_sub(back) else { return };
        from = self.unlisted_from.map_or(from, |day| from.min(day));
        for waiting in [&self.open, &self.owed] {
            from = waiting.iter().find_map(|rest| day_of(rest)).map_or(from, |day| from.min(day));
        }
        if from > self.from {
            self.from = from;
            self.done.retain(|rest| day_of(rest).is_none_or(|day| day >= from));
        }
    }
}

impl S3PrefixSource {
    /// Continues from `checkpoint`, what [`LiveSource::checkpoint`] gave, if there is one. Nothing is sent yet.
    ///
    /// # Errors
    /// [`IngestError::Checkpoint`] when it is not one of a bucket.
    pub fn new(
        settings: S3PrefixSettings,
        clients: AwsClients,
        checkpoint: Option<&[u8]>,
    ) -> Result<Self, IngestError> {
        let regions = match checkpoint {
            Some(bytes) => read_checkpoint(bytes)
                .map_err(|reason| IngestError::Checkpoint { name: settings.name.clone(), reason })?,
            None => BTreeMap::new(),
        };
        let (queue, in_flight) = (VecDeque::new(), BTreeMap::new());
        Ok(Self { settings, clients, regions, queue, in_flight, next_receipt: 0 })
    }

    /// Lists what is new, and queues it. [`LiveSource::next`] does so by itself whenever the queue is empty.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn poll(&mut self, now: Timestamp) -> Result<(), IngestError> {
        let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        let first = self.settings.from.unwrap_or_else(|| today.saturating_sub(1.day()));
        for prefix in self.region_prefixes().await? {
            let region = self.regions.entry(prefix.clone()).or_insert_with(|| RegionLogs::starting(first));
            let start_after = format!("{prefix}{}", folder_of(region.from));
            let owed = std::mem::take(&mut region.owed);
            region.open.extend(owed.iter().cloned());
            self.queue.extend(owed.into_iter().map(|rest| (prefix.clone(), rest)));
            let mut found = Vec::new();
            let known = &self.regions[&prefix];
            let listed = self
                .list(&prefix, Some(&start_after), &mut |rest| {
                    if !known.done.contains(rest) && !known.open.contains(rest) {
                        found.push(rest.to_owned());
                    }
                    found.len() < MOST_QUEUED
                })
                .await;
            let to_the_end = listed.is_ok() && found.len() < MOST_QUEUED;
            if let Some(region) = self.regions.get_mut(&prefix) {
                region.found(&found, to_the_end, self.settings.listed_again);
            }
            self.queue.extend(found.into_iter().map(|rest| (prefix.clone(), rest)));
            listed?;
        }
        Ok(())
    }

    /// The prefixes of all regions of all accounts.
    async fn region_prefixes(&self) -> Result<Vec<String>, IngestError> {
        let root = format!("{}{LOGS_FOLDER}", self.settings.prefix);
        let mut accounts = Vec::new();
        for folder in self.folders(&root).await? {
            // The folder of an organisation holds those of its accounts.
            if folder[root.len()..].starts_with("o-") {
                accounts.extend(self.folders(&folder).await?);
            } else {
                accounts.push(folder);
            }
        }
        let mut regions = Vec::new();
        for account in accounts {
            regions.extend(self.folders(&format!("{account}CloudTrail/")).await?);
            if self.settings.insights {
                regions.extend(self.folders(&format!("{account}CloudTrail-Insight/")).await?);
            }
        }
        Ok(regions)
    }

    /// The folders in a folder, whole, each with a slash at its end.
    async fn folders(&self, prefix: &str) -> Result<Vec<String>, IngestError> {
        let request = self.clients.s3.list_objects_v2().bucket(&self.settings.bucket);
        let mut pages = request.prefix(prefix).delimiter("/").into_paginator().send();
        let mut folders = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.error(format!("list {prefix}"), Box::new(error)))?;
            folders.extend(
                page.common_prefixes().iter().filter_map(|folder| folder.prefix().map(str::to_owned)),
            );
        }
        Ok(folders)
    }

    /// Hands over the keys behind `prefix`, in order, until it is told to stop.
    async fn list(
        &self,
        prefix: &str,
        start_after: Option<&str>,
        take: &mut (dyn FnMut(&str) -> bool + Send),
    ) -> Result<(), IngestError> {
        let request = self.clients.s3.list_objects_v2().bucket(&self.settings.bucket).prefix(prefix);
        let mut pages = request.set_start_after(start_after.map(str::to_owned)).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.error(format!("list {prefix}"), Box::new(error)))?;
            for object in page.contents() {
                let rest = object.key().and_then(|key| key.strip_prefix(prefix));
                if rest.is_some_and(|rest| !take(rest)) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Reads an object; `None` when it is to be tried again in the next poll.
    async fn read(&mut self, prefix: &str, rest: &str) -> Result<Option<Delivery>, IngestError> {
        let key = format!("{prefix}{rest}");
        let name = format!("s3://{}/{key}", self.settings.bucket);
        let mut delivery = Delivery::empty(Receipt(self.next_receipt));
        if let Some(reason) = not_a_log(&key, self.settings.insights) {
            delivery.skipped.push(InputAccount::skipped(name, reason));
            return Ok(Some(delivery));
        }
        let (bucket, region) = (&self.settings.bucket, self.settings.region.as_deref());
        match read_object(&self.clients.s3, bucket, &key, region, self.settings.most_bytes).await {
            Ok(input) => delivery.inputs.push(input),
            Err(ObjectFailure::Skip(reason)) => {
                delivery.skipped.push(InputAccount::skipped(name, reason));
            }
            Err(ObjectFailure::Unreadable(reason)) => {
                let Some(region) = self.regions.get_mut(prefix) else { return Ok(None) };
                let attempts = region.attempts.entry(rest.to_owned()).or_default();
                *attempts += 1;
                if *attempts < self.settings.most_attempts {
                    return Ok(None);
                }
                delivery.set_aside.push(SetAside::new(&self.settings.name, &key, reason, &name));
            }
            Err(ObjectFailure::Unreachable(source)) => {
                return Err(self.error(format!("read {name}"), source));
            }
        }
        Ok(Some(delivery))
    }

    fn error(&self, action: String, source: Box<dyn std::error::Error + Send + Sync>) -> IngestError {
        IngestError::Source { name: self.settings.name.clone(), action, source }
    }

    /// The next poll queues it again.
    fn owe(&mut self, prefix: &str, rest: String) {
        if let Some(region) = self.regions.get_mut(prefix) {
            region.open.remove(&rest);
            region.owed.insert(rest);
        }
    }
}

#[async_trait]
impl LiveSource for S3PrefixSource {
    fn name(&self) -> &str {
        &self.settings.name
    }

    async fn next(&mut self, now: Timestamp) -> Result<Option<Delivery>, IngestError> {
        if self.queue.is_empty() {
            self.poll(now).await?;
        }
        // It stays in its place until it was read, in case that nobody waits for the answer any more.
        while let Some((prefix, rest)) = self.queue.front().cloned() {
            let read = self.read(&prefix, &rest).await;
            self.queue.pop_front();
            match read {
                Ok(Some(delivery)) => {
                    self.next_receipt += 1;
                    self.in_flight.insert(delivery.receipt, (prefix, rest));
                    return Ok(Some(delivery));
                }
                Ok(None) => self.owe(&prefix, rest),
                Err(error) => {
                    self.owe(&prefix, rest);
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    async fn done(&mut self, receipt: Receipt) -> Result<(), IngestError> {
        if let Some((prefix, rest)) = self.in_flight.remove(&receipt)
            && let Some(region) = self.regions.get_mut(&prefix)
        {
            region.finish(rest, self.settings.listed_again);
        }
        Ok(())
    }

    async fn failed(&mut self, receipt: Receipt, _reason: &str) -> Result<(), IngestError> {
        if let Some((prefix, rest)) = self.in_flight.remove(&receipt) {
            self.owe(&prefix, rest);
        }
        Ok(())
    }

    fn checkpoint(&self) -> Option<Vec<u8>> {
        let region = |(prefix, region): (&String, &RegionLogs)| CheckpointRegion {
            prefix: prefix.clone(),
            from: folder_of(region.from),
            done: region.done.iter().cloned().collect(),
        };
        let regions = self.regions.iter().map(region).collect();
        serde_json::to_vec(&Checkpoint { version: CHECKPOINT_VERSION, regions }).ok()
    }
}

fn read_checkpoint(bytes: &[u8]) -> Result<BTreeMap<String, RegionLogs>, String> {
    let checkpoint: Checkpoint = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if checkpoint.version != CHECKPOINT_VERSION {
        return Err(format!("version {} is not known", checkpoint.version));
    }
    let read = |region: CheckpointRegion| {
        let from = day_of(&region.from).ok_or_else(|| format!("{} is no day", region.from))?;
        let done = region.done.into_iter().collect();
        Ok((region.prefix, RegionLogs { done, ..RegionLogs::starting(from) }))
    };
    checkpoint.regions.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    fn key(day: u8, file: u8) -> String {
        format!("2026/03/{day:02}/{file}.json.gz")
    }

    /// As a poll does it.
    fn list(region: &mut RegionLogs, bucket: &BTreeSet<String>, listed_again: u16) {
        let start_after = folder_of(region.from);
        region.open.append(&mut region.owed);
        let known = |rest: &String| region.done.contains(rest) || region.open.contains(rest);
        let found = bucket.iter().filter(|rest| ***rest > *start_after && !known(rest)).cloned();
        let found: Vec<_> = found.take(5).collect();
        region.found(&found, found.len() < 5, listed_again);
    }

    fn restart(source: BTreeMap<String, RegionLogs>) -> BTreeMap<String, RegionLogs> {
        let region = |(prefix, region): (&String, &RegionLogs)| CheckpointRegion {
            prefix: prefix.clone(),
            from: folder_of(region.from),
            done: region.done.iter().cloned().collect(),
        };
        let regions = source.iter().map(region).collect();
        let bytes = serde_json::to_vec(&Checkpoint { version: CHECKPOINT_VERSION, regions }).unwrap();
        read_checkpoint(&bytes).unwrap()
    }

    proptest! {
        /// In whichever order objects are kept, fail, and restarts come between: each is kept in the end.
        #[test]
        fn no_object_is_forgotten_before_it_is_kept(
            files in prop::collection::btree_set((1..9u8, 0..4u8), 0..20),
            steps in prop::collection::vec((0..10u8, any::<Index>()), 0..60),
            listed_again in 0..4u16,
        ) {
            let bucket: BTreeSet<String> = files.iter().map(|(day, file)| key(*day, *file)).collect();
            let first = Date::constant(2026, 3, 1);
            let mut source = BTreeMap::from([("p/".to_owned(), RegionLogs::starting(first))]);
            let mut kept = BTreeSet::new();
            for (step, which) in steps {
                let region = source.get_mut("p/").unwrap();
                let open: Vec<String> = region.open.iter().cloned().collect();
                match step {
                    0 => source = restart(source),
                    1..=3 => list(region, &bucket, listed_again),
                    _ if open.is_empty() => {}
                    4 | 5 => {
                        let rest = which.get(&open);
                        region.open.remove(rest);
                        region.owed.insert(rest.clone());
                    }
                    _ => {
                        let rest = which.get(&open);
                        kept.insert(rest.clone());
                        region.finish(rest.clone(), listed_again);
                    }
                }
            }
            let region = source.get_mut("p/").unwrap();
            for _ in 0..=bucket.len() {
                list(region, &bucket, listed_again);
                for rest in region.open.clone() {
                    kept.insert(rest.clone());
                    region.finish(rest, listed_again);
                }
            }
            prop_assert_eq!(kept, bucket);
            let days: BTreeSet<_> = region.done.iter().map(|rest| day_of(rest)).collect();
            prop_assert!(days.len() <= usize::from(listed_again.max(1)), "{days:?}");
        }
    }
}
