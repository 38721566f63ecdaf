package main

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// receiver VARIABLE CA URL GOT starts an HTTPS server for the length of the story. Its host goes into the variable, its CA
// and the address of its webhook into files, and what it is sent into another.
func receiver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: receiver VARIABLE CA URL GOT")
	}
	got := ts.MkAbs(args[3])
	var mu sync.Mutex
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			var f *os.File
			if f, err = os.OpenFile(got, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
				_, err = f.Write(append(body, '\n'))
				f.Close()
			}
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		io.WriteString(w, "thank you")
	}))
	ts.Defer(srv.Close)
	ts.Setenv(args[0], strings.TrimPrefix(srv.URL, "https://"))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(srv.URL+"/services/canary-address-of-the-webhook\n"), 0o600))
}

// came TEXT FILE waits until the file holds the text.
func came(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: came TEXT FILE")
	}
	var got []byte
	for range 600 {
		var err error
		if got, err = os.ReadFile(ts.MkAbs(args[1])); err == nil && strings.Contains(string(got), args[0]) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%s never came; what came is %s", args[0], got)
}
