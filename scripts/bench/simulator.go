package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
)

// simulatorProcess is a running "exhibit simulate".
type simulatorProcess struct {
	url, token, ca string
	client         *http.Client
	stop           func()
}

func startSimulator(ctx context.Context, binary string, events int) (*simulatorProcess, error) {
	dir, err := os.MkdirTemp("", "exhibit-bench-simulator-")
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	l.Close()
	tokenFile := filepath.Join(dir, "token")
	cmd := exec.CommandContext(ctx, binary, "simulate", "--listen", addr, "--events", strconv.Itoa(events), "--seed", "1",
		"--no-rate-limit", "--tls-dir", dir, "--token-out", tokenFile)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s (make build makes it): %w", binary, err)
	}
	s := &simulatorProcess{url: "https://" + addr, ca: filepath.Join(dir, "ca.pem")}
	s.stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	}
	if err := s.await(ctx, tokenFile); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// await waits until the simulator has made its events and answers.
func (s *simulatorProcess) await(ctx context.Context, tokenFile string) error {
	for range 3000 {
		token, err := os.ReadFile(tokenFile)
		pem, errCA := os.ReadFile(s.ca)
		if err == nil && errCA == nil && len(token) > 0 {
			pool := x509.NewCertPool()
			pool.AppendCertsFromPEM(pem)
			s.token = string(bytes.TrimSpace(token))
			s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableCompression: true}}
			if _, err := s.page(ctx, "signinattempts", `{"limit":1}`); err == nil {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("the simulator did not come up")
}

// page fetches one page whole.
func (s *simulatorProcess) page(ctx context.Context, stream, body string) (answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/api/v2/"+stream, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	res, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, answer)
	}
	return answer, err
}

// fetchAndDiscard follows the cursors of the three streams at once and looks at nothing but cursor and has_more: the
// least that any client must do.
func fetchAndDiscard(ctx context.Context, s *simulatorProcess) (int, error) {
	counts := make([]int, 3)
	g, ctx := errgroup.WithContext(ctx)
	for i, stream := range []string{"signinattempts", "itemusages", "auditevents"} {
		g.Go(func() (err error) {
			counts[i], err = drain(ctx, s, stream)
			return err
		})
	}
	err := g.Wait()
	return counts[0] + counts[1] + counts[2], err
}

func drain(ctx context.Context, s *simulatorProcess, stream string) (int, error) {
	start := time.Now().AddDate(0, 0, -120).UTC().Format(time.RFC3339)
	body, n := fmt.Sprintf(`{"limit":1000,"start_time":%q}`, start), 0
	for {
		answer, err := s.page(ctx, stream, body)
		if err != nil {
			return n, err
		}
		head, more := envelope(answer)
		n += bytes.Count(answer, []byte(`"timestamp":"`))
		if !more {
			return n, nil
		}
		body = `{"cursor":` + head + `}`
	}
}

// envelope finds cursor and has_more without parsing the items.
func envelope(answer []byte) (cursor string, more bool) {
	var page struct {
		Cursor  json.RawMessage `json:"cursor"`
		HasMore bool            `json:"has_more"`
	}
	start := bytes.Index(answer, []byte(`"items":`))
	end := bytes.LastIndexByte(answer, ']')
	short := append(append(append([]byte{}, answer[:start]...), `"items":[`...), answer[end:]...)
	if err := json.Unmarshal(short, &page); err != nil {
		return "", false
	}
	return string(page.Cursor), page.HasMore
}

// do sends a request and reads the answer whole.
func do(client *http.Client, req *http.Request) error {
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", res.Status)
	}
	return nil
}
