// A folder of dist/ enters, the one that DIST names, or the demo model's; its files leave.

import { fileURLToPath } from 'node:url';
import { Vectors } from './vectors.js';

export const dist = new Vectors(process.env.DIST ?? fileURLToPath(new URL('../../dist/demo', import.meta.url)));
