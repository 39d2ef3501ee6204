# The detector as a small image without a shell: one static binary.
#
#   docker build -t anomalydetector .
#   docker run -v data:/data -e KAFKA_HOST=kafka1:9092 anomalydetector hegemonydetector.conf
#   docker run -v ./my.conf:/app/customdetector.conf anomalydetector customdetector.conf

FROM docker.io/library/golang:1.26-bookworm AS build
WORKDIR /src
# The modules rarely change, so they have a layer of their own.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=devel
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X anomalydetector/bootstrap.release=${VERSION}" -o /out/anomalydetector .
# The final image also needs a user, and folders that this user can write to.
RUN mkdir -p /out/etc /out/data /out/tmp \
 && echo 'nonroot:x:65532:65532:nonroot:/app:/sbin/nologin' >/out/etc/passwd \
 && echo 'nonroot:x:65532:' >/out/etc/group

FROM scratch
# With these the detector checks the certificates of brokers that use TLS.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/etc/ /etc/
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build --chown=65532:65532 /out/tmp /tmp
COPY --from=build /out/anomalydetector /usr/local/bin/anomalydetector
# A number, so Kubernetes can see that the user is not root.
USER 65532:65532
# A bare name is a file in this folder. If there is none, it is a built-in configuration.
WORKDIR /app
# DETECTOR_DATA_DIR: the state outlives the container.
# container: logs go to stdout, even if the engine leaves no mark in the file system.
# DETECTOR_HTTP: within a container, loopback is of no use. The operator decides which port
# to publish.
ENV DETECTOR_DATA_DIR=/data container=oci DETECTOR_HTTP=0.0.0.0:8080 DETECTOR_HTTP_INSECURE=yes
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/usr/local/bin/anomalydetector", "health"]
VOLUME /data
ENTRYPOINT ["/usr/local/bin/anomalydetector"]
CMD ["hegemonydetector.conf"]
