# dynoxide, which speaks DynamoDB's protocol over one SQLite file: for one machine, never for production. It has the version
# that the server's own embedded store has, so that the file is the same.
ARG RUST=rust:1.95.0-slim-bookworm@sha256:d7482085ff5b415f84dba5647ae71606650bdef00db7aeb69f4b3d170c3e4082

FROM ${RUST} AS build
RUN RUSTFLAGS="--codegen target-feature=+crt-static" \
    cargo install --locked --root /image --target "$(rustc --print host-tuple)" --version 3.2.0 \
    --no-default-features --features native-sqlite,http-server,cli dynoxide-rs

FROM scratch
COPY --from=build /image/bin/dynoxide /dynoxide
USER 65532:65532
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=2s --retries=3 CMD ["/dynoxide", "healthcheck"]
ENTRYPOINT ["/dynoxide"]
