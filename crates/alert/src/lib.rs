//! Hits become alerts: the alert document, identity, reason.
