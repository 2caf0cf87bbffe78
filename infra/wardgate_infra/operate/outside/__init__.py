"""A stage as its clients reach it: over HTTPS, by the issuer's own address, with nothing that a client has not."""
