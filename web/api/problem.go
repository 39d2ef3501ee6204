package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"anomalydetector/web/answers"
)

const problemType = "application/problem+json"

// Problem says why there is no answer (RFC 9457).
type Problem struct {
	Type       string        `json:"type" example:"about:blank"`
	Title      string        `json:"title" doc:"The status in words"`
	Status     int           `json:"status" example:"400"`
	Detail     string        `json:"detail" doc:"What was wrong and what to do about it, in a sentence"`
	Parameter  string        `json:"parameter,omitempty" doc:"The parameter of the request that is at fault" example:"limit"`
	Value      string        `json:"value,omitempty" doc:"The value of that parameter, shortened"`
	Similar    []string      `json:"similar,omitempty" doc:"Known names that are similar to the unknown one" nullable:"false"`
	RetryAfter time.Duration `json:"-"`
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus is called by huma, as are the next two methods.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders says when to ask again, in whole seconds.
func (p *Problem) GetHeaders() http.Header {
	if p.RetryAfter <= 0 {
		return nil
	}
	return http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds())))}}
}

// ContentType is the type of a problem.
func (p *Problem) ContentType(string) string { return problemType }

// complete fills in what follows from the status.
func (p *Problem) complete() *Problem {
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	return p
}

// huma makes its errors with this variable. That it is global does no harm, because the program has one API.
func init() {
	huma.NewErrorWithContext = func(_ huma.Context, status int, message string, all ...error) huma.StatusError {
		return problemOf(status, message, all)
	}
	huma.NewError = func(status int, message string, all ...error) huma.StatusError {
		return problemOf(status, message, all)
	}
}

// problemOf is the first of some errors. The client gets the next one when this one is mended.
func problemOf(status int, message string, all []error) *Problem {
	p := &Problem{Status: status, Detail: message}
	if status == http.StatusUnprocessableEntity { // no request has a body, so a parameter is wrong
		p.Status = http.StatusBadRequest
	}
	if len(all) == 0 {
		return p.complete()
	}
	var ours *Problem
	var detail *huma.ErrorDetail
	switch {
	case errors.As(all[0], &ours):
		return ours.complete()
	case errors.As(all[0], &detail):
		_, name, _ := strings.Cut(detail.Location, ".")
		what := strings.Replace(detail.Message, "expected", "want", 1)
		if detail.Value == nil || detail.Value == "" {
			return wrong(name, "", "%s is missing", name).complete() // huma says no more about an empty one
		}
		value := fmt.Sprint(detail.Value)
		return wrong(name, value, "%s is %.50q: %s", name, value, what).complete()
	default:
		p.Detail += ": " + all[0].Error()
		return p.complete()
	}
}

// wrong is the problem of a parameter that cannot be used.
func wrong(parameter, value, format string, arguments ...any) *Problem {
	return &Problem{Status: http.StatusBadRequest, Parameter: parameter, Value: short(value), Detail: fmt.Sprintf(format, arguments...)}
}

// short keeps a problem from repeating a long text that it was sent.
func short(text string) string { return fmt.Sprintf("%.100s", text) }

// problem is what an error of a Source means to the client.
func (a *API) problem(err error, timeout time.Duration) *Problem {
	var theirs *answers.Problem
	var ours *Problem
	switch {
	case errors.As(err, &ours):
		return ours.complete()
	case errors.As(err, &theirs):
		p := &Problem{Status: theirs.Status, Detail: theirs.Detail, Parameter: theirs.Parameter, Similar: theirs.Similar, RetryAfter: theirs.RetryAfter}
		if theirs.Value != nil {
			p.Value = short(fmt.Sprint(theirs.Value))
		}
		if p.Status < 400 || p.Status > 599 {
			p.Status = http.StatusInternalServerError
		}
		return p.complete()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return (&Problem{Status: http.StatusServiceUnavailable, RetryAfter: time.Second,
			Detail: fmt.Sprintf("there was no answer within %s", timeout)}).complete()
	}
	a.config.Log.Error("a question over HTTP failed", "problem", err)
	return (&Problem{Status: http.StatusInternalServerError, Detail: "this is an error of the program; the log has it"}).complete()
}

// notBegun is the problem until there is a Source.
func notBegun() *Problem {
	return &Problem{Status: http.StatusServiceUnavailable, Detail: "the detectors have not begun", RetryAfter: time.Second}
}

func busy(what string) *Problem {
	return &Problem{Status: http.StatusServiceUnavailable, Detail: what, RetryAfter: time.Second}
}
