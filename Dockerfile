# Builds Postern and puts the program, and nothing of what built it, on a small Debian.
# Needs no BuildKit: the dependencies are a layer of their own, which stays until Cargo.lock or a manifest changes.

FROM rust:1-bookworm AS build
WORKDIR /build

# The manifests, with empty crates under them.
COPY Cargo.toml Cargo.lock ./
COPY crates/auth/Cargo.toml crates/auth/
COPY crates/destinations/Cargo.toml crates/destinations/
COPY crates/forwarded/Cargo.toml crates/forwarded/
COPY crates/mail/Cargo.toml crates/mail/
COPY crates/postern/Cargo.toml crates/postern/
COPY crates/rpc/Cargo.toml crates/rpc/
COPY crates/server-model/Cargo.toml crates/server-model/
COPY crates/server-model-derive/Cargo.toml crates/server-model-derive/
COPY crates/web/Cargo.toml crates/web/
COPY crates/words/Cargo.toml crates/words/
COPY migrations/Cargo.toml migrations/
# Not part of the program, but members of the workspace, without which the lock file does not fit (`cargo xtask check`
# looks that none is missing).
COPY bench/Cargo.toml bench/
COPY tests/Cargo.toml tests/
COPY xtask/Cargo.toml xtask/
RUN set -eu; \
    for crate in crates/auth crates/destinations crates/forwarded crates/mail crates/rpc crates/server-model crates/server-model-derive crates/web crates/words \
                 migrations bench tests xtask; do \
      mkdir -p "$crate/src"; \
      : > "$crate/src/lib.rs"; \
    done; \
    mkdir -p crates/postern/src; \
    echo 'fn main() {}' > crates/postern/src/main.rs; \
    cargo build --release --locked --package postern; \
    rm -r crates/*/src migrations/src

COPY crates crates
COPY migrations migrations
# Cargo goes by modification times, and a checkout may be older than the empty crates above.
RUN find crates migrations -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --package postern

FROM debian:bookworm-slim
# The authorities that mail servers and providers are checked against.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home --home-dir /var/lib/postern --shell /usr/sbin/nologin postern \
    && install --directory --owner=postern --group=postern --mode=0700 /var/lib/postern
COPY --from=build /build/target/release/postern /usr/local/bin/postern

# By number, so that a cluster can see that it is not root.
USER 10001:10001
# The SQLite file, where no other database is named. Nothing else is written: the rest may be read-only.
WORKDIR /var/lib/postern
VOLUME /var/lib/postern
ENV POSTERN_LISTEN=0.0.0.0:8069
EXPOSE 8069
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["postern", "health"]
ENTRYPOINT ["postern"]
