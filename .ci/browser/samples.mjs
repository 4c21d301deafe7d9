// Chooses the sample of each SDK in the reference, as a reader does, and checks
// that it calls the operation, also that of the operation that is opened next.
// Then it copies the command for curl, with the token that the reader has
// entered, and chooses the SDK beside the introduction.
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
    let chosen = samples[0].sdk
    // choose chooses a sample in the section of an operation.
    const choose = async (section, name, label) => {
      await section.getByRole('button', { name: chosen, exact: true }).click()
      const offered = await page.getByRole('option').allInnerTexts()
      demand(offered.join() === [...samples.map((s) => s.sdk), 'Curl'].join(), `the reference offers the samples ${offered}`)
      await page.getByRole('option', { name, exact: true }).click()
      chosen = label
    }
    for (const { sdk, create, comment } of samples) {
      const article = await open('tag/articles/POST/articles')
      if (sdk === chosen) demand(await shows(article, create), `the reference shows the ${sdk} first`)
      await choose(article, sdk, sdk)
      demand(await shows(article, create), `the reference shows ${create} as the sample of the ${sdk}`)
      if (shots) await page.screenshot({ path: `${shots}/sample-${sdk.replaceAll(' ', '-')}.png` })
      const next = await open('tag/comments/POST/articles/{slug}/comments')
      demand(await shows(next, comment), `the next operation shows ${comment} as the sample of the ${sdk}`)
    }
    const article = await open('tag/articles/POST/articles')
    await choose(article, 'Curl', 'Shell Curl')
    demand(await shows(article, "--header 'Authorization: Bearer YOUR_SECRET_TOKEN'"), 'the command for curl sends the token with its scheme')
    await page.evaluate(() => scrollTo(0, 0))
    demand((await page.getByText('Auth Type').innerText()).endsWith('Bearer'), 'the reference asks for a token')
    await page.getByPlaceholder('Token').first().fill('a.b.c')
    for (const { sdk, create } of samples) {
      const language = sdk.replace(' SDK', '')
      await page.evaluate(() => scrollTo(0, 0))
      await page.getByRole('tab', { name: language, exact: true }).click()
      demand(await page.getByRole('tabpanel').filter({ hasText: 'how to install' }).isVisible(), `the reference names the package of the ${sdk}`)
      demand(await shows(await open('tag/articles/POST/articles'), create), `${language} in the introduction chooses the ${sdk}`)
    }
    chosen = samples.at(-1).sdk
    await choose(article, 'Curl', 'Shell Curl')
    demand(await shows(article, "--header 'Authorization: Bearer a.b.c'"), 'the command for curl has the token that was entered')
    await page.waitForFunction(() => Object.values(localStorage).some((value) => value.includes('shell/curl')))
    await page.reload()
    demand(await shows(await open('tag/articles/POST/articles'), 'curl http'), 'the choice lasts for the next visit')
  })
  // The scripts take seconds to load.
  await onPage({}, '/docs', async (page) => {
    await page.locator('.loading').waitFor({ state: 'detached' })
    let arrived
    await page.route('**/scalar.*.js', async (route) => {
      await new Promise((resolve) => (arrived = resolve))
      await route.continue()
    })
    const reloaded = page.reload()
    await page.getByText('Loading the reference').waitFor()
    while (!arrived) await new Promise((resolve) => setTimeout(resolve, 20))
    arrived()
    await reloaded
    await page.locator('.loading').waitFor({ state: 'detached' })
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
