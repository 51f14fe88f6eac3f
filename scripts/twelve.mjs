// npm run twelve: builds, then plays twelve people over two relays, each a process of its own: they
// join a group, talk, remove one during a partition, take it back, and half are killed (kill -9) while
// they talk (tests/e2e/twelve/story.ts). Takes minutes. `npm run twelve -- 5 2`: five, two messages each.
import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const built = spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' })
if (built.status !== 0) process.exit(built.status ?? 1)
await build({
  entryPoints: ['tests/e2e/twelve/main.ts'],
  outfile: 'build/e2e/twelve-main.mjs',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  logLevel: 'warning',
})
const words = ['build/e2e/twelve-main.mjs', ...process.argv.slice(2)]
const child = spawn(process.execPath, words, { stdio: 'inherit' })
// Whoever ends this ends the story, which ends its fourteen processes.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.once('exit', (status) => process.exit(status ?? 1))
