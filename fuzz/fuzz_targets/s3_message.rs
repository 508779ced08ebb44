//! Reads any text as a message of a queue; it names objects of buckets, or is refused whole.

#![no_main]

use ingest::source::s3_notification::{S3Message, read_s3_message};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(S3Message::Objects(objects)) = read_s3_message(text) {
        for object in objects {
            assert!(!object.bucket.is_empty() && !object.key.is_empty(), "{object:?}");
        }
    }
});
