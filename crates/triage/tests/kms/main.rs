//! What is known of KMS keys, asked of made-up records, of random ones and, where they are at hand, of AWS's samples.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod aws_samples;
mod made_log;
mod stories;
mod two_ways;
