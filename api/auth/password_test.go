package auth

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/alexedwards/argon2id"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"
)

// cheap parameters keep the tests fast. The tests do not depend on the cost.
var cheap = argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}

func passwordsOf(t testing.TB, atOnce int) *Passwords {
	t.Helper()
	p, err := NewPasswords(cheap, atOnce)
	require.NoError(t, err)
	return p
}

// hashBcrypt creates a hash like another system would.
func hashBcrypt(t testing.TB, version, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	require.NoError(t, err)
	return version + strings.TrimPrefix(string(hash), "$2a$")
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	p := passwordsOf(t, 2)
	for label, password := range map[string]string{
		"Plain": "correct horse", "Empty": "", "NUL": "a\x00b", "Unicode": "пароль 密码 🔑", "NotUTF8": "\xff\xfe",
		"Long": strings.Repeat("x", 1024),
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			hash, err := p.Hash(t.Context(), password)
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=8,t=1,p=1$"), hash)
			again, err := p.Hash(t.Context(), password)
			require.NoError(t, err)
			require.NotEqual(t, hash, again, "each hash has its own salt")
			ok, renew, err := p.Verify(t.Context(), password, hash, LegacyWork{})
			require.NoError(t, err)
			require.True(t, ok)
			require.False(t, renew)
			for _, other := range []string{password + "x", password + "\x00", "x" + password, strings.ToUpper(password) + " "} {
				ok, renew, err := p.Verify(t.Context(), other, hash, LegacyWork{})
				require.NoError(t, err)
				require.False(t, ok, "%q", other)
				require.False(t, renew)
			}
		})
	}
	t.Run("EveryByte", func(t *testing.T) {
		t.Parallel()
		password := []byte(strings.Repeat("x", 100))
		hash, err := p.Hash(t.Context(), string(password))
		require.NoError(t, err)
		for i := range password {
			password[i]++
			ok, _, err := p.Verify(t.Context(), string(password), hash, LegacyWork{})
			require.NoError(t, err)
			require.False(t, ok, "byte %d", i)
			password[i]--
		}
	})
	t.Run("NoSlots", func(t *testing.T) {
		t.Parallel()
		for _, atOnce := range []int{0, -1} {
			_, err := NewPasswords(cheap, atOnce)
			require.Error(t, err)
		}
	})
}

