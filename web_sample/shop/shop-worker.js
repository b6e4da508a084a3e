/**
 * A shopper's questions enter as messages; the answers leave. Files, encoders, pictures and the catalog are on this thread.
 *
 * In: {id, task, given}, or {cancel: id}. Out: {id, answer} or {id, problem}, and before it {id, named} of what a text names
 * exactly; and of themselves {loaded, total} (bytes of files that are on their way), {preparing: true}, and {known} (categories,
 * currency, isOld) of a catalog that is searched now.
 */

import { LiteRtEncoder } from '../runtimes/litert-encoder.js';
import { BadFileError, CatalogMemory, CatalogSearch, ImagePreprocessor, Searcher, openCatalog, openTokenizer, readManifest,
  unknownScripts } from '../search/index.js';
import { Files } from './files.js';
import { PictureError, readSquare } from './picture-reader.js';

const MODEL = new URL('../model/', import.meta.url).href;
const RUNTIME = new URL('../runtime/', import.meta.url).href;
const CATALOG = 'shop.catalog';
const MOST = 20; // products
const DOUBTFUL = 0.1; // half a star: less is drawn as none
const LINKS = ['link', 'url'];
const UPDATES = self.name; // the path of the site's updates.json, from worker.js; empty: the site takes no updates
const IDLE = 5000; // milliseconds without a search, after which an update is looked for
const TRIED = ['bicycle', 'a red dress', 'something sweet']; // texts with which a GPU is tried

/**
 * @typedef {import('./shop.js').Question} Question
 * @typedef {import('./shop.js').Card} Card
 * @typedef {'text' | 'image'} Part
 */

/** Opened once; what fails is tried again by the next question. @type {Promise<Awaited<ReturnType<typeof open>>> | undefined} */
let opening;
/** The encoders that were asked for: while the shop opens, they are loaded beside the catalog. @type {Set<Part>} */
const wanted = new Set();
/** The last picture: another place of the slider reads nothing anew. @type {{serial: number, image: import('../search/searcher.js').RGBImage} | undefined} */
let seen;
const tell = (/** @type {number} */ loaded, /** @type {number} */ total) => postMessage({ loaded, total });

let isUpdated = false;

/** @type {Map<number, AbortController>} */
const running = new Map();

/** What can be asked for. */
const tasks = {
  /** @param {{accelerator?: 'wasm' | 'webgpu'}} given */
  open: async ({ accelerator }) => {
    const { manifest, searcher, state } = await shop(accelerator);
    setTimeout(update, IDLE);
    const { categories, currency } = searcher.catalog;
    return { categories, currency, isOld: state?.expired ?? false, model: manifest.model };
  },

  /** @param {Part} part */
  prepare: async (part) => {
    wanted.add(part);
    await (await shop()).searcher.prepare([part]);
  },

  /** Has all files of the shop, for a page that was installed. */
  keep: async () => (await shop()).keep(),

  /** @param {string} id */
  product: async (id) => {
    const { catalog } = (await shop()).searcher;
    const place = catalog.place(id);
    return place === null ? null : card(catalog, place, null);
  },

  /**
   * @param {Question} question
   * @param {AbortSignal} signal
   * @param {import('./shop.js').Named} tellNamed
   */
  search: async (question, signal, tellNamed) => {
    if (question.text) wanted.add('text');
    if (question.picture) wanted.add('image');
    const { manifest, searcher, preprocessor } = await shop();
    const { like, category, lowest, highest, picture, slider } = question;
    const image = picture ? await imageOf(picture, preprocessor) : undefined;
    const { catalog } = searcher; // from here on to the search, no other can come
    const liked = like === null ? null : catalog.place(like);
    if (like !== null && liked === null) throw new GoneError('no such product');
    const filter = { // what the catalog does not know filters nothing: an update may have taken it away
      categories: category !== null && catalog.categories.includes(category) ? [category] : null,
      lowest: catalog.currency ? lowest : null,
      highest: catalog.currency ? highest : null,
    };
    const named = like === null && question.text ? searcher.named(question.text, filter).products : [];
    if (named.length > 0) tellNamed(named.map(({ product }) => card(catalog, product, null)));
    const asked = like !== null ? { likeId: like } : { text: question.text || undefined, image, slider };
    const { hits, catalog: searched } = await searcher.search({ ...asked, k: MOST, filter }, { signal });
    const isDoubtful = (/** @type {import('../search/catalog/catalog-search.js').SearchHit} */ hit) =>
      like === null && (hit.confidence ?? 1) < DOUBTFUL;
    const cards = (/** @type {typeof hits} */ some) => some.map((hit) => card(searched, hit.product, like === null ? hit : null));
    return {
      cards: cards(hits.filter((hit) => !isDoubtful(hit))),
      doubtful: cards(hits.filter(isDoubtful)),
      unknown: like === null ? unknownScripts(question.text, manifest.text.scripts) : [],
      liked: liked === null ? null : catalog.product(liked).name,
    };
  },
};

