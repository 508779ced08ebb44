//! The REST API: routes, roles, documents on the wire.
