package bootstrap

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"

	"anomalydetector/configs"
	"anomalydetector/notify"
	"anomalydetector/notify/feed"
	"anomalydetector/stream"
	"anomalydetector/web"
)

// alerting tells Alertmanagers of the episodes of a detector. It reads their topic by itself, so each process
// with the configuration tells all of them.
type alerting struct {
	streams  stream.Config
	notifier *notify.Notifier
	to       *feed.Feed
}

// newAlerting prepares to tell; nil: there is no Alertmanager.
func newAlerting(config *configs.Config, streams stream.Config, site *site, log *slog.Logger, world *World) (*alerting, error) {
	section := &config.Notify
	if len(section.Alertmanagers) == 0 {
		return nil, nil
	}
	client, err := notify.NewClient(notify.Files{CA: section.TLSCA, Cert: section.TLSCert, Key: section.TLSKey,
		Username: section.Username, PasswordFile: section.PasswordFile, TokenFile: section.TokenFile})
	if err != nil {
		return nil, fmt.Errorf("[notify]: %w", err)
	}
	settings := notify.Config{
		Detector: config.Name, KeyFields: config.IO.KeyFields, Alertmanagers: section.Alertmanagers, Kinds: section.Kinds,
		Page: section.URL, Resend: section.ResendInterval, Timeout: section.Timeout, Client: client, Log: log, Now: world.Now,
	}
	if settings.Page == "" {
		settings.Page = elsewhere(site.page())
	}
	if site != nil {
		settings.Latency = site.MeasureNotifications(config.Name)
	}
	streams.OutputTopic = config.Episodes.OutputTopic
	a := &alerting{streams: streams}
	if a.notifier, err = notify.New(settings); err != nil {
		return nil, fmt.Errorf("[notify] alertmanager: %w", err)
	}
	log.Info("Alertmanagers will be told of episodes", "alertmanagers", strings.Join(section.Alertmanagers, ","), "topic", config.Episodes.OutputTopic)
	var once sync.Once
	a.to = feed.New(a.notifier, func(records int) {
		once.Do(func() {
			log.Warn("records of the episodes topic are no events of episodes; alerts leave them out", "topic", config.Episodes.OutputTopic, "records", records)
		})
	})
	return a, nil
}

// elsewhere is the URL of the page with a host that other machines may know; empty: there is no page.
func elsewhere(page string) string {
	at, err := url.Parse(page)
	if page == "" || err != nil {
		return ""
	}
	ip := net.ParseIP(at.Hostname())
	if name, err := os.Hostname(); err == nil && (ip == nil || ip.IsLoopback() || ip.IsUnspecified()) {
		at.Host = net.JoinHostPort(name, at.Port())
	}
	return at.String()
}

// status is how far the Alertmanagers have been told, for /metrics.
func (a *alerting) status() (all []web.Notified) {
	for _, s := range a.notifier.Status() {
		all = append(all, web.Notified{Alertmanager: s.Alertmanager, Sent: s.Sent, Errors: s.Errors, Dropped: s.Dropped, Waiting: s.Waiting})
	}
	return all
}

// alert tells Alertmanagers until stop is called.
func alert(all []*built) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, b := range all {
		if a := b.alerting; a != nil {
			running.Go(func() { stream.FollowOutput(ctx, a.streams, feed.Span, a.to) })
			running.Go(func() { a.notifier.Run(ctx) })
		}
	}
	return func() error {
		cancel()
		running.Wait()
		return nil
	}
}
