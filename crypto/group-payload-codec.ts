// The bytes of a group operation's payload (SPEC.md §19.1), read strictly.
import { type Bytes32, EMPTY, compareBytes } from './bytes.ts'
import { type CborArray, FieldReader } from './cbor.ts'
import { type CborValue } from './cbor-encoder.ts'
import type { DeviceList } from './device-list.ts'
import { malformed } from './errors.ts'
import {
  GROUP_KINDS,
  type GroupBaseHead,
  type GroupCut,
  type GroupNewcomer,
  type GroupPayload,
  type GroupRelay,
  type GroupRole,
  type MetaPayload,
} from './group-payload.ts'
import {
  ADDRESSES_MAX,
  GROUP_BASE_HEADS_MAX,
  GROUP_CUT_MAX,
  GROUP_ENTRY_NUMBER_MAX,
  GROUP_NAME_MAX_BYTES,
  GROUP_REASON_MAX,
  GROUP_RELAYS_MAX,
  GROUP_SETTINGS_MAX,
  GROUP_TARGETS_MAX,
  LIST_MAX_BYTES,
} from './limits.ts'
import { readAddress } from './mailbox-record.ts'
import { decodeText, encodeText } from './text.ts'

function encodeRelays(relays: readonly GroupRelay[]): CborArray {
  return relays.map(({ serviceKey, addresses }) => [
    serviceKey,
    addresses.map((address) => encodeText(address)),
  ])
}

function encodeCut(cut: readonly GroupCut[]): CborArray {
  return cut
    .toSorted((a, b) => compareBytes(a.device, b.device))
    .map(({ device, n, entry }) => [device, n, entry])
}

/** The payload as the core holds it; what has an order is put in order. */
export function encodeGroupPayload(payload: GroupPayload): CborValue {
  switch (payload.kind) {
    case 'create': {
      const { random, name, settings, list, relays, recipientsHash } = payload
      const encoded = encodeRelays(relays)
      return [random, encodeText(name), settings, list.bytes, encoded, recipientsHash]
    }
    case 'add': {
      const newcomers = payload.newcomers.toSorted((a, b) => compareBytes(a.account, b.account))
      const heads = payload.heads.toSorted((a, b) => compareBytes(a.id, b.id))
      return [
        payload.epochOp,
        newcomers.map(({ account, list, inviteHash }) => [
          account,
          list.bytes,
          inviteHash ?? EMPTY,
        ]),
        heads.map(({ id, lamport }) => [id, lamport]),
        payload.baseHash,
        payload.recipientsHash,
      ]
    }
    case 'remove': {
      const { target, cut, reason, recipientsHash } = payload
      return [target, encodeCut(cut), reason, recipientsHash]
    }
    case 'leave':
      return [encodeCut(payload.cut)]
    case 'role':
      return [payload.target, payload.role]
    case 'rotate':
    case 'merge':
      return [payload.ownN, payload.recipientsHash]
    case 'refresh': {
      const { epochOp, devices, recipientsHash } = payload
      return [epochOp, devices.toSorted(compareBytes), recipientsHash]
    }
    case 'devices':
      return [payload.list.bytes, encodeCut(payload.cut)]
    case 'carriage':
      return [encodeRelays(payload.relays)]
    case 'meta': {
      const { name, settings } = payload
      return [encodeText(name ?? ''), settings === undefined ? 0 : settings + 1]
    }
    case 'unknown':
      return payload.value
  }
}

/** Refuses a list of keys that does not ascend. */
export function expectAscending(keys: readonly Uint8Array[], what: string): void {
  for (const [at, key] of keys.entries()) {
    const before = keys[at - 1]
    if (before !== undefined && compareBytes(before, key) >= 0) malformed(`${what}: not ascending`)
  }
}

function readName(fields: FieldReader): string {
  return decodeText(fields.bytes('name', 0, GROUP_NAME_MAX_BYTES)) ?? malformed('name: not UTF-8')
}

function readRelays(fields: FieldReader): readonly GroupRelay[] {
  const relays = fields.array('relays', 0, GROUP_RELAYS_MAX).map((value) => {
    const relay = new FieldReader(value, 'relay')
    const serviceKey = relay.bytes('serviceKey', 32)
    const addresses = relay.array('addresses', 1, ADDRESSES_MAX).map(readAddress)
    relay.end()
    return { serviceKey, addresses }
  })
  const keys = relays.map(({ serviceKey }) => serviceKey).toSorted(compareBytes)
  expectAscending(keys, 'relays: a service twice')
  return relays
}

function readCut(fields: FieldReader): readonly GroupCut[] {
  const cut = fields.array('cut', 0, GROUP_CUT_MAX).map((value) => {
    const row = new FieldReader(value, 'cut')
    const device = row.bytes('DK', 32)
    const n = row.uint('n', GROUP_ENTRY_NUMBER_MAX)
    if (n === 0) malformed('cut.n: 0')
    const entry = row.bytes('entryId', 32)
    row.end()
    return { device, n, entry }
  })
  expectAscending(
    cut.map(({ device }) => device),
    'cut',
  )
  return cut
}

