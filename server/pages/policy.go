package pages

// The policies permit the browser only this:
//
//   - guides and the landing page: the stylesheet and the icon. They have no
//     scripts, no inline styles and no forms.
//   - the reference: scripts from files of this origin, never inline and never
//     eval; requests to this origin, to read the document and to try calls;
//     styles also inline, since Scalar adds <style> elements and style
//     attributes as it renders; images that it draws as data: URLs, and
//     blob: URLs for images and downloads in the response to such a call.
const (
	pagePolicy      = "default-src 'none'; style-src 'self'; img-src 'self'; " + everywhere
	referencePolicy = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " + everywhere

	everywhere = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