func TestPasswordsVerify(t *testing.T) {
	t.Parallel()
	p := passwordsOf(t, 2)
	argon := func(change func(*argon2id.Params)) string {
		params := cheap
		change(&params)
		hash, err := argon2id.CreateHash("right password", &params)
		require.NoError(t, err)
		return hash
	}
	long := strings.Repeat("x", 72)
	for label, test := range map[string]struct {
		hash, right, wrong string
		renew              bool
	}{
		"Same":         {argon(func(*argon2id.Params) {}), "right password", "wrong password", false},
		"Memory":       {argon(func(p *argon2id.Params) { p.Memory = 16 }), "right password", "wrong password", true},
		"Iterations":   {argon(func(p *argon2id.Params) { p.Iterations = 2 }), "right password", "wrong password", true},
		"Parallelism":  {argon(func(p *argon2id.Params) { p.Parallelism = 2; p.Memory = 16 }), "right password", "wrong password", true},
		"SaltLength":   {argon(func(p *argon2id.Params) { p.SaltLength = 8 }), "right password", "wrong password", true},
		"KeyLength":    {argon(func(p *argon2id.Params) { p.KeyLength = 16 }), "right password", "wrong password", true},
		"Bcrypt2a":     {hashBcrypt(t, "$2a$", "right password"), "right password", "wrong password", true},
		"Bcrypt2b":     {hashBcrypt(t, "$2b$", "right password"), "right password", "wrong password", true},
		"Bcrypt2y":     {hashBcrypt(t, "$2y$", "right password"), "right password", "wrong password", true},
		"BcryptOf72":   {hashBcrypt(t, "$2b$", long), long + " and what bcrypt cut off", long[:71], true},
		"BcryptOfNone": {hashBcrypt(t, "$2b$", ""), "", "x", true},
		"PBKDF2":       {pbkdf2Of(t, "right password", 10_000, 512), "right password", "wrong password", true},
		"PBKDF2Short":  {pbkdf2Of(t, "right password", 1, 16), "right password", "wrong password", true},
		"PBKDF2Upper":  {upperHash(pbkdf2Of(t, "right password", 1, 64)), "right password", "right password ", true},
		"PBKDF2OfNone": {pbkdf2Of(t, "", 1, 64), "", "x", true},
		// crypto.pbkdf2Sync of Node, with the salt as text in hexadecimal.
		"PBKDF2OfNode": {nodePBKDF2, "correct horse", "correct horsf", true},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			ok, renew, err := p.Verify(t.Context(), test.right, test.hash, LegacyWork{})
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, test.renew, renew)
			ok, renew, err = p.Verify(t.Context(), test.wrong, test.hash, LegacyWork{})
			require.NoError(t, err)
			require.False(t, ok)
			require.False(t, renew, "a wrong password must never replace a hash")
		})
	}

	t.Run("NoAccount", func(t *testing.T) {
		t.Parallel()
		for _, password := range []string{"", "x", "a password that no account has"} {
			ok, renew, err := p.Verify(t.Context(), password, "", LegacyWork{})
			require.NoError(t, err)
			require.False(t, ok)
			require.False(t, renew)
		}
		params, _, _, err := argon2id.DecodeHash(p.decoy)
		require.NoError(t, err)
		require.Equal(t, cheap, *params, "the decoy must cost as much as a real hash")

		broken := passwordsOf(t, 1)
		broken.decoy = "unreadable"
		_, _, err = broken.Verify(t.Context(), "x", "", LegacyWork{})
		require.Error(t, err, "the password must be verified against the decoy")
	})

	t.Run("Unreadable", func(t *testing.T) {
		t.Parallel()
		var log bytes.Buffer
		p := passwordsOf(t, 1)
		p.Log = slog.New(slog.NewTextHandler(&log, nil))
		for label, hash := range unusable(t) {
			log.Reset()
			ok, renew, err := p.Verify(t.Context(), "right password", hash, LegacyWork{})
			require.NoError(t, err, label)
			require.False(t, ok, label)
			require.False(t, renew, label)
			require.Error(t, CheckStored(hash), label)
			require.Contains(t, log.String(), "level=WARN", label)
			require.NotContains(t, log.String(), hash, "the log must not contain hashes")
		}
		log.Reset()
		_, _, err := p.Verify(t.Context(), "x", "", LegacyWork{})
		require.NoError(t, err)
		require.Empty(t, log.String(), "an account without a password is nothing unusual")
	})
}

