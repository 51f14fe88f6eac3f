// Runs the tests on the newest Node that the registry has, beside the one installed here.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const folder = 'build/newest-node'
mkdirSync(folder, { recursive: true })
const install = ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund']
execFileSync('npm', [...install, `node-${process.platform}-${process.arch}`], { stdio: 'inherit' })
const node = `${folder}/node_modules/node-${process.platform}-${process.arch}/bin/node`
execFileSync(node, ['--version'], { stdio: 'inherit' })
execFileSync(node, ['scripts/build.mjs', '--if-stale'], { stdio: 'inherit' })
const { status } = spawnSync(
  node,
  ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)],
  {
    stdio: 'inherit',
  },
)
process.exit(status ?? 1)
