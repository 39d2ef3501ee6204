// Package api serves the answers of an answers.Source as JSON, CSV, NDJSON and server-sent events under
// /api/v1, and describes itself as OpenAPI 3.1.
//
// It only reads. It imports answers, and configs (to find the nearest of some names); it knows neither actors
// nor Kafka. The package that mounts it checks the host, sets the headers and limits the connections.
package api
