"""infra/kubernetes: what kustomize makes of it, and the rules that each stage's manifests have to keep."""
