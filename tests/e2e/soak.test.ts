// The short form of `npm run soak`.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { buildSotto, killAll, removeSotto } from '../cli/real-sotto.ts'
import { faultsOf } from './soak/bounds.ts'
import { Soak, type SoakFigures } from './soak/soak.ts'
import { type Vitals, growth } from './soak/vitals.ts'

const MIB = 2 ** 20
let root: string

beforeAll(buildSotto)
afterAll(removeSotto)
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sotto-soak-'))
})
afterEach(async () => {
  killAll()
  await rm(root, { recursive: true, force: true, maxRetries: 5 })
})

it(
  'three people talk while one of them and a relay end and come back: all is there once, in one order',
  { timeout: 300_000 },
  async () => {
    const told: string[] = []
    const figures = await Soak.live({
      root,
      people: 3,
      ms: 5_000,
      leastEnds: 3,
      pauseMs: 400,
      churnMs: 1_000,
      sampleMs: 500,
      tell: (line) => void told.push(line),
    })
    expect(faultsOf(figures), told.join('\n')).toEqual([])
    expect(figures.messages).toBeGreaterThan(20)
  },
)

describe('the bounds of a soak', () => {
  const rising = (bytesEach: number): Vitals[] =>
    Array.from({ length: 200 }, (_, i) => ({
      atMs: i * 15_000,
      rssBytes: 100 * MIB + i * bytesEach,
      sockets: 10,
      files: 20,
    }))
  const figures = (all: readonly Vitals[], sockets: readonly [number, number]): SoakFigures => ({
    messages: 1,
    ends: 1,
    steady: [{ name: 'Alice', memory: growth(all), sockets, files: [20, 20] }],
    bytesPerMessage: 1,
    faults: [],
  })

  it('tell a leak of memory by its slope and by its end', () => {
    const { bytesPerHour } = growth(rising(MIB))
    expect(bytesPerHour).toBeCloseTo(240 * MIB, -3)
    expect(faultsOf(figures(rising(MIB), [10, 10]))).toHaveLength(1)
    expect(faultsOf(figures(rising(0), [10, 10]))).toEqual([])
  })

  it('tell sockets that are never closed', () => {
    expect(faultsOf(figures(rising(0), [10, 15]))).toHaveLength(1)
    expect(faultsOf(figures(rising(0), [10, 12]))).toEqual([])
  })
})
