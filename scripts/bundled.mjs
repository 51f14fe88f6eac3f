// Builds Sotto, then bundles a program of tests/ and runs it with the given words; ends with its status.
// Whoever ends this ends the program, which ends the processes it started.
import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

export async function runBundled(entry, outfile, { words = [], env = {}, sourcemap = false } = {}) {
  process.chdir(fileURLToPath(new URL('..', import.meta.url)))
  const built = spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' })
  if (built.status !== 0) process.exit(built.status ?? 1)
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    logLevel: 'warning',
    ...(sourcemap ? { sourcemap: 'inline' } : {}),
  })
  const child = spawn(process.execPath, [...words, outfile, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, ...env },
  })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  child.once('exit', (status) => process.exit(status ?? 1))
}
