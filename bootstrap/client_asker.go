package bootstrap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"anomalydetector/configs"
	"anomalydetector/messages"
)

// siteOf finds the address of the API of the process that runs a configuration.
func siteOf(ctx context.Context, config *configs.Config) (string, error) {
	section := config.HTTP
	switch {
	case section.Listen == "":
		return "", &configs.Error{File: config.Source, Section: "http", Key: "listen", Problem: "it is off, so a running detector cannot be asked",
			Expected: "want [http] listen or [cluster] listen in the configuration that it runs with, or --node host:port"}
	case section.WebConfigFile != "":
		return "", &configs.Error{File: config.Source, Section: "cluster", Key: "listen", Problem: "a detector with [http] web_config_file can be asked at [cluster] listen only",
			Expected: "want host:port in the configuration that it runs with, or --node host:port"}
	case !section.Default:
		return reachable(section.Listen), nil
	}
	var problem error
	for _, address := range defaultAddresses() {
		switch answer, err := askHealth(ctx, address, "/healthz?verbose"); {
		case err == nil && answer.names(config.Name):
			return address, nil
		case problem == nil && err != nil:
			problem = fmt.Errorf("ask the detector at %s: %w", address, err)
		case problem == nil:
			problem = fmt.Errorf("the process at %s runs no detector %s", address, config.Name)
		}
	}
	return "", problem
}

// siteAsker asks a process at its [http] listen.
type siteAsker struct{}

// mostSite bounds an answer, in bytes: a window takes 20 kB.
const mostSite = 64 << 20

// Status asks the process for the status of all nodes.
func (siteAsker) Status(ctx context.Context, address string) (status messages.ClusterStatus, err error) {
	err = askSite(ctx, address, "/v1/cluster", url.Values{}, &status)
	return status, err
}

// Entity asks the process for an entity.
func (siteAsker) Entity(ctx context.Context, address, detector, key string) (found messages.EntityAnswer, err error) {
	err = askSite(ctx, address, "/v1/entity", url.Values{"detector": {detector}, "key": {key}}, &found)
	return found, err
}

func askSite(ctx context.Context, address, path string, values url.Values, into any) error {
	if until, ok := ctx.Deadline(); ok { // leaves time for the way back
		values.Set("timeout", min(max(time.Until(until)*9/10, time.Millisecond), 20*time.Second).String())
	}
	where := url.URL{Scheme: "http", Host: address, Path: path, RawQuery: values.Encode()}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, where.String(), nil)
	if err != nil {
		return err
	}
	response, err := siteClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask the detector at %s: %w", address, errors.Unwrap(err))
	}
	defer response.Body.Close()
	body := io.LimitReader(response.Body, mostSite)
	if response.StatusCode != http.StatusOK {
		var problem struct{ Detail string }
		_ = json.NewDecoder(body).Decode(&problem) // without a detail, the error has the status only
		return fmt.Errorf("ask the detector at %s: it answers %s: %s", address, response.Status, problem.Detail)
	}
	if err := json.NewDecoder(body).Decode(into); err != nil {
		return fmt.Errorf("ask the detector at %s: the answer is not that of an anomaly detector: %w", address, err)
	}
	return nil
}

// siteClient asks the given address itself: it uses no proxy and follows no redirect.
var siteClient = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}
