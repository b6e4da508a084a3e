/** What the shopper types and chooses enters; questions for the model leave: words, a picture, slider, category, prices. */

import { element, find } from './card-view.js';
import { tenThousandths } from '../shop/price.js';
import { NOTHING, isEmpty, isFiltered } from './search-model.js';
import { percent, words } from './strings.js';

/** The upper part of the page. */
export class QuestionView {
  #text = find('text', HTMLInputElement);
  #pictureRow = find('picture-row', HTMLElement);
  #picture = find('picture', HTMLImageElement);
  #sliderRow = find('slider-row', HTMLElement);
  #slider = find('slider', HTMLInputElement);
  #category = find('category', HTMLSelectElement);
  #lowest = find('lowest', HTMLInputElement);
  #highest = find('highest', HTMLInputElement);
  #question = NOTHING;
  /** @type {string[]} */
  #categories = [];
  #serial = 0;

  /** @param {import('./search-model.js').SearchModel} model */
  constructor(model) {
    this.model = model;
    const ask = (/** @type {Partial<import('../shop/shop.js').Question>} */ change) => model.ask({ ...this.#typed(), ...change });
    find('question', HTMLFormElement).onsubmit = (event) => {
      event.preventDefault();
      if (matchMedia('(pointer: coarse)').matches) this.#text.blur(); // the keyboard hides what was found
      ask({});
    };
    this.#picture.alt = words('picture');
    this.#picture.onerror = () => this.#picture.hidden = true; // the search says why
    this.#text.onfocus = () => model.shop.prepare('text');
    this.#text.oninput = () => this.#showSlider();
    this.#slider.oninput = () => this.#describe();
    for (const field of [this.#slider, this.#category, this.#lowest, this.#highest]) field.onchange = () => ask({});
    find('remove', HTMLElement).onclick = () => ask({ picture: null });
    find('clear', HTMLElement).onclick = () => {
      model.ask(NOTHING);
      this.#text.focus();
    };
    for (const source of ['camera', 'gallery']) this.#listen(source);
    addEventListener('paste', ({ clipboardData }) => this.#take(clipboardData?.files));
    for (const kind of /** @type {const} */ (['dragenter', 'dragover', 'dragleave', 'drop'])) {
      addEventListener(kind, (event) => this.#drag(event));
    }
  }

  /** Asks the shopper for a picture. */
  choose = () => find('gallery-file', HTMLInputElement).click();

  show() {
    const { question, categories, isPriced } = this.model;
    if (question.text !== this.#question.text) this.#text.value = question.text;
    if (question.lowest === null) this.#lowest.value = '';
    if (question.highest === null) this.#highest.value = '';
    if (question.picture !== this.#question.picture) this.#showPicture(question.picture);
    if (categories !== this.#categories) this.#showCategories(categories);
    this.#question = question;
    this.#slider.valueAsNumber = question.slider;
    this.#category.value = question.category === null ? '' : String(categories.indexOf(question.category));
    find('prices', HTMLElement).hidden = !isPriced;
    find('clear', HTMLElement).hidden = isEmpty(question) && !isFiltered(question);
    this.#showSlider();
  }

  /** What stands in the fields, asked or not. */
  #typed() {
    const category = this.#category.value === '' ? null : this.#categories[Number(this.#category.value)];
    return {
      ...this.#question, text: this.#text.value, slider: this.#slider.valueAsNumber, category, like: null,
      lowest: tenThousandths(this.#lowest.value), highest: tenThousandths(this.#highest.value),
    };
  }

  /** @param {string} source */
  #listen(source) {
    const input = find(`${source}-file`, HTMLInputElement);
    find(source, HTMLElement).onclick = () => {
      this.model.shop.prepare('image');
      input.click();
    };
    input.onchange = () => {
      this.#take(input.files);
      input.value = ''; // so that the same picture can be chosen again
    };
  }

  /** @param {DragEvent} event */
  #drag(event) {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    document.body.classList.toggle('dropping', event.type === 'dragenter' || event.type === 'dragover');
    if (event.type === 'drop') this.#take(event.dataTransfer.files);
  }

  /** Searches with the first picture. @param {FileList | null | undefined} files */
  #take(files) {
    const blob = files?.[0];
    if (blob) this.model.ask({ ...this.#typed(), picture: { serial: ++this.#serial, blob } });
  }

  /** @param {import('../shop/shop.js').Picture | null} picture */
  #showPicture(picture) {
    if (this.#picture.src) URL.revokeObjectURL(this.#picture.src);
    this.#pictureRow.hidden = picture === null;
    this.#picture.hidden = picture === null;
    if (picture) this.#picture.src = URL.createObjectURL(picture.blob);
  }

  /** @param {string[]} categories */
  #showCategories(categories) {
    this.#categories = categories;
    this.#category.hidden = categories.length < 2;
    this.#category.replaceChildren(new Option(words('all_categories'), ''),
      ...categories.map((name, place) => new Option(name || words('no_category'), String(place))));
  }

  #showSlider() {
    this.#sliderRow.hidden = this.#question.picture === null || this.#text.value.trim() === '';
    this.#describe();
  }

  /** What a screen reader says of the slider. */
  #describe() {
    this.#slider.setAttribute('aria-valuetext', words('slider_state', percent(100 * this.#slider.valueAsNumber)));
  }
}
