//! Functions over points on the globe.

use super::kind::{Double, Text};
use super::{Call, Function};
use crate::DataType;
use crate::lower::Refused;
use crate::operand::Operand;
use crate::value::geo_point::{self, GeoPoint};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { names: &["st_distance"], check: distance },
    Function { names: &["st_x"], check: |call| coordinate(call, |point| point.longitude) },
    Function { names: &["st_y"], check: |call| coordinate(call, |point| point.latitude) },
    Function { names: &["to_geopoint"], check: to_geopoint },
];

/// Metres between two points.
fn distance(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(2..=2)?;
    let args = [call.typed(0, DataType::GeoPoint)?, call.typed(1, DataType::GeoPoint)?];
    Ok(call.map2::<Text, Text, Double>(args, DataType::Double, |from, to| {
        Ok(Some(geo_point::parse(from)?.distance(geo_point::parse(to)?)))
    }))
}

fn coordinate(call: &mut Call<'_, '_>, f: fn(GeoPoint) -> f64) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let point = call.typed(0, DataType::GeoPoint)?;
    Ok(call.map1::<Text, Double>(point, DataType::Double, move |point| Ok(Some(f(geo_point::parse(point)?)))))
}

fn to_geopoint(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let value = call.args[0].clone();
    call.convert(value, DataType::GeoPoint)
}
