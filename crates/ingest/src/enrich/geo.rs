//! Where an IP address lies and who routes it, from MaxMind-format databases that the user brings.

use std::net::IpAddr;
use std::path::Path;

use maxminddb::{Reader, geoip2};
use serde_json::{Map, Value, json};

use crate::IngestError;

/// A city (or country) database and one of autonomous systems; either may be missing.
#[derive(Default)]
pub struct GeoDatabases {
    city: Option<Reader<Vec<u8>>>,
    asn: Option<Reader<Vec<u8>>>,
}

impl std::fmt::Debug for GeoDatabases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind =
            |reader: &Option<Reader<Vec<u8>>>| reader.as_ref().map(|r| r.metadata().database_type.clone());
        f.debug_struct("GeoDatabases")
            .field("city", &kind(&self.city))
            .field("asn", &kind(&self.asn))
            .finish()
    }
}

impl GeoDatabases {
    /// Reads the files whole into memory. In the place of a city database one of countries will do.
    ///
    /// # Errors
    /// [`IngestError::GeoDatabase`] when a file cannot be read or is no such database,
    /// [`IngestError::GeoDatabaseKind`] when the two are mixed up.
    pub fn open(city: Option<&Path>, asn: Option<&Path>) -> Result<Self, IngestError> {
        Ok(Self {
            city: city.map(|path| open(path, "cities", &["ASN"])).transpose()?,
            asn: asn.map(|path| open(path, "autonomous systems", &["City", "Country"])).transpose()?,
        })
    }

    /// `continent_name`, `country_iso_code`, `country_name`, `region_iso_code`, `region_name`, `city_name` and
    /// `location`, as far as they are known; names in English. Damaged entries are the same as none.
    pub fn city(&self, ip: IpAddr) -> Map<String, Value> {
        let mut fields = Map::new();
        let Some(city) = self
            .city
            .as_ref()
            .and_then(|reader| reader.lookup(ip).ok()?.decode::<geoip2::City<'_>>().ok()?)
        else {
            return fields;
        };
        let region = city.subdivisions.last();
        let region_code =
            region.and_then(|region| Some(format!("{}-{}", city.country.iso_code?, region.iso_code?)));
        let mut put = |field: &str, value: Option<&str>| {
            if let Some(value) = value {
                fields.insert(field.to_owned(), Value::from(value));
            }
        };
        put("continent_name", city.continent.names.english);
        put("country_iso_code", city.country.iso_code);
        put("country_name", city.country.names.english);
        put("region_iso_code", region_code.as_deref());
        put("region_name", region.and_then(|region| region.names.english));
        put("city_name", city.city.names.english);
        if let (Some(lat), Some(lon)) = (city.location.latitude, city.location.longitude) {
            fields.insert("location".to_owned(), json!({"lat": lat, "lon": lon}));
        }
        fields
    }

    /// `number` and `organization.name`, as far as they are known.
    pub fn autonomous_system(&self, ip: IpAddr) -> Map<String, Value> {
        let mut fields = Map::new();
        if let Some(asn) =
            self.asn.as_ref().and_then(|reader| reader.lookup(ip).ok()?.decode::<geoip2::Asn<'_>>().ok()?)
        {
            if let Some(number) = asn.autonomous_system_number {
                fields.insert("number".to_owned(), Value::from(number));
            }
            if let Some(name) = asn.autonomous_system_organization {
                fields.insert("organization".to_owned(), json!({"name": name}));
            }
        }
        fields
    }
}

/// Reads a database that is not of the `other` kinds.
fn open(path: &Path, expected: &'static str, other: &[&str]) -> Result<Reader<Vec<u8>>, IngestError> {
    let reader = Reader::open_readfile(path)
        .map_err(|source| IngestError::GeoDatabase { path: path.to_owned(), source })?;
    let found = &reader.metadata().database_type;
    if other.iter().any(|kind| found.contains(kind)) {
        return Err(IngestError::GeoDatabaseKind { path: path.to_owned(), expected, found: found.clone() });
    }
    Ok(reader)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("data/maxmind-test-data").join(name)
    }

    fn databases() -> GeoDatabases {
        GeoDatabases::open(Some(&file("GeoLite2-City-Test.mmdb")), Some(&file("GeoLite2-ASN-Test.mmdb")))
            .unwrap()
    }

    #[test]
    fn addresses_have_a_place_and_a_network() {
        let databases = databases();
        let ip = "89.160.20.156".parse().unwrap();
        assert_eq!(
            Value::Object(databases.city(ip)),
            json!({
                "continent_name": "Europe", "country_iso_code": "SE", "country_name": "Sweden",
                "region_iso_code": "SE-E", "region_name": "Östergötland County", "city_name": "Linköping",
                "location": {"lat": 58.4167, "lon": 15.6167}
            })
        );
        assert_eq!(
            Value::Object(databases.autonomous_system(ip)),
            json!({"number": 29518, "organization": {"name": "Bredband2 AB"}})
        );
        let nameless = databases.autonomous_system("216.160.83.56".parse().unwrap());
        assert_eq!(Value::Object(nameless), json!({"number": 209}));
    }

    #[test]
    fn unknown_addresses_have_neither() {
        for ip in ["127.0.0.1", "10.0.0.1", "::1"] {
            let ip = ip.parse().unwrap();
            assert_eq!((databases().city(ip), databases().autonomous_system(ip)), (Map::new(), Map::new()));
            assert!(GeoDatabases::default().city(ip).is_empty());
        }
    }

    #[test]
    fn databases_that_are_mixed_up_are_refused() {
        let (city, asn) = (file("GeoLite2-City-Test.mmdb"), file("GeoLite2-ASN-Test.mmdb"));
        for (city, asn, expected) in [
            (
                Some(asn.as_path()),
                None,
                "GeoLite2-ASN-Test.mmdb is a GeoLite2-ASN database, not one of cities",
            ),
            (
                None,
                Some(city.as_path()),
                "GeoLite2-City-Test.mmdb is a GeoLite2-City database, not one of autonomous systems",
            ),
        ] {
            let error = GeoDatabases::open(city, asn).unwrap_err().to_string();
            assert!(error.ends_with(expected), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_no_database_is_refused_by_name() {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        for path in [manifest.as_path(), Path::new("missing.mmdb")] {
            let error = GeoDatabases::open(None, Some(path)).unwrap_err();
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        }
    }
}