/** A product that is no longer in the catalog. */
class GoneError extends Error {}

/** @param {MessageEvent} event */
export async function receive({ data: { id, task, given, cancel } }) {
  if (cancel !== undefined) return running.get(cancel)?.abort();
  const controller = new AbortController();
  running.set(id, controller);
  try {
    const answer = await tasks[/** @type {'search'} */ (task)](given, controller.signal, (named) => postMessage({ id, named }));
    postMessage({ id, answer });
    if (task === 'search') update();
  } catch (error) {
    console.warn(error); // for developers: files and digests
    postMessage({ id, problem: problemOf(error) });
  } finally {
    running.delete(id);
  }
}

/** What went wrong, for the page to say in the shopper's words. @param {unknown} error */
function problemOf(error) {
  if (error instanceof BadFileError) return error.kind;
  if (error instanceof PictureError) return 'picture';
  if (error instanceof GoneError) return 'gone';
  if (/memory|allocat|OOM/i.test(String(error))) return 'memory';
  return /NetworkError|imported module|module script/.test(String(error)) ? 'missing' : 'other'; // of the runtime's files
}

/** @param {'wasm' | 'webgpu'} [accelerator] */
function shop(accelerator) {
  opening ??= open(new Files(MODEL, tell), accelerator).catch((error) => {
    opening = undefined;
    throw error;
  });
  return opening;
}

/**
 * The newest set of files that is whole.
 *
 * @param {Files} files
 * @param {'wasm' | 'webgpu'} [accelerator]
 */
async function open(files, accelerator) {
  let failed;
  for await (const bytes of files.manifests()) {
    try {
      return await opened(files, bytes, accelerator);
    } catch (error) {
      failed ??= error;
    }
  }
  throw failed;
}

/**
 * All but the encoders.
 *
 * @param {Files} files
 * @param {Uint8Array} bytes of the manifest
 * @param {'wasm' | 'webgpu'} [accelerator]
 */
async function opened(files, bytes, accelerator) {
  const manifest = readManifest(bytes, 'manifest.json');
  const format = manifest.artifacts.some((artifact) => artifact.format === 'tflite') ? 'tflite' : 'onnx';
  const encoderFile = (/** @type {Part} */ part) => {
    const { path, sha256, bytes: size } = manifest.artifact(format, part);
    return { path, digest: sha256, bytes: size };
  };
  const tokenizerFile = { path: manifest.tokenizer.path, digest: manifest.tokenizer.sha256 };
  const catalogFile = manifest.catalog ?? { path: CATALOG, digest: '' };
  const load = (/** @type {Part} */ part) => files.get(encoderFile(part));
  const plain = accelerator === 'webgpu' ? undefined : early(load, (soon) => encoderOf(manifest, format, soon));
  const [{ catalog, updates, state }, tokenizer] = await Promise.all([
    newest(files, catalogFile, manifest.space),
    files.get(tokenizerFile).then((asset) => openTokenizer(asset, tokenizerFile.path, manifest.text.vocabulary)),
  ]).catch((error) => {
    plain?.then((made) => made?.close());
    throw error;
  });
  const set = [catalogFile, tokenizerFile, encoderFile('text'), encoderFile('image')];
  files.settle(bytes, set).catch((error) => console.warn(error)); // else the older set stays for the next visit
  const preprocessor = new ImagePreprocessor(manifest.image);
  const samples = () => ({
    text: TRIED.map((text) => tokenizer.encode(text)),
    image: TRIED.map((_, kind) => new Uint8Array(3 * preprocessor.size ** 2).map((_, place) => (place * (kind + 1)) ** 2)),
  });
  const encoder = async () =>
    await plain ?? encoderOf(manifest, format, load, accelerator === 'webgpu' ? { accelerator, samples: samples() } : {});
  const searcher = new Searcher({ encoder, tokenizer, preprocessor, search: new CatalogSearch(catalog),
    onPreparing: () => postMessage({ preparing: true }) });
  const keep = async () => {
    for (const part of /** @type {const} */ (['text', 'image'])) await load(part);
  };
  return { manifest, searcher, preprocessor, keep, updates, state };
}

