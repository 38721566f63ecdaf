package main

import (
	"flag"
	"io"
	"slices"
	"testing"
)

// TestFlagsBesideTheFile holds that what pages and documents show works: the bundle first, flags after it.
func TestFlagsBesideTheFile(t *testing.T) {
	for _, row := range []struct {
		args   []string
		files  []string
		policy string
		json   bool
	}{
		{[]string{"evidence.zip", "--policy", "trust.policy"}, []string{"evidence.zip"}, "trust.policy", false},
		{[]string{"--policy", "trust.policy", "evidence.zip", "--json"}, []string{"evidence.zip"}, "trust.policy", true},
		{[]string{"--json", "--", "--policy", "b"}, []string{"--policy", "b"}, "", true},
		{[]string{"a.zip", "b.zip"}, []string{"a.zip", "b.zip"}, "", false},
		{nil, nil, "", false},
	} {
		flags := flag.NewFlagSet("test", flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		policy, json := flags.String("policy", "", ""), flags.Bool("json", false, "")
		files, err := parse(flags, row.args)
		if err != nil || !slices.Equal(files, row.files) || *policy != row.policy || *json != row.json {
			t.Errorf("%q: %q, policy %q, json %v, %v", row.args, files, *policy, *json, err)
		}
	}
	flags := flag.NewFlagSet("test", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	if _, err := parse(flags, []string{"evidence.zip", "--none"}); err == nil {
		t.Error("a flag that is not there is taken")
	}
}
