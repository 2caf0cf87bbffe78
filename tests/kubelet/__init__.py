"""A stand-in for a cluster: what kubelet, deployment controller and service do, done to processes by the rendered
manifest of production (SA-18). It knows what that manifest says and nothing else of Kubernetes."""
