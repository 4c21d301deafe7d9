package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"path"
	"strings"
)

//go:embed assets/style.css assets/icon.svg assets/reference.js assets/scalar-*.js.zst
var assetFiles embed.FS

// assetURLs are the paths of what pages load. Each has a hash of its content
// in its name, so that it can be kept for good.
type assetURLs struct{ Style, Icon, Reference, Scalar string }

func loadAssets(resources map[string]*resource) (assetURLs, error) {
	var urls assetURLs
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		return urls, err
	}
	for _, e := range entries {
		data, err := assetFiles.ReadFile("assets/" + e.Name())
		if err != nil {
			return urls, err
		}
		sum := sha256.Sum256(data)
		name, packed := strings.CutSuffix(e.Name(), ".zst")
		ext := path.Ext(name)
		url := "/docs/assets/" + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		mediaType := map[string]string{".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".js": "text/javascript; charset=utf-8"}[ext]
		if packed {
			resources[url] = newPacked(mediaType, data, immutable)
		} else {
			resources[url] = newResource(mediaType, data, immutable, "")
		}
		switch {
		case ext == ".css":
			urls.Style = url
		case ext == ".svg":
			urls.Icon = url
		case name == "reference.js":
			urls.Reference = url
		default:
			urls.Scalar = url
		}
	}
	return urls, nil
}
