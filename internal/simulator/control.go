package simulator

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// controls adds the paths that change the running simulator. They are no part of the Events API, need no token, and
// answer only to the machine itself. Browsers cannot be made to call them from other sites.
func (s *Simulator) controls(mux *http.ServeMux) {
	guard := http.NewCrossOriginProtection()
	add := func(pattern string, h func(r *http.Request) (any, error)) {
		mux.Handle(pattern, guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !fromLoopback(r) {
				http.Error(w, "the simulator's controls answer only to the machine itself", http.StatusForbidden)
				return
			}
			answer, err := h(r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			reply(w, answer)
		})))
	}
	add("GET /simulator/status", s.controlStatus)
	add("GET /simulator/story", func(*http.Request) (any, error) { return map[string]any{"incidents": s.Story()}, nil })
	add("POST /simulator/tokens", s.controlToken)
	add("POST /simulator/revoke", s.controlRevoke)
	add("POST /simulator/faults", s.controlFaults)
	add("POST /simulator/late", s.controlLate)
}

func fromLoopback(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && net.ParseIP(host).IsLoopback()
}

// readControl reads the body of a control; none at all is an empty object.
func readControl(r *http.Request, v any) error {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	if err != nil {
		return fmt.Errorf("reading the body: %w", err)
	}
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("the body is not the JSON that is expected: %w", err)
	}
	return nil
}

func (s *Simulator) controlStatus(*http.Request) (any, error) {
	return struct {
		Account string         `json:"account_uuid"`
		Events  map[Stream]int `json:"events"`
		Stats   Stats          `json:"stats"`
	}{s.AccountUUID(), s.Counts(), s.Stats()}, nil
}

// controlToken: {"features":["…"],"expires_in":"1h","audience":"…"} → {"token":"…"}.
func (s *Simulator) controlToken(r *http.Request) (any, error) {
	var in struct {
		Features  []string `json:"features"`
		ExpiresIn string   `json:"expires_in"`
		Audience  string   `json:"audience"`
	}
	if err := readControl(r, &in); err != nil {
		return nil, err
	}
	o := TokenOptions{Features: in.Features, Audience: in.Audience}
	if in.ExpiresIn != "" {
		d, err := time.ParseDuration(in.ExpiresIn)
		if err != nil {
			return nil, fmt.Errorf("expires_in is not a duration like 1h: %q", in.ExpiresIn)
		}
		o.Expires = s.config.Now().Add(d)
	}
	token, err := s.IssueToken(o)
	return map[string]string{"token": token}, err
}

// controlRevoke: {"token":"…"} revokes one token, no body all that were issued so far.
func (s *Simulator) controlRevoke(r *http.Request) (any, error) {
	var in struct {
		Token string `json:"token"`
	}
	if err := readControl(r, &in); err != nil {
		return nil, err
	}
	if in.Token == "" {
		s.RevokeAll()
		return map[string]string{"revoked": "all"}, nil
	}
	return map[string]string{"revoked": "one"}, s.Revoke(in.Token)
}

// controlFaults: {"faults":["5xx=0.1","hang@itemusages=1"]} replaces the faults; no body ends them.
func (s *Simulator) controlFaults(r *http.Request) (any, error) {
	var in struct {
		Faults []string `json:"faults"`
	}
	if err := readControl(r, &in); err != nil {
		return nil, err
	}
	var faults []Fault
	for _, text := range in.Faults {
		f, err := ParseFaults(text)
		if err != nil {
			return nil, err
		}
		faults = append(faults, f...)
	}
	return map[string]int{"faults": len(faults)}, s.SetFaults(faults...)
}

// controlLate: {"stream":"itemusages","events":[{…}]} adds events, no body releases the withheld ones.
func (s *Simulator) controlLate(r *http.Request) (any, error) {
	var in struct {
		Stream Stream            `json:"stream"`
		Events []json.RawMessage `json:"events"`
	}
	if err := readControl(r, &in); err != nil {
		return nil, err
	}
	if in.Events == nil {
		return map[string]int{"appeared": s.ReleaseLate()}, nil
	}
	for i, raw := range in.Events {
		if err := s.Add(in.Stream, raw); err != nil {
			return nil, fmt.Errorf("event %d: %w", i, err)
		}
	}
	return map[string]int{"appeared": len(in.Events)}, nil
}
