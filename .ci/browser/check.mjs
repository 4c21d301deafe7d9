// Opens every page of the service in headless Chromium, at the width of a
// desktop and of a phone, in light and in dark mode. It checks that there is no
// console error, no failed request, no request to another origin, nothing wider
// than the screen and no serious finding of axe. Then it reads the pages like a
// person (reading.mjs), chooses the samples of the SDKs (samples.mjs), sends
// requests from the reference as it proposes them, and tries to run scripts
// through articles and comments (xss.mjs).
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readPages } from './reading.mjs'
import { chooseSamples } from './samples.mjs'
import { tryVectors } from './xss.mjs'

const [binary, executablePath, modules, shots] = process.argv.slice(2)
const require = createRequire(join(modules, 'package.json'))
const { chromium } = require('playwright-core')
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')

const screens = {
  desktop: { viewport: { width: 1360, height: 900 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
  dark: { viewport: { width: 1360, height: 900 }, colorScheme: 'dark' },
}

let passed = 0
let failed = 0
function demand(ok, what) {
  if (ok) passed++
  else {
    failed++
    console.error(`FAIL ${what}`)
  }
}

const dir = mkdtempSync(join(tmpdir(), 'byline-browser-'))
chmodSync(dir, 0o755) // when this process is root, PostgreSQL runs as another user
const log = join(dir, 'service.log')
const out = openSync(log, 'w')
const flags = ['--addr', '127.0.0.1:0', '--admin-addr', 'off', '--data-dir', join(dir, 'data'), '--log-format', 'json', '--log-level', 'info']
const service = spawn(binary, ['serve', ...flags], { cwd: dir, stdio: ['ignore', out, out] })
const ended = new Promise((resolve) => service.on('exit', resolve))
let browser, origin
try {
  origin = await ready()
  browser = await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
    ],
  })
  const guides = await onPage({}, '/', (page) => page.$$eval('.index a', (links) => links.map((a) => new URL(a.href).pathname)))
  demand(guides.length >= 10, `the landing page lists the guides, not ${guides.length}`)
  for (const [screen, options] of Object.entries(screens)) {
    for (const path of ['/', '/docs', '/docs/search', '/docs/search?q=etag', ...guides]) {
      await onPage(options, path, async (page) => {
        if (path === '/docs') {
          // The reference renders what is near the screen.
          await page.getByRole('heading', { name: 'users' }).first().scrollIntoViewIfNeeded()
          await page.getByRole('heading', { name: 'Register a new user' }).waitFor()
          await page.evaluate(() => scrollTo(0, 0))
        }
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
        demand(wide <= 0, `${path} on ${screen} is ${wide} px wider than the screen`)
        if (shots) {
          const name = path === '/' ? 'home' : path.slice(1).replaceAll(/\W/g, '-')
          await page.screenshot({ path: join(shots, `${name}-${screen}.png`) })
        }
        if (path !== '/docs') await audit(page, `${path} on ${screen}`) // Scalar's page is not our own
      })
    }
  }
  for (const guide of guides) {
    await onPage({ javaScriptEnabled: false }, guide, async (page) => {
      demand((await page.locator('article h1').count()) === 1, `${guide} reads without JavaScript`)
    })
  }
  await readPages(onPage, browser, origin, demand, shots)
  await chooseSamples(onPage, demand, shots)
  await tryCalls()
  await tryVectors(browser, origin, demand)
} catch (err) {
  demand(false, err.stack)
} finally {
  await browser?.close()
  service.kill('SIGTERM')
  demand((await ended) === 0, 'the service stops without an error')
  if (failed) console.error(readFileSync(log, 'utf8').split('\n').slice(-15).join('\n'))
  rmSync(dir, { recursive: true, force: true })
}
console.log(`browser-test: ${passed} passed, ${failed} failed`)
process.exit(failed ? 1 : 0)

// audit checks a page with axe. It is evaluated by the debugger, which the
// policy of the page does not bind.
async function audit(page, what) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => window.axe.run())
  for (const { id, impact, nodes } of violations) {
    demand(impact !== 'serious' && impact !== 'critical', `${what}: axe finds ${id} ${nodes.length} times: ${nodes[0].html}`)
  }
}

