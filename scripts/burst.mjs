// npm run burst: builds, then sends 2,000 messages to a receiver that is killed (kill -9) five times,
// directly and by a relay alone, and prints what came (tests/e2e/burst-main.ts). Takes minutes.
import { runBundled } from './bundled.mjs'

await runBundled('tests/e2e/burst-main.ts', 'build/e2e/burst-main.mjs')