/** Reads a device list that stands inside an operation. */
type ListReader = (bytes: Uint8Array) => DeviceList

function readNewcomers(fields: FieldReader, readList: ListReader): readonly GroupNewcomer[] {
  const newcomers = fields.array('newcomers', 1, GROUP_TARGETS_MAX).map((value) => {
    const row = new FieldReader(value, 'newcomer')
    const account = row.bytes('AK', 32)
    const list = readList(row.bytes('DeviceList', 1, LIST_MAX_BYTES))
    const inviteHash = row.optional('inviteHash', 32)
    row.end()
    if (compareBytes(list.account, account) !== 0) malformed('newcomer: the list of another')
    return { account, list, inviteHash }
  })
  expectAscending(
    newcomers.map(({ account }) => account),
    'newcomers',
  )
  return newcomers
}

function readHeads(fields: FieldReader): readonly GroupBaseHead[] {
  const heads = fields.array('heads', 0, GROUP_BASE_HEADS_MAX).map((value) => {
    const row = new FieldReader(value, 'head')
    const id = row.bytes('entryId', 32)
    const lamport = row.uint('lamport', GROUP_ENTRY_NUMBER_MAX)
    row.end()
    return { id, lamport }
  })
  expectAscending(
    heads.map(({ id }) => id),
    'heads',
  )
  return heads
}

function readDevices(fields: FieldReader): readonly Bytes32[] {
  const devices = fields.array('devices', 1, GROUP_TARGETS_MAX).map((value) => {
    if (!(value instanceof Uint8Array) || value.length !== 32) malformed('devices: not 32 bytes')
    return value
  })
  expectAscending(devices, 'devices')
  return devices
}

function readMeta(fields: FieldReader): MetaPayload {
  const name = readName(fields)
  const settings = fields.uint('settings', GROUP_SETTINGS_MAX + 1)
  if (name === '' && settings === 0) malformed('meta: changes nothing')
  return {
    kind: 'meta',
    name: name === '' ? undefined : name,
    settings: settings === 0 ? undefined : settings - 1,
  }
}

function readKnown(
  kind: keyof typeof GROUP_KINDS,
  fields: FieldReader,
  readList: ListReader,
): GroupPayload {
  const recipientsHash = (): Bytes32 => fields.bytes('rcpt', 32)
  switch (kind) {
    case 'create':
      return {
        kind,
        random: fields.bytes('random', 32),
        name: readName(fields),
        settings: fields.uint('settings', GROUP_SETTINGS_MAX),
        list: readList(fields.bytes('DeviceList', 1, LIST_MAX_BYTES)),
        relays: readRelays(fields),
        recipientsHash: recipientsHash(),
      }
    case 'add':
      return {
        kind,
        epochOp: fields.bytes('epochOp', 32),
        newcomers: readNewcomers(fields, readList),
        heads: readHeads(fields),
        baseHash: fields.bytes('baseHash', 32),
        recipientsHash: recipientsHash(),
      }
    case 'remove':
      return {
        kind,
        target: fields.bytes('AK', 32),
        cut: readCut(fields),
        reason: fields.uint('reason', GROUP_REASON_MAX),
        recipientsHash: recipientsHash(),
      }
    case 'leave':
      return { kind, cut: readCut(fields) }
    case 'role':
      return { kind, target: fields.bytes('AK', 32), role: fields.uint('role', 2) as GroupRole }
    case 'rotate':
    case 'merge': {
      const ownN = fields.uint('ownN', GROUP_ENTRY_NUMBER_MAX)
      return { kind, ownN, recipientsHash: recipientsHash() }
    }
    case 'refresh':
      return {
        kind,
        epochOp: fields.bytes('epochOp', 32),
        devices: readDevices(fields),
        recipientsHash: recipientsHash(),
      }
    case 'devices': {
      const list = readList(fields.bytes('DeviceList', 1, LIST_MAX_BYTES))
      return { kind, list, cut: readCut(fields) }
    }
    case 'carriage':
      return { kind, relays: readRelays(fields) }
    case 'meta':
      return readMeta(fields)
  }
}

const KIND_NAMES: ReadonlyMap<number, keyof typeof GROUP_KINDS> = new Map(
  Object.entries(GROUP_KINDS).map(([name, number]) => [number, name as keyof typeof GROUP_KINDS]),
)

/** Reads the payload of a kind. Throws ERR_WIRE_MALFORMED, or what the list reader throws. */
export function readGroupPayload(
  number: number,
  value: CborValue,
  readList: ListReader,
): GroupPayload {
  const kind = KIND_NAMES.get(number)
  if (kind === undefined) return { kind: 'unknown', number, value }
  const fields = new FieldReader(value, kind)
  const payload = readKnown(kind, fields, readList)
  fields.end()
  return payload
}
