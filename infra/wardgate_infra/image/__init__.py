"""The container image: what it is made of, how it is built, and a trial of it on this machine."""
