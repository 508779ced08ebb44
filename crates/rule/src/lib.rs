//! Elastic's rules as types: formats, exception lists, suppression, schedule, checks.
