# syntax=docker/dockerfile:1
# Builds server, tool and browser files; the last stage holds them, the ONNX Runtime library, and nothing to build with.
FROM rust:1.95-bookworm AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# Versions are not pinned: Debian removes old ones from its archive, and a pinned build would stop.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3 python3-pip \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo xtask runtime && cargo xtask web \
 && cargo build --release --package seedmark-site --bin seedmark-server \
 && cargo build --release --package seedmark-cli \
 && mkdir -p /out/site \
 && cp target/release/seedmark-server target/release/seedmark "$(cargo xtask runtime | tail -n 1)" /out/ \
 && cp -r target/site/assets target/site/manifest.json /out/site/ \
 && cp -r public /out/public

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates curl libstdc++6 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --create-home seedmark \
 && mkdir /data && chown 10001 /data
COPY --from=build /out /opt/seedmark
USER 10001
WORKDIR /opt/seedmark
ENV SEEDMARK_LOG_FORMAT=json
VOLUME /data
EXPOSE 4610
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["curl", "--fail", "--silent", "http://127.0.0.1:4610/healthz"]
ENTRYPOINT ["/opt/seedmark/seedmark-server"]
CMD ["serve", "--no-demo", "--data", "/data", "--host", "0.0.0.0", "--site", "/opt/seedmark/site", "--public", "/opt/seedmark/public"]
