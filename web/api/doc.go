// Package api serves what an answers.Source knows as JSON, CSV, NDJSON and server-sent
// events under /api/v1, and describes itself as OpenAPI 3.1.
//
// It only reads. It knows answers and configs (for the nearest of some names), neither
// actors nor Kafka. Whoever mounts it sees to the host, the headers and the connections.
package api
