// Picture files and the pixels that Python decodes of them enter; by how much the page's pixels differ leaves. PICTURES names a
// folder with index.json: `pictures`, each with `file`, and `rgb`, a file of RGB8 [height, width, 3], alpha over white. KNOWN
// names a JSON file of what ENGINE decodes otherwise: by the name of a picture, the most that a byte differs by. SITE names
// the site.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { tab } from './engines.js';
import { env, serve } from './site.js';

test('every picture gives Python\'s bytes, but for those that are known', async (context) => {
  const folder = env('PICTURES');
  const { pictures } = JSON.parse(await readFile(`${folder}/index.json`, 'utf8'));
  const site = await serve(env('SITE'), { pictures: folder });
  const page = await tab();
  await page.open(site.url);
  const different = /** @type {Record<string, number | null>} */ ({});
  for (const { file, rgb, width, height } of pictures) {
    const { most, share } = await page.call(compared, { file, rgb, width, height });
    if (most !== 0) different[file] = most;
    if (most !== 0) context.diagnostic(`${file}: ${most === null ? 'another size' : `by at most ${most}`}, ${share} % of its bytes`);
  }
  await page.close();
  site.close();
  context.diagnostic(`${page.browser}: ${pictures.length} pictures, ${Object.keys(different).length} of other bytes`);
  assert.ok(pictures.length > 0);
  assert.deepEqual(different, JSON.parse(await readFile(env('KNOWN'), 'utf8')));
});

/**
 * Runs in the page: the most that a byte of a picture's RGB8, alpha over white, differs by, and the per cent that differ.
 *
 * @param {{file: string, rgb: string, width: number, height: number}} given
 */
async function compared({ file, rgb, width, height }) {
  /** @type {typeof import('../../shop/picture-reader.js')} */
  const { readPixels } = await import(new URL('../shop/picture-reader.js', location.href).href);
  const load = (/** @type {string} */ name) => fetch(new URL(`../pictures/${name}`, location.href));
  const found = await readPixels(await (await load(file)).blob());
  const wanted = new Uint8Array(await (await load(rgb)).arrayBuffer());
  if (found.width !== width || found.height !== height) return { most: null, share: 100 };
  let [most, count] = [0, 0];
  for (let place = 0; place < wanted.length; place++) {
    const pixel = 4 * Math.floor(place / 3);
    const alpha = found.pixels[pixel + 3];
    const over = Math.floor((found.pixels[pixel + place % 3] * alpha + 255 * (255 - alpha)) / 255 + 0.5);
    most = Math.max(most, Math.abs(over - wanted[place]));
    count += Number(over !== wanted[place]);
  }
  return { most, share: Number((100 * count / wanted.length).toFixed(1)) };
}
