import { expect, test } from 'vitest'
import type { Core } from '../../node/core.ts'
import { NodeError } from '../../node/errors.ts'
import { Recovery } from '../../node/recovery.ts'
import type { RecordStore } from '../../node/store/record-store.ts'
import { VirtualClock } from '../sim/virtual-clock.ts'

const FULL = new NodeError('DISK_FULL', 'no space left')

test('a disk that fills again while the node comes back is tried again', async () => {
  const time = new VirtualClock()
  const core = {
    clock: time.port(),
    random: (length: number) => new Uint8Array(length),
    stopping: new AbortController().signal,
    log: () => undefined,
    ledger: { recover: () => Promise.resolve(), run: () => Promise.resolve() },
  } as unknown as Core
  const records = { close: () => Promise.resolve() } as unknown as RecordStore
  let recoveries = 0
  const recovery: Recovery = new Recovery({
    core,
    profile: { records, reopen: () => Promise.resolve(records) },
    onChange: () => undefined,
    onRecovered: async () => {
      recoveries += 1
      // The row that tested the store fitted; what waited for it does not.
      if (recoveries === 1) recovery.failed(FULL)
    },
  })
  recovery.failed(FULL)
  for (let i = 0; i < 10; i++) {
    await new Promise(setImmediate)
    time.step()
  }
  await new Promise(setImmediate)
  expect(recoveries).toBe(2)
  expect(recovery.readOnly).toBe('')
})
