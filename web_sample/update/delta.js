/**
 * An open catalog and a delta's bytes enter; the catalog that follows it leaves, byte for byte, open in a memory of its own.
 * Nothing else of that size is made: what did not change is copied from the one memory to the other.
 */

import { CatalogMemory } from '../search/catalog/catalog-memory.js';
import { openCatalog, piece } from '../search/catalog/catalog.js';
import { derivedRow } from '../search/first-pass/first-tables.js';
import { asArray, asText, parse } from '../search/json.js';
import { reading, wellFormed } from '../search/malformed.js';
import { followedIndex } from '../search/words/followed.js';
import { checkFits, readDelta } from './delta-file.js';
import { Head } from './layout.js';

/** @typedef {import('./delta-file.js').Delta} Delta */
/** @typedef {import('./delta-file.js').ProductCatalog} ProductCatalog */

const PRICE = ',"price":'; // within a text of JSON, a quotation mark has a backslash before it
const LONGEST_PRICE = 20; // bytes: 922337203685477.5807
const UNIT = 10_000n;
const COUNT = /^[1-9][0-9]{0,9}$/;

/**
 * The catalog that follows `base`, verified whole. Rejects with `BadFileError` where the delta is for another catalog,
 * damaged, or makes a file of more than `most` bytes; with a RangeError where there is not enough memory.
 *
 * @param {ProductCatalog} base @param {Uint8Array} bytes the delta's
 * @param {{name?: string, most?: number, create?: (bytes: number) => Promise<CatalogMemory>}} [options]
 */
export async function follow(base, bytes, { name = 'delta', most = Infinity, create = CatalogMemory.create } = {}) {
  const { delta, head, index, layout } = reading(name, () => {
    const delta = readDelta(bytes, name);
    wellFormed(delta.base === base.digest, () =>
      `it is for another catalog: its base is ${delta.base}, here is ${base.digest}`, 'mismatched');
    const head = new Head(delta.head);
    wellFormed(COUNT.test(head.text('products')), () => 'a result without a count of products');
    checkFits(delta, base, Number(head.text('products')));
    const index = indexOf(base, delta, Number(head.text('products')));
    const layout = head.layout(tensorsOf(base, delta, head, index));
    wellFormed(layout.bytes <= most, () => `it makes a file of ${layout.bytes} bytes, expected ${most}`);
    return { delta, head, index, layout };
  });
  const memory = await create(layout.bytes);
  reading(name, () => {
    write(base, delta, head, layout, memory.file);
    for (const { name: tensor, data: { buffer, byteOffset, byteLength } } of index) {
      layout.view(memory.file, tensor, Uint8Array).set(new Uint8Array(buffer, byteOffset, byteLength));
    }
  });
  const made = openCatalog(memory, name, base.space, delta.result);
  await made.verify();
  return made;
}

/**
 * The result's tensors. What the head alone knows is bounded by what there is to copy.
 *
 * @param {ProductCatalog} base @param {Delta} delta @param {Head} head
 * @param {import('../search/words/followed.js').Made[]} index @returns {import('./layout.js').Announced[]}
 */
function tensorsOf({ tables, dim }, delta, head, index) {
  const products = Number(head.text('products'));
  const [rows, records] = [head.side('owners'), head.side('records')];
  const thumbnails = tables.thumbnails ? head.side('thumbnails') : 0;
  const isBounded = rows <= tables.owners.length + delta.scales.length
    && records <= tables.records.length + delta.records.length + LONGEST_PRICE * delta.repriced.length
    && thumbnails <= (tables.thumbnails?.length ?? 0) + delta.thumbnails.length;
  wellFormed(isBounded, () => 'a result that is larger than base and delta');
  const width = (tables.first?.axes.length ?? 0) / dim;
  /** @type {[unknown, string, import('./layout.js').Announced['type'], ...number[]][]} of each, whether it is there */
  const all = [
    [true, 'prices', 'I64', products], [true, 'categories', 'U32', products], [tables.idOrder, 'id_order', 'U32', products],
    [true, 'record_offsets', 'U64', products + 1], [true, 'records', 'U8', records], [true, 'owners', 'U32', rows],
    [true, 'offset', 'F32', dim], [true, 'scales', 'F32', rows], [true, 'codes', 'I8', rows, dim],
    [tables.thumbnails, 'thumbnail_offsets', 'U64', products + 1], [tables.thumbnails, 'thumbnails', 'U8', thumbnails],
    [width, 'first_axes', 'I8', width, dim], [width, 'first_codes', 'I8', rows, width], [width, 'first_scales', 'F32', rows],
  ];
  return [...all.filter(([isThere]) => isThere).map(([, name, type, ...shape]) => ({ name, type, shape })),
    ...index.map(({ name, type, data }) => ({ name, type, shape: [data.length] }))];
}

/**
 * The words, keys and filters, which follow from the records.
 *
 * @param {ProductCatalog} base @param {Delta} delta @param {number} products
 */
