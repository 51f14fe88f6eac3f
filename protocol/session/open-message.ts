// Receiving on a session that exists (SPEC.md §6): the ratchet step, what it skipped and used, and
// the session's confirmation, all in the turn's batch.
import { EMPTY, CryptoError, openHeader, ratchetReceive } from '../../crypto/index.ts'
import type { RatchetReceipt } from '../../crypto/index.ts'
import { deviceLists, isListed } from '../peers/device-lists.ts'
import { type Step, type Turn, get } from '../step.ts'
import { type ListVersions, readListVersions } from './list-versions.ts'
import type { OpenOutcome, Remote } from './open-outcome.ts'
import { confirmSession, sessionIndex } from './session-index.ts'
import { type SessionRecord, sessions } from './session-record.ts'
import { skippedSeeds, storeSkipped } from './skipped-seeds.ts'

/** The ratchet's verdict on a message, with the stored seed it may need. */
export function* receiveOn(
  turn: Turn,
  ratchet: SessionRecord['ratchet'],
  message: Uint8Array,
): Step<RatchetReceipt | { readonly kind: 'malformed' }> {
  try {
    const opened = openHeader(turn.crypto, ratchet, message)
    if (opened === undefined) return { kind: 'unauthentic' }
    const key = { sid: ratchet.sid, chain: opened.number, n: opened.header.n }
    const passed =
      opened.chain === 'old' ||
      (opened.chain === 'current' && key.n < (ratchet.receiving?.count ?? 0))
    const skippedSeed = passed ? (yield* get(skippedSeeds, key))?.seed : undefined
    const options = { opened, skippedSeed, random: turn.random, nowMs: turn.nowMs }
    return ratchetReceive(turn.crypto, ratchet, message, options)
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'ERR_WIRE_MALFORMED') {
      return { kind: 'malformed' }
    }
    throw error
  }
}

/** What a message says of lists, against what is known; undefined where it is malformed. */
export function* knownVersions(
  turn: Turn,
  remote: Remote,
  lists: Uint8Array,
): Step<ListVersions | undefined> {
  const theirs = yield* get(deviceLists, remote.account)
  const ours = yield* get(deviceLists, turn.self.account)
  try {
    return readListVersions(lists, { theirs, ours })
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'ERR_WIRE_MALFORMED') return undefined
    throw error
  }
}

function* confirm(turn: Turn, record: SessionRecord): Step<void> {
  if (record.ratchet.confirmed) return
  const index = yield* get(sessionIndex, record.device)
  if (index) turn.put(sessionIndex, record.device, confirmSession(index, record.ratchet.sid))
}

/** Opens a ratchet message on its session. */
export function* openMessage(
  turn: Turn,
  record: SessionRecord,
  message: Uint8Array,
  init: boolean,
): Step<OpenOutcome> {
  const { account, device, ratchet } = record
  const remote = { account, device }
  if (!isListed(yield* get(deviceLists, account), device)) return { kind: 'forbidden' }
  const receipt = yield* receiveOn(turn, ratchet, message)
  switch (receipt.kind) {
    case 'unauthentic':
      return { kind: 'unreadable', reason: 'unauthentic', remote, sid: ratchet.sid }
    case 'stale':
      return { kind: 'duplicate', evicted: false, remote }
    case 'held':
      return { kind: 'held', reason: 'limit', remote }
    case 'malformed':
    case 'unsupported':
      return { kind: receipt.kind }
    case 'opened':
      break
  }
  yield* confirm(turn, record)
  storeSkipped(turn, ratchet.sid, receipt)
  turn.put(sessions, ratchet.sid, {
    ...record,
    ratchet: receipt.state,
    init: EMPTY,
    usedAtMs: turn.safeNowMs,
    unconfirmedEntries: 0,
    received: record.received + 1,
  })
  const lists = receipt.malformed ? undefined : yield* knownVersions(turn, remote, receipt.lists)
  if (lists === undefined) return { kind: 'malformed', remote }
  return {
    kind: 'opened',
    ...remote,
    sid: ratchet.sid,
    first: !ratchet.confirmed,
    init,
    frames: receipt.frames,
    lists,
    transcript: record.transcript,
    resetEpoch: record.resetEpoch,
  }
}
