package auth

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// nodePBKDF2 was not computed by this program, but by another implementation,
// in the way of the Express backends of the contract: 10000 iterations, 512
// bytes.
const nodePBKDF2 = "$pbkdf2-sha512$i=10000,l=512$0123456789abcdef0123456789abcdef$" +
	"72c6ded6eb7914950c7e707e61d0eca00f00b166fb58669fd5cb551f12500973b5f204bf793bde6296b3698d1fc69b8271efc69a3c665a0044eeb8a26db85326" +
	"b84c378209d3417cbc3a14dd7c7b4d4d020443c6e021267e8e6c23e6a9000ef22e72c057f12c0d0a60c0c201a5792449d77b60dcd7c3d339344a6d86463c5d5f" +
	"19ca78b6f24b6f162cff4d1785b6a1231399cd023d91cdcc144213e9b376ff8705e5a148402727933726ad18bc544d2b2235f8ef90026ab8148494a9dfe9dc03" +
	"16b7df09638f0286f7235b17399d7c09a69417b5a002bda23453b0fc64674f77adc243406bb1787bcd4a505b81caa3101ed4a13a30ae6285f5632d8272c4f76f" +
	"f27fa434b564cb0b7d0c4050634d1a091a9bd5d13b39477aaf8d9929687b472ef010cdbc29b28df8021cab6d74a624756a8e39e4340047cad40f388e33f998f4" +
	"abba8dc25a537410fa64730913f762867c57c403048b4f8f8aec4b6c38fa9655984edf8224f755e372a29465c2c3008dd47f5c8d1d92f25ff568c0f4c24e1fd9" +
	"55c9a2ecfed5c938f00119fe18f08f7d5a38573b3b39036ec5aadc56b61564e8552e0ceadaf3e5491a6e7839c90ab7b0038fdcad28119f00321926ce65cc5a9b" +
	"c2c9e3d72a7cc3a944aae794b192f90f2716e36614d9a2646c5445ba2def56ddf7308bb9326b7b23bc72cc570d3645391705409f434b77994e1b066080b06612"

// pbkdf2Of returns a hash of another system.
func pbkdf2Of(t testing.TB, password string, iterations, size int) string {
	t.Helper()
	key, err := derivePBKDF2(password, "0f1e2d", iterations, size)
	require.NoError(t, err)
	return FormatPBKDF2(iterations, "0f1e2d", hex.EncodeToString(key))
}

// upperHash returns the same hash with digits in upper case.
func upperHash(hash string) string {
	i := strings.LastIndexByte(hash, '$')
	return hash[:i] + strings.ToUpper(hash[i:])
}

func TestParsePBKDF2(t *testing.T) {
	t.Parallel()
	sixteen := strings.Repeat("ab", 16)
	h, err := parsePBKDF2("$pbkdf2-sha512$i=1000,l=16$a salt$" + sixteen)
	require.NoError(t, err)
	require.Equal(t, pbkdf2Hash{1000, "a salt", []byte(strings.Repeat("\xab", 16))}, h)
	for label, text := range map[string]string{
		"Empty": "", "Prefix": pbkdf2Prefix, "OtherAlgorithm": "$pbkdf2-sha256$i=1,l=16$s$" + sixteen,
		"NoHash": "$pbkdf2-sha512$i=1,l=16$s", "NoSalt": "$pbkdf2-sha512$i=1,l=16$$" + sixteen,
		"Zero": "$pbkdf2-sha512$i=0,l=16$s$" + sixteen, "Negative": "$pbkdf2-sha512$i=-1,l=16$s$" + sixteen,
		"Signed": "$pbkdf2-sha512$i=+1,l=16$s$" + sixteen, "LeadingZero": "$pbkdf2-sha512$i=01,l=16$s$" + sixteen,
		"Huge": "$pbkdf2-sha512$i=99999999999999999999,l=16$s$" + sixteen, "NoLength": "$pbkdf2-sha512$i=1$s$" + sixteen,
		"OtherLength": "$pbkdf2-sha512$i=1,l=17$s$" + sixteen, "TooShort": "$pbkdf2-sha512$i=1,l=15$s$" + sixteen[2:],
		"TooLong": "$pbkdf2-sha512$i=1,l=1025$s$" + strings.Repeat("ab", 1025), "OddDigits": "$pbkdf2-sha512$i=1,l=16$s$" + sixteen + "a",
		"NotHex": "$pbkdf2-sha512$i=1,l=16$s$" + strings.Repeat("zz", 16), "More": "$pbkdf2-sha512$i=1,l=16$s$" + sixteen + "$x",
		"LongSalt": "$pbkdf2-sha512$i=1,l=16$" + strings.Repeat("s", 129) + "$" + sixteen,
	} {
		_, err := parsePBKDF2(text)
		require.ErrorIs(t, err, errUnreadable, label)
	}
}

func FuzzParsePBKDF2(f *testing.F) {
	f.Add(nodePBKDF2)
	f.Add("$pbkdf2-sha512$i=1,l=16$s$" + strings.Repeat("ab", 16))
	f.Add("$pbkdf2-sha512$i=,l=$$")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parsePBKDF2(text)
		if err != nil {
			return
		}
		if h.iterations < 1 || h.salt == "" || len(h.first) < minPBKDF2 || len(h.first) > pbkdf2Block {
			t.Fatalf("parsePBKDF2(%q) = %+v", text, h)
		}
		hash := text[strings.LastIndexByte(text, '$')+1:]
		if again := FormatPBKDF2(h.iterations, h.salt, hash); again != text {
			t.Fatalf("%q is written as %q", text, again)
		}
	})
}
