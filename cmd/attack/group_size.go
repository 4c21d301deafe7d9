package main

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// sizes sends too much of everything.
func sizes(s *site) (all []attack) {
	const group = "sizes"
	add := func(name string, m message, want expect) { all = append(all, send(group, name, m.raw(s.addr), want)) }
	for _, op := range s.ops {
		if op.body == nil || op.maxBody == 0 {
			continue
		}
		over := map[string]func(*site) message{
			"one byte over": func(s *site) message { return padded(s, op, op.maxBody+1) },
			"twice":         func(s *site) message { return padded(s, op, 2*op.maxBody) },
			"8 MB":          func(s *site) message { return padded(s, op, 8<<20) },
			"8 MB in chunks": func(s *site) message {
				m := padded(s, op, 8<<20)
				return chunkedMessage(m, 32<<10)
			},
			"announced 10 GB": func(s *site) message {
				m := s.message(op)
				m.fields, m.body = append(m.fields, "Content-Length: 10737418240"), `{"`
				return m
			},
			"announced 8 EB": func(s *site) message {
				m := s.message(op)
				m.fields, m.body = append(m.fields, "Content-Length: 9223372036854775807"), `{"`
				return m
			},
		}
		for _, name := range sortedKeys(over) {
			all = append(all, aim(group, name, op, over[name], also(op.declares, status(413))))
		}
		for _, p := range places(op.body) {
			n := op.maxBody * 3 / 4
			big := map[string]string{
				"deep arrays":     strings.Repeat("[", n/2) + strings.Repeat("]", n/2),
				"deep objects":    strings.Repeat(`{"a":`, n/6) + "1" + strings.Repeat("}", n/6),
				"open brackets":   strings.Repeat("[", n),
				"33 levels":       strings.Repeat("[", 33) + strings.Repeat("]", 33),
				"many items":      "[" + strings.Repeat("1,", n/2-1) + "1]",
				"many texts":      "[" + strings.Repeat(`"a",`, n/4-1) + `"a"]`,
				"long number":     strings.Repeat("9", n),
				"long fraction":   "0." + strings.Repeat("1", n),
				"long exponent":   "1e" + strings.Repeat("9", n),
				"long text":       `"` + strings.Repeat("a", n) + `"`,
				"escapes":         `"` + strings.Repeat(`\u0041`, n/6) + `"`,
				"wide text":       `"` + strings.Repeat("\U0001f600", n/4) + `"`,
				"spaces":          strings.Repeat(" ", n) + "1",
				"members":         members(n),
				"same member":     "{" + strings.Repeat(`"a":1,`, n/6-1) + `"a":1}`,
				"long names":      `{"` + strings.Repeat("n", n) + `":1}`,
				"long duplicates": `{"` + strings.Repeat("n", n/3) + `":1,"` + strings.Repeat("n", n/3) + `":1}`,
			}
			if len(p.path) > 2 || len(p.path) == 1 && p.path[0] != "[]" && len(op.body.Properties) == 1 {
				continue // the body and its members cover this
			}
			for _, name := range sortedKeys(big) {
				want := op.wrong
				if fitsBig(p, name) {
					want = op.declares
				}
				all = append(all, aim(group, name+" as "+p.String(), op, func(s *site) message {
					m := s.message(op)
					m.body = s.with(op, p, big[name])
					return m
				}, want))
			}
		}
	}
	get := func(target string, fields ...string) message {
		return message{method: "GET", target: target, token: s.victim.token, fields: fields}
	}
	long := func(n int) string { return strings.Repeat("a", n) }
	for _, n := range []int{1 << 10, 8 << 10, 16 << 10, 30 << 10} {
		add(fmt.Sprintf("path of %d", n), get("/api/articles/"+long(n)), status(400, 404, 414, 422))
		add(fmt.Sprintf("query of %d", n), get("/api/articles?tag="+long(n)), status(400, 414, 422))
		add(fmt.Sprintf("unknown query of %d", n), get("/api/tags?a="+long(n)), status(200, 400, 414))
		add(fmt.Sprintf("header of %d", n), get("/api/tags", "X-Long: "+long(n)), status(200, 400, 431))
		add(fmt.Sprintf("header name of %d", n), get("/api/tags", long(n)+": 1"), status(200, 400, 431))
		add(fmt.Sprintf("token of %d", n), message{method: "GET", target: "/api/user", token: long(n)}, status(401, 431))
		add(fmt.Sprintf("If-None-Match of %d", n), get("/api/tags", "If-None-Match: "+strings.Repeat(`"a",`, n/4)), status(200, 400, 422, 431))
		add(fmt.Sprintf("cookie of %d", n), get("/api/tags", "Cookie: a="+long(n)), status(200, 431))
		add(fmt.Sprintf("request id of %d", n), get("/api/tags", "X-Request-Id: "+long(n)), also(status(200, 431), silentOn(long(1<<10))))
		add(fmt.Sprintf("idempotency key of %d", n), message{method: "POST", target: "/api/articles", token: s.victim.token,
			fields: []string{"Idempotency-Key: " + long(n)}, body: article("never")}, status(400, 422, 431))
	}
	for _, n := range []int{64 << 10, 1 << 20, 4 << 20} {
		add(fmt.Sprintf("path of %d", n), get("/api/articles/"+long(n)), cutOr(400, 404, 414, 431))
		add(fmt.Sprintf("header of %d", n), get("/api/tags", "X-Long: "+long(n)), cutOr(400, 431))
		add(fmt.Sprintf("method of %d", n), message{method: strings.Repeat("G", n), target: "/api/tags"}, cutOr(400, 405, 431))
		add(fmt.Sprintf("token of %d", n), message{method: "GET", target: "/api/user", token: long(n)}, cutOr(400, 431))
	}
	add("2000 headers", get("/api/tags", numbered("X-N%d: 1", 2000)...), status(200, 400, 431))
	add("100000 headers", get("/api/tags", numbered("X-N%d: 1", 100_000)...), cutOr(400, 431))
	add("same header 2000 times", get("/api/tags", numbered("X-Same: %d", 2000)...), status(200, 400, 431))
	add("Accept-Encoding of 3000 members", get("/api/tags", "Accept-Encoding: "+strings.Repeat("gzip;q=0.1,", 2500)), status(200, 400, 431))
	add("3000 parameters", get("/api/articles?"+strings.Join(numbered("p%d=1", 3000), "&")), status(200, 400, 414, 422))
	add("20000 ampersands", get("/api/articles?"+strings.Repeat("&", 20_000)), status(200, 400, 414, 422))
	add("10000 path segments", get("/api"+strings.Repeat("/a", 10_000)), status(404, 414))
	add("forwarded for 3000", get("/api/tags", "X-Forwarded-For: "+strings.Repeat("1.2.3.4,", 3000)), status(200, 431))
	add("range of 3000", get("/api/tags", "Range: bytes="+strings.Repeat("0-1,", 3000)), status(200, 400, 416, 431))
	add("trace state of 20 KB", get("/api/tags", "Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Tracestate: "+long(20<<10)), status(200, 431))
	return all
}

