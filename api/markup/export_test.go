package markup

// HTML returns Markdown as HTML, as without a base.
func HTML(src string) string { return plain.Convert(src).HTML }

var plain = NewConverter(nil)
