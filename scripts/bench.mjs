// npm run bench -- [--short] [--only=crypto|groups|members|paths|relay|gossip|cli] [--members=N]: builds,
// then measures this build beside its peers (tests/bench). --short is for a check of every change. A group
// of N members, 250 if not told, grows one by one: the time for it rises with the square of N.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const built = spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' })
if (built.status !== 0) process.exit(built.status ?? 1)
await build({
  entryPoints: ['tests/bench/main.ts'],
  outfile: 'build/bench/main.mjs',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'warning',
})
const args = ['--expose-gc', 'build/bench/main.mjs', ...process.argv.slice(2)]
// Twelve nodes in one process have the threads for their disks that they have in twelve.
const env = { ...process.env, UV_THREADPOOL_SIZE: '48' }
const { status } = spawnSync(process.execPath, args, { stdio: 'inherit', env })
process.exit(status ?? 1)
