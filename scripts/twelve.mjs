// npm run twelve: builds, then plays twelve people over two relays, each a process of its own: they
// join a group, talk, remove one during a partition, take it back, and half are killed (kill -9) while
// they talk (tests/e2e/twelve/story.ts). Takes minutes. `npm run twelve -- 5 2`: five, two messages each.
import { runBundled } from './bundled.mjs'

await runBundled('tests/e2e/twelve/main.ts', 'build/e2e/twelve-main.mjs')
