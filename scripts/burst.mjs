// npm run burst: builds, then sends 2,000 messages to a receiver that is killed (kill -9) five times,
// directly and by a relay alone, and prints what came (tests/e2e/burst-main.ts). Takes minutes.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const built = spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' })
if (built.status !== 0) process.exit(built.status ?? 1)
await build({
  entryPoints: ['tests/e2e/burst-main.ts'],
  outfile: 'build/e2e/burst-main.mjs',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  logLevel: 'warning',
})
const { status } = spawnSync(process.execPath, ['build/e2e/burst-main.mjs'], { stdio: 'inherit' })
process.exit(status ?? 1)
