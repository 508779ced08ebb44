//! Shippers of others: the Python client of Elasticsearch, and rsyslog.
