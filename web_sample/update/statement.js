/**
 * The bytes of an update's statement enter; the statement leaves, once its signature and its content are checked.
 *
 * @typedef {{path: string, sha256: string, bytes: number}} PublishedFile `path`: relative to the statement's address;
 *   `sha256`: of all its bytes, 64 hex digits
 * @typedef {PublishedFile & {digest: string}} PublishedCatalog `digest`: the SHA-256 that stands in the catalog
 * @typedef {PublishedFile & {base: string}} PublishedDelta `base`: the digest of the catalog that it is for
 * @typedef {PublishedFile & {files: PublishedFile[]}} PublishedBundle `files`: all but the manifest; none: no encoders
 *
 * What a shop says is in force. `number` rises with every publication; `space` names the embedding space; `manifest`: null
 * for the app's own encoders; `notAfter`: the last day (YYYY-MM-DD, UTC) on which prices are to be trusted, null for no end.
 * @typedef {object} Statement @property {string} name @property {number} number @property {string} space
 * @property {PublishedCatalog} catalog @property {PublishedDelta[]} deltas @property {PublishedBundle | null} manifest
 * @property {string | null} notAfter
 *
 * @typedef {(key: string, message: Uint8Array, signature: Uint8Array) => Promise<boolean>} Check whether a signature of 64
 *   bytes, r then s, is that of the message by the owner of the public key (base64 of its DER SubjectPublicKeyInfo)
 */

import { asDigest } from '../search/catalog/catalog-digest.js';
import { asArray, asInteger, asObject, asText, parse, part } from '../search/json.js';
import { Malformed, shown, wellFormed } from '../search/malformed.js';
import { UpdateError } from './update-error.js';

const SIGNATURE = 64; // bytes
const LEAST_TEXT = 2;
/** Bytes that a statement's file has at most. */
export const MOST_BYTES = SIGNATURE + 65_536;
const MOST_DELTAS = 100;
const MOST_FILES = 100;
const MOST_PATH = 512;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const STEP = /^[A-Za-z0-9._-]+$/;
const DAY = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;

/**
 * The statement in a signed file's bytes. Nothing is parsed before the signature of one of the keys holds. Rejects with an
 * `UpdateError` of the kind `refused` for anything else.
 *
 * @param {Uint8Array} file @param {string[]} keys the public keys of those who may sign @param {Check} [check]
 */
export async function readStatement(file, keys, check = holds) {
  if (file.length < SIGNATURE + LEAST_TEXT || file.length > MOST_BYTES) {
    throw new UpdateError('refused', `a statement of ${file.length} bytes, expected ${SIGNATURE + LEAST_TEXT} to ${MOST_BYTES}`);
  }
  const [signature, message] = [file.subarray(0, SIGNATURE), file.subarray(SIGNATURE)];
  let isSigned = false;
  for (const key of keys) isSigned ||= await check(key, message, signature);
  if (!isSigned) throw new UpdateError('refused', 'the statement is signed by none of the public keys');
  try {
    return statementOf(message);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new UpdateError('refused', `no statement that this version reads: ${error.message}`, error);
  }
}

/** The check of ECDSA over P-256 with SHA-256 that every browser has. A key that is none signs nothing. @type {Check} */
export async function holds(key, message, signature) {
  const curve = { name: 'ECDSA', namedCurve: 'P-256' };
  try {
    const bytes = Uint8Array.from(atob(key), (letter) => letter.charCodeAt(0));
    const publicKey = await crypto.subtle.importKey('spki', bytes, curve, false, ['verify']);
    const [signed, given] = [signature, message].map((part) => /** @type {BufferSource} */ (part));
    return await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, publicKey, signed, given);
  } catch (error) {
    if (error instanceof DOMException) return false;
    throw error;
  }
}

/** @param {Uint8Array} message @returns {Statement} */
function statementOf(message) {
  const members = asObject(parse(message, { once: true }), 'the statement');
  const [format, version] = [asText(part(members, 'format'), 'format'), asInteger(part(members, 'version'), 'version')];
  wellFormed(format === 'mobileclip-update' && version === 1, () => `format ${shown(format)}, version ${version}`);
  const name = asText(part(members, 'name'), 'name');
  wellFormed(NAME.test(name), () => `the name ${shown(name)}`);
  const list = asArray(part(members, 'deltas'), 'deltas');
  wellFormed(list.length <= MOST_DELTAS, () => `${list.length} deltas, more than ${MOST_DELTAS}`);
  const deltas = Array.from(list, (delta) => ({ ...fileOf(delta), base: digestOf(delta, 'base') }));
  wellFormed(new Set(deltas.map(({ base }) => base)).size === deltas.length, () => 'two deltas for one base');
  const catalog = part(members, 'catalog');
  const [manifest, notAfter] = [members.get('manifest') ?? null, members.get('not_after') ?? null];
  return {
    name, deltas,
    number: count(part(members, 'number'), 'number'),
    space: digestOf(members, 'space'),
    catalog: { ...fileOf(catalog), digest: digestOf(catalog, 'digest') },
    manifest: manifest === null ? null : bundleOf(manifest),
    notAfter: notAfter === null ? null : day(asText(notAfter, 'not_after')),
  };
}

/** @param {import('../search/json.js').Json} value @returns {PublishedFile} */
function fileOf(value) {
  const members = asObject(value, 'a file');
  const path = asText(part(members, 'path'), 'path');
  const isBelow = path.length <= MOST_PATH && path.split('/').every((step) => STEP.test(step) && step !== '.' && step !== '..');
  wellFormed(isBelow, () => `the path ${shown(path)}`);
  return { path, sha256: digestOf(members, 'sha256'), bytes: count(part(members, 'bytes'), 'bytes') };
}

/** @param {import('../search/json.js').Json} value @returns {PublishedBundle} */
function bundleOf(value) {
  const manifest = fileOf(value);
  const list = asObject(value, 'manifest').get('files') ?? null;
  if (list === null) return { ...manifest, files: [] }; // as earlier versions wrote it
  const files = Array.from(asArray(list, 'files'), fileOf);
  wellFormed(files.length >= 1 && files.length <= MOST_FILES, () => `a bundle of ${files.length} files, expected 1 to ${MOST_FILES}`);
  const paths = new Set([manifest.path, ...files.map(({ path }) => path)]);
  wellFormed(paths.size === files.length + 1, () => 'a bundle with a file twice');
  const folder = manifest.path.slice(0, manifest.path.lastIndexOf('/') + 1);
  wellFormed(files.every(({ path }) => path.startsWith(folder)), () => `a bundle with a file outside ${shown(folder)}`);
  return { ...manifest, files };
}

/** @param {import('../search/json.js').Json} value @param {string} key */
function digestOf(value, key) {
  return asDigest(asText(part(asObject(value, 'a file'), key), key), key);
}

/** @param {import('../search/json.js').Json} value @param {string} what */
function count(value, what) {
  const found = asInteger(value, what);
  wellFormed(found >= 1 && Number.isSafeInteger(found), () => `${what} is ${found}`);
  return found;
}

/** @param {string} text */
function day(text) {
  const time = DAY.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  wellFormed(!Number.isNaN(time) && new Date(time).toISOString().startsWith(text), () => `not_after is ${shown(text)}, no day`);
  return text;
}
