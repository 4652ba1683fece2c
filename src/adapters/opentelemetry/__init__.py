"""Traces for any collector of OpenTelemetry, by OTLP over HTTP."""
