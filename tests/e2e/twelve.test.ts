// The short form of `npm run twelve`.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { buildSotto, killAll, removeSotto } from '../cli/real-sotto.ts'
import { Story } from './twelve/story.ts'

let root: string

beforeAll(buildSotto)
afterAll(removeSotto)
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sotto-twelve-'))
})
afterEach(async () => {
  killAll()
  await rm(root, { recursive: true, force: true, maxRetries: 5 })
})

it(
  'five people, two relays: a removal across a partition, an add-back and kills lose nothing',
  { timeout: 300_000 },
  async () => {
    const told: string[] = []
    const tell = (line: string): void => void told.push(line)
    const { faults, rounds } = await Story.play({ root, people: 5, each: 1, tell })
    expect(faults, told.join('\n')).toEqual([])
    expect(rounds.map(({ step }) => step)).toContain('verify')
  },
)
