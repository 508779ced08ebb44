//! Raw logs become events: sources, decoders, integrations, the ledger.
