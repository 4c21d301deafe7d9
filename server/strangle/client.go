package strangle

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"
)

// userOf returns a number that stands for the user of a request: the account
// that the token names, else the token, else where the request comes from. The
// token is not verified, because that is up to the system that answers. Who
// forges one decides only which system refuses it.
func (p *Proxy) userOf(x *exchange) uint64 {
	if x.user == 0 {
		x.user = p.identify(x.in)
	}
	return x.user
}

func (p *Proxy) identify(r *http.Request) uint64 {
	header := r.Header.Get("Authorization")
	if header == "" {
		return p.placeOf(r)
	}
	_, token, found := strings.Cut(header, " ")
	if !found {
		token = header
	}
	if account := accountOf(token); account != "" {
		return xxhash.Sum64String("account " + account)
	}
	return xxhash.Sum64String("token " + token)
}

// placeOf returns a number for the address and the program of a client, which
// has to do for who is not signed in. An IPv6 client has a whole /64.
func (p *Proxy) placeOf(r *http.Request) uint64 {
	addr := p.addressOf(r)
	if addr.Is6() {
		if network, err := addr.Prefix(64); err == nil {
			addr = network.Addr()
		}
	}
	return xxhash.Sum64String("place " + addr.String() + " " + r.Header.Get("User-Agent"))
}

// addressOf returns the address of the client, before the trusted proxies.
func (p *Proxy) addressOf(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for i := len(hops) - 1; i >= 0 && p.trusts(addr); i-- {
		before, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = before.Unmap()
	}
	return addr
}

// trusts reports whether an address is that of a trusted proxy.
func (p *Proxy) trusts(addr netip.Addr) bool {
	for _, network := range p.cfg.TrustedProxies {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// maxClaims bounds the claims of a token that are looked at.
const maxClaims = 4096

// accountOf returns the account that the claims of a token name, or "". Node
// backends of this contract use user.id, id or sub.
func accountOf(token string) string {
	_, rest, _ := strings.Cut(token, ".")
	encoded, signature, found := strings.Cut(rest, ".")
	if !found || signature == "" || len(encoded) > maxClaims {
		return ""
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(encoded, "="))
	if err != nil {
		return ""
	}
	var claims struct {
		User json.RawMessage `json:"user"`
		ID   json.RawMessage `json:"id"`
		Sub  json.RawMessage `json:"sub"`
	}
	if json.Unmarshal(text, &claims) != nil {
		return ""
	}
	var user struct {
		ID json.RawMessage `json:"id"`
	}
	_ = json.Unmarshal(claims.User, &user) // it may be a text
	for _, id := range []json.RawMessage{user.ID, claims.ID, claims.Sub} {
		if plain := strings.Trim(string(id), `"`); plain != "" && plain != "null" {
			return plain
		}
	}
	return ""
}

// writers remembers who has written to the old system a moment ago. It holds
// users in two maps, of which the older one is dropped after each period, so
// that its size is bounded.
type writers struct {
	mu           sync.RWMutex
	young, aging map[uint64]time.Time // when the user has written
	turned       time.Time
	full         time.Time // when the last user found no place

	last atomic.Int64 // when anybody has written, in nanoseconds
}

// maxWriters bounds the users in each of the two maps.
const maxWriters = 100_000

// add remembers that a user has written. Without a place for the user, all
// users count as writers for a period: their reads go to old, which is always
// right.
func (w *writers) add(user uint64, now time.Time, period time.Duration) {
	w.last.Store(now.UnixNano())
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.Sub(w.turned) > period {
		w.aging, w.young, w.turned = w.young, map[uint64]time.Time{}, now
	}
	if _, known := w.young[user]; !known && len(w.young) >= maxWriters {
		w.full = now
		return
	}
	w.young[user] = now
}

// forget forgets a user.
func (w *writers) forget(user uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.young, user)
	delete(w.aging, user)
}

// any reports whether anybody has written within a period.
func (w *writers) any(now time.Time, period time.Duration) bool {
	return now.UnixNano()-w.last.Load() <= int64(period)
}

// has reports whether a user has written within a period.
func (w *writers) has(user uint64, now time.Time, period time.Duration) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	recent := func(written time.Time, found bool) bool { return found && now.Sub(written) <= period }
	young, isYoung := w.young[user]
	aging, isAging := w.aging[user]
	return recent(young, isYoung) || recent(aging, isAging) || recent(w.full, !w.full.IsZero())
}
