package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"path"
	"strings"
)

//go:embed assets/style.css assets/icon.svg assets/favicon.ico assets/*.js
var assetFiles embed.FS

// reference is not in assetFiles: reading it from an embed.FS would copy its
// megabyte into memory, which most services never send.
//
//go:embed assets/scalar-*.js.zst
var reference []byte

// assetURLs are the paths of the files that pages load. Each name has a hash of
// the content, so that browsers can cache the file forever.
type assetURLs struct{ Style, Icon, Page, Search, Reference, Scalar, Document, Index string }

func loadAssets(resources map[string]*resource) (assetURLs, error) {
	var urls assetURLs
	for _, asset := range []struct {
		name, mediaType string
		url             *string
	}{
		{"style.css", "text/css; charset=utf-8", &urls.Style},
		{"icon.svg", "image/svg+xml", &urls.Icon},
		{"page.js", scriptType, &urls.Page},
		{"search.js", scriptType, &urls.Search},
		{"reference.js", scriptType, &urls.Reference},
	} {
		data, err := assetFiles.ReadFile("assets/" + asset.name)
		if err != nil {
			return urls, err
		}
		*asset.url = assetURL(asset.name, data)
		resources[*asset.url] = newResource(asset.mediaType, data, immutable, "")
	}
	// Programs that show a response of the API, and browsers that cannot read
	// SVG, ask for the icon at this path.
	icon, err := assetFiles.ReadFile("assets/favicon.ico")
	if err != nil {
		return urls, err
	}
	resources["/favicon.ico"] = newResource("image/x-icon", icon, "public, max-age=86400", "")
	urls.Scalar = assetURL("scalar.js", reference)
	resources[urls.Scalar] = newPacked(scriptType, reference, immutable)
	return urls, nil
}

const scriptType = "text/javascript; charset=utf-8"

// assetURL returns the path of an asset, with a hash of its content.
func assetURL(name string, data []byte) string {
	sum := sha256.Sum256(data)
	ext := path.Ext(name)
	return "/docs/assets/" + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
}
