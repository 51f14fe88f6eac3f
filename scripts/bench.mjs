// npm run bench -- [--short] [--only=crypto|groups|members|paths|relay|gossip|cli] [--members=N]: builds,
// then measures this build beside its peers (tests/bench). --short is for a check of every change. A group
// of N members, 250 if not told, grows one by one: the time for it rises with the square of N.
import { runBundled } from './bundled.mjs'

await runBundled('tests/bench/main.ts', 'build/bench/main.mjs', {
  words: ['--expose-gc'],
  // Twelve nodes in one process have the threads for their disks that they have in twelve.
  env: { UV_THREADPOOL_SIZE: '48' },
  sourcemap: true,
})
