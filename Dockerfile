# The detector as a small image without a shell: one static binary.
#
#   docker build -t internethealthreport/anomalydetector .
#   docker run --rm --name as-hegemony-detector internethealthreport/anomalydetector hegemonydetector.conf
#   docker run -v ./my.conf:/app/customdetector.conf:ro internethealthreport/anomalydetector customdetector.conf
#
# `make image` also fills in version, commit and time, and makes the same layers again from the same commit.

# The compiler runs on the machine that builds, whatever platform the image is for.
FROM --platform=$BUILDPLATFORM docker.io/library/golang:1.26-bookworm AS build
WORKDIR /src
# The modules rarely change, so they have a layer of their own.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION
ARG REVISION
ARG CREATED
ARG TARGETOS
ARG TARGETARCH
ENV GOCACHE=/go/build CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} GOFLAGS=-buildvcs=false
RUN go build -trimpath -o /out/anomalydetector -ldflags "-s -w \
    -X anomalydetector/bootstrap.release=${VERSION} \
    -X anomalydetector/bootstrap.revision=${REVISION} \
    -X anomalydetector/bootstrap.committed=${CREATED}" .
# The final image also needs a user, and folders that this user can write to.
RUN mkdir -p /out/etc /out/data /out/tmp /out/app /out/doc \
 && cp LICENSE NOTICE /out/doc/ && ops/notices >/out/doc/THIRD_PARTY_NOTICES \
 && echo 'nonroot:x:65532:65532:nonroot:/app:/sbin/nologin' >/out/etc/passwd \
 && echo 'nonroot:x:65532:' >/out/etc/group

FROM scratch
# With these the detector checks the certificates of brokers that use TLS.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/etc/ /etc/
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build --chown=65532:65532 /out/tmp /tmp
# Log files go here with DETECTOR_LOG=file, if the root is not read-only or a volume is mounted here.
COPY --from=build --chown=65532:65532 /out/app /app
COPY --from=build /out/doc/ /usr/share/doc/anomalydetector/
COPY --from=build /out/anomalydetector /usr/local/bin/anomalydetector
# A number, so Kubernetes can see that the user is not root.
USER 65532:65532
# A bare name is a file in this folder. If there is none, it is a built-in configuration.
WORKDIR /app
# DETECTOR_DATA_DIR: the state outlives the container.
# container: logs go to stdout, even if the engine leaves no mark in the file system.
# DETECTOR_HTTP: within a container, loopback is of no use. The operator decides which port
# to publish.
# DETECTOR_HEALTH: HEALTHCHECK needs no password, and finds the port whatever the configuration says.
# DETECTOR_STOP_TIMEOUT: docker stop kills after 10 s.
ENV DETECTOR_DATA_DIR=/data container=oci DETECTOR_HTTP=0.0.0.0:8080 DETECTOR_HTTP_INSECURE=yes DETECTOR_HEALTH=127.0.0.1:8079 \
    DETECTOR_STOP_TIMEOUT=9s
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/usr/local/bin/anomalydetector", "health"]
VOLUME /data
ENTRYPOINT ["/usr/local/bin/anomalydetector"]
CMD ["hegemonydetector.conf"]
ARG VERSION
ARG REVISION
ARG CREATED
LABEL org.opencontainers.image.title="anomalydetector" \
      org.opencontainers.image.description="Finds anomalies in streams of Internet measurements and reports each exactly once" \
      org.opencontainers.image.source="https://github.com/InternetHealthReport/anomalydetector" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
