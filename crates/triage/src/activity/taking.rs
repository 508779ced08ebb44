//! Events are taken in: the numbers of a reader become those of all, rows are counted, acts that matter are kept.

use super::index::Index;
use super::reader::{ActBatch, BatchRow, Call, EventId, KeptAbout, Site, Who};
use super::{Activity, KeptAct, Row, at};
use crate::place::Place;

/// Acts of which is kept what they were about; about 300 bytes each.
const MOST_ABOUTS: usize = 200_000;

/// The numbers that a reader's texts, calls and so on have here; `None` for what did not fit.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    texts: Vec<Option<u32>>,
    whos: Vec<Option<u32>>,
    sites: Vec<Option<u32>>,
    calls: Vec<Option<u32>>,
}

impl Activity {
    /// Takes in the rows of a batch that `keep` says yes to; `keep` may be asked about a row more than once.
    pub fn take(&mut self, batch: ActBatch, keep: impl Fn(usize) -> bool) {
        self.index = Index::default();
        let mut numbers = self.readers.remove(&batch.reader).unwrap_or_default();
        self.learn(&batch, &mut numbers);
        for (at, row) in batch.rows.iter().enumerate() {
            if keep(at) {
                self.take_row(row, &numbers);
            }
        }
        let place = self.place_number(&batch.place);
        let abouts = u32::try_from(self.abouts.len()).unwrap_or(u32::MAX);
        for notable in &batch.notable {
            if !keep(notable.row as usize) {
                continue;
            }
            let Some(row) = batch.rows.get(notable.row as usize) else { continue };
            let Some(row) = numbers.of(row) else {
                self.left_out.acts += 1;
                continue;
            };
            let id = match notable.id {
                EventId::Text(text) => match numbers.text(text) {
                    Some(text) => EventId::Text(self.ids.intern(self.texts.get(text))),
                    None => EventId::None,
                },
                id => id,
            };
            let BatchRow { time, who, site, address, user_agent, call } = row;
            let (offset, about) = (notable.offset, notable.about);
            self.keep_act(KeptAct {
                time,
                who,
                site,
                address,
                user_agent,
                call,
                id,
                place,
                offset,
                about,
                abouts,
            });
        }
        if !batch.abouts.is_empty() && self.about <= MOST_ABOUTS {
            self.abouts.push(batch.abouts);
        }
        self.readers.insert(batch.reader, numbers);
    }

    /// Gives what is new in the batch numbers.
    fn learn(&mut self, batch: &ActBatch, numbers: &mut Numbers) {
        // A batch before this one was left away: what it would have said is not known.
        numbers.texts.resize(batch.texts.first, None);
        numbers.whos.resize(batch.whos.first, None);
        numbers.sites.resize(batch.sites.first, None);
        numbers.calls.resize(batch.calls.first, None);
        for text in batch.texts.iter() {
            let number =
                if self.is_text_full() { self.texts.find(text) } else { Some(self.texts.intern(text)) };
            numbers.texts.push(number);
        }
        for who in &batch.whos.all {
            let number = numbers.who(who).filter(|_| !self.is_text_full()).map(|who| {
                self.whos.push(who);
                u32::try_from(self.whos.len() - 1).unwrap_or(u32::MAX)
            });
            numbers.whos.push(number);
        }
        for site in &batch.sites.all {
            let Self { sites, site_numbers, .. } = self;
            let number =
                numbers.text(site.region).zip(numbers.text(site.account)).map(|(region, account)| {
                    let site = Site { region, account };
                    *site_numbers.entry(site).or_insert_with(|| {
                        sites.push(site);
                        u32::try_from(sites.len() - 1).unwrap_or(u32::MAX)
                    })
                });
            numbers.sites.push(number);
        }
        for call in &batch.calls.all {
            let number = self.call_number(call, numbers);
            numbers.calls.push(number);
        }
    }

    fn is_text_full(&self) -> bool {
        self.texts.size() + self.whos.len() * size_of::<Who>() >= self.limits.text_bytes
    }

