// The short form of `npm run burst`.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { buildSotto, killAll, removeSotto } from '../cli/real-sotto.ts'
import { runBurst } from './burst.ts'

let root: string

beforeAll(buildSotto)
afterAll(removeSotto)
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sotto-burst-'))
})
afterEach(async () => {
  killAll()
  await rm(root, { recursive: true, force: true, maxRetries: 5 })
})

it.each(['direct', 'relay'] as const)(
  'a burst by the %s path through two kills of the receiver: all shown, once, in order',
  { timeout: 90_000 },
  async (path) => {
    const { sent, shown, delivered, killedAt } = await runBurst({
      root,
      path,
      messages: 200,
      kills: 2,
    })
    expect(shown).toEqual(sent)
    expect(delivered).toBe(200)
    expect(killedAt.length).toBe(2)
  },
)
