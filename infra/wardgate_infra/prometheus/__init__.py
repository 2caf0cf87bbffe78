"""Prometheus for the standalone server: rules out of CloudWatch's alarms, and what tries them."""
