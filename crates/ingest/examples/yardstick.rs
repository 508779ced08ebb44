//! What a machine can do at best with gzipped CloudTrail: inflate the files, or inflate and parse each into a DOM.
//!
//! `yardstick inflate FOLDER` and `yardstick parse FOLDER` do it once, on one thread, and print what they went through;
//! `bench/hunt` measures how much processor time that took. `parse` is the yardstick L that hunts are compared with.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use std::path::Path;

use libdeflater::Decompressor;
use sonic_rs::{JsonContainerTrait, JsonValueTrait};
use walkdir::WalkDir;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [step, folder] = arguments.as_slice() else {
        return Err("usage: yardstick inflate|parse FOLDER".into());
    };
    let parse = match step.as_str() {
        "inflate" => false,
        "parse" => true,
        other => return Err(format!("no step {other:?}: inflate or parse").into()),
    };
    let (mut decompressor, mut text) = (Decompressor::new(), Vec::new());
    let (mut files, mut bytes, mut records) = (0, 0, 0);
    for entry in WalkDir::new(folder) {
        let entry = entry?;
        if entry.path().extension().is_none_or(|extension| extension != "gz") {
            continue;
        }
        let size = inflate(&mut decompressor, entry.path(), &mut text)?;
        files += 1;
        bytes += size;
        if parse {
            let document: sonic_rs::Value = sonic_rs::from_slice(&text[..size])?;
            records += document.get("Records").and_then(|list| list.as_array()).map_or(0, |list| list.len());
        }
    }
    println!(r#"{{"files":{files},"bytes":{bytes},"records":{records}}}"#);
    Ok(())
}

/// Inflates a file of one gzip member, as the corpus has them; its last four bytes are its size.
fn inflate(
    decompressor: &mut Decompressor,
    path: &Path,
    text: &mut Vec<u8>,
) -> Result<usize, Box<dyn Error>> {
    let packed = std::fs::read(path)?;
    let Some((_, &size)) = packed.split_last_chunk::<4>() else {
        return Err(format!("{}: too short for gzip", path.display()).into());
    };
    let size = u32::from_le_bytes(size) as usize;
    if text.len() < size {
        text.resize(size, 0);
    }
    Ok(decompressor.gzip_decompress(&packed, &mut text[..size])?)
}
