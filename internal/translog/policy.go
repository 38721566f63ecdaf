package translog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Policy says whom a verifier trusts (C2SP tlog-policy): log keys, witnesses, and how many of them must have signed. It
// comes to an auditor by another way than the bundle.
//
//	log <vkey> [<url>]
//	witness <name> <vkey> [<url>]
//	group <name> <any|all|number> <member>…
//	quorum <name|none>
type Policy struct {
	Logs      []Key
	Witnesses []Witness
	groups    map[string]group
	order     []string // of groups
	quorum    string
}

// Witness is a witness that a policy names.
type Witness struct {
	Name string
	Key  Key
	URL  string // of its add-checkpoint endpoint; empty: none is told
}

type group struct {
	word    string // any, all or a number, as it was written
	need    int
	members []string
}

// maxPolicy bounds a policy file.
const maxPolicy = 64 << 10

// ParsePolicy reads a policy. Its errors name the line.
func ParsePolicy(text []byte) (*Policy, error) {
	p, err := ParseWitnesses(text)
	if err != nil {
		return nil, err
	}
	if len(p.Logs) == 0 {
		return nil, errors.New("the policy names no log. It needs a line: log VKEY")
	}
	return p, nil
}

// ParseWitnesses is ParsePolicy for one that need not name a log: it says which witnesses a log asks.
func ParseWitnesses(text []byte) (*Policy, error) {
	if len(text) > maxPolicy {
		return nil, errors.New("the policy is too long")
	}
	p := &Policy{groups: map[string]group{}}
	for i, line := range strings.Split(string(text), "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if err := p.add(words); err != nil {
			return nil, fmt.Errorf("line %d of the policy: %w", i+1, err)
		}
	}
	if p.quorum == "" {
		p.quorum = "none"
	}
	return p, nil
}

func (p *Policy) add(words []string) error {
	switch {
	case p.quorum != "" && words[0] != "log":
		return errors.New("the quorum comes last")
	case words[0] == "log" && (len(words) == 2 || len(words) == 3):
		k, err := ParseKey(words[1])
		if err != nil {
			return err
		}
		if k.Witness() {
			return errors.New("this is the key of a witness, not of a log")
		}
		p.Logs = append(p.Logs, k)
	case words[0] == "witness" && (len(words) == 3 || len(words) == 4):
		k, err := ParseKey(words[2])
		if err != nil {
			return err
		}
		if !k.Witness() || p.known(words[1]) || words[1] == "none" {
			return fmt.Errorf("%s is named twice, or its key is not a witness's", words[1])
		}
		w := Witness{Name: words[1], Key: k}
		if len(words) == 4 {
			w.URL = words[3]
		}
		p.Witnesses = append(p.Witnesses, w)
	case words[0] == "group" && len(words) >= 4:
		return p.addGroup(words[1], words[2], words[3:])
	case words[0] == "quorum" && len(words) == 2:
		if words[1] != "none" && !p.known(words[1]) {
			return fmt.Errorf("%s is neither a witness nor a group", words[1])
		}
		p.quorum = words[1]
	default:
		return fmt.Errorf("%q is not understood", words[0])
	}
	return nil
}

func (p *Policy) known(name string) bool {
	_, isGroup := p.groups[name]
	return isGroup || slices.ContainsFunc(p.Witnesses, func(w Witness) bool { return w.Name == name })
}

func (p *Policy) addGroup(name, need string, members []string) error {
	g := group{word: need, members: members}
	switch need {
	case "any":
		g.need = 1
	case "all":
		g.need = len(members)
	default:
		n, err := strconv.Atoi(need)
		if err != nil || n < 1 || n > len(members) {
			return fmt.Errorf("%q is not any, all or a number up to %d", need, len(members))
		}
		g.need = n
	}
	for _, m := range members {
		if !p.known(m) {
			return fmt.Errorf("%s is neither a witness nor a group above", m)
		}
	}
	if p.known(name) || name == "none" {
		return fmt.Errorf("%s is named twice", name)
	}
	p.groups[name] = g
	p.order = append(p.order, name)
	return nil
}

