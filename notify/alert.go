package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"anomalydetector/episode"
	"anomalydetector/notify/alerts"
)

// names are the values of the label alertname.
var names = map[string]string{alerts.Deviation: "AnomalyEpisode", alerts.Absence: "EntityAbsent", alerts.Gap: "PipelineGap"}

// Kinds are the kinds of episodes that there are alerts of.
func Kinds() []string { return []string{alerts.Deviation, alerts.Absence, alerts.Gap} }

// ownLabels are the labels that every alert may have.
var ownLabels = []string{"alertname", "detector", "kind", "direction", "entity", "partition"}

// labelNames makes names of labels from the names of key fields: a letter or an underscore, then letters, digits and
// underscores. Names that are taken get field_ before them, or a number behind.
func labelNames(fields []string) (all []string) {
	for _, field := range fields {
		name := strings.Map(func(r rune) rune {
			if isWord(r) {
				return r
			}
			return '_'
		}, field)
		if name == "" || name[0] >= '0' && name[0] <= '9' || strings.HasPrefix(name, "__") || slices.Contains(ownLabels, name) {
			name = "field_" + name
		}
		free := name
		for i := 2; slices.Contains(all, free); i++ {
			free = name + "_" + strconv.Itoa(i)
		}
		all = append(all, free)
	}
	return all
}

func isWord(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// labelMost is how many bytes the value of a label has at most.
const labelMost = 256

// cut makes a label's value of any text. If it is too long, its hash keeps it apart from others with the same beginning.
func cut(text string) string {
	text = strings.ToValidUTF8(text, "�")
	if len(text) <= labelMost {
		return strings.Clone(text)
	}
	hash := sha256.Sum256([]byte(text))
	mark := "…" + hex.EncodeToString(hash[:4])
	end := labelMost - len(mark)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + mark
}

// alert is the alert of an event. It is false if the event is not told.
func (n *Notifier) alert(e *Event) (a alerts.Alert, told bool) {
	r := &e.Record
	if names[r.Kind] == "" || n.config.Kinds != nil && !slices.Contains(n.config.Kinds, r.Kind) {
		return a, false
	}
	a = alerts.Alert{
		Kind: r.Kind, Entity: cut(r.Entity), Partition: -1, ID: cut(r.ID),
		OpenedAt: r.OpenedAt, At: r.At, Resolved: r.Event == episode.Resolved.String(), ResolvedAt: r.Resolved, Outcome: cut(r.Outcome),
		Usual: r.Usual, Low: r.Low, High: r.High, Value: r.Value, Deviation: r.Deviation,
	}
	if r.Direction == "above" || r.Direction == "below" {
		a.Direction = r.Direction
	}
	if a.Resolved && a.ResolvedAt == 0 {
		a.ResolvedAt = r.At
	}
	if r.Kind == alerts.Gap {
		a.Entity, a.Partition = "", e.Partition
		return a, true
	}
	for _, field := range n.config.KeyFields {
		a.Values = append(a.Values, cut(r.Fields[field]))
	}
	return a, true
}

// endures is how many times Resend an open alert lasts in an Alertmanager that hears no more of it.
const endures = 4

// wire makes an alert for the API. The labels do not depend on whether it is resolved.
func (n *Notifier) wire(a *alerts.Alert, now time.Time) wire {
	w := wire{Labels: map[string]string{"alertname": names[a.Kind], "detector": n.config.Detector, "kind": a.Kind}, GeneratorURL: n.link(a)}
	set := func(name, value string) {
		if value != "" {
			w.Labels[name] = value
		}
	}
	set("entity", a.Entity)
	set("direction", a.Direction)
	for i, value := range a.Values {
		set(n.labels[i], value)
	}
	if a.Kind == alerts.Gap {
		set("partition", strconv.Itoa(int(a.Partition)))
	}
	// An Alertmanager keeps the earliest begin that it was told, so the begin may be the present time. It must be: a group whose
	// first alert began longer ago than group_wait does not wait for its other alerts, and episodes open in the past.
	w.StartsAt, w.EndsAt = now.UTC(), now.UTC()
	if !a.Resolved {
		w.EndsAt = w.StartsAt.Add(endures * n.config.Resend)
	}
	w.Annotations = n.annotations(a, w.GeneratorURL)
	return w
}

// link is the page of an alert's entity.
func (n *Notifier) link(a *alerts.Alert) string {
	if n.config.Page == "" {
		return ""
	}
	query := url.Values{"detector": {n.config.Detector}}
	if a.Kind == alerts.Gap || strings.Contains(a.Entity, "…") {
		return n.config.Page + "?" + query.Encode() // it has no entity, or its key was cut
	}
	query.Set("key", a.Entity)
	if a.Kind == alerts.Deviation {
		query.Set("anomaly", a.ID)
	}
	return n.config.Page + "entity?" + query.Encode()
}
