package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"path"
	"strings"
)

//go:embed assets/style.css assets/icon.svg assets/reference.js
var assetFiles embed.FS

// The reference is apart, since reading it from an embed.FS would copy its
// megabyte into memory, of which most services never show a byte.
//
//go:embed assets/scalar-*.js.zst
var reference []byte

// assetURLs are the paths of what pages load. Each has a hash of its content
// in its name, so that it can be kept for good.
type assetURLs struct{ Style, Icon, Reference, Scalar string }

func loadAssets(resources map[string]*resource) (assetURLs, error) {
	var urls assetURLs
	for _, asset := range []struct {
		name, mediaType string
		url             *string
	}{
		{"style.css", "text/css; charset=utf-8", &urls.Style},
		{"icon.svg", "image/svg+xml", &urls.Icon},
		{"reference.js", scriptType, &urls.Reference},
	} {
		data, err := assetFiles.ReadFile("assets/" + asset.name)
		if err != nil {
			return urls, err
		}
		*asset.url = assetURL(asset.name, data)
		resources[*asset.url] = newResource(asset.mediaType, data, immutable, "")
	}
	urls.Scalar = assetURL("scalar.js", reference)
	resources[urls.Scalar] = newPacked(scriptType, reference, immutable)
	return urls, nil
}

const scriptType = "text/javascript; charset=utf-8"

// assetURL puts a hash of the content into the name.
func assetURL(name string, data []byte) string {
	sum := sha256.Sum256(data)
	ext := path.Ext(name)
	return "/docs/assets/" + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
}
