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

// Problem is why there is no answer: RFC 9457.
type Problem struct {
	Type       string        `json:"type" example:"about:blank"`
	Title      string        `json:"title" doc:"The status in words"`
	Status     int           `json:"status" example:"400"`
	Detail     string        `json:"detail" doc:"The error and the way out of it, in a sentence"`
	Parameter  string        `json:"parameter,omitempty" doc:"Of the request that is at fault" example:"limit"`
	Value      string        `json:"value,omitempty" doc:"Of that parameter, shortened"`
	Similar    []string      `json:"similar,omitempty" doc:"Names that are known and look like the one that is not" nullable:"false"`
	RetryAfter time.Duration `json:"-"`
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus is for huma, as are the next two.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders tells when to ask again, in whole seconds.
func (p *Problem) GetHeaders() http.Header {
	if p.RetryAfter <= 0 {
		return nil
	}
	return http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds())))}}
}

// ContentType is that of a problem.
func (p *Problem) ContentType(string) string { return problemType }

// complete fills in what follows from the status.
func (p *Problem) complete() *Problem {
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	return p
}

// huma makes an error of whatever it finds wrong by this variable. The program has only
// one API.
func init() {
	huma.NewErrorWithContext = func(_ huma.Context, status int, message string, all ...error) huma.StatusError {
		return problemOf(status, message, all)
	}
	huma.NewError = func(status int, message string, all ...error) huma.StatusError {
		return problemOf(status, message, all)
	}
}

// problemOf is the first of some errors: whoever mends it is told the next one.
func problemOf(status int, message string, all []error) *Problem {
	p := &Problem{Status: status, Detail: message}
	if status == http.StatusUnprocessableEntity { // there are no bodies: it is a parameter
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
			return wrong(name, "", "%s is missing", name).complete() // huma says no more of one that is empty
		}
		value := fmt.Sprint(detail.Value)
		return wrong(name, value, "%s is %.50q: %s", name, value, what).complete()
	default:
		p.Detail += ": " + all[0].Error()
		return p.complete()
	}
}

// wrong is a parameter that cannot be used.
func wrong(parameter, value, format string, arguments ...any) *Problem {
	return &Problem{Status: http.StatusBadRequest, Parameter: parameter, Value: short(value), Detail: fmt.Sprintf(format, arguments...)}
}

// short keeps a problem from repeating all that it was sent.
func short(text string) string { return fmt.Sprintf("%.100s", text) }

// problem is what an error of a Source means to whoever asked.
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

// notBegun is said until there is a Source.
func notBegun() *Problem {
	return &Problem{Status: http.StatusServiceUnavailable, Detail: "the detectors have not begun", RetryAfter: time.Second}
}

func busy(what string) *Problem {
	return &Problem{Status: http.StatusServiceUnavailable, Detail: what, RetryAfter: time.Second}
}
