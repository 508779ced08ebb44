//! What a data set's records mean: one module per data set turns its raw records into ECS documents.

pub mod aws_cloudtrail;
pub mod ecs;