function indexOf({ tables, size }, delta, products) {
  const moved = new Int32Array(size).fill(-1);
  for (const [place, before] of keptPlaces(size, delta.removed).entries()) moved[before] = place;
  const given = cut(delta.rewritten, delta.recordLengths, delta.records);
  const records = Array.from(delta.rewritten, (place) =>
    /** @type {[number, Uint8Array]} */ ([place, given(place) ?? new Uint8Array()]));
  const rewritten = new Set(delta.rewritten);
  return followedIndex(tables, moved.map((place) => rewritten.has(place) ? -1 : place), products, records);
}

/**
 * Writes the result's file, not verified. Throws `Malformed` where the delta does not fill it.
 *
 * @param {ProductCatalog} base @param {Delta} delta @param {Head} head @param {ReturnType<Head['layout']>} layout
 * @param {Uint8Array} file
 */
function write(base, delta, head, layout, file) {
  const { tables } = base;
  const products = Number(head.text('products'));
  const kept = keptPlaces(base.size, delta.removed);
  const u32 = (/** @type {string} */ name) => layout.view(file, name, Uint32Array);
  const u8 = (/** @type {string} */ name) => layout.view(file, name, Uint8Array);
  const i8 = (/** @type {string} */ name) => layout.view(file, name, Int8Array);
  const f32 = (/** @type {string} */ name) => layout.view(file, name, Float32Array);
  file.set(delta.head);
  f32('offset').set(tables.offset);
  writePrices(u32('prices'), tables.prices, delta, kept);
  writeCategories(u32('categories'), base, delta, kept, head.text('categories'));
  const first = tables.first ? { axes: i8('first_axes'), scales: f32('first_scales'), codes: i8('first_codes') } : null;
  first?.axes.set(tables.first?.axes ?? []);
  writeRows({ owners: u32('owners'), scales: f32('scales'), codes: i8('codes'), first }, base, delta, kept, products);
  writePieces(u8('records'), u32('record_offsets'), products, records(base, delta, kept));
  const { thumbnails, thumbnailOffsets, idOrder } = tables;
  if (thumbnails && thumbnailOffsets) {
    const given = cut(delta.changed, delta.thumbnailLengths, delta.thumbnails);
    writePieces(u8('thumbnails'), u32('thumbnail_offsets'), products, (place) =>
      given(place) ?? piece(thumbnails, thumbnailOffsets, kept[place]));
  }
  if (idOrder) writeOrder(u32('id_order'), idOrder, delta, kept);
}

/** The places of the base's products that stay. @param {number} size @param {Uint32Array} removed rising */
function keptPlaces(size, removed) {
  const kept = new Uint32Array(size - removed.length);
  let gone = 0;
  for (let place = 0; place < size; place++) {
    if (removed[gone] === place) gone += 1;
    else kept[place - gone] = place;
  }
  return kept;
}

/** @param {Uint32Array} prices in halves, as all here @param {Uint32Array} old @param {Delta} delta @param {Uint32Array} kept */
function writePrices(prices, old, { rewritten, prices: given, repriced, newPrices }, kept) {
  const both = (/** @type {Uint32Array} */ halves, /** @type {number} */ place) => halves.subarray(2 * place, 2 * place + 2);
  const renewed = new Uint32Array(newPrices.buffer, newPrices.byteOffset, 2 * newPrices.length);
  for (const [place, before] of kept.entries()) prices.set(both(old, before), 2 * place);
  for (const [index, place] of rewritten.entries()) prices.set(both(given, index), 2 * place);
  for (const [index, place] of repriced.entries()) prices.set(both(renewed, index), 2 * place);
}

/**
 * The category of a product that is not rewritten has the name that it had.
 *
 * @param {Uint32Array} categories @param {ProductCatalog} base @param {Delta} delta @param {Uint32Array} kept
 * @param {string} names of the result, JSON
 */
function writeCategories(categories, base, delta, kept, names) {
  const list = Array.from(asArray(parse(names, { once: false }), 'categories'), (name) => asText(name, 'a category'));
  const known = new Map(list.map((name, place) => [name, place]));
  const moved = base.categories.map((name) => known.get(name) ?? list.length); // which none has: the catalog is refused
  for (const [place, before] of kept.entries()) categories[place] = moved[base.tables.categories[before]];
  for (const [index, place] of delta.rewritten.entries()) categories[place] = delta.categories[index];
}

/**
 * Of a first pass, rows that stay have what they had, and the delta's rows what is made of their codes.
 *
 * @typedef {{scales: Float32Array, codes: Int8Array}} Rows
 * @param {Rows & {owners: Uint32Array, first: Rows & {axes: Int8Array} | null}} rows @param {ProductCatalog} base
 * @param {Delta} delta @param {Uint32Array} kept @param {number} products
 */
