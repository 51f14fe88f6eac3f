// Compiles the library (unbundled, dist/{crypto,protocol,node}) and bundles the command line
// (dist/cli/main.js): a bundle boots in a fraction of the time that hundreds of files take.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)
const bundle = 'dist/cli/main.js'

function newest(path) {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))))
}

const sources = ['crypto', 'protocol', 'node', 'cli', 'package.json', 'scripts/build.mjs']
if (process.argv.includes('--if-stale') && existsSync(bundle)) {
  if (statSync(bundle).mtimeMs > Math.max(...sources.map((path) => newest(path)))) process.exit(0)
}

if (process.argv.includes('--clean')) {
  rmSync('dist', { recursive: true, force: true })
  rmSync('build', { recursive: true, force: true })
}
const projects = ['crypto', 'protocol', 'node', 'cli']
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-b', ...projects], {
  stdio: 'inherit',
})

/**
 * commander loads node:child_process as it starts, for sub-commands that are programs of their own;
 * there are none here, and loading it is a third of what `sotto --help` costs beyond node itself.
 */
const lazyChildProcess = {
  name: 'lazy-child-process',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?child_process$/ }, ({ importer }) =>
      /[\\/]commander[\\/]/.test(importer)
        ? { path: 'child_process', namespace: 'lazy' }
        : undefined,
    )
    onLoad({ filter: /.*/, namespace: 'lazy' }, () => ({
      contents: 'exports.spawn = (...args) => require("node:child_process").spawn(...args)',
    }))
  },
}

const { build } = await import('esbuild')
rmSync('dist/cli', { recursive: true, force: true })
await build({
  entryPoints: ['cli/main.ts'],
  outdir: 'dist/cli',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external: ['classic-level'],
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
  plugins: [lazyChildProcess],
  banner: {
    // Some dependencies are CommonJS and ask for require at run time.
    js: "import{createRequire as __sottoRequire}from'node:module';const require=__sottoRequire(import.meta.url);",
  },
})
chmodSync(bundle, 0o755)
