"""Effects: the only place that touches the session, files, brokers, tables and registries."""
