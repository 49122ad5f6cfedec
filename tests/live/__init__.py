"""Real servers: Prometheus, Alertmanager, the practice city."""