// unusable returns hashes that match no password. Without a bound, some would
// allocate all memory, take a slot for ever or panic.
func unusable(t testing.TB) map[string]string {
	argon, err := argon2id.CreateHash("right password", &cheap)
	require.NoError(t, err)
	with := func(params string) string { return strings.Replace(argon, "m=8,t=1,p=1", params, 1) }
	short := cheap
	short.KeyLength = 15
	shortKey, err := argon2id.CreateHash("right password", &short)
	require.NoError(t, err)
	bcrypted, pbkdf2 := hashBcrypt(t, "$2b$", "right password"), pbkdf2Of(t, "right password", 1, 64)
	return map[string]string{
		"Plain":        "right password",
		"Cut":          strings.Join(strings.Split(argon, "$")[:5], "$"),
		"OtherVersion": strings.Replace(argon, "v=19", "v=16", 1),
		"Argon2i":      strings.Replace(argon, "argon2id", "argon2i", 1),
		"ArgonMemory":  with("m=262145,t=1,p=1"), "ArgonAllMemory": with("m=4194304,t=1,p=1"), "ArgonEndless": with("m=8,t=4294967295,p=1"),
		"ArgonPasses": with("m=8,t=17,p=1"), "ArgonNoPasses": with("m=8,t=0,p=1"), "ArgonNoThreads": with("m=8,t=1,p=0"),
		"ArgonThreads": with("m=8,t=1,p=17"), "ArgonManyThreads": with("m=8,t=1,p=256"), "ArgonShortKey": shortKey,
		"ArgonNoKey": argon[:strings.LastIndexByte(argon, '$')+1],
		"CutBcrypt":  bcrypted[:20], "LongBcrypt": bcrypted + ".", "BcryptLetters": bcrypted[:59] + "=",
		"BcryptCost0": "$2b$00$" + bcrypted[7:], "BcryptCost3": "$2b$03$" + bcrypted[7:], "BcryptCost17": "$2b$17$" + bcrypted[7:],
		"BcryptCost32": "$2b$32$" + bcrypted[7:], "BcryptCost99": "$2b$99$" + bcrypted[7:],
		"PBKDF2": "$pbkdf2-sha512$i=1,l=64$salt", "PBKDF2Length": strings.Replace(pbkdf2, "l=64", "l=65", 1), "PBKDF2Letters": pbkdf2[:len(pbkdf2)-1] + "g",
		"PBKDF2Salt": strings.Replace(pbkdf2, "$0f1e2d$", "$"+strings.Repeat("0", 129)+"$", 1), "PBKDF2Iterations": strings.Replace(pbkdf2, "i=1,", "i=1000001,", 1),
	}
}

func TestPasswordsAtOnce(t *testing.T) {
	t.Parallel()
	hash := hashBcrypt(t, "$2b$", "x")
	work := map[string]func(p *Passwords, ctx context.Context) error{
		"Hash": func(p *Passwords, ctx context.Context) error { _, err := p.Hash(ctx, "x"); return err },
		"Verify": func(p *Passwords, ctx context.Context) error {
			_, _, err := p.Verify(ctx, "x", hash, LegacyWork{})
			return err
		},
		"VerifyNoAccount": func(p *Passwords, ctx context.Context) error {
			_, _, err := p.Verify(ctx, "x", "", LegacyWork{})
			return err
		},
	}
	for label, do := range work {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			const atOnce, callers = 3, 10
			// Inside synctest.Test, Wait returns when all goroutines are
			// blocked.
			synctest.Test(t, func(t *testing.T) {
				p := passwordsOf(t, atOnce)
				require.NoError(t, p.slots.Acquire(t.Context(), atOnce))
				var finished atomic.Int64
				for range callers {
					go func() {
						if do(p, t.Context()) == nil {
							finished.Add(1)
						}
					}()
				}
				synctest.Wait()
				require.Zero(t, finished.Load(), "all slots are taken")

				ctx, cancel := context.WithCancel(t.Context())
				gaveUp := make(chan error, 1)
				go func() { gaveUp <- do(p, ctx) }()
				synctest.Wait()
				cancel()
				require.ErrorIs(t, <-gaveUp, context.Canceled)

				p.slots.Release(1)
				synctest.Wait()
				require.EqualValues(t, callers, finished.Load(), "each computation passes its slot on")
				p.slots.Release(atOnce - 1)
				require.True(t, p.slots.TryAcquire(atOnce), "no slot is lost")
			})
		})
	}

	t.Run("FreeAfterError", func(t *testing.T) {
		t.Parallel()
		p := passwordsOf(t, 1)
		for range 3 {
			p.decoy = "unreadable"
			_, _, err := p.Verify(t.Context(), "x", "", LegacyWork{})
			require.Error(t, err)
		}
		require.NoError(t, p.slots.Acquire(t.Context(), 1))
	})
}

func TestViewer(t *testing.T) {
	t.Parallel()
	require.True(t, Viewer{}.Anonymous())
	require.False(t, Viewer{ID: 1}.Anonymous())
}

// TestParams checks that the cost is at least OWASP's minimum for argon2id.
func TestParams(t *testing.T) {
	t.Parallel()
	least := map[uint32]uint32{1: 47104, 2: 19456, 3: 12288, 4: 9216, 5: 7168}
	require.Contains(t, least, Params.Iterations)
	require.GreaterOrEqual(t, Params.Memory, least[Params.Iterations])
	require.GreaterOrEqual(t, Params.SaltLength, uint32(16))
	require.GreaterOrEqual(t, Params.KeyLength, uint32(32))
}