// fitsBig reports which of the large values some schema may accept.
func fitsBig(p place, name string) bool {
	t := p.schema.Type
	if name == "escapes" || name == "wide text" { // fewer letters than bytes
		return t == nil || t.Is("string")
	}
	return t == nil || takesObject(p.schema) && strings.Contains("members long names", name) || name == "spaces" && t.Is("integer")
}

// padded returns op's example with spaces, with a length of n bytes.
func padded(s *site, op operation, n int) message {
	m := s.message(op)
	m.body = s.with(op, place{path: []string{"unused"}}, "1")
	m.body = m.body[:len(m.body)-1] + strings.Repeat(" ", max(0, n-len(m.body))) + "}"
	return m
}

func chunkedMessage(m message, size int) message {
	m.fields = append(m.fields, "Transfer-Encoding: chunked")
	m.body = chunks(m.body, size)
	return m
}

func chunks(text string, size int) string {
	var b strings.Builder
	for len(text) > 0 {
		n := min(size, len(text))
		b.WriteString(strconv.FormatInt(int64(n), 16) + "\r\n" + text[:n] + "\r\n")
		text = text[n:]
	}
	return b.String() + "0\r\n\r\n"
}

func members(n int) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, `"m%d":%d,`, i, i)
	}
	return b.String() + `"z":1}`
}

func numbered(format string, n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf(format, i)
	}
	return lines
}

