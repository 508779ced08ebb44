//! `cidrMatch` on a computed address.

use std::net::IpAddr;

use crate::computed::Value;
use crate::value::{contains, network};

/// Is the address in one of the networks? Null for null and for what is no address or no network.
pub(super) fn cidr_match(source: &Value<'_>, networks: &[Value<'_>]) -> Option<bool> {
    let ip: IpAddr = source.as_text()?.parse().ok()?;
    let mut found = false;
    for one in networks {
        found |= contains(&network(one.as_text()?)?, ip);
    }
    Some(found)
}
