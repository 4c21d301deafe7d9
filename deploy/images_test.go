package deploy_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestImages checks that every image that is downloaded is pinned by a digest,
// because a tag can move to other files.
func TestImages(t *testing.T) {
	t.Parallel()
	images := map[string]string{}
	for name, s := range readCompose(t).Services {
		if s.Build.Dockerfile == "" {
			images["compose.yaml: "+name] = s.Image
		}
	}
	for _, from := range regexp.MustCompile(`(?m)^FROM (?:--\S+ )?(\S+)`).FindAllStringSubmatch(readFile(t, "Containerfile"), -1) {
		if from[1] != "scratch" {
			images["Containerfile"] = from[1]
		}
	}
	require.Len(t, images, 4)
	for where, image := range images {
		require.Regexp(t, `^[\w/.-]+:v?\d+\.[\w.-]+@sha256:[0-9a-f]{64}$`, image, "%s: name the image with its whole version and its digest", where)
	}
}
