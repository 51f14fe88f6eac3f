import { expect, it } from 'vitest'
import { syncStates } from '../../../protocol/groups/sync-state.ts'
import { encodeRecord } from '../../../protocol/record.ts'
import { bytesOf } from '../../support/relay-world.ts'

const ASKED = bytesOf('asked', 32)

it('how far a repair has come is read as earlier builds wrote it, and as this one does', () => {
  const comparedWith = bytesOf('with', 32)
  const times = { askedAtMs: 1_000, comparedAtMs: 500 }
  const row = { asked: ASKED, vain: 3, comparedWith, compares: true, ...times }
  const earlier = encodeRecord([7, ASKED, 1_000, 3, comparedWith, 500, 1])
  expect(syncStates.decode(earlier)).toEqual(row)
  expect(syncStates.decode(syncStates.encode(row))).toEqual(row)
})