// tryCalls sends requests from the reference page, as it proposes them.
async function tryCalls() {
  await onPage({ viewport: { width: 1360, height: 900 } }, '/docs', async (page) => {
    // send opens an operation, and sends the request after change, if given.
    const send = async (operation, path, change) => {
      await page.evaluate((hash) => (location.hash = hash), operation)
      const section = page.locator(`[id$="${operation}"]`).first()
      await section.getByRole('button', { name: /Test Request/ }).click()
      const dialog = page.getByRole('dialog')
      await change?.(dialog)
      const answered = page.waitForResponse((r) => r.url().startsWith(`${origin}/api${path}`))
      await dialog.getByRole('button', { name: /^Send/ }).first().click()
      const response = await answered
      const sent = await response.request().allHeaders()
      demand(sent['idempotency-key'] === undefined, `${operation} sends no Idempotency-Key of the examples`)
      demand(response.url() === `${origin}/api${path}`, `${operation} sends no optional parameter: ${response.url()}`)
      await dialog.getByText(String(response.status())).first().waitFor()
      if (shots) await page.screenshot({ path: join(shots, `try-${operation.replaceAll('/', '-')}.png`) })
      await page.keyboard.press('Escape')
      await dialog.waitFor({ state: 'hidden' })
      return { status: response.status(), authorization: sent.authorization, body: await response.json() }
    }
    const first = await send('tag/users/POST/users', '/users')
    demand(first.status === 201, `a registration from the reference returns ${first.status}`)
    demand(first.authorization === undefined, `it sends no token: ${first.authorization}`)
    demand(await page.getByText('proposes a new name each time').isVisible(), 'the reference says how to register a second user')
    const second = await send('tag/users/POST/users', '/users', async (dialog) => {
      const editor = dialog.locator('.cm-content').filter({ hasText: '"username"' }).first()
      await editor.fill((await editor.innerText()).replaceAll(first.body.user.username, 'second'))
    })
    demand(second.status === 201, `a second registration returns ${second.status}`)
    const signIn = await send('tag/users/POST/users/login', '/users/login')
    demand(signIn.status === 200, `signing in returns ${signIn.status}`)
    const created = await send('tag/articles/POST/articles', '/articles', (dialog) => dialog.getByPlaceholder('Token').fill(signIn.body.user.token))
    demand(created.status === 201, `creating an article returns ${created.status}`)
    demand(created.authorization === `Bearer ${signIn.body.user.token}`, `the token is sent with its scheme: ${created.authorization}`)
    const list = await send('tag/articles/GET/articles', '/articles')
    demand(list.body.articles.length === 1, `the list has ${list.body.articles?.length} articles`)
    const tags = await send('tag/tags/GET/tags', '/tags')
    demand(tags.body.tags.length === 3, 'a call from the reference returns the tags')
  })
  await onPage(screens.phone, '/docs#tag/tags/GET/tags', async (page) => {
    await page.locator('[id$="tag/tags/GET/tags"]').first().getByRole('button', { name: /Test Request/ }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('/api').first().waitFor()
    demand(!(await dialog.getByRole('button', { name: 'Show sidebar' }).isVisible()), 'nothing covers the address on a phone')
    if (shots) await page.screenshot({ path: join(shots, 'try-phone.png') })
  })
}

// onPage opens a path in a new context, calls use with the page, and checks
// everything that the page has done against the rules.
async function onPage(options, path, use) {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  page.on('console', (m) => demand(m.type() !== 'error' && m.type() !== 'warning', `${path}: console: ${m.text()} (${m.location().url})`))
  page.on('pageerror', (err) => demand(false, `${path}: ${err.stack}`))
  page.on('requestfailed', (r) => demand(false, `${path}: ${r.url()} failed: ${r.failure()?.errorText}`))
  page.on('response', (r) => demand(r.status() < 400, `${path}: ${r.url()} answered ${r.status()}`))
  page.on('request', (r) => demand(/^(data|blob):/.test(r.url()) || new URL(r.url()).origin === origin, `${path} asks ${r.url()}`))
  try {
    const response = await page.goto(origin + path, { waitUntil: 'load' })
    demand(response.status() === 200, `${path} answers ${response.status()}`)
    return await use(page)
  } finally {
    await context.close()
  }
}

// ready waits for the service and returns its origin, which is in its log.
async function ready() {
  for (let n = 0; n < 600; n++) {
    const [, url] = /"msg":"serving","url":"([^"]+)"/.exec(readFileSync(log, 'utf8')) ?? []
    const response = url && (await fetch(`${url}/readyz`).catch(() => undefined))
    if (response?.ok) return url
    if (service.exitCode !== null) throw new Error('the service ended while it was starting')
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error('the service is not ready after two minutes')
}
