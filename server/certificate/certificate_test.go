package certificate_test

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/certificate"
	"github.com/byline-api/byline/server/servertest"
)

// TestCertificateFollow renews the files while only Follow checks them.
// synctest has a clock of its own, in which days pass at once.
func TestCertificateFollow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		files, log := servertest.NewPEMFiles(t), &servertest.Log{}
		ends := time.Now().Add(24 * time.Hour)
		files.Write(t, 1, ends)
		pair, err := certificate.Load(files.Cert, files.Key, slog.New(slog.NewTextHandler(log, nil)))
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- pair.Follow(ctx) }()
		inUse := func(after time.Duration) int64 {
			time.Sleep(after)
			synctest.Wait()
			served, err := pair.TLSConfig().GetCertificate(nil)
			require.NoError(t, err)
			return served.Leaf.SerialNumber.Int64()
		}
		const soon, refused, taken = 11 * time.Second, "the new certificate is not used", "certificate read again"
		require.EqualValues(t, 1, inUse(time.Hour))
		require.Empty(t, log.String(), "nothing has changed")

		files.Write(t, 2, ends)
		require.EqualValues(t, 2, inUse(soon))
		require.Equal(t, 1, strings.Count(log.String(), taken))

		require.NoError(t, os.WriteFile(files.Cert, []byte("half a file"), 0o600))
		require.EqualValues(t, 2, inUse(time.Hour), "the previous pair stays in use")
		require.Equal(t, 1, strings.Count(log.String(), refused), "the same error is not logged every ten seconds:\n%s", log)
		require.NoError(t, os.Remove(files.Cert))
		require.EqualValues(t, 2, inUse(time.Hour))
		require.Equal(t, 2, strings.Count(log.String(), refused), "another error is logged too:\n%s", log)

		files.Write(t, 3, ends)
		require.EqualValues(t, 3, inUse(soon), "an error does not end Follow")
		require.Equal(t, 2, strings.Count(log.String(), taken))
		require.NoError(t, os.Remove(files.Cert))
		require.EqualValues(t, 3, inUse(soon))
		require.Equal(t, 3, strings.Count(log.String(), refused), "the same error is logged again after a success")

		stop()
		require.NoError(t, <-ended)
		files.Write(t, 4, ends)
		require.EqualValues(t, 3, inUse(time.Hour))
	})
}
