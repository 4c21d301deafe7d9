package pages

// The policies permit the browser only this:
//
//   - guides and the landing page: the stylesheet, the icon, and the script that
//     adds buttons. They have no inline scripts or styles and no forms.
//   - the search: the same, and requests to this origin, to read the index.
//   - the reference: scripts from files of this origin, never inline and never
//     eval; requests to this origin, to read the document and to try calls;
//     styles also inline, since Scalar adds <style> elements and style
//     attributes as it renders; images that it draws as data: URLs, and
//     blob: URLs for images and downloads in the response to such a call.
//   - pictures in guides: the style sheet that is in the picture.
const (
	pagePolicy      = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " + everywhere
	searchPolicy    = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; " + everywhere
	referencePolicy = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " + everywhere

	picturePolicy = "default-src 'none'; style-src 'unsafe-inline'; " + everywhere

	everywhere = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
