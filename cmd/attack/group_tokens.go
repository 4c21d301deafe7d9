package main

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash"
	"strings"
	"time"
)

// claims returns the claims of a token that the service might have issued.
type claims map[string]any

// tokens forges tokens of the victim. They must be refused where a token is
// required, and ignored where it is not.
func tokens(s *site) (all []attack) {
	const group = "tokens"
	forged := forgeries(s)
	for _, name := range sortedKeys(forged) {
		token := forged[name]
		for _, scheme := range []string{"Token", "Bearer"} {
			m := message{method: "GET", target: "/api/user", fields: []string{"Authorization: " + scheme + " " + token}}
			all = append(all, send(group, scheme+" "+name, m.raw(s.addr), also(status(401, 400), silentOn(s.victim.email))))
		}
		m := message{method: "DELETE", target: "/api/articles/" + s.slug, token: token}
		all = append(all, send(group, "delete with "+name, m.raw(s.addr), status(401, 400)))
		m = message{method: "GET", target: "/api/articles/" + s.slug, token: token}
		all = append(all, send(group, "optional "+name, m.raw(s.addr), also(status(200, 400), challenged)))
	}
	good := s.victim.token
	for name, fields := range map[string][]string{
		"no scheme":         {"Authorization: " + good},
		"Basic":             {"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(s.victim.email+":"+s.victim.password))},
		"Digest":            {`Authorization: Digest username="admin", response="` + good + `"`},
		"only the scheme":   {"Authorization: Token"},
		"empty":             {"Authorization: "},
		"two tokens":        {"Authorization: Token " + good + " " + good},
		"comma":             {"Authorization: Token " + good + ", Bearer x"},
		"tab":               {"Authorization: Token\t" + good},
		"quoted":            {`Authorization: Token "` + good + `"`},
		"named":             {"Authorization: Token token=" + good},
		"no space":          {"Authorization: Token" + good},
		"cookie":            {"Cookie: token=" + good + "; jwt=" + good + "; session=" + good},
		"other header":      {"X-Auth-Token: " + good, "X-Api-Token: " + good, "Proxy-Authorization: Token " + good, "X-Authorization: Token " + good},
		"believed proxy":    {"X-Forwarded-User: " + s.victim.name, "Remote-User: " + s.victim.name, "X-User-Id: 1", "X-Forwarded-For: 127.0.0.1"},
		"client cert":       {"X-Client-Cert: x", "X-SSL-Client-S-DN: CN=admin"},
		"empty then header": {"Authorization: Token x", "Authorization: Token " + good},
	} {
		m := message{method: "GET", target: "/api/user", fields: fields}
		all = append(all, send(group, name, m.raw(s.addr), also(status(401, 400), silentOn(s.victim.email))))
	}
	for _, name := range []string{"token", "access_token", "jwt", "authorization", "api_key"} {
		m := message{method: "GET", target: "/api/user?" + name + "=" + good}
		all = append(all, send(group, "in the query as "+name, m.raw(s.addr), status(401)))
	}
	// The access token and the refresh token of a session are not
	// interchangeable.
	if made, err := s.call(message{method: "POST", target: "/api/sessions", body: object("user", map[string]any{"email": s.rival.email, "password": s.rival.password})}, 201); err != nil {
		all = append(all, impossible(group, err))
	} else {
		refresh, _ := member(made, "tokens", "refreshToken").(string)
		access, _ := json.Marshal(map[string]any{"refreshToken": member(made, "tokens", "accessToken")})
		all = append(all, send(group, "refresh token for access", message{method: "GET", target: "/api/user", token: refresh}.raw(s.addr), status(401)),
			send(group, "access token for refresh", message{method: "POST", target: "/api/sessions/refresh", body: string(access)}.raw(s.addr), status(401)))
	}
	// A sign-in must not reveal whether an account exists.
	for name, body := range map[string]map[string]any{
		"wrong password": {"email": s.victim.email, "password": "wrong horse"}, "unknown": {"email": "nobody@example.com", "password": "wrong horse"},
		"password of another": {"email": s.victim.email, "password": s.rival.password}, "longer password": {"email": s.victim.email, "password": s.victim.password + " "},
		"NUL and more": {"email": s.victim.email, "password": s.victim.password + "\x00x"}, "cut password": {"email": s.victim.email, "password": s.victim.password[:len(s.victim.password)-1]},
		"other case": {"email": s.victim.email, "password": strings.ToUpper(s.victim.password)}, "email with spaces": {"email": " " + s.victim.email + " ", "password": s.victim.password},
		"email with a NUL": {"email": s.victim.email + "\x00", "password": s.victim.password}, "like": {"email": "%@example.com", "password": s.victim.password},
		"empty password": {"email": s.victim.email, "password": ""}, "256 characters": {"email": s.victim.email, "password": strings.Repeat("x", 256)},
		"257 characters": {"email": s.victim.email, "password": strings.Repeat("x", 257)}, "hash": {"email": s.victim.email, "password": "$argon2id$v=19$m=7168,t=5,p=1$AAAA$AAAA"},
	} {
		m := message{method: "POST", target: "/api/users/login", body: object("user", body)}
		all = append(all, send(group, "sign in: "+name, m.raw(s.addr), also(status(401, 422), silentOn("token\":\""))))
	}
	return append(all, attack{group, "of an older system", oldTokens})
}

// challenged expects that the response refuses the token.
func challenged(o outcome) string {
	if a := o.first(); a.status == 200 && !strings.Contains(a.header.Get("WWW-Authenticate"), "invalid_token") {
		return "the token was accepted: no WWW-Authenticate with invalid_token"
	}
	return ""
}

func forgeries(s *site) map[string]string {
	good := s.victim.token
	parts := strings.Split(good, ".")
	forged := map[string]string{
		"garbage": "garbage", "dots": "..", "one dot": ".", "many dots": strings.Repeat(".", 3000), "spaces inside": "a b c", "null": "null", "undefined": "undefined", "zero": "0",
		"not base64": "!!!.???.***", "invalid UTF-8": "\xff\xfe.\xc0\xaf.\x80", "oversize": strings.Repeat("A", 4097), "very large": strings.Repeat("A", 24<<10), "brackets": "{}.{}.{}",
	}
	if len(parts) != 3 {
		return forged // not a JWT: only texts can be tried
	}
	var header, payload claims
	if json.Unmarshal(unbase64(parts[0]), &header) != nil || json.Unmarshal(unbase64(parts[1]), &payload) != nil {
		return forged
	}
	last := good[len(good)-1]
	for name, token := range map[string]string{
		"no signature": parts[0] + "." + parts[1] + ".", "two parts": parts[0] + "." + parts[1], "cut signature": good[:len(good)-4], "longer signature": good + "AAAA",
		"fourth part": good + ".AAAA", "five parts": good + "..", "upper case": strings.ToUpper(good), "padded": good + "==", "twice": good + good, "first character": "A" + good[1:],
		"last bits":     good[:len(good)-1] + string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[(strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", last)+1)%64]),
		"parts swapped": parts[1] + "." + parts[0] + "." + parts[2], "signature of zeros": parts[0] + "." + parts[1] + "." + strings.Repeat("A", 43), "line break inside": parts[0] + ".%0a" + parts[1] + "." + parts[2],
		"standard alphabet": parts[0] + "." + parts[1] + "." + strings.Repeat("+/", 21) + "+",
		"another's payload": parts[0] + "." + strings.Split(s.rival.token+"..", ".")[1] + "." + parts[2],
	} {
		if token != good {
			forged[name] = token
		}
	}
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "", "null", "HS256\x00", "hs256", "HS1", "dir", "ES256K", "RS256", "PS256", "EdDSA"} {
		h := with(header, "alg", alg)
		forged["alg "+alg+" unsigned"] = unsigned(h, payload) + "."
		forged["alg "+alg+" with the old signature"] = unsigned(h, payload) + "." + parts[2]
	}
	keys := map[string]string{"empty": "", "secret": "secret", "byline": "byline", "zeros": strings.Repeat("\x00", 32), "kid": fmt.Sprint(header["kid"]), "changeme": "changeme"}
	for name, key := range keys {
		forged["signed with "+name] = signed(sha256.New, header, payload, key)
	}
	forged["HS384"] = signed(sha512.New384, with(header, "alg", "HS384"), payload, "secret")
	forged["HS512"] = signed(sha512.New, with(header, "alg", "HS512"), payload, "secret")
	for name, kid := range map[string]any{
		"null device": "../../../../dev/null", "SQL": "' UNION SELECT 'secret' --", "absent": nil, "number": 1, "array": []string{"a"}, "object": map[string]any{"a": 1}, "long": strings.Repeat("k", 2000),
		"NUL": "a\x00b", "URL": "http://127.0.0.1:1/key", "command": "|id", "template": "{{7*7}}", "empty": "", "line": "a\r\n" + canary + ": 1",
	} {
		forged["kid "+name] = signed(sha256.New, with(header, "kid", kid), payload, "")
	}
	for name, extra := range map[string]any{
		"jku": "http://127.0.0.1:1/jwks.json", "x5u": "http://127.0.0.1:1/cert.pem", "jwk": map[string]any{"kty": "oct", "k": "c2VjcmV0"}, "x5c": []string{"AAAA"}, "crit": []string{"exp"}, "zip": "DEF", "cty": "JWT", "b64": false,
	} {
		forged["header "+name] = signed(sha256.New, with(header, name, extra), payload, "secret")
	}
	now := time.Now().Unix()
	for name, change := range map[string][2]any{
		"expired": {"exp", now - 86400}, "never expires": {"exp", nil}, "from the future": {"iat", now + 86400}, "not before": {"nbf", now + 86400}, "another audience": {"aud", "other"}, "no audience": {"aud", nil},
		"another issuer": {"iss", "evil"}, "another subject": {"sub", "1"}, "subject zero": {"sub", "0"}, "subject negative": {"sub", "-1"}, "subject of SQL": {"sub", "1 OR 1=1"}, "subject large": {"sub", strings.Repeat("9", 40)},
		"subject number": {"sub", 1}, "expiry text": {"exp", "never"}, "expiry large": {"exp", 1e300}, "expiry array": {"exp", []int{1}}, "role": {"role", "admin"}, "scope": {"scope", "admin read write"},
	} {
		forged["claim "+name] = signed(sha256.New, header, with(payload, change[0].(string), change[1]), "secret")
		forged["claim "+name+" under the old signature"] = unsigned(header, with(payload, change[0].(string), change[1])) + "." + parts[2]
	}
	if key, err := rsa.GenerateKey(rand.Reader, 2048); err == nil {
		text := unsigned(with(header, "alg", "RS256"), payload)
		digest := sha256.Sum256([]byte(text))
		if sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:]); err == nil {
			forged["RS256 of a key of ours"] = text + "." + encode(sig)
		}
		forged["HS256 with a public key"] = signed(sha256.New, header, payload, string(key.N.Bytes()))
	}
	forged["two algs"] = encode([]byte(`{"alg":"HS256","alg":"none"}`)) + "." + parts[1] + "."
	forged["deep header"] = encode([]byte(strings.Repeat(`{"a":`, 500)+"1"+strings.Repeat("}", 500))) + "." + parts[1] + "." + parts[2]
	forged["payload is an array"] = parts[0] + "." + encode([]byte("[]")) + "." + parts[2]
	forged["payload is no JSON"] = parts[0] + "." + encode([]byte("\xff\x00")) + "." + parts[2]
	forged["JWE"] = strings.Join([]string{encode([]byte(`{"alg":"dir","enc":"A256GCM"}`)), "", "AAAA", "AAAA", "AAAA"}, ".")
	return forged
}

func with(c claims, name string, value any) claims {
	changed := claims{}
	for n, v := range c {
		changed[n] = v
	}
	changed[name] = value
	if value == nil {
		delete(changed, name)
	}
	return changed
}

func unsigned(header, payload claims) string {
	h, _ := json.Marshal(header)
	p, _ := json.Marshal(payload)
	return encode(h) + "." + encode(p)
}

func signed(algorithm func() hash.Hash, header, payload claims, key string) string {
	text := unsigned(header, payload)
	mac := hmac.New(algorithm, []byte(key))
	mac.Write([]byte(text))
	return text + "." + encode(mac.Sum(nil))
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func unbase64(text string) []byte {
	b, _ := base64.RawURLEncoding.DecodeString(text)
	return b
}
