/** The page's address enters; the page leaves, running: its words, views and routes, and the service worker behind it. */

import { unused } from '../runtimes/litert-build.js';
import { sha256 } from '../shop/files.js';
import { Shop } from '../shop/shop.js';
import { AnswerView } from './answer-view.js';
import { find } from './card-view.js';
import { DetailsView } from './details-view.js';
import { QuestionView } from './question-view.js';
import { NOTHING, SearchModel } from './search-model.js';
import { fillIn } from './strings.js';

fillIn();
const { updates } = document.documentElement.dataset; // only of a site that takes updates
const shop = new Shop(new URL('worker.js', import.meta.url), updates);
const model = new SearchModel(shop);
const question = new QuestionView(model);
const answer = new AnswerView(model, question.choose, (id) => address(model.question.like, id));
const details = new DetailsView(shop, () => (cameHere ? history.back() : location.replace(address(model.question.like, null))));
let before = NOTHING; // what was asked before "more like this"
let cameHere = false; // by a link of this page, so that there is a way back

/**
 * The place in this page of more like a product, and of a product's details.
 *
 * @param {string | null} like
 * @param {string | null} product
 */
function address(like, product) {
  return `#${new URLSearchParams({ ...(like !== null && { like }), ...(product !== null && { product }) })}`;
}

/** Shows what the address says: the browser's Back closes a product, and leaves "more like this". */
function route() {
  const place = new URLSearchParams(location.hash.slice(1));
  const like = place.get('like');
  if (like !== model.question.like) {
    if (model.question.like === null) before = model.question;
    model.ask(like === null ? before : { ...NOTHING, like });
  }
  details.show(place.get('product'));
}

model.changed = () => {
  question.show();
  answer.show();
  find('old', HTMLElement).hidden = !model.isOld;
  const { loaded, total } = model.progress;
  Object.assign(find('loading', HTMLProgressElement), { hidden: total === 0 || model.state.kind !== 'idle', value: loaded, max: total || 1 });
  const here = new URLSearchParams(location.hash.slice(1));
  if (model.question.like === null && here.has('like')) history.pushState(null, '', '#'); // something new was asked for
};
addEventListener('hashchange', () => {
  cameHere = true;
  route();
});
model.start(new URLSearchParams(location.search).get('accelerator'));
model.changed();
route();

/** The page itself is kept for visits without a network, all of its files or none. */
async function keepPage() {
  const list = await fetch('files.json', { cache: 'no-cache' });
  if (list.ok) await navigator.serviceWorker.register(`sw.js?${await sha256(await list.arrayBuffer())}&${unused}`);
}

/** Who installs the page wants all of it without a network. */
async function keepShop() {
  await navigator.storage.persist();
  await shop.keep();
}

if ('serviceWorker' in navigator) keepPage().catch((error) => console.warn(error));
if (matchMedia('(display-mode: standalone)').matches) keepShop().catch((error) => console.warn(error));
addEventListener('appinstalled', () => keepShop().catch((error) => console.warn(error)));
