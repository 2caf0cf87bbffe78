"""compose.yaml: what it needs laid out, and a trial of it with processes of this machine."""
