import { build } from 'esbuild'
import { beforeAll, describe, expect, test } from 'vitest'

interface Bundle {
  /** Source files that must be read before the entry runs. */
  readonly eager: readonly string[]
  readonly eagerBytes: number
  /** All source files. */
  readonly all: readonly string[]
}

async function bundle(entry: string): Promise<Bundle> {
  const { metafile } = await build({
    entryPoints: [entry],
    outdir: 'dist/cli',
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    external: ['classic-level'],
    minifyWhitespace: true,
    logLevel: 'silent',
  })
  const outputs = Object.entries(metafile.outputs)
  const start = outputs.find(([, output]) => output.entryPoint === entry)?.[0] ?? ''
  const seen = new Set([start])
  for (const name of seen) {
    for (const { path, kind } of metafile.outputs[name]?.imports ?? []) {
      if (kind === 'import-statement' && metafile.outputs[path] !== undefined) seen.add(path)
    }
  }
  const eager = [...seen].flatMap((name) => Object.keys(metafile.outputs[name]?.inputs ?? {}))
  const eagerBytes = [...seen].reduce((sum, name) => sum + (metafile.outputs[name]?.bytes ?? 0), 0)
  return { eager, eagerBytes, all: Object.keys(metafile.inputs) }
}

const HEAVY = /libp2p|\blevel\b|@noble|multiformats|valibot|@clack|uqr|prom-client|node\/index/

describe('the entry of the command line', () => {
  let made: Bundle
  beforeAll(async () => {
    made = await bundle('cli/main.ts')
  })

  test('reads nothing but the parser and the tree of commands', () => {
    const ours = made.eager.filter((file) => !file.includes('node_modules'))
    expect(
      ours.filter((file) => !/^cli\/(main|program|version|tree\/[a-z]+)\.ts$/.test(file)),
    ).toEqual([])
    const theirs = made.eager.filter((file) => file.includes('node_modules'))
    expect(theirs.filter((file) => !file.includes('/commander/'))).toEqual([])
    expect(theirs.length).toBeGreaterThan(0)
    expect(made.eagerBytes).toBeLessThan(120_000)
  })

  test('fills the gaps of Node 20 before the node is loaded', () => {
    expect(made.all).toContain('node/runtime.ts')
  })
})

test('a client of the local API loads neither network nor store', async () => {
  const { eager } = await bundle('node/rpc/client.ts')
  expect(eager.filter((file) => HEAVY.test(file))).toEqual([])
  expect(eager).toContain('node/rpc/client.ts')
})
