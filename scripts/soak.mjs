// npm run soak: builds, then has six people talk for an hour, in a group and each with a neighbour, over
// two relays, all processes of the real program, while somebody ends every minute (tests/e2e/soak/soak.ts).
// `npm run soak -- 1440 12`: a day, twelve people.
import { runBundled } from './bundled.mjs'

await runBundled('tests/e2e/soak/main.ts', 'build/e2e/soak-main.mjs')
