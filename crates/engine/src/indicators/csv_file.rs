//! Indicators as CSV: the first line names ECS fields, or is `type,value` among others.

use std::borrow::Cow;

use ecs::{Catalog, Document};
use serde_json::{Map, Value};

use super::{IndicatorAccount, IndicatorFault};
use crate::error::EngineError;

type Record = Result<Map<String, Value>, IndicatorFault>;
type Sink<'s> = dyn FnMut(&mut IndicatorAccount, Record) -> Result<(), EngineError> + 's;

/// What a column holds.
enum Column {
    Field(String),
    Type,
    Value,
    Ignored,
}

/// Reads the rows. Lines that begin with `#` are remarks and no records.
pub(super) fn read(
    bytes: &[u8],
    catalog: &Catalog,
    account: &mut IndicatorAccount,
    sink: &mut Sink<'_>,
) -> Result<(), EngineError> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(true)
        .flexible(true)
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let header = match reader.byte_headers() {
        Ok(header) => header.clone(),
        Err(error) => {
            account.unreadable = Some(error.to_string());
            return Ok(());
        }
    };
    let names: Vec<Cow<'_, str>> = header.iter().map(String::from_utf8_lossy).collect();
    let Some(columns) = columns(&names, catalog, &mut account.ignored_columns) else {
        account.unreadable = Some(
            "its first line names no field that is known: it is to be `type,value` or the names of ECS fields"
                .to_owned(),
        );
        return Ok(());
    };
    let mut row = csv::ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut row) {
            Ok(false) => return Ok(()),
            Ok(true) if row.len() != columns.len() => sink(account, Err(IndicatorFault::Cells))?,
            Ok(true) => sink(account, indicator(&columns, &row))?,
            Err(error) if error.is_io_error() => {
                account.unreadable = Some(error.to_string());
                return Ok(());
            }
            Err(_) => sink(account, Err(IndicatorFault::Cells))?,
        }
    }
}

/// `None` when no column says what is looked for.
fn columns(names: &[Cow<'_, str>], catalog: &Catalog, ignored: &mut Vec<String>) -> Option<Vec<Column>> {
    let is = |name: &str, word: &str| name.eq_ignore_ascii_case(word);
    let short = names.iter().any(|name| is(name, "type")) && names.iter().any(|name| is(name, "value"));
    if !short && !names.iter().any(|name| catalog.field(name).is_some()) {
        return None;
    }
    let column = |name: &Cow<'_, str>| match name.as_ref() {
        name if short && is(name, "type") => Column::Type,
        name if short && is(name, "value") => Column::Value,
        name if name.contains('.') || catalog.field(name).is_some() => Column::Field(name.to_owned()),
        name => {
            ignored.push(name.to_owned());
            Column::Ignored
        }
    };
    Some(names.iter().map(column).collect())
}

fn indicator(columns: &[Column], row: &csv::ByteRecord) -> Record {
    let mut document = Document::new();
    let (mut kind, mut value) = (None, None);
    for (column, cell) in columns.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
        let cell = String::from_utf8_lossy(cell);
        match column {
            Column::Field(name) => document.set(name, cell.as_ref()),
            Column::Type => kind = Some(cell),
            Column::Value => value = Some(cell),
            Column::Ignored => {}
        }
    }
    if columns.iter().any(|column| matches!(column, Column::Value)) {
        let (Some(kind), Some(value)) = (kind, value) else { return Err(IndicatorFault::Empty) };
        for (field, value) in of_type(&kind, &value)? {
            document.set(&format!("threat.indicator.{field}"), value);
        }
    }
    Ok(document.into_map())
}

/// The fields of an indicator, below `threat.indicator`. Types and names are those of ECS.
fn of_type(kind: &str, value: &str) -> Result<Vec<(String, String)>, IndicatorFault> {
    let (found, own): (&str, Vec<(String, String)>) = match kind.to_ascii_lowercase().as_str() {
        "ip" | "ipv4" | "ipv6" | "ipv4-addr" | "ipv6-addr" | "cidr" => {
            let network = matcher::value::network(value).ok_or(IndicatorFault::NoAddress)?;
            let found = if network.addr().is_ipv4() { "ipv4-addr" } else { "ipv6-addr" };
            (found, vec![("ip".to_owned(), value.to_owned())])
        }
        "domain" | "domain-name" | "hostname" | "fqdn" => {
            ("domain-name", vec![("url.domain".to_owned(), value.to_ascii_lowercase())])
        }
        "url" | "uri" => {
            let field = |name: &str| (name.to_owned(), value.to_owned());
            ("url", vec![field("url.full"), field("url.original")])
        }
        kind @ ("hash" | "file" | "file-hash" | "filehash" | "md5" | "sha1" | "sha-1" | "sha256"
        | "sha-256" | "sha512" | "sha-512") => {
            let name = match value.len() {
                32 => "md5",
                40 => "sha1",
                64 => "sha256",
                128 => "sha512",
                _ => return Err(IndicatorFault::NoHash),
            };
            let any = kind.starts_with("hash") || kind.starts_with("file");
            if !(any || kind.replace('-', "") == name) || !value.bytes().all(|byte| byte.is_ascii_hexdigit())
            {
                return Err(IndicatorFault::NoHash);
            }
            ("file", vec![(format!("file.hash.{name}"), value.to_ascii_lowercase())])
        }
        "email" | "email-addr" | "email-address" => {
            ("email-addr", vec![("email.address".to_owned(), value.to_owned())])
        }
        "registry" | "windows-registry-key" => {
            ("windows-registry-key", vec![("registry.path".to_owned(), value.to_owned())])
        }
        _ => return Err(IndicatorFault::UnknownType),
    };
    let common = [("type".to_owned(), found.to_owned()), ("name".to_owned(), value.to_owned())];
    Ok(common.into_iter().chain(own).collect())
}
