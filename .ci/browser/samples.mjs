// Chooses the sample of each SDK in the reference, as a reader does, and checks
// that it calls the operation, also that of the operation that is opened next.
const samples = [
  { sdk: 'TypeScript SDK', create: 'byline.articles.create({', comment: 'byline.comments.create("how-to-train-your-dragon", {' },
  { sdk: 'Python SDK', create: 'byline.articles.create(\n    title=', comment: 'byline.comments.create(\n    "how-to-train-your-dragon",' },
  { sdk: 'Go SDK', create: 'c.Articles.Create(ctx, byline.NewArticle{', comment: 'c.Comments.Create(ctx, "how-to-train-your-dragon", byline.NewComment{' },
]

export async function chooseSamples(onPage, demand, shots) {
  await onPage({ viewport: { width: 1360, height: 900 } }, '/docs', async (page) => {
    page.setDefaultTimeout(15_000)
    // open opens an operation, and returns its section.
    const open = async (operation) => {
      await page.evaluate((hash) => (location.hash = hash), operation)
      const section = page.locator(`[id$="${operation}"]`).first()
      await section.getByRole('button', { name: /Test Request/ }).waitFor()
      return section
    }
    let chosen = 'Shell Curl'
    for (const { sdk, create, comment } of samples) {
      const article = await open('tag/articles/POST/articles')
      await article.getByRole('button', { name: chosen, exact: true }).click()
      await page.getByRole('option', { name: sdk, exact: true }).click()
      chosen = sdk
      demand(await shows(article, create), `the reference shows ${create} as the sample of the ${sdk}`)
      if (shots) await page.screenshot({ path: `${shots}/sample-${sdk.replaceAll(' ', '-')}.png` })
      const next = await open('tag/comments/POST/articles/{slug}/comments')
      demand(await shows(next, comment), `the next operation shows ${comment} as the sample of the ${sdk}`)
    }
  })
}

// shows reports whether a section has the code. Highlighting splits the code into
// elements, so that its text is compared.
async function shows(section, code) {
  const sample = section.locator('pre').first()
  for (let n = 0; n < 50; n++) {
    const text = await sample.innerText()
    if (text.replaceAll('\u00a0', ' ').includes(code)) return true
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return false
}
