import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const runtime = fileURLToPath(new URL('../../dist/node/runtime.js', import.meta.url))

describe('node/runtime', () => {
  it('gives Promise.withResolvers and WebSocket to a process that lacks them', () => {
    const script = `
      delete Promise.withResolvers
      delete globalThis.WebSocket
      await import(${JSON.stringify(runtime)})
      const { promise, resolve } = Promise.withResolvers()
      resolve(7)
      console.log(await promise, typeof WebSocket)
      await import('libp2p')
      await import('@libp2p/websockets')
    `
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    })
    expect(run.stderr).toBe('')
    expect(run.stdout).toBe('7 function\n')
  })
})
