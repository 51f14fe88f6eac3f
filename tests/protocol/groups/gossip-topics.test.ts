import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { decodeBase32, noble } from '../../../crypto/index.ts'
import { topicToPublish, topicsToHear } from '../../../protocol/groups/gossip-topics.ts'

const WEEK_S = 604_800
const HOUR_S = 3600
const WEEK = 2968
const START_S = WEEK * WEEK_S

function key(fill: number): Uint8Array {
  return new Uint8Array(32).fill(fill)
}

/** The name computed another way. */
function named(topicKey: Uint8Array, week: number): string {
  const number = Buffer.alloc(4)
  number.writeUInt32BE(week)
  const mac = createHmac('sha256', topicKey).update(number).digest().subarray(0, 16)
  const bits = [...mac].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  const letters = bits.match(/.{1,5}/g) ?? []
  return `/sotto/1/g/${letters
    .map((each) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(each.padEnd(5, '0'), 2)])
    .join('')}`
}

function inUse(topicKey: Uint8Array) {
  return { topicKey, supersededAtS: undefined }
}

describe('topics', () => {
  test('have 37 characters, of which 26 are 16 bytes of an HMAC over the week', () => {
    const name = topicToPublish(noble, key(1), START_S)
    expect(name).toBe(named(key(1), WEEK))
    expect(name).toHaveLength(37)
    expect(decodeBase32(name.slice(11))).toHaveLength(16)
    expect(topicToPublish(noble, key(1), START_S - 1)).toBe(named(key(1), WEEK - 1))
    expect(topicToPublish(noble, key(2), START_S)).toBe(named(key(2), WEEK))
  })

  test.each([
    [0, [WEEK, WEEK - 1]],
    [24 * HOUR_S - 1, [WEEK, WEEK - 1]],
    [24 * HOUR_S, [WEEK]],
    [3 * 24 * HOUR_S, [WEEK]],
    [WEEK_S - 24 * HOUR_S - 1, [WEEK]],
    [WEEK_S - 24 * HOUR_S, [WEEK, WEEK + 1]],
    [WEEK_S - 1, [WEEK, WEEK + 1]],
  ])('%i s into a week these weeks are heard: %j', (intoS, weeks) => {
    const heard = topicsToHear(noble, [inUse(key(1))], START_S + intoS)
    expect(heard).toEqual(weeks.map((week) => named(key(1), week)))
  })

  test('two devices whose clocks differ by less than a day hear each other at any time', () => {
    for (let atS = START_S; atS < START_S + WEEK_S; atS += HOUR_S / 2) {
      for (const skewS of [-24 * HOUR_S + 1, -HOUR_S, HOUR_S, 24 * HOUR_S]) {
        const published = topicToPublish(noble, key(1), atS + skewS)
        expect(topicsToHear(noble, [inUse(key(1))], atS)).toContain(published)
      }
    }
  })

  test('a superseded lineage is heard for a day more', () => {
    const old = { topicKey: key(1), supersededAtS: START_S + 2 * 24 * HOUR_S }
    const lineages = [inUse(key(2)), old]
    const heard = (atS: number) => topicsToHear(noble, lineages, atS)
    const atS = old.supersededAtS
    expect(heard(atS + 24 * HOUR_S - 1)).toEqual([named(key(2), WEEK), named(key(1), WEEK)])
    expect(heard(atS + 24 * HOUR_S)).toEqual([named(key(2), WEEK)])
  })

  test('there are 32 at most: the most recent lineages, the present week first', () => {
    const lineages = Array.from({ length: 40 }, (_, i) => inUse(key(i)))
    const inside = topicsToHear(noble, lineages, START_S + 3 * 24 * HOUR_S)
    expect(inside).toEqual(lineages.slice(0, 32).map(({ topicKey }) => named(topicKey, WEEK)))
    const boundary = topicsToHear(noble, lineages.slice(0, 20), START_S)
    expect(boundary).toHaveLength(32)
    expect(boundary.slice(20)).toEqual(
      lineages.slice(0, 12).map(({ topicKey }) => named(topicKey, WEEK - 1)),
    )
  })
})
