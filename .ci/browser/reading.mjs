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
  await chooseLanguage(browser, origin, demand, shots)
  const context = await browser.newContext()
  const page = await context.newPage()
  const response = await page.goto(`${origin}/docs/nothing`)
  demand(response.status() === 404, `a page that does not exist returns ${response.status()}`)
  await page.getByRole('link', { name: 'Quick start' }).click()
  await page.waitForURL(`${origin}/docs/quick-start`)
  await context.close()
}

// chooseLanguage puts tabs into a guide, and checks that a choice holds for all
// of them, and on the next page.
async function chooseLanguage(browser, origin, demand, shots) {
  const group = (n, languages) => `<fieldset class="tabs"><legend>Language</legend>${languages.map((l, i) =>
    `<input type="radio" name="tabs-${n}" id="tabs-${n}-${l}" value="${l}"${i ? '' : ' checked'}><label for="tabs-${n}-${l}">${l}</label>` +
    `<div class="code"><pre tabindex="0"><code>${l} ${n}</code></pre></div>`).join('')}</fieldset>`
  for (const javaScriptEnabled of [true, false]) {
    const context = await browser.newContext({ javaScriptEnabled })
    await context.route('**/docs/quick-start', async (route) => {
      const response = await route.fetch()
      const body = (await response.text()).replace('<article>', `<article>${group(1, ['sh', 'ts', 'go'])}${group(2, ['sh', 'go'])}`)
      await route.fulfill({ response, body })
    })
    const page = await context.newPage()
    await page.goto(`${origin}/docs/quick-start`)
    const shown = () => page.locator('.tabs .code:visible code').allInnerTexts()
    demand((await shown()).join() === 'sh 1,sh 2', `the first language is shown: ${await shown()}`)
    await page.locator('label[for="tabs-1-go"]').click()
    const want = javaScriptEnabled ? 'go 1,go 2' : 'go 1,sh 2'
    demand((await shown()).join() === want, `the chosen language is shown: ${await shown()}`)
    await page.keyboard.press('ArrowLeft')
    demand((await shown())[0] === 'ts 1', `the keyboard chooses too: ${await shown()}`)
    if (javaScriptEnabled) {
      await page.reload()
      demand((await shown()).join() === 'ts 1,sh 2', `the choice is remembered: ${await shown()}`)
      if (shots) await page.screenshot({ path: `${shots}/tabs.png` })
    }
    await context.close()
  }
}
