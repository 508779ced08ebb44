//! Addresses: 16 bytes, IPv4 mapped to IPv6.
//!
//! Source: elastic/elasticsearch x-pack/plugin/esql/src/main/java/org/elasticsearch/xpack/esql/expression/function/
//! scalar/{convert/ParseIp,ip/CIDRMatch,ip/IpPrefix}.java; server/src/main/java/org/elasticsearch/common/network/
//! {InetAddresses,CIDRUtils}.java.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Outcome, Refusal};

/// A text that is no address.
pub const NOT_AN_IP: Refusal = Refusal("text is no IP address");
/// A text that is neither an address nor a block of addresses.
pub const NOT_A_BLOCK: Refusal = Refusal("text is no block of IP addresses");
/// A length of a prefix beyond 32 bits for IPv4 and 128 for IPv6.
pub const BAD_PREFIX: Refusal = Refusal("the length of the prefix is out of range");

/// How IPv4 parts that begin with a zero are read: `192.168.010.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LeadingZeros {
    /// As no address.
    #[default]
    Reject,
    /// As octal numbers.
    Octal,
    /// As decimal numbers.
    Decimal,
}

impl LeadingZeros {
    /// Reads the value of the option `leading_zeros` of `TO_IP`.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "reject" => Some(Self::Reject),
            "octal" => Some(Self::Octal),
            "decimal" => Some(Self::Decimal),
            _ => None,
        }
    }
}

/// An address from text. IPv4 parts must not begin with a zero.
pub fn parse(text: &str) -> Outcome<[u8; 16]> {
    parse_with(text, LeadingZeros::Reject)
}

/// An address from text, IPv4 parts that begin with a zero read in the given way.
pub fn parse_with(text: &str, zeros: LeadingZeros) -> Outcome<[u8; 16]> {
    let address: IpAddr = match (text.parse(), zeros) {
        (Ok(address), _) => address,
        (Err(_), LeadingZeros::Reject) => return Err(NOT_AN_IP),
        (Err(_), zeros) => IpAddr::V4(parse_v4(text, zeros).ok_or(NOT_AN_IP)?),
    };
    Ok(bytes(address))
}

/// The 16 bytes of an address.
pub fn bytes(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

fn parse_v4(text: &str, zeros: LeadingZeros) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next()?;
        let octal = zeros == LeadingZeros::Octal && part.len() > 1 && part.starts_with('0');
        let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        *octet = digits.then(|| u8::from_str_radix(part, if octal { 8 } else { 10 }).ok()).flatten()?;
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

/// The address of 16 bytes; `None` of any other number.
pub fn from_bytes(bytes: &[u8]) -> Option<[u8; 16]> {
    bytes.try_into().ok()
}

/// An address as text: IPv4 with dots, also when it is mapped; IPv6 with its longest run of zeros left out. Empty
/// for any other number of bytes.
pub fn to_text(bytes: &[u8]) -> String {
    let Some(address) = from_bytes(bytes).map(Ipv6Addr::from) else { return String::new() };
    if let Some(address) = address.to_ipv4_mapped() {
        return address.to_string();
    }
    // Two groups of numbers at the end are never written with dots.
    let text = address.to_string();
    if !text.contains('.') {
        return text;
    }
    let [.., high, low] = address.segments();
    let start = text.rfind(':').map_or(0, |at| at + 1);
    format!("{}{high:x}:{low:x}", &text[..start])
}

/// A block of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address. Bits beyond the prefix do not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Block {
    network: u128,
    mask: u128,
}

impl Block {
    /// Reads a block.
    pub fn parse(text: &str) -> Outcome<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NOT_A_BLOCK)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let digits = length.is_none_or(|length| length.bytes().all(|byte| byte.is_ascii_digit()));
        let length: u32 = length.map_or(Ok(most), str::parse).map_err(|_| NOT_A_BLOCK)?;
        if length > most || !digits {
            return Err(NOT_A_BLOCK);
        }
        let mask = mask(128 - (most - length));
        Ok(Self { network: u128::from_be_bytes(bytes(address)) & mask, mask })
    }

    /// True when the address lies in the block.
    pub fn contains(self, address: [u8; 16]) -> bool {
        u128::from_be_bytes(address) & self.mask == self.network
    }
}

