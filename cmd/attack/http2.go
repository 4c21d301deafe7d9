package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	windowless         = 4  // connections
	streamsOfOne       = 90 // streams of a connection
	windowlessFor      = 5 * time.Second
	windowlessLength   = 12 // articles
	windowlessComments = 70
	windowlessTimeout  = time.Minute
)

// insecure is for a certificate that this program has made.
var insecure = &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}

// writeCertificate makes a certificate that signs itself.
func writeCertificate(certFile, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
}

// withoutWindow asks a service with TLS for long responses on many streams,
// which it leaves no room for.
func withoutWindow(s *site) result {
	return s.withTLS(func(tls *site) (r result) {
		client := &http.Client{Timeout: windowlessTimeout, Transport: &http.Transport{TLSClientConfig: insecure, ForceAttemptHTTP2: true}}
		defer client.CloseIdleConnections()
		requests, err := publishForStreams(client, tls.addr)
		if !r.must(err) {
			return r
		}
		for range windowless {
			conn, err := askWithoutWindow(tls.addr, requests)
			if !r.must(err) {
				return r
			}
			defer conn.Close()
		}
		time.Sleep(tls.patient(windowlessFor))
		res, err := client.Get("https://" + tls.addr + "/api/tags")
		if !r.must(err) {
			return r
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			r.complain("GET /api/tags meanwhile: status %d", res.StatusCode)
		}
		return r
	})
}

// withTLS calls an attack with another service, which terminates TLS itself.
func (s *site) withTLS(attack func(*site) result) (r result) {
	dir, err := os.MkdirTemp("", "byline-attack-tls-")
	if !r.must(err) {
		return r
	}
	defer os.RemoveAll(dir)
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	if !r.must(writeCertificate(cert, key)) {
		return r
	}
	return s.elsewhere("with TLS", []string{"--tls-cert", cert, "--tls-key", key}, attack)
}

// publishForStreams publishes long articles, comments and a long bio, and
// returns requests for them.
func publishForStreams(client *http.Client, addr string) ([]message, error) {
	token := ""
	send := func(method, path, body string) (map[string]any, error) {
		req, err := http.NewRequest(method, "https://"+addr+path, strings.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", token)
		res, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err == nil && res.StatusCode >= 300 {
			err = fmt.Errorf("%s %s: status %d: %s", method, path, res.StatusCode, short(string(text), 200))
		}
		return decoded(answer{body: text}), err
	}
	user, err := send("POST", "/api/users", registration(account{name: "windowless", email: "windowless@example.com", password: "correct horse battery"}))
	if err != nil {
		return nil, err
	}
	token = fmt.Sprint("Token ", member(user, "user", "token"))
	if _, err := send("PUT", "/api/user", object("user", map[string]any{"bio": strings.Repeat("😀", bioLength)})); err != nil {
		return nil, err
	}
	var slugs []any
	for i := range windowlessLength {
		made, err := send("POST", "/api/articles", longArticle(fmt.Sprint("long ", i)))
		if err != nil {
			return nil, err
		}
		slugs = append(slugs, member(made, "article", "slug"))
	}
	at := fmt.Sprint("/api/articles/", slugs[0])
	for range windowlessComments {
		if _, err := send("POST", at+"/comments", longComment()); err != nil {
			return nil, err
		}
	}
	batch, err := json.Marshal(map[string]any{"slugs": slugs})
	return []message{
		{method: "POST", target: "/api/batch/articles", body: string(batch)},
		{method: "GET", target: at},
		{method: "GET", target: at + "/comments"},
		{method: "GET", target: "/api/articles?limit=100"},
	}, err
}

// askWithoutWindow opens a connection and sends a request on each of its
// streams.
func askWithoutWindow(addr string, requests []message) (io.Closer, error) {
	conn, err := tls.Dial("tcp", addr, insecure)
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(conn, http2.ClientPreface)
	framer := http2.NewFramer(conn, conn)
	err = errors.Join(err, framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}))
	go func() { _, _ = io.Copy(io.Discard, conn) }() // frames are read, and no window is given
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for i := range streamsOfOne {
		m := requests[i%len(requests)]
		block.Reset()
		for _, f := range [][2]string{{":method", m.method}, {":scheme", "https"}, {":authority", addr}, {":path", m.target}, {"content-type", "application/json"}} {
			err = errors.Join(err, encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}))
		}
		stream := uint32(2*i + 1)
		err = errors.Join(err, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true}),
			framer.WriteData(stream, true, []byte(m.body)))
	}
	return conn, err
}
