//! Where logs are found: files and folders, standard input.

pub mod directory;
pub mod stdin;

pub use directory::{Found, InputFile, find};