// AllOf makes a policy that asks for every one of some witnesses; without any it asks for none.
func AllOf(witnesses ...Witness) (*Policy, error) {
	var text strings.Builder
	names := ""
	for _, w := range witnesses {
		fmt.Fprintf(&text, "witness %s %s %s\n", w.Name, w.Key, w.URL)
		names += " " + w.Name
	}
	switch len(witnesses) {
	case 0:
	case 1:
		text.WriteString("quorum" + names + "\n")
	default:
		text.WriteString("group witnesses all" + names + "\nquorum witnesses\n")
	}
	return ParseWitnesses([]byte(text.String()))
}

// ParseWitness reads URL#VKEY. The witness has the name of its key.
func ParseWitness(s string) (Witness, error) {
	url, vkey, ok := strings.Cut(s, "#")
	k, err := ParseKey(vkey)
	switch {
	case !ok || url == "" || err != nil:
		return Witness{}, fmt.Errorf("%.200q is not URL#VKEY, the address of a witness and its verifier key", s)
	case !k.Witness():
		return Witness{}, fmt.Errorf("%s is the key of a log, not of a witness", k.Name)
	}
	return Witness{Name: k.Name, Key: k, URL: url}, nil
}

// TrustWitnessed writes the policy p for auditors of a log with these keys: its witnesses, groups and quorum.
func TrustWitnessed(p *Policy, keys ...Key) []byte {
	b := bytes.TrimSuffix(TrustLog(keys...), []byte("quorum none\n"))
	for _, w := range p.Witnesses {
		b = append(b, strings.TrimSpace("witness "+w.Name+" "+w.Key.String()+" "+w.URL)+"\n"...)
	}
	for _, name := range p.order {
		g := p.groups[name]
		b = append(b, "group "+name+" "+g.word+" "+strings.Join(g.members, " ")+"\n"...)
	}
	return append(b, "quorum "+p.quorum+"\n"...)
}

// WantsWitnesses reports whether the policy asks for a quorum.
func (p *Policy) WantsWitnesses() bool { return p.quorum != "none" }

// Judgement is what a policy says of a checkpoint.
type Judgement struct {
	LogKey    Key
	Logged    bool // a log key of the policy signed
	Quorum    bool // enough witnesses did
	Witnesses []Cosigned
}

// Cosigned is a witness's signature with the time that it vouches for.
type Cosigned struct {
	Name string
	At   time.Time
}

// Judge checks the signatures of a checkpoint. A signature of a known key that is wrong is an error.
func (p *Policy) Judge(n Note) (Judgement, error) {
	var j Judgement
	k, _, err := n.Signed(p.Logs...)
	switch {
	case err == nil:
		j.LogKey, j.Logged = k, true
	case !NotSigned(err):
		return j, err
	}
	signed := map[string]bool{}
	for _, w := range p.Witnesses {
		_, at, err := n.Signed(w.Key)
		if err == nil {
			signed[w.Name] = true
			j.Witnesses = append(j.Witnesses, Cosigned{w.Name, at})
		} else if !NotSigned(err) {
			return j, err
		}
	}
	j.Quorum = p.WantsWitnesses() && p.met(p.quorum, signed)
	return j, nil
}

// met reports whether enough signed. Groups name only what stands above them, so that this ends.
func (p *Policy) met(name string, signed map[string]bool) bool {
	g, isGroup := p.groups[name]
	if !isGroup {
		return signed[name]
	}
	n := 0
	for _, m := range g.members {
		if p.met(m, signed) {
			n++
		}
	}
	return n >= g.need
}

// TrustLog writes a policy that trusts the log's keys and asks for no witness.
func TrustLog(keys ...Key) []byte {
	var b []byte
	for _, k := range keys {
		b = append(b, "log "+k.String()+"\n"...)
	}
	return append(b, "quorum none\n"...)
}

// HintFor writes a policy again as a bundle's hint: the keys of logs and witnesses, and that nobody is asked for.
func HintFor(p *Policy) []byte {
	var b []byte
	for _, k := range p.Logs {
		b = append(b, "log "+k.String()+"\n"...)
	}
	for _, w := range p.Witnesses {
		b = append(b, "witness "+w.Name+" "+w.Key.String()+"\n"...)
	}
	return append(b, "quorum none\n"...)
}