/// `IP_PREFIX`: the first bits of an address, so many of one of IPv4, so many of one of IPv6.
pub fn prefix(address: [u8; 16], v4_length: i32, v6_length: i32) -> Outcome<[u8; 16]> {
    if !(0..=32).contains(&v4_length) || !(0..=128).contains(&v6_length) {
        return Err(BAD_PREFIX);
    }
    let is_v4 = Ipv6Addr::from(address).to_ipv4_mapped().is_some();
    let length = if is_v4 { v4_length + 96 } else { v6_length };
    Ok((u128::from_be_bytes(address) & mask(length.unsigned_abs())).to_be_bytes())
}

/// So many ones, then zeros.
fn mask(length: u32) -> u128 {
    u128::MAX.checked_shl(128 - length).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ip(text: &str) -> [u8; 16] {
        parse(text).unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn addresses_are_read_and_printed() {
        let table = [
            ("127.0.0.1", "127.0.0.1"),
            ("::ffff:10.1.2.3", "10.1.2.3"),
            ("2001:0DB8:0:0:0:0:0:1", "2001:db8::1"),
            ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
            ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
            ("::1.2.3.4", "::102:304"),
            ("::", "::"),
            ("::1", "::1"),
            ("fe80::1", "fe80::1"),
        ];
        for (text, printed) in table {
            assert_eq!(to_text(&ip(text)), printed);
        }
        for text in [
            "",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "01.2.3.4",
            "a",
            ":::",
            "1.2.3.4 ",
            "10.0.0.0/8",
            "fe80::1%eth0",
        ] {
            assert_eq!(parse(text), Err(NOT_AN_IP), "{text}");
        }
    }

    #[test]
    fn leading_zeros() {
        let table = [
            ("192.168.010.1", LeadingZeros::Octal, Some("192.168.8.1")),
            ("192.168.010.1", LeadingZeros::Decimal, Some("192.168.10.1")),
            ("192.168.09.1", LeadingZeros::Octal, None),
            ("192.168.09.1", LeadingZeros::Decimal, Some("192.168.9.1")),
            ("192.168.0.1", LeadingZeros::Octal, Some("192.168.0.1")),
            ("1.2.3.", LeadingZeros::Decimal, None),
            ("1.2.3.+4", LeadingZeros::Decimal, None),
        ];
        for (text, zeros, printed) in table {
            assert_eq!(
                parse_with(text, zeros).ok().map(|bytes| to_text(&bytes)).as_deref(),
                printed,
                "{text} {zeros:?}"
            );
        }
        assert_eq!(LeadingZeros::parse("octal"), Some(LeadingZeros::Octal));
        assert_eq!(LeadingZeros::parse("hex"), None);
    }

    #[test]
    fn blocks_hold_addresses() {
        let table = [
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.1.2.3/8", "10.255.0.1", true),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "1.2.3.4", true),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("10.0.0.0/32", "10.0.0.0", true),
        ];
        for (block, address, held) in table {
            assert_eq!(Block::parse(block).unwrap().contains(ip(address)), held, "{block} {address}");
        }
        for block in ["", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/+8", "10.0.0/8", "x/8"] {
            assert_eq!(Block::parse(block), Err(NOT_A_BLOCK), "{block}");
        }
    }

    #[test]
    fn prefixes() {
        let table = [
            ("192.168.17.200", 24, 64, "192.168.17.0"),
            ("192.168.17.200", 20, 64, "192.168.16.0"),
            ("192.168.17.200", 0, 0, "0.0.0.0"),
            ("2001:db8:1:2:3::", 24, 48, "2001:db8:1::"),
            ("2001:db8:1:2:3::", 0, 0, "::"),
            ("2001:db8::1", 0, 128, "2001:db8::1"),
        ];
        for (address, v4, v6, result) in table {
            assert_eq!(
                prefix(ip(address), v4, v6).map(|bytes| to_text(&bytes)).as_deref(),
                Ok(result),
                "{address}"
            );
        }
        for (v4, v6) in [(-1, 0), (33, 0), (0, -1), (0, 129)] {
            assert_eq!(prefix(ip("1.2.3.4"), v4, v6), Err(BAD_PREFIX));
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(bytes: [u8; 16], v4: [u8; 4]) {
            prop_assert_eq!(ip(&to_text(&bytes)), bytes);
            let mapped = self::bytes(Ipv4Addr::from(v4).into());
            prop_assert_eq!(ip(&to_text(&mapped)), mapped);
        }
    }
}
