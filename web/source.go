package web

import (
	"anomalydetector/web/answers"
	"anomalydetector/web/api"
)

// Show lets the API answer from now on.
func (s *Site) Show(source answers.Source) { s.source.Store(&source) }

// CloseStreams ends what would keep a server from closing.
func (s *Site) CloseStreams() { s.api.Close() }

func (s *Site) newAPI() *api.API {
	return api.New(api.Config{
		Version: s.config.Version, Log: s.config.Log, Now: s.config.Now, Begin: s.beginQuestion,
		Source: func() answers.Source {
			if source := s.source.Load(); source != nil {
				return *source
			}
			return nil
		},
	})
}
