# The detector, as a static binary for a user without rights, and nothing else.
FROM docker.io/library/golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false \
      -ldflags "-s -w -X anomalydetector/bootstrap.release=$VERSION" -o /out/anomalydetector . \
 && mkdir /out/data

FROM scratch
# Certificate authorities, for brokers with TLS.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/anomalydetector /usr/local/bin/anomalydetector
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
# A configuration of your own is mounted here: /app/customdetector.conf.
WORKDIR /app
# The node's identity: give each container a volume of its own.
ENV DETECTOR_DATA_DIR=/data
VOLUME /data
ENTRYPOINT ["/usr/local/bin/anomalydetector"]
CMD ["hegemonydetector.conf"]
