/**
 * The page's requests enter; its files leave, from a cache that holds all of them or none. The list is `files.json`, whose
 * SHA-256 is in this script's query, with the build of LiteRT.js that this browser does not use. The query names the cache:
 * another list, or another build, is another worker. The model's files are not here.
 */

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const ROOT = new URL('../', location.href).href;
const MINE = `page ${ROOT} `;
const NAME = MINE + location.search;
const [LIST, UNUSED] = location.search.slice(1).split('&');
const MARK = 'app/files.json'; // comes last: a cache that has it is whole

/** @typedef {{path: string, sha256: string}} Listed */

worker.addEventListener('install', (event) => event.waitUntil(fill()));

worker.addEventListener('activate', (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith(MINE) && name !== NAME) await caches.delete(name);
  await worker.clients.claim();
})()));

worker.addEventListener('fetch', (event) => {
  const { method, url } = event.request;
  const path = url.startsWith(ROOT) ? url.slice(ROOT.length).replace(/[?#].*/, '') : 'model/';
  if (method === 'GET' && !path.startsWith('model/') && path !== MARK) event.respondWith(answer(event, path));
});

/**
 * @param {FetchEvent} event
 * @param {string} path below the root
 */
async function answer(event, path) {
  const address = ROOT + path + (path.endsWith('/') ? 'index.html' : '');
  const kept = await caches.match(address, { cacheName: NAME });
  if (kept) return kept;
  event.waitUntil(refill()); // the browser threw the cache away
  return fetch(event.request);
}

/** @type {Promise<void> | undefined} */
let filling;

/** Once at a time; what fails is tried again. */
function refill() {
  filling ??= fill().catch(() => {}).finally(() => filling = undefined);
  return filling;
}

/** Loads the files of the list, each checked; what an older cache has is not loaded again. */
async function fill() {
  if (await caches.match(ROOT + MARK, { cacheName: NAME })) return;
  const list = await loaded(MARK, LIST);
  const { files } = await list.clone().json();
  /** @type {Map<string, Response>} */
  const found = new Map();
  for (const { path, sha256 } of /** @type {Listed[]} */ (files)) {
    if (path.includes(`/${UNUSED}.`)) continue;
    const older = await caches.match(ROOT + path);
    const isSame = older && await digest(older.clone()) === sha256;
    found.set(ROOT + path, isSame ? older : await loaded(path, sha256));
  }
  found.set(ROOT + MARK, list);
  const cache = await caches.open(NAME);
  try {
    for (const [address, response] of found) await cache.put(address, response);
  } catch (error) {
    await caches.delete(NAME);
    throw error;
  }
}

/**
 * @param {string} path
 * @param {string} sha256
 */
async function loaded(path, sha256) {
  const response = await fetch(ROOT + path, { cache: 'no-cache' });
  const found = response.ok ? await digest(response.clone()) : `status ${response.status}`;
  if (found !== sha256) throw new Error(`${path}: found ${found}, expected SHA-256 ${sha256}`);
  return response;
}

/** @param {Response} response */
async function digest(response) {
  const sum = new Uint8Array(await crypto.subtle.digest('SHA-256', await response.arrayBuffer()));
  return Array.from(sum, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
