package server

import (
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClientAddress(t *testing.T) {
	t.Parallel()
	private := []string{"10.0.0.0/8", "fd00::/8"}
	tests := []struct {
		name      string
		trusted   []string
		remote    string
		forwarded []string
		want      string
	}{
		{"Direct", nil, "192.0.2.1:1234", nil, "192.0.2.1"},
		{"NobodyTrusted", nil, "192.0.2.1:1234", []string{"198.51.100.7"}, "192.0.2.1"},
		{"LoopbackIsNotTrusted", nil, "127.0.0.1:1234", []string{"198.51.100.7"}, "127.0.0.1"},
		{"PrivateIsNotTrustedByDefault", []string{"203.0.113.1/32"}, "10.0.0.1:1234", []string{"198.51.100.7"}, "10.0.0.1"},
		{"LoopbackBesideTrusted", private, "127.0.0.1:1234", []string{"198.51.100.7"}, "127.0.0.1"},
		{"LinkLocalBesideTrusted", private, "169.254.1.1:1234", []string{"198.51.100.7"}, "169.254.1.1"},
		{"OtherPrivateBesideTrusted", private, "192.168.1.1:1234", []string{"198.51.100.7"}, "192.168.1.1"},
		{"Stranger", private, "192.0.2.1:1234", []string{"198.51.100.7"}, "192.0.2.1"},
		{"Proxy", private, "10.0.0.1:1234", []string{"198.51.100.7"}, "198.51.100.7"},
		{"ProxySaysNothing", private, "10.0.0.1:1234", nil, "10.0.0.1"},
		{"SpoofedChain", private, "10.0.0.1:1234", []string{"1.1.1.1, 198.51.100.7"}, "198.51.100.7"},
		{"SpoofedTrustedHop", private, "10.0.0.1:1234", []string{"1.1.1.1, 10.9.9.9, 198.51.100.7"}, "198.51.100.7"},
		{"TwoProxies", private, "10.0.0.1:1234", []string{"198.51.100.7, 10.0.0.2"}, "198.51.100.7"},
		{"TwoFields", private, "10.0.0.1:1234", []string{"1.1.1.1", "198.51.100.7, 10.0.0.2"}, "198.51.100.7"},
		{"Nonsense", private, "10.0.0.1:1234", []string{"nonsense"}, "10.0.0.1"},
		{"NonsenseBehind", private, "10.0.0.1:1234", []string{"nonsense, 198.51.100.7"}, "198.51.100.7"},
		{"IPv6Direct", private, "[2001:db8::1]:1234", []string{"198.51.100.7"}, "2001:db8::1"},
		{"IPv6Proxy", private, "[fd00::1]:1234", []string{"2001:db8::7"}, "2001:db8::7"},
		{"IPv6Spoofed", private, "[fd00::1]:1234", []string{"::1, 2001:db8::7"}, "2001:db8::7"},
		{"PrefixWithHostBits", []string{"10.1.2.3/8"}, "10.0.0.1:1234", []string{"198.51.100.7"}, "198.51.100.7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var trusted []netip.Prefix
			for _, p := range tt.trusted {
				trusted = append(trusted, netip.MustParsePrefix(p))
			}
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = tt.remote
			for _, f := range tt.forwarded {
				r.Header.Add("X-Forwarded-For", f)
			}
			r.Header.Set("X-Real-Ip", "9.9.9.9")
			r.Header.Set("Forwarded", "for=9.9.9.9")
			require.Equal(t, tt.want, ipExtractor(trusted)(r))
		})
	}
}
