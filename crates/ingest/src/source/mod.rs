//! Where logs are found: files and folders, standard input; and sources that never end, which hand over deliveries.

#[cfg(feature = "aws")]
pub mod aws_chain;
#[cfg(feature = "aws")]
pub mod aws_clients;
pub mod cloudtrail_key;
pub mod delivery;
pub mod directory;
pub mod elasticsearch_bulk;
pub mod elasticsearch_handshake;
pub mod folder;
pub mod http_events;
pub mod s3_notification;
#[cfg(feature = "aws")]
mod s3_object;
#[cfg(feature = "aws")]
pub mod s3_prefix;
#[cfg(feature = "aws")]
pub mod sqs;
pub mod stdin;

#[cfg(feature = "aws")]
pub use aws_chain::{AwsChain, AwsKey};
#[cfg(feature = "aws")]
pub use aws_clients::{AwsClients, AwsSettings};

pub use delivery::{Delivery, Input, LiveSource, Receipt, SetAside};
pub use directory::{Found, InputFile, find};
pub use folder::{FolderSettings, FolderSource};
#[cfg(feature = "aws")]
pub use s3_prefix::{S3PrefixSettings, S3PrefixSource};
#[cfg(feature = "aws")]
pub use sqs::{SqsSettings, SqsSource};
