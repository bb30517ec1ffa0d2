/**
 * Opens the journal without a network: keeps the files of one build, and answers requests for them and for the
 * page. All other requests, such as those to the API and for recordings, pass by. The build fills in the files
 * and their version.
 */
/* global addEventListener, caches, clients, fetch, registration */
const VERSION = '__VERSION__'
const FILES = __FILES__ // eslint-disable-line no-undef

const PREFIX = 'journal-shell:'
const CACHE = PREFIX + VERSION
const PAGE = registration.scope
const urls = new Set([PAGE, ...FILES.map((file) => new URL(file, PAGE).href)])
// The page is shown from the cache when the network takes longer.
const SLOW_MS = 3_000

addEventListener('install', (event) => event.waitUntil(keepFiles()))
addEventListener('activate', (event) => event.waitUntil(takeOver()))
addEventListener('fetch', (event) => {
  const { request } = event
  const url = request.url.replace(/[?#].*/, '')
  if (request.method !== 'GET' || !urls.has(url)) return
  event.respondWith(request.mode === 'navigate' ? openPage(request) : openFile(request, url))
})

async function keepFiles() {
  const cache = await caches.open(CACHE)
  await cache.addAll([...urls].map((url) => new Request(url, { cache: 'no-cache' })))
}

/** Runs when no page of the earlier version is open any more. */
async function takeOver() {
  const names = await caches.keys()
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== CACHE)
  await Promise.all(old.map((name) => caches.delete(name)))
  await clients.claim()
}

/** The page from the network, so that a new version shows at the next start; otherwise the kept one. */
async function openPage(request) {
  const answer = fetch(request)
  const slow = new Promise((resolve) => {
    setTimeout(resolve, SLOW_MS)
  })
  const arrived = await Promise.race([answer, slow]).catch(() => undefined)
  if (arrived?.ok || arrived?.type === 'opaqueredirect') return arrived
  return (await kept(PAGE)) ?? answer
}

async function openFile(request, url) {
  return (await kept(url)) ?? fetch(request)
}

async function kept(url) {
  return (await caches.open(CACHE)).match(url, { ignoreVary: true })
}
