//! Points on the globe as well-known text, and how far they lie from each other.
//!
//! Source: OGC "Simple Features", well-known text; Lucene's `SloppyMath.haversinMeters`, which elastic/elasticsearch
//! takes for `ST_DISTANCE`.

use super::number::double_to_text;
use super::{Outcome, Refusal};

/// A text that is no point.
pub const NOT_A_POINT: Refusal = Refusal("text is no point such as POINT(longitude latitude)");

/// The mean radius of the Earth in metres.
const EARTH_RADIUS: f64 = 6_371_008.771_4;

/// A point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeoPoint {
    /// Degrees to the east.
    pub longitude: f64,
    /// Degrees to the north.
    pub latitude: f64,
}

/// Reads `POINT(longitude latitude)`, in any case, with blanks anywhere between words and numbers.
pub fn parse(text: &str) -> Outcome<GeoPoint> {
    read(text).ok_or(NOT_A_POINT)
}

fn read(text: &str) -> Option<GeoPoint> {
    let text = text.trim();
    let (name, rest) = text.split_at_checked(5)?;
    let inside = rest.trim_start().strip_prefix('(')?.strip_suffix(')')?;
    let mut numbers =
        inside.split_ascii_whitespace().map(|number| number.parse::<f64>().ok().filter(|x| x.is_finite()));
    let (longitude, latitude) = (numbers.next()??, numbers.next()??);
    let is_point = name.eq_ignore_ascii_case("point") && numbers.next().is_none();
    let on_globe = longitude.abs() <= 180.0 && latitude.abs() <= 90.0;
    (is_point && on_globe).then_some(GeoPoint { longitude, latitude })
}

impl GeoPoint {
    /// `POINT (longitude latitude)`
    pub fn to_text(self) -> String {
        format!("POINT ({} {})", double_to_text(self.longitude), double_to_text(self.latitude))
    }

    /// Metres to another point along the surface of a sphere.
    pub fn distance(self, other: Self) -> f64 {
        let (north, other_north) = (self.latitude.to_radians(), other.latitude.to_radians());
        let across = ((other_north - north) / 2.0).sin();
        let along = ((other.longitude - self.longitude).to_radians() / 2.0).sin();
        let part = across * across + north.cos() * other_north.cos() * along * along;
        2.0 * EARTH_RADIUS * part.min(1.0).sqrt().asin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_and_printed() {
        for text in ["POINT(12.5 41.9)", "point ( 12.5  41.9 )", " POINT (12.5 41.9) "] {
            assert_eq!(parse(text).unwrap().to_text(), "POINT (12.5 41.9)");
        }
        for text in [
            "",
            "POINT",
            "POINT(1)",
            "POINT(1 2 3)",
            "POINT(a b)",
            "POINT(181 0)",
            "POINT(0 91)",
            "LINE(1 2)",
            "POINT(1 NaN)",
        ] {
            assert_eq!(parse(text), Err(NOT_A_POINT), "{text}");
        }
    }

    #[test]
    fn distances() {
        let point = |longitude, latitude| GeoPoint { longitude, latitude };
        let quarter = std::f64::consts::FRAC_PI_2 * EARTH_RADIUS;
        for (from, to, metres) in [
            (point(0.0, 0.0), point(0.0, 0.0), 0.0),
            (point(0.0, 0.0), point(90.0, 0.0), quarter),
            (point(10.0, 90.0), point(70.0, 0.0), quarter),
            (point(0.0, 0.0), point(180.0, 0.0), 2.0 * quarter),
        ] {
            assert!((from.distance(to) - metres).abs() < 1e-3, "{from:?} {to:?}");
        }
    }
}