    fn take_row(&mut self, row: &BatchRow, numbers: &Numbers) {
        self.events += 1;
        let (first, last) = self.span.unwrap_or((row.time, row.time));
        self.span = Some((first.min(row.time), last.max(row.time)));
        if self.rows.len() >= self.limits.rows && !self.is_full {
            self.count_by_hour();
        }
        let known = numbers.of(row).filter(|_| !self.is_full);
        let Some(BatchRow { time: first, who, site, address, user_agent, call }) = known else {
            self.left_out.events += 1;
            let first = at(row.time);
            self.left_out.first = Some(self.left_out.first.map_or(first, |known| known.min(first)));
            return;
        };
        let principal = self.who(who).principal;
        self.rows.push(Row { first, principal, who, site, address, user_agent, call, lasts: 0, count: 1 });
    }

    /// Makes one row of those with the same profile and call within an hour. When that gives little room, there is none.
    fn count_by_hour(&mut self) {
        let mut rows: Vec<(usize, Row)> =
            std::mem::take(&mut self.rows).iter().copied().enumerate().collect();
        rows.sort_by_cached_key(|(_, row)| (self.alikeness(row), row.first));
        rows.dedup_by(|(_, row), (_, known)| {
            let same = row.hour() == known.hour() && self.alikeness(row) == self.alikeness(known);
            if same {
                let last = row.last().max(known.last());
                known.lasts = u32::try_from(last - known.first).unwrap_or(u32::MAX);
                known.count = known.count.saturating_add(row.count);
            }
            same
        });
        // Numbers depend on which thread met a text first; the order of arrival does not.
        rows.sort_by_key(|(at, _)| *at);
        self.rows = rows.into_iter().map(|(_, row)| row).collect();
        self.is_full = self.rows.len() > self.limits.rows - self.limits.rows / 8;
    }

    /// `None` when there is no room for its texts.
    fn call_number(&mut self, call: &Call, numbers: &Numbers) -> Option<u32> {
        let provider = numbers.text(call.provider)?;
        let (action, error) = (numbers.text(call.action)?, numbers.text(call.error)?);
        let known = self.call_numbers.entry((provider, action, error, call.read_only));
        let next = u32::try_from(self.calls.len()).ok()?;
        let number = *known.or_insert(next);
        if number == next {
            self.calls.push(Call { provider, action, error, ..*call });
        }
        Some(number)
    }

    fn keep_act(&mut self, mut act: KeptAct) {
        let is_grave = self.calls.get(act.call as usize).is_some_and(|call| call.gravity.is_some());
        let (kept, limit) = if is_grave {
            (self.grave, self.limits.grave_acts)
        } else {
            (self.acts.len() - self.grave, self.limits.other_acts)
        };
        if kept >= limit {
            self.left_out.acts += 1;
            return;
        }
        self.grave += usize::from(is_grave);
        if act.about != KeptAbout::Nothing {
            self.about += 1;
            if self.about > MOST_ABOUTS {
                act.about = KeptAbout::Nothing;
            }
        }
        self.acts.push(act);
    }

    fn place_number(&mut self, place: &Place) -> u32 {
        // Batches of one input mostly come one after the other.
        if self.places.last() != Some(place) {
            self.places.push(place.clone());
        }
        u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
    }
}

impl Numbers {
    fn text(&self, number: u32) -> Option<u32> {
        self.texts.get(number as usize).copied().flatten()
    }

    /// The row with the numbers from here.
    fn of(&self, row: &BatchRow) -> Option<BatchRow> {
        let number = |numbers: &[Option<u32>], at: u32| numbers.get(at as usize).copied().flatten();
        Some(BatchRow {
            time: row.time,
            who: number(&self.whos, row.who)?,
            site: number(&self.sites, row.site)?,
            address: self.text(row.address)?,
            user_agent: self.text(row.user_agent)?,
            call: number(&self.calls, row.call)?,
        })
    }

    fn who(&self, who: &Who) -> Option<Who> {
        Some(Who {
            principal: self.text(who.principal)?,
            arn: self.text(who.arn)?,
            access_key: who.access_key.map(|text| self.text(text))?,
            account: self.text(who.account)?,
        })
    }
}