/**
 * The encoders in their runtime, which is loaded.
 *
 * @param {import('../search/manifest.js').ModelManifest} manifest
 * @param {'tflite' | 'onnx'} format
 * @param {import('../runtimes/encoder.js').Load} load
 * @param {{accelerator?: 'webgpu', samples?: Record<Part, import('../runtimes/encoder.js').Input[]>}} [gpu]
 */
async function encoderOf(manifest, format, load, gpu) {
  if (format === 'tflite') {
    return LiteRtEncoder.create({ manifest, load, runtime: `${RUNTIME}litert/`, ...gpu });
  }
  const { OrtEncoder } = await import('../runtimes/ort-encoder.js');
  return OrtEncoder.create({ manifest, load, runtime: `${RUNTIME}ort/` });
}

/**
 * Encoders with the parts that were asked for already, whose files come while the runtime starts; undefined where none was,
 * or where they cannot be made: then the question that needs them tries again, and tells.
 *
 * @param {import('../runtimes/encoder.js').Load} load
 * @param {(load: import('../runtimes/encoder.js').Load) => ReturnType<typeof encoderOf>} make
 */
async function early(load, make) {
  if (wanted.size === 0) return undefined;
  /** @type {Map<Part, Promise<Uint8Array>>} */
  const coming = new Map([...wanted].map((part) => [part, load(part)]));
  for (const file of coming.values()) file.catch(() => {});
  try {
    const made = await make((part) => {
      const file = coming.get(part) ?? load(part);
      coming.delete(part); // its bytes are used once
      return file;
    });
    for (const part of wanted) made.prepare(part).catch(() => {});
    return made;
  } catch {
    return undefined;
  }
}

/**
 * The catalog in force: that of an update that came earlier, or else the site's own.
 *
 * @param {Files} files
 * @param {import('./files.js').Wanted} own
 * @param {string} space
 */
async function newest(files, own, space) {
  const told = (/** @type {unknown} */ event) => console.warn(event);
  const updates = UPDATES && await import('../update/site-updates.js')
    .then(({ siteUpdates }) => siteUpdates(new URL(UPDATES, location.href).href, space, told)).catch(told) || null;
  const state = await updates?.start({ digest: own.digest });
  return { updates, state, catalog: state?.catalog ?? await catalogOf(files, own, space) };
}

/** Once: has the shop's newest catalog searched from now on. Running searches end in the one in which they began. */
async function update() {
  if (isUpdated) return;
  isUpdated = true;
  try {
    const { searcher, updates } = await shop();
    const answer = await updates?.alone(searcher.catalog);
    if (!answer) return;
    if ('catalog' in answer) searcher.use(new CatalogSearch(answer.catalog));
    const { categories, currency } = searcher.catalog;
    postMessage({ known: { categories, currency, isOld: answer.expired } });
  } catch (error) {
    console.warn(error); // what was in force stays
  }
}

/**
 * Its bytes are proved once, after the download.
 *
 * @param {Files} files
 * @param {import('./files.js').Wanted} wanted without a digest where the manifest names no catalog
 * @param {string} space
 */
async function catalogOf(files, wanted, space) {
  /** @type {CatalogMemory | undefined} */
  let memory;
  const open = () => openCatalog(/** @type {CatalogMemory} */ (memory), wanted.path, space, wanted.digest || undefined);
  await files.get(wanted, () => open().verify(), async (bytes) => (memory = await CatalogMemory.create(bytes)).file);
  return open();
}

/**
 * @param {NonNullable<Question['picture']>} picture
 * @param {ImagePreprocessor} preprocessor
 */
async function imageOf({ serial, blob }, preprocessor) {
  if (seen?.serial !== serial) {
    const pixels = await readSquare(blob, preprocessor);
    seen = { serial, image: { pixels, width: preprocessor.size, height: preprocessor.size } };
  }
  return seen.image;
}

/**
 * A product as it is shown. `hit`: null where no text or picture was searched for.
 *
 * @param {import('../search/index.js').ProductCatalog} catalog
 * @param {number} place
 * @param {{stars: number | null, percent: number | null} | null} hit null also where it was not measured how sure it is
 * @returns {Card}
 */
function card(catalog, place, hit) {
  const { id, name, price, currency, description, extra, lists } = catalog.product(place);
  const columns = [...lists].filter(([key]) => !LINKS.includes(key)).map(([key, items]) => [key, items.join(', ')]);
  const link = LINKS.map((key) => extra.get(key) ?? '').find((address) => /^https?:/i.test(address)) ?? null;
  const match = hit && hit.stars !== null && hit.percent !== null ? { stars: hit.stars, percent: hit.percent } : null;
  return { id, name, price, currency, description, columns, link, thumbnail: catalog.thumbnail(place), match };
}
