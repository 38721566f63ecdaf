package simulator

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Names of the files that Certificate keeps.
const (
	caFile   = "ca.pem"
	certFile = "server.pem"
	keyFile  = "server-key.pem"
)

// Certificate gives a certificate for host, localhost and the loopback addresses, and the CA that signed it, as PEM. The
// CA signs this one certificate and its key is thrown away at once, so that trusting it opens no door. With a dir they
// are kept there as ca.pem, server.pem and server-key.pem, and used again as long as they are valid for another day.
func Certificate(dir, host string) (cert tls.Certificate, caPEM []byte, err error) {
	if dir == "" {
		files, err := makeCertificate(host)
		if err != nil {
			return tls.Certificate{}, nil, err
		}
		return files.load(host)
	}
	files, err := readCertificate(dir)
	if err == nil {
		if cert, caPEM, err = files.load(host); err == nil {
			return cert, caPEM, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return tls.Certificate{}, nil, err
	}
	if files, err = makeCertificate(host); err != nil {
		return tls.Certificate{}, nil, err
	}
	if err := files.write(dir); err != nil {
		return tls.Certificate{}, nil, err
	}
	return files.load(host)
}

// certificateFiles are the three files as PEM.
type certificateFiles struct{ ca, cert, key []byte }

func readCertificate(dir string) (certificateFiles, error) {
	var f certificateFiles
	for name, to := range map[string]*[]byte{caFile: &f.ca, certFile: &f.cert, keyFile: &f.key} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return certificateFiles{}, fmt.Errorf("reading the certificate: %w", err)
		}
		*to = b
	}
	return f, nil
}

func (f certificateFiles) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the directory for the certificate: %w", err)
	}
	// The CA comes last: whoever waits for it finds the rest.
	for _, file := range []struct {
		name string
		body []byte
		mode fs.FileMode
	}{{keyFile, f.key, 0o600}, {certFile, f.cert, 0o644}, {caFile, f.ca, 0o644}} {
		if err := writeWhole(filepath.Join(dir, file.name), file.body, file.mode); err != nil {
			return fmt.Errorf("writing the certificate: %w", err)
		}
	}
	return nil
}

// writeWhole writes a file so that nobody ever sees a part of it.
func writeWhole(name string, body []byte, mode fs.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already when all went well
	if err := errors.Join(tmp.Chmod(mode), second(tmp.Write(body)), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}

func second(_ int, err error) error { return err }

// load parses the files and checks that they fit together, cover host, and are valid for another day.
func (f certificateFiles) load(host string) (tls.Certificate, []byte, error) {
	cert, err := tls.X509KeyPair(f.cert, f.key)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("loading the certificate: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(f.ca) {
		return tls.Certificate{}, nil, errors.New("loading the certificate: the CA file holds none")
	}
	options := x509.VerifyOptions{Roots: roots, CurrentTime: time.Now().Add(24 * time.Hour)}
	if host != "" && !unspecified(host) {
		options.DNSName = host
	}
	if _, err := cert.Leaf.Verify(options); err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("checking the certificate: %w", err)
	}
	return cert, f.ca, nil
}

func unspecified(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsUnspecified()
}

func makeCertificate(host string) (certificateFiles, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return certificateFiles{}, fmt.Errorf("making the CA key: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return certificateFiles{}, fmt.Errorf("making the certificate key: %w", err)
	}
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "Exhibit simulator CA (one certificate, key discarded)"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0), IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano() + 1), Subject: pkix.Name{CommonName: "Exhibit simulator"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if ip := net.ParseIP(host); ip != nil {
		leaf.IPAddresses = append(leaf.IPAddresses, ip)
	} else if host != "" {
		leaf.DNSNames = append(leaf.DNSNames, host)
	}
	return encodeCertificate(ca, leaf, caKey, key)
}

func encodeCertificate(ca, leaf *x509.Certificate, caKey, key *ecdsa.PrivateKey) (certificateFiles, error) {
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return certificateFiles{}, fmt.Errorf("signing the CA: %w", err)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	if err != nil {
		return certificateFiles{}, fmt.Errorf("signing the certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return certificateFiles{}, fmt.Errorf("writing the certificate key: %w", err)
	}
	return certificateFiles{
		ca:   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}),
		cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leafDER}),
		key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	}, nil
}
