package main

import (
	"fmt"
	"strings"
)

// smuggling frames requests in ways that a proxy in front may interpret
// differently than the service. Each ends with the start of another request.
// The service must not respond to it if it is unclear where it starts (RFC
// 9112, section 6.3).
func smuggling(s *site) (all []attack) {
	const group = "request smuggling"
	const inner = "GET /smuggled HTTP/1.1\r\nHost: x\r\nX-A: "
	const login = `{"user":{"email":"a@example.com","password":"x"}}`
	post := func(head, body string) string {
		return "POST /api/users/login HTTP/1.1\r\nHost: " + s.addr + "\r\nContent-Type: application/json\r\n" + head + "\r\n\r\n" + body
	}
	add := func(name, raw string, want expect) { all = append(all, send(group, name, []byte(raw), want)) }
	chunked := chunks(login, 10)
	cl := func(n int) string { return fmt.Sprintf("Content-Length: %d", n) }
	whole := len(chunked) + len(inner) + 4

	// With both framings at once, Transfer-Encoding has priority, and the
	// connection is closed.
	both := cutOr(400, 401, 422)
	add("CL.TE", post(cl(whole)+"\r\nTransfer-Encoding: chunked", chunked+inner+"\r\n\r\n"), both)
	add("TE.CL", post("Transfer-Encoding: chunked\r\n"+cl(4), chunked+inner+"\r\n\r\n"), both)
	add("CL 0 and TE", post(cl(0)+"\r\nTransfer-Encoding: chunked", chunked+inner+"\r\n\r\n"), both)
	add("CL.TE with an empty chunked body", post(cl(whole)+"\r\nTransfer-Encoding: chunked", "0\r\n\r\n"+inner+"\r\n\r\n"), both)
	add("TE and CL on GET", "GET /api/tags HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"+cl(5)+"\r\n\r\n0\r\n\r\n"+inner+"\r\n\r\n", cutOr(200, 400))
	add("TE in HTTP/1.0", strings.Replace(post("Transfer-Encoding: chunked\r\n"+cl(len(login))+"\r\nConnection: keep-alive", login+inner+"\r\n\r\n"), "HTTP/1.1", "HTTP/1.0", 1), cutOr(400, 401, 422))
	for i, te := range []string{
		"Transfer-Encoding: xchunked", "Transfer-Encoding : chunked", "Transfer-Encoding: chunked, identity", "Transfer-Encoding: identity, chunked", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
		"Transfer-Encoding: x\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: \x0bchunked", "Transfer-Encoding: chunked\x00", "Transfer-Encoding:\x00chunked",
		"X: y\rTransfer-Encoding: chunked", "Transfer-Encoding\r\n : chunked", "Transfer-Encoding: chunked;q=1", "Transfer-Encoding: 'chunked'", "Transfer-Encoding: chunk", "Transfer-Encoding: cow", "Transfer-Encoding: identity", "Transfer-Encoding: ",
		"Transfer_Encoding: chunked\r\nTransfer-Encoding: chunked, chunked", "Transfer-\u00c9ncoding: chunked", " Transfer-Encoding: chunked", "Transfer-Encoding: chunked,", "Transfer-Encoding: ,chunked", "Transfer-Encoding: deflate", "Transfer-Encoding: ch\u212Aunked",
	} {
		add(fmt.Sprintf("TE.TE %d %q", i, short(te, 40)), post(cl(4)+"\r\n"+te, chunked+inner+"\r\n\r\n"), cutOr(400, 501))
	}
	// These framings are invalid.
	for _, length := range []string{
		"-1", "+5", "5, 6", "5,5", "0x5", "5 5", "5;", "", " ", "5.0", "1e1", "99999999999999999999", "5\x00", "\x0b5", "٥", "five", "\"5\"", "5\r\nContent-Length: 6", "6\r\nContent-Length: 5", "5\r\ncontent-length: 7",
	} {
		add("Content-Length "+strings.TrimSpace(fmt.Sprintf("%q", length)), post("Content-Length: "+length, login+inner+"\r\n\r\n"), cutOr(400, 401, 413, 415, 422))
	}
	add("Content-Length twice the same", post(cl(len(login))+"\r\n"+cl(len(login))+"\r\nConnection: close", login), status(400, 401))
	add("Content-Length with a space before the colon", post(fmt.Sprintf("Content-Length : %d", len(login)), login+inner+"\r\n\r\n"), cutOr(400))
	add("Content-Length folded", post(fmt.Sprintf("Content-Length:\r\n %d\r\nConnection: close", len(login)), login), status(400, 401))
	for name, body := range map[string]string{
		"negative chunk": "-1\r\na\r\n0\r\n\r\n", "chunk of 17 digits": "00000000000000001\r\na\r\n0\r\n\r\n", "overflowing chunk": "10000000000000001\r\na\r\n0\r\n\r\n", "0x chunk": "0x1\r\na\r\n0\r\n\r\n",
		"chunk with a space": "1 \r\na\r\n0 \r\n\r\n" + inner, "space before a chunk": " 1\r\na\r\n0\r\n\r\n", "no chunk": "\r\n\r\n", "text for a chunk": "xyz\r\na\r\n0\r\n\r\n", "bare LF after the size": "1\na\r\n0\r\n\r\n", "bare CR after the size": "1\ra\r\n0\r\n\r\n",
		"chunk too long": "1\r\nabc\r\n0\r\n\r\n", "bare LF after the data": "1\r\na\n0\r\n\r\n", "LF in an extension": "1;a\nb\r\na\r\n0\r\n\r\n", "CR in an extension": "1;a\rb\r\na\r\n0\r\n\r\n", "long extension": "1;" + strings.Repeat("e", 20_000) + "\r\na\r\n0\r\n\r\n",
		"long size line": strings.Repeat("0", 10_000) + "1\r\na\r\n0\r\n\r\n", "underscore": "1_0\r\naaaaaaaaaaaaaaaa\r\n0\r\n\r\n", "plus": "+1\r\na\r\n0\r\n\r\n", "NUL": "1\x00\r\na\r\n0\r\n\r\n", "UTF-8 digit": "１\r\na\r\n0\r\n\r\n",
		"many extensions": strings.Repeat("1;"+strings.Repeat("x", 2000)+"\r\n \r\n", 40) + "0\r\n\r\n", "forbidden trailer": chunks(login, 9)[:len(chunks(login, 9))-2] + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + inner,
	} {
		add("chunks: "+name, post("Transfer-Encoding: chunked", body), cutOr(400, 401, 413, 422))
	}
	// These requests have other line endings.
	get := "GET /api/tags HTTP/1.1|Host: x|Connection: close||"
	add("bare LF", strings.ReplaceAll(get, "|", "\n"), status(200, 400))
	add("bare CR", strings.ReplaceAll(get, "|", "\r")+"\r\n\r\n", status(400))
	add("CR CR LF", strings.ReplaceAll(get, "|", "\r\r\n"), status(400))
	add("LF CR", strings.ReplaceAll(get, "|", "\n\r"), status(200, 400))
	add("leading lines", "\r\n\r\n"+strings.ReplaceAll(get, "|", "\r\n"), status(200, 400))
	add("NUL in the request line", strings.ReplaceAll(strings.Replace(get, "tags", "tags\x00", 1), "|", "\r\n"), status(400))
	add("CR hides a header", "GET /api/tags HTTP/1.1\r\nHost: x\r\nX: a\rContent-Length: 50\r\nConnection: close\r\n\r\n"+inner, cutOr(400))
	add("LF hides a header", "GET /api/tags HTTP/1.1\r\nHost: x\r\nX: a\nContent-Length: 4\r\nConnection: close\r\n\r\n1234", status(200, 400))
	add("two spaces", "GET  /api/tags  HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", status(400))
	add("tabs", "GET\t/api/tags\tHTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", status(400))
	add("HTTP/0.9", "GET /api/tags\r\n\r\n", status(400))
	add("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", cutOr(400, 404, 405, 505))
	add("TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"+strings.Repeat("\x00", 500)+"\r\n\r\n", cutOr(400))
	add("SOCKS", "\x05\x01\x00\r\n\r\n", cutOr(400))
	add("SMTP", "EHLO evil\r\nMAIL FROM:<a@b>\r\n\r\n", cutOr(400))
	add("PostgreSQL start-up", "\x00\x00\x00\x08\x04\xd2\x16\x2f\r\n\r\n", cutOr(400))
	add("Redis", "*1\r\n$4\r\nINFO\r\n\r\n", cutOr(400))
	add("proxy protocol", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET /api/tags HTTP/1.1\r\nHost: x\r\n\r\n", cutOr(400))
	add("random bytes", s.randomText(300)+"\xff\x00\r\n\r\n", cutOr(400))
	add("CONNECT", "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\nConnection: close\r\n\r\n", status(400, 404, 405))
	add("GET with a hidden body", "GET /api/tags HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "+fmt.Sprint(len(inner))+"\r\n\r\n"+inner, status(200, 400))
	add("HEAD with a hidden body", "HEAD /api/tags HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "+fmt.Sprint(len(inner))+"\r\n\r\n"+inner, status(200, 400))
	add("expectation with no body", post("Expect: 100-continue\r\nContent-Length: 99999999\r\nConnection: close", ""), status(413))
	return all
}

// pipelines sends many requests before it reads.
func pipelines(s *site) (all []attack) {
	const group = "pipelining"
	for _, n := range []int{2, 50, 500} {
		one := "GET /api/tags HTTP/1.1\r\nHost: x\r\n\r\n"
		last := "GET /api/tags HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
		all = append(all, send(group, fmt.Sprintf("%d reads", n), []byte(strings.Repeat(one, n-1)+last), func(o outcome) string {
			if len(o.answers) != n {
				return fmt.Sprintf("%d responses to %d requests", len(o.answers), n)
			}
			return ""
		}))
	}
	all = append(all, send(group, "a refusal between reads", []byte("GET /api/tags HTTP/1.1\r\nHost: x\r\n\r\nGET /nothing HTTP/1.1\r\nHost: x\r\n\r\nGET /api/tags HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), func(o outcome) string {
		if len(o.answers) != 3 || o.answers[0].status != 200 || o.answers[1].status != 404 || o.answers[2].status != 200 {
			return fmt.Sprintf("%d responses, not 200, 404, 200", len(o.answers))
		}
		return ""
	}))
	all = append(all, send(group, "two users on one connection", []byte(
		"GET /api/user HTTP/1.1\r\nHost: x\r\nAuthorization: Token "+s.victim.token+"\r\n\r\nGET /api/user HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), func(o outcome) string {
		if len(o.answers) != 2 || o.answers[0].status != 200 || o.answers[1].status != 401 {
			return "the response to the second request must be 401"
		}
		return ""
	}))
	return all
}
