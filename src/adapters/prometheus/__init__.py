"""Metrics as Prometheus reads them (prometheus_client)."""
