package bootstrap

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/configs"
	"anomalydetector/stream"
	"anomalydetector/web"
)

// httpOf is the configuration whose [http] section holds for the process: the first that has one, or the
// first of all. It returns a *configs.Error if two sections differ; a configuration without the section
// differs from none.
func httpOf(confs []*configs.Config) (agreed *configs.Config, err error) {
	for _, config := range confs {
		switch {
		case !config.HTTP.Given:
		case agreed == nil:
			agreed = config
		case agreed.HTTP != config.HTTP:
			return nil, &configs.Error{File: config.Source, Section: "http", Problem: "it differs from that of " + agreed.Source,
				Expected: "want the same section in all configurations of a process, which share the port"}
		}
	}
	if agreed == nil {
		agreed = confs[0]
	}
	return agreed, nil
}

// site is the page, API, metrics and health that the process serves over HTTP; nil if it serves none.
type site struct {
	*web.Site
	servers []*web.Server
	address string // host:port; empty: only health is served
	url     string // the same for people
}

// openSite listens before anything else begins, so that a taken port is an error at once. From then on
// it answers health probes.
func openSite(confs []*configs.Config, world *World, log *slog.Logger, logs *logs, again *reloader, options Options) (*site, error) {
	config, err := httpOf(confs)
	if err != nil {
		return nil, err
	}
	section := config.HTTP
	listen := net.Listen
	if options.Listener != nil {
		listen = options.Listener
		if section.Default { // a test's network opens the ports that the test sets, no default one
			section.Listen = ""
		}
	}
	if section.Listen == "" && section.HealthListen == "" && section.Health == "" {
		return nil, nil
	}
	if section.WebConfigFile != "" {
		if err := web.CheckConfigFile(section.WebConfigFile); err != nil {
			return nil, webConfigError(config, err)
		}
	}
	s := &site{Site: web.New(web.Config{Version: version(), Names: names(confs), Log: log, Now: world.Now,
		Lost: logs.lost, Reload: func() web.Reload { return *again.last.Load() }})}
	if section.Listen != "" {
		listener, err := listenHTTP(section, listen)
		switch {
		case err != nil && section.Default:
			log.Warn("no page, metrics or health over HTTP: no port is free", "tried", section.Listen, "problem", err,
				"what_to_do", "set [http] listen, or DETECTOR_HTTP")
		case err != nil:
			return nil, fmt.Errorf("[http] listen: %w", err)
		default:
			s.url = urlOf(listener.Addr().String(), section)
			log.Info("serving page, metrics and health over HTTP", "url", s.url)
			s.address = listener.Addr().String()
			s.servers = append(s.servers, web.Serve(listener, s.Handler(configs.Loopback(section.Listen)), section.WebConfigFile, log))
		}
	}
	for _, health := range []struct{ from, address string }{{"[http] health_listen", section.HealthListen}, {"DETECTOR_HEALTH", section.Health}} {
		if health.address == "" {
			continue
		}
		listener, err := listen("tcp", health.address)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", health.from, err), s.close())
		}
		s.servers = append(s.servers, web.Serve(listener, s.HealthHandler(configs.Loopback(health.address)), "", log))
	}
	return s, nil
}

// webConfigError is the error for a web_config_file that cannot be used.
func webConfigError(config *configs.Config, err error) error {
	return &configs.Error{File: config.Source, Section: "http", Key: "web_config_file", Problem: err.Error(),
		Expected: "want a web configuration file of Prometheus's exporter toolkit"}
}

// page is the URL of the page; empty: there is none.
func (s *site) page() string {
	if s == nil {
		return ""
	}
	return s.url
}

func names(confs []*configs.Config) (all []string) {
	for _, config := range confs {
		all = append(all, config.Name)
	}
	return all
}

// portsTried is how many ports are tried, beginning with the default one.
const portsTried = 100

// listenHTTP opens the configured port. If none is configured, it takes the first free one from the
// default port on.
func listenHTTP(section configs.HTTP, listen func(network, address string) (net.Listener, error)) (listener net.Listener, err error) {
	if !section.Default {
		return listen("tcp", section.Listen)
	}
	for _, address := range defaultAddresses() {
		if listener, err = listen("tcp", address); err == nil || !errors.Is(err, syscall.EADDRINUSE) {
			return listener, err
		}
	}
	return nil, err
}

// defaultAddresses are the addresses at which a process without a configured one may listen.
func defaultAddresses() (all []string) {
	host, port, _ := net.SplitHostPort(configs.DefaultHTTP)
	first, _ := strconv.Atoi(port)
	for port := first; port < first+portsTried; port++ {
		all = append(all, net.JoinHostPort(host, strconv.Itoa(port)))
	}
	return all
}

// urlOf is the URL of the page at an address.
func urlOf(address string, section configs.HTTP) string {
	if section.WebConfigFile != "" && web.SpeaksTLS(section.WebConfigFile) {
		return "https://" + address + "/"
	}
	return "http://" + address + "/"
}

func (s *site) close() error {
	s.CloseStreams()
	var all error
	for _, server := range s.servers {
		all = errors.Join(all, server.Close())
	}
	return all
}

// show connects a detector that is not started yet to the site: its metrics, and what the site shows.
func (b *built) show(site *site, streams *stream.Config, granularity float64, synthetic bool) {
	if site == nil {
		return
	}
	detector, observer := b.config, streams.Observer
	detector.Measure = site.Measure(detector.Name)
	streams.Hook = func(purpose string) kgo.Hook { return site.KafkaHook(detector.Name, purpose) }
	b.shown = &web.Detector{
		Name: detector.Name, Synthetic: synthetic, Granularity: time.Duration(granularity * float64(time.Minute)),
		Report: detector.Report, Counts: &detector.Counts, Rebalances: observer.Rebalances,
	}
	if detector.Store != nil {
		b.shown.Store = detector.Store
	}
}

// begin makes the site show the detectors. They have been started.
func (s *site) begin(all []*built) {
	var shown []*web.Detector
	for _, b := range all {
		if peers := b.peers; peers != nil {
			b.shown.Group = func() (web.Group, bool) {
				nodes, unowned, known := peers.Group()
				return web.Group{Nodes: nodes, Unowned: unowned}, known
			}
		}
		shown = append(shown, b.shown)
	}
	s.Begin(shown)
}