// mediaTypes sends wrong media types of bodies.
func mediaTypes(s *site) (all []attack) {
	const group = "media types"
	wrong := []string{
		"text/plain", "text/html", "application/xml", "text/xml; charset=utf-8", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "multipart/form-data",
		"application/x-java-serialized-object", "application/x-yaml", "application/msgpack", "application/octet-stream", "application/jsonp", "application/json5", "application/ld+json",
		"application/merge-patch+json", "*/*", "application/*", "json", "/", ";", "", " ", "application/json, text/plain", "application/json\ttext/plain", "text/plain;application/json",
		"application/json\x00", "applicatioñ/json", "application//json", "image/png", "application/problem+json", "application/graphql",
	}
	for _, op := range s.ops {
		if op.body == nil {
			continue
		}
		for _, kind := range wrong {
			all = append(all, aim(group, strconv.Quote(kind), op, func(s *site) message {
				m := padded(s, op, 0)
				m.fields = append(m.fields, "Content-Type: "+kind)
				return m
			}, status(400, 415)))
		}
		all = append(all, aim(group, "two types", op, func(s *site) message {
			m := padded(s, op, 0)
			m.fields = append(m.fields, "Content-Type: application/json", "Content-Type: text/plain")
			return m
		}, status(400, 415)))
		for _, charset := range []string{"utf-16", "utf-7", "iso-2022-jp", strings.Repeat("a", 5000)} {
			all = append(all, aim(group, "charset "+short(charset, 20), op, func(s *site) message {
				m := s.message(op)
				m.body = widened(s.with(op, place{path: []string{"unused"}}, "1"), 2, 0)
				m.fields = append(m.fields, "Content-Type: application/json; charset="+charset)
				return m
			}, status(400, 415)))
		}
	}
	for _, accept := range []string{"text/html", "application/xml", "image/*;q=0", "*/*;q=0", ";;;", strings.Repeat("a/b,", 2000), "application/json;version=../../x", "\xff/\xfe"} {
		m := message{method: "GET", target: "/api/tags", fields: []string{"Accept: " + accept}}
		all = append(all, send(group, "Accept "+short(accept, 30), m.raw(s.addr), status(200, 400, 406)))
	}
	return all
}

// bombs are small compressed bodies that become large ones.
func bombs(s *site) (all []attack) {
	const group = "compressed bombs"
	blank := bytes.Repeat([]byte(" "), 1<<20)
	var gz, zl bytes.Buffer
	w := gzip.NewWriter(&gz)
	_, _ = w.Write(blank)
	_ = w.Close()
	zw := zlib.NewWriter(&zl)
	for range 8 {
		_, _ = zw.Write(blank)
	}
	_ = zw.Close()
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return []attack{impossible(group, err)}
	}
	// Streams of both formats can be concatenated. A part that is compressed
	// once and repeated 256 times decodes to 256 MB.
	gzips, zst := strings.Repeat(gz.String(), 256), strings.Repeat(string(enc.EncodeAll(blank, nil)), 256)
	// This zstd body needs a window of 2 GB before the first byte.
	window := "\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00"
	bodies := map[string]string{
		"gzip": gzips, "x-gzip": gzips, "GZIP": gzips, "deflate": zl.String(), "zstd": zst, "zstd, gzip": zst, "gzip, gzip": gzips,
		"identity, gzip": gzips, "br": "\xce\xb2\xcf\x81", "compress": "\x1f\x9d\x90", "none": "{}", "aes128gcm": "{}", "gzip;q=1": gzips, "\tgzip ": gzips,
	}
	for _, op := range s.ops {
		if op.body == nil {
			continue
		}
		for _, coding := range sortedKeys(bodies) {
			body := bodies[coding]
			if len(body) > op.maxBody {
				body = body[:op.maxBody]
			}
			all = append(all, aim(group, strconv.Quote(coding), op, func(s *site) message {
				m := s.message(op)
				m.fields, m.body = append(m.fields, "Content-Encoding: "+coding), body
				return m
			}, status(400, 415)))
		}
		all = append(all, aim(group, "zstd window", op, func(s *site) message {
			m := s.message(op)
			m.fields, m.body = append(m.fields, "Content-Encoding: zstd"), window
			return m
		}, status(400, 415)), aim(group, "gzip without a word", op, func(s *site) message {
			m := s.message(op)
			m.body = gzips[:min(len(gzips), op.maxBody)]
			return m
		}, status(400)), aim(group, "two codings", op, func(s *site) message {
			m := s.message(op)
			m.fields, m.body = append(m.fields, "Content-Encoding: identity", "Content-Encoding: gzip"), gzips[:min(len(gzips), op.maxBody)]
			return m
		}, status(400, 415)))
	}
	return all
}
