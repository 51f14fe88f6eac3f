// Bundles the programs of these tests: the sources as they are, in processes without a loader.
import { build } from 'esbuild'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

const folder = join(import.meta.dirname, 'programs')

/** Where the bundles are. */
export const BUILT: string = join(import.meta.dirname, '../../build/e2e')

/** Writes build/e2e/*.js; the same for every test that runs at the time. */
export async function buildPrograms(): Promise<void> {
  const names = await readdir(folder)
  await build({
    entryPoints: names.map((name) => join(folder, name)),
    outdir: BUILT,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    external: ['classic-level'],
    logLevel: 'warning',
    banner: {
      // Some dependencies are CommonJS and ask for require at run time.
      js: "import{createRequire as __sottoRequire}from'node:module';const require=__sottoRequire(import.meta.url);",
    },
  })
}