// TestVerifyWork counts what a failed verification computes. If accounts
// differed, the time of a sign-in would tell them apart.
func TestVerifyWork(t *testing.T) {
	t.Parallel()
	bcryptOf := func(cost int) string {
		hash, err := bcrypt.GenerateFromPassword([]byte("right password"), cost)
		require.NoError(t, err)
		return string(hash)
	}
	argon, err := argon2id.CreateHash("right password", &cheap)
	require.NoError(t, err)
	// spent is the number of argon2id computations, the work of those of bcrypt,
	// and the iterations of PBKDF2.
	type spent struct{ argon2id, bcrypt, pbkdf2 int }
	verify := func(password, hash string, legacy LegacyWork) (s spent, ok bool) {
		p := passwordsOf(t, 1)
		real := p.work
		p.work.argon2id = func(password, hash string) (bool, *argon2id.Params, error) {
			s.argon2id++
			return real.argon2id(password, hash)
		}
		p.work.compareBcrypt = func(hash, password []byte) error {
			cost, err := bcrypt.Cost(hash)
			require.NoError(t, err)
			s.bcrypt += 1 << cost
			return real.compareBcrypt(hash, password)
		}
		p.work.createBcrypt = func(password []byte, cost int) ([]byte, error) {
			s.bcrypt += 1 << cost
			return real.createBcrypt(password, cost)
		}
		p.work.pbkdf2 = func(password, salt string, iterations, size int) ([]byte, error) {
			require.LessOrEqual(t, size, pbkdf2Block)
			s.pbkdf2 += iterations
			return real.pbkdf2(password, salt, iterations, size)
		}
		ok, _, err := p.Verify(t.Context(), password, hash, legacy)
		require.NoError(t, err)
		return s, ok
	}
	none := slices.Collect(maps.Values(unusable(t)))
	for legacy, hashes := range map[LegacyWork][]string{
		{}:       append(none, "", argon),
		{4, 0}:   append(none, "", argon, bcryptOf(4)),
		{6, 0}:   {"", argon, bcryptOf(4), bcryptOf(5), bcryptOf(6)},
		{0, 100}: {"", argon, pbkdf2Of(t, "right password", 1, 512), pbkdf2Of(t, "right password", 100, 32)},
		{5, 100}: {"", argon, bcryptOf(4), bcryptOf(5), pbkdf2Of(t, "right password", 99, 64)},
	} {
		want := spent{argon2id: 1, pbkdf2: legacy.PBKDF2Iterations}
		if legacy.BcryptCost > 0 {
			want.bcrypt = 1 << legacy.BcryptCost
		}
		for _, hash := range hashes {
			got, ok := verify("wrong password", hash, legacy)
			require.False(t, ok)
			require.Equal(t, want, got, "%q, %v", hash, legacy)
		}
	}
	_, ok := verify("a password that no account has", "", LegacyWork{BcryptCost: 4})
	require.False(t, ok, "not even that of the decoy")
	for hash, want := range map[string]spent{argon: {argon2id: 1}, bcryptOf(5): {bcrypt: 1 << 5}, pbkdf2Of(t, "right password", 7, 512): {pbkdf2: 7}} {
		got, ok := verify("right password", hash, LegacyWork{6, 100})
		require.True(t, ok)
		require.Equal(t, want, got, "a sign-in costs no more because of other accounts")
	}
	got, _ := verify(strings.Repeat("x", 100), argon, LegacyWork{BcryptCost: 4})
	require.Equal(t, spent{argon2id: 1, bcrypt: 1 << 4}, got, "bcrypt refuses passwords that are longer than 72 bytes")
	got, _ = verify("wrong password", argon, LegacyWork{PBKDF2Iterations: 9_999_999})
	require.Equal(t, spent{argon2id: 1, pbkdf2: maxIterations}, got)
}
