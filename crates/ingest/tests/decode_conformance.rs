//! Every record of the shared conformance data is recognised. Runs when `BARTIZAN_SHARED` names its folder.

use std::path::Path;

use bartizan_ingest as ingest;
use ingest::decode::Outcome;
use ingest::source::find;
use ingest::{Buffers, Limits, decode};

#[test]
fn every_line_of_the_data_sets_is_a_record() {
    let Some(shared) = std::env::var_os("BARTIZAN_SHARED") else {
        println!("not run: BARTIZAN_SHARED is not set to the folder of the conformance data");
        return;
    };
    let data = Path::new(&shared).join("data");
    let found = find(&[data.join("cloudtrail-ecs"), data.join("detections/data")]).unwrap();
    let (limits, mut buffers, mut bytes) = (Limits::default(), Buffers::new(), Vec::new());
    let mut files = 0;
    for file in &found.files {
        if !file.path.extension().is_some_and(|extension| extension == "log" || extension == "ndjson") {
            continue;
        }
        file.read(&limits, &mut bytes).unwrap();
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
        let decoded = decode(&bytes, &limits, &mut buffers, &mut |_| {});
        assert_eq!((decoded.records, &decoded.outcome), (lines as u64, &Outcome::Read), "{}", file.name());
        files += 1;
    }
    assert!(files > 0, "no data under {}", data.display());
}
