//! Reads any text as date math; what parses is resolved or out of range, and rounding up never comes before rounding down.

#![no_main]

use ecs::DateMath;
use ecs::time::Rounding;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(math) = text.parse::<DateMath>() else { return };
    let now = jiff::Timestamp::UNIX_EPOCH;
    if let (Ok(down), Ok(up)) = (math.resolve(now, Rounding::Down), math.resolve(now, Rounding::Up)) {
        assert!(down <= up, "{text:?}: {down} {up}");
    }
});