function writeRows({ owners, scales, codes, first: promised }, { tables, size, dim }, delta, kept, products) {
  const firsts = new Uint32Array(size + 1).fill(tables.owners.length);
  for (let row = tables.owners.length - 1; row >= 0; row--) firsts[tables.owners[row]] = row;
  let [row, taken, next] = [0, 0, 0]; // in the result, in the delta's rows, in `changed`
  for (let place = 0; place < products; place++) {
    const isChanged = delta.changed[next] === place;
    const source = isChanged ? delta : tables;
    const first = isChanged ? taken : firsts[kept[place]];
    const count = isChanged ? delta.rowCounts[next] : firsts[kept[place] + 1] - first;
    wellFormed(row + count <= owners.length, () => 'more rows than the head says');
    owners.fill(place, row, row + count);
    copyRows({ scales, codes }, row, source, first, count, dim);
    if (tables.first && promised && !isChanged) {
      copyRows(promised, row, tables.first, first, count, promised.axes.length / dim);
    }
    for (let at = row; promised && isChanged && at < row + count; at++) {
      const made = derivedRow(promised.axes, codes.subarray(at * dim, (at + 1) * dim), scales[at]);
      copyRows(promised, at, { scales: Float32Array.of(made.scale), codes: made.codes }, 0, 1, made.codes.length);
    }
    row += count;
    taken += isChanged ? count : 0;
    next += isChanged ? 1 : 0;
  }
  wellFormed(row === owners.length, () => 'fewer rows than the head says');
}

/**
 * @param {Rows} into @param {number} row the first there @param {Rows} from @param {number} first the first there
 * @param {number} count @param {number} width numbers of a row
 */
function copyRows(into, row, from, first, count, width) {
  into.scales.set(from.scales.subarray(first, first + count), row);
  into.codes.set(from.codes.subarray(first * width, (first + count) * width), row * width);
}

/**
 * A function that gives each product's record; to be asked in the order of the products.
 *
 * @param {ProductCatalog} base @param {Delta} delta @param {Uint32Array} kept @returns {(place: number) => Uint8Array}
 */
function records({ tables }, delta, kept) {
  const given = cut(delta.rewritten, delta.recordLengths, delta.records);
  const prices = new Map(Array.from(delta.repriced, (place, index) => [place, delta.newPrices[index]]));
  return (place) => {
    const rewritten = given(place);
    if (rewritten) return rewritten;
    const record = piece(tables.records, tables.recordOffsets, kept[place]);
    const price = prices.get(place);
    return price === undefined ? record : priced(record, price);
  };
}

/**
 * A function that gives the piece of a place, null for none; to be asked in the order of the places.
 *
 * @param {Uint32Array} places rising @param {Uint32Array} lengths @param {Uint8Array} whole
 * @returns {(place: number) => Uint8Array | null}
 */
function cut(places, lengths, whole) {
  let [next, start] = [0, 0];
  return (place) => {
    if (places[next] !== place) return null;
    const found = whole.subarray(start, start + lengths[next]);
    start += lengths[next++];
    return found;
  };
}

/**
 * A record with another price, in ten-thousandths, -1 for none. Throws `Malformed` for a record without one.
 *
 * @param {Uint8Array} record @param {bigint} price
 */
export function priced(record, price) {
  const text = new TextDecoder('latin1').decode(record); // a character a byte
  const found = text.indexOf(PRICE);
  const start = found + PRICE.length;
  const ends = [text.indexOf(',', start), text.indexOf('}', start)].filter((end) => end >= 0);
  wellFormed(found >= 0 && ends.length > 0, () => 'a record without a price gets one');
  const shown = new TextEncoder().encode(priceText(price));
  const end = Math.min(...ends);
  const made = new Uint8Array(start + shown.length + record.length - end);
  made.set(record.subarray(0, start));
  made.set(shown, start);
  made.set(record.subarray(end), start + shown.length);
  return made;
}

/** The shortest decimal. @param {bigint} price */
function priceText(price) {
  if (price < 0n) return 'null';
  const rest = `${price % UNIT}`.padStart(4, '0').replace(/0+$/, '');
  return rest === '' ? `${price / UNIT}` : `${price / UNIT}.${rest}`;
}

/** @param {Uint8Array} bytes @param {Uint32Array} offsets in halves @param {number} count @param {(place: number) => Uint8Array} pieceOf */
function writePieces(bytes, offsets, count, pieceOf) {
  let end = 0;
  offsets.fill(0);
  for (let place = 0; place < count; place++) {
    const found = pieceOf(place);
    wellFormed(end + found.length <= bytes.length, () => 'records or thumbnails that are longer than the head says');
    bytes.set(found, end);
    end += found.length;
    offsets[2 * place + 2] = end;
  }
  wellFormed(end === bytes.length, () => 'records or thumbnails that are shorter than the head says');
}

/**
 * The base's order without what went, and the new products at their places in it.
 *
 * @param {Uint32Array} order @param {Uint32Array} old @param {Delta} delta @param {Uint32Array} kept
 */
function writeOrder(order, old, { idPlaces }, kept) {
  const gone = order.length; // which is no place
  const moved = new Uint32Array(old.length).fill(gone);
  for (const [place, before] of kept.entries()) moved[before] = place;
  order.fill(gone);
  for (const [index, place] of idPlaces.entries()) order[place] = kept.length + index;
  let next = 0;
  for (const before of old) {
    if (moved[before] === gone) continue;
    while (order[next] !== gone) next += 1;
    order[next++] = moved[before];
  }
}
