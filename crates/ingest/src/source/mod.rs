//! Where logs are found: files and folders, standard input; and sources that never end, which hand over deliveries.

pub mod delivery;
pub mod directory;
pub mod folder;
pub mod stdin;

pub use delivery::{Delivery, Input, LiveSource, Receipt, SetAside};
pub use directory::{Found, InputFile, find};
pub use folder::{FolderSettings, FolderSource};
