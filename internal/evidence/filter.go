package evidence

import "time"

// Filter is a selection of events that somebody keeps under a name.
type Filter struct {
	ID         ID
	Workspace  ID
	Member     ID     // whose it is
	Owner      string // his name, "" if he is a member no more
	Name       string
	Shared     bool   // the whole workspace sees it
	Lapse      string // a range up to now, such as 7d; empty: Span
	Span       Span   // used if Lapse is empty
	Connection ID     // empty: all
	Stream     Stream // empty: all
	Where      []Match
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Lapses gives the ranges up to now that a Filter may name, shortest first.
func Lapses() []Lapse {
	const day = 24 * time.Hour
	return []Lapse{
		{"1h", "Last hour", time.Hour}, {"24h", "Last 24 hours", day}, {"7d", "Last 7 days", 7 * day},
		{"30d", "Last 30 days", 30 * day}, {"120d", "Last 120 days", 120 * day}, {"366d", "Last 366 days", 366 * day},
	}
}

// Lapse is a range of time up to now.
type Lapse struct {
	Word, Label string
	Length      time.Duration
}

// Query is the filter as it stands at now.
func (f Filter) Query(now time.Time) Query {
	q := Query{Workspace: f.Workspace, Span: f.Span, Where: f.Where}
	for _, l := range Lapses() {
		if l.Word == f.Lapse {
			q.Span = Span{From: now.Add(-l.Length), To: now.Truncate(time.Minute).Add(time.Minute)}
		}
	}
	if f.Connection != "" {
		q.Connections = []ID{f.Connection}
	}
	if f.Stream != "" {
		q.Streams = []Stream{f.Stream}
	}
	return q
}
