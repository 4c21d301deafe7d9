// Reads the pages as people do: looks for something with and without scripts,
// follows a link that leads nowhere, copies code, chooses a language, and opens
// the navigation on a phone.
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }

export async function readPages(onPage, browser, origin, demand, shots) {
  await onPage({}, '/docs/quick-start', async (page) => {
    await page.getByRole('link', { name: 'Search' }).click()
    await page.getByRole('searchbox').fill('entity tag cache')
    await page.locator('#results a', { hasText: 'Caching' }).first().click()
    await page.waitForURL(`${origin}/docs/caching`)
  })
  await onPage({}, '/docs/search?q=getArticle', async (page) => {
    await page.locator('#results a', { hasText: 'GET /articles/{slug}' }).first().click()
    await page.getByRole('heading', { name: 'Get an article' }).waitFor()
    const top = await page.getByRole('heading', { name: 'Get an article' }).evaluate((h) => h.getBoundingClientRect().top)
    demand(top >= 0 && top < 720, `a result of the search opens its operation, which is at ${top} px`)
  })
  for (const text of ['BYLINE_BASE_PATH', '/user/keys', 'If-Match', '{slug}', '*']) {
    await onPage({}, `/docs/search?q=${encodeURIComponent(text)}`, async (page) => {
      const marked = await page.locator('#results mark').first().innerText()
      demand(marked.toLowerCase() === text.toLowerCase(), `a search for ${text} marks it, not ${marked}`)
    })
  }
  await onPage({ javaScriptEnabled: false }, '/docs/search', async (page) => {
    demand(!(await page.getByRole('searchbox').isVisible()), 'without a script there is no field for a search')
    await page.getByRole('link', { name: 'Follow the cursor' }).click()
    await page.waitForURL(`${origin}/docs/pagination#follow-the-cursor`)
  })
  await onPage({ ...phone, javaScriptEnabled: false }, '/docs/quick-start', async (page) => {
    const link = page.locator('.menu a', { hasText: 'Caching' })
    demand(!(await link.isVisible()), 'the navigation is closed on a phone')
    await page.getByText('All guides').click()
    await link.click()
    await page.waitForURL(`${origin}/docs/caching`)
  })
  await onPage({ permissions: ['clipboard-read', 'clipboard-write'] }, '/docs/quick-start', async (page) => {
    await page.locator('.code', { hasText: '/api/users -H' }).first().hover()
    await page.locator('.code', { hasText: '/api/users -H' }).first().getByRole('button', { name: 'Copy' }).click()
    const copied = await page.evaluate(() => navigator.clipboard.readText())
    demand(copied.startsWith(`curl -s ${origin}/api/users -H`), `the button copies the command, not ${copied}`)
  })
  for (const viewport of [{ width: 1280, height: 800 }, phone.viewport]) {
    await onPage({ ...(viewport === phone.viewport ? phone : {}), viewport }, '/docs/quick-start', async (page) => {
      const cut = await page.$$eval('pre:has(> .language-sh)', (blocks) => blocks.filter((b) => b.checkVisibility() && b.scrollWidth > b.clientWidth).map((b) => b.innerText))
      demand(cut.length === 0, `at ${viewport.width} px the commands can be read at once: ${cut}`)
    })
  }
  await onPage(phone, '/docs/quick-start', async (page) => {
    for (const name of ['curl', 'Go']) {
      await page.locator('.tabs').first().getByText(name, { exact: true }).click()
      const covered = await page.$$eval('.code:has(.copy)', (blocks) => blocks.filter((b) => b.checkVisibility()).filter((b) => {
        const button = b.querySelector('.copy').getBoundingClientRect()
        const range = document.createRange()
        range.selectNodeContents(b.querySelector('code'))
        return [...range.getClientRects()].some((r) => r.bottom > button.top && r.top < button.bottom && r.right > button.left && r.left < button.right)
      }).length)
      demand(covered === 0, `in ${name} the button "Copy" covers the code of ${covered} blocks`)
    }
  })
  await chooseLanguage(browser, origin, demand, shots)
  const context = await browser.newContext()
  const page = await context.newPage()
  const response = await page.goto(`${origin}/docs/nothing`)
  demand(response.status() === 404, `a page that does not exist returns ${response.status()}`)
  await page.getByRole('link', { name: 'Quick start' }).click()
  await page.waitForURL(`${origin}/docs/quick-start`)
  await page.goto(`${origin}/docs/reference`)
  demand(page.url() === `${origin}/docs`, `/docs/reference leads to the reference, not to ${page.url()}`)
  await context.close()
}

// chooseLanguage checks that a language that the reader chooses in one group of
// tabs is shown in all of them, also on the next page, and that no page is wider
// than the screen of a phone in any language.
async function chooseLanguage(browser, origin, demand, shots) {
  const names = { sh: 'curl', ts: 'TypeScript', python: 'Python', go: 'Go' }
  for (const javaScriptEnabled of [true, false]) {
    const context = await browser.newContext({ javaScriptEnabled, ...phone })
    const page = await context.newPage()
    // shown returns the language of each group, by the code that is visible.
    const shown = () => page.$$eval('.tabs', (groups) => groups.map((group) =>
      [...group.querySelectorAll('.code')].filter((c) => c.checkVisibility()).map((c) => c.querySelector('code').className.replace('language-', '')).join()))
    const is = (languages, first, rest) => languages.length > 3 && languages[0] === first && languages.slice(1).every((l) => l === rest)
    await page.goto(`${origin}/docs/quick-start`)
    demand(is(await shown(), 'sh', 'sh'), `curl is shown first: ${await shown()}`)
    for (const [language, name] of Object.entries(names).reverse()) {
      await page.locator('.tabs').first().getByText(name, { exact: true }).click()
      const rest = javaScriptEnabled ? language : 'sh'
      demand(is(await shown(), language, rest), `the chosen ${name} is shown: ${await shown()}`)
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      demand(wide <= 0, `in ${name} the page is ${wide} px wider than the screen`)
    }
    await page.keyboard.press('ArrowRight')
    demand((await shown())[0] === 'ts', `the keyboard chooses too: ${await shown()}`)
    if (javaScriptEnabled) {
      for (const guide of ['caching', 'sdks']) {
        await page.goto(`${origin}/docs/${guide}`)
        const languages = await shown()
        demand(languages.length > 1 && languages.every((l) => l === 'ts'), `${guide} shows the language of the last page: ${languages}`)
      }
      if (shots) await page.screenshot({ path: `${shots}/tabs.png` })
    }
    await context.close()
  }
}
