package markup

// HTML returns Markdown as HTML, as without a base.
func HTML(src string) string { return plain.HTML(src) }

var plain = NewConverter(nil)
