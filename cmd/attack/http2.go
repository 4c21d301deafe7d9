package main

import (
	"bytes"
	"context"
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
	windowless        = 4  // connections
	streamsOfOne      = 90 // streams of a connection
	windowlessFor     = 5 * time.Second
	windowlessLength  = 12 // articles
	windowlessTimeout = time.Minute
)

// insecure is for a certificate that this program has made.
var insecure = &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}

// withTLS starts the program with TLS, calls attack, and stops it. The error is
// that of the attack, or that its memory peaked above the limit.
func withTLS(ctx context.Context, o options, attack func(addr string) error) (err error) {
	dir, err := os.MkdirTemp("", "byline-attack-tls-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	if err := writeCertificate(cert, key); err != nil {
		return err
	}
	t, err := launch(ctx, o.binary, dir, "--tls-cert", cert, "--tls-key", key)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.stop()) }()
	if err := attack(t.addr); err != nil {
		return err
	}
	if t.peaked, err = t.peak(); err != nil {
		return err
	}
	return errors.Join(t.alive(), bounded(t.peaked, o.maxRSS))
}

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

// withoutWindow publishes long articles and asks for all of them on many
// streams, whose responses it leaves no room for.
func withoutWindow(addr string) error {
	client := &http.Client{Timeout: windowlessTimeout, Transport: &http.Transport{TLSClientConfig: insecure, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	token := ""
	post := func(path, body string) (map[string]any, error) {
		req, err := http.NewRequest("POST", "https://"+addr+path, strings.NewReader(body))
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
			err = fmt.Errorf("POST %s: status %d: %s", path, res.StatusCode, short(string(text), 200))
		}
		return decoded(answer{body: text}), err
	}
	user, err := post("/api/users", registration(account{name: "windowless", email: "windowless@example.com", password: "correct horse battery"}))
	if err != nil {
		return err
	}
	token = fmt.Sprint("Token ", member(user, "user", "token"))
	var slugs []any
	for i := range windowlessLength {
		made, err := post("/api/articles", object("article", map[string]any{
			"title": fmt.Sprint("long ", i), "description": "d", "body": strings.Repeat("😀", articleLength)}))
		if err != nil {
			return err
		}
		slugs = append(slugs, member(made, "article", "slug"))
	}
	batch, err := json.Marshal(map[string]any{"slugs": slugs})
	if err != nil {
		return err
	}
	for range windowless {
		conn, err := askWithoutWindow(addr, batch)
		if err != nil {
			return err
		}
		defer conn.Close()
	}
	time.Sleep(windowlessFor)
	res, err := client.Get("https://" + addr + "/api/tags")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET /api/tags meanwhile: status %d", res.StatusCode)
	}
	return nil
}

// askWithoutWindow opens a connection and sends a batch on each of its streams.
func askWithoutWindow(addr string, batch []byte) (io.Closer, error) {
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
		block.Reset()
		for _, f := range [][2]string{{":method", "POST"}, {":scheme", "https"}, {":authority", addr}, {":path", "/api/batch/articles"}, {"content-type", "application/json"}} {
			err = errors.Join(err, encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}))
		}
		stream := uint32(2*i + 1)
		err = errors.Join(err, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true}),
			framer.WriteData(stream, true, batch))
	}
	return conn, err
}
