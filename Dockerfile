# The standalone server, alone in an image: no shell, no package, no other file. `make image` builds it with the bases of
# infra/image/pins.toml, and says version and revision. docs/operations/standalone.md says how it is run.
ARG RUST=rust:1.95.0-slim-bookworm@sha256:d7482085ff5b415f84dba5647ae71606650bdef00db7aeb69f4b3d170c3e4082

FROM ${RUST} AS build
WORKDIR /source
# The toolchain of the base has this version; the file would ask for parts that only a checkout needs.
ENV RUSTUP_TOOLCHAIN=1.95.0 CARGO_INCREMENTAL=0
COPY . .
# With what AWS does around the functions, and without the feature dev: no store, no keys and no outbox of its own (PL-06). A target has to be named, or the flag would
# reach the compiler's own plug-ins, which cannot be static.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target \
    target="$(rustc --print host-tuple)" && \
    RUSTFLAGS="--codegen target-feature=+crt-static" \
    cargo build --locked --release --target "$target" --package wardgate-server --features standalone && \
    install -D --mode 0555 "target/$target/release/wardgate-server" /image/wardgate-server

FROM scratch AS server
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="wardgate-server" \
      org.opencontainers.image.description="Wardgate's endpoints in one process" \
      org.opencontainers.image.licenses="Apache-2.0 OR MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /image/ /
# A container has an address of its own. Whoever runs it says who may reach which port.
ENV AUTH__HTTP__BIND='["0.0.0.0"]' \
    AUTH__OPS__BIND='["0.0.0.0"]'
# By number, so that Kubernetes sees that it is not root: there is no /etc/passwd.
USER 65532:65532
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["/wardgate-server", "check"]
ENTRYPOINT ["/wardgate-server"]
