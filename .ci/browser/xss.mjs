// Publishes texts that try to run a script in the page that shows them
// (api/markup/testdata/xss.json) as articles and comments. It inserts their
// bodyHtml into a page without a content security policy, uses everything in it
// like a reader, and checks that no script has run. The unchanged texts must
// run scripts in many cases, because otherwise the check could not fail.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const vectors = JSON.parse(readFileSync(new URL('../../api/markup/testdata/xss.json', import.meta.url), 'utf8'))

export async function tryVectors(browser, origin, demand) {
  const made = await publish(origin)
  demand(vectors.length >= 60, `there are ${vectors.length} vectors`)
  // A separate page is needed because the pages of the service forbid scripts.
  const server = createServer((_, res) => res.setHeader('content-type', 'text/html').end('<!doctype html><title>x</title><main></main>'))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = `http://127.0.0.1:${server.address().port}/`
  try {
    const page = await open(browser, address)
    for (const [i, { article, comment }] of made.entries()) {
      for (const html of [article, comment]) {
        const fired = await insert(page, html, 10)
        demand(fired.length === 0, `vector ${i} runs ${fired}: ${JSON.stringify(vectors[i])} became ${JSON.stringify(html)}`)
      }
    }
    demand((await insert(page, '', 1000)).length === 0, 'nothing runs late')
    for (const control of ['<img src=x onerror=alert(1)>', '<a href="javascript:alert(1)">x</a>', '<p onmouseover=alert(1)>x</p>']) {
      demand((await insert(page, control, 10_000)).length > 0, `the control runs: ${control}`)
    }
    let live = 0
    for (const vector of vectors) if ((await insert(page, vector, 40)).length) live++
    demand(live >= 40, `only ${live} of ${vectors.length} vectors run when they are put in as they are`)
    console.log(`xss: ${vectors.length} vectors, ${live} of them run when they are put in as they are, none as bodyHtml`)
    await page.context().close()
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

// publish creates an article and a comment of each vector and returns their
// HTML.
async function publish(origin) {
  const call = async (method, path, body, token) => {
    const res = await fetch(`${origin}/api${path}`, {
      method, body: body && JSON.stringify(body), headers: { 'content-type': 'application/json', ...(token && { authorization: `Token ${token}` }) },
    })
    if (!res.ok) throw new Error(`${method} ${path} returned ${res.status}: ${await res.text()}`)
    return res.json()
  }
  const { user } = await call('POST', '/users', { user: { username: 'mallory', email: 'mallory@example.com', password: 'correct horse' } })
  const made = []
  for (const [i, body] of vectors.entries()) {
    const { article } = await call('POST', '/articles', { article: { title: `Vector ${i}`, description: 'x', body } }, user.token)
    await call('POST', `/articles/${article.slug}/comments`, { comment: { body } }, user.token)
    const read = await call('GET', `/articles/${article.slug}?format=html`)
    const { comments } = await call('GET', `/articles/${article.slug}/comments?format=html`)
    if (read.article.body !== body) throw new Error(`vector ${i} was altered`)
    made.push({ article: read.article.bodyHtml, comment: comments[0].bodyHtml })
  }
  return made
}

async function open(browser, address) {
  const context = await browser.newContext()
  // A link may be followed: with a response without content the browser stays
  // on the page.
  await context.route((url) => !url.href.startsWith(address), (route) => route.fulfill({ status: 204 }))
  await context.addInitScript(() => {
    window.fired = []
    for (const name of ['alert', 'confirm', 'prompt', 'print']) window[name] = () => void window.fired.push(name)
  })
  const page = await context.newPage()
  page.on('dialog', (dialog) => dialog.dismiss())
  page.address = address
  await page.goto(address)
  return page
}

// insert puts html into the page and triggers on each element what a reader, or
// time, could trigger. It waits for patience milliseconds and returns what has
// run.
async function insert(page, html, patience) {
  const run = page.evaluate(async ([html, patience]) => {
    const already = window.fired.length
    const main = document.querySelector('main')
    main.innerHTML = html
    await new Promise((resolve) => setTimeout(resolve))
    for (const element of main.querySelectorAll('*')) {
      for (const type of ['mouseover', 'mouseenter', 'focus', 'toggle', 'animationstart', 'beforeinput', 'close', 'submit']) {
        element.dispatchEvent(new Event(type, { bubbles: true, cancelable: true }))
      }
      element.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }))
    }
    const until = performance.now() + patience
    while (window.fired.length === already && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 5))
    main.innerHTML = ''
    return window.fired.slice(already)
  }, [html, patience])
  // Leaving the page counts as running, too.
  const fired = await run.catch(() => ['a navigation'])
  // Navigations that have just begun interrupt the way back, even several times.
  for (let tries = 1, back = page.url() === page.address; !back; tries++) {
    back = await page.goto(page.address).then(() => true, (error) => {
      if (tries === 10) throw error
      return false
    })
  }
  return fired
}
