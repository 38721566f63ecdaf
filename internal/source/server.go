package source

import (
	"crypto/x509"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// ParseServer reads a server's address as a person writes it and gives it in the one form in which servers are compared:
// https://host or https://host:port, in lower case, without path, user, query or fragment.
func ParseServer(s string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return "", evidence.Errorf(evidence.Invalid, "%q is not a server's address. Write it like https://events.1password.com.", s)
	case u.Scheme != "https":
		return "", evidence.Errorf(evidence.Invalid, "%q does not begin with https://. A token is never sent over an open connection.", s)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return "", evidence.Errorf(evidence.Invalid, "%q has more than a host in it. Write only https://host, or https://host:port.", s)
	}
	host := canonicalHost(u)
	if host == "" {
		return "", evidence.Errorf(evidence.Invalid, "%q has no host name or port that can be used. Write it like https://events.1password.com.", s)
	}
	return "https://" + host, nil
}

// CheckCA reports whether pem holds at least one certificate.
func CheckCA(pem []byte) error {
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		return evidence.Errorf(evidence.Invalid, "There is no certificate in it. It must be a PEM file with a line BEGIN CERTIFICATE.")
	}
	return nil
}

// canonicalHost gives host[:port] of u in lower case without the default port, or "" if it cannot be used.
func canonicalHost(u *url.URL) string {
	name, port := strings.ToLower(u.Hostname()), u.Port()
	if strings.HasSuffix(u.Host, ":") {
		return ""
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return ""
		}
		port = strconv.FormatUint(n, 10)
	}
	if port == "443" {
		port = ""
	}
	if a, err := netip.ParseAddr(name); err == nil {
		if a.Zone() != "" {
			return ""
		}
		name = a.String()
		if a.Is6() {
			name = "[" + name + "]"
		}
	} else if !hostname(name) {
		return ""
	}
	if port == "" {
		return name
	}
	return name + ":" + port
}

// hostname reports whether name is made of labels of letters, digits, hyphens and underscores. Names in other scripts
// must be given in their ASCII form, so that what is shown is what is meant.
func hostname(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}
