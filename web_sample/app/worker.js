// The shop's worker starts here, as a classic script: LiteRT.js calls importScripts, which modules do not have. It lies beside
// sw.js, which sees only what workers in its own folder load.
/** @type {MessageEvent[]} */
const early = [];
onmessage = (event) => early.push(event);
import('../shop/shop-worker.js').then(({ receive }) => {
  onmessage = receive;
  early.forEach(receive);
});
