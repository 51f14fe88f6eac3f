// One operation of each kind, signed, with the lengths of SPEC.md §19.1: lamport and n in two bytes,
// lists of one device.
import {
  type CryptoProvider,
  encodeGroupOpCore,
  type GroupOp,
  type GroupOpFields,
  type GroupPayload,
  groupRecipientsHash,
  openDeviceList,
  signDeviceCert,
  signDeviceList,
  signGroupOp,
  commitLength,
} from '../../../crypto/index.ts'
import { counting } from '../../crypto/decoder-checks.ts'

const accountSeed = counting(32, 1)
const otherSeed = counting(32, 2)
export const deviceSeed: Uint8Array = counting(32, 40)
const otherDeviceSeed = counting(32, 41)
const NOW_S = 1_795_500_000

function listOf(provider: CryptoProvider, seed: Uint8Array, device: Uint8Array) {
  const account = provider.ed25519PublicKey(seed)
  const dh = provider.x25519PublicKey(counting(32, 80))
  const cert = signDeviceCert(provider, account, device, dh)
  const fields = { version: NOW_S, devices: [cert], revoked: [] }
  return openDeviceList(provider, signDeviceList(provider, seed, fields))
}

/** Payloads by name, each with the size of its operation. */
export function samplePayloads(
  provider: CryptoProvider,
): readonly (readonly [name: string, bytes: number, payload: GroupPayload])[] {
  const own = listOf(provider, accountSeed, deviceSeed)
  const other = listOf(provider, otherSeed, otherDeviceSeed)
  const recipientsHash = groupRecipientsHash(provider, [counting(32, 5), counting(32, 6)])
  const cut = [
    { device: counting(32, 3), n: 200, entry: counting(32, 7) },
    { device: counting(32, 4), n: 30, entry: counting(32, 8) },
  ]
  const relay = (key: number, host: string) => ({
    serviceKey: counting(32, key),
    addresses: [`/dns4/${host}/tcp/443`],
  })
  const relays = [relay(20, 'relay1.example'), relay(21, 'relay2.example')]
  const epochOp = counting(32, 9)
  const newcomer = { account: other.account, list: other, inviteHash: undefined }
  return [
    [
      'create',
      642,
      {
        kind: 'create',
        random: counting(32, 10),
        name: 'Book club',
        settings: 1,
        list: own,
        relays: [relay(20, 'relay1.example')],
        recipientsHash,
      },
    ],
    [
      'add',
      680,
      {
        kind: 'add',
        epochOp,
        newcomers: [newcomer],
        heads: [{ id: counting(32, 11), lamport: 300 }],
        baseHash: counting(32, 12),
        recipientsHash,
      },
    ],
    ['remove', 495, { kind: 'remove', target: other.account, cut, reason: 1, recipientsHash }],
    ['leave', 361, { kind: 'leave', cut }],
    ['role', 252, { kind: 'role', target: other.account, role: 1 }],
    ['rotate', 318, { kind: 'rotate', ownN: 200, recipientsHash }],
    ['refresh', 353, { kind: 'refresh', epochOp, devices: [counting(32, 13)], recipientsHash }],
    ['devices', 470, { kind: 'devices', list: other, cut: [] }],
    ['carriage', 351, { kind: 'carriage', relays }],
    ['meta', 232, { kind: 'meta', name: 'Reading group', settings: undefined }],
    ['merge', 355, { kind: 'merge', ownN: 200, recipientsHash }],
    ['unknown', 217, { kind: 'unknown', number: 12, value: [] }],
  ]
}

export function sampleFields(provider: CryptoProvider, payload: GroupPayload): GroupOpFields {
  const parents = [{ id: counting(32, 14), lamport: 99 }]
  if (payload.kind === 'merge') parents.push({ id: counting(32, 15), lamport: 70 })
  const isRoot = payload.kind === 'create'
  return {
    group: isRoot ? new Uint8Array(32) : counting(32, 16),
    parents: isRoot ? [] : parents,
    account: provider.ed25519PublicKey(accountSeed),
    device: provider.ed25519PublicKey(deviceSeed),
    seq: isRoot ? 1 : 7,
    payload,
  }
}

export function sampleOp(provider: CryptoProvider, payload: GroupPayload): GroupOp {
  const core = encodeGroupOpCore(sampleFields(provider, payload))
  const commit = counting(commitLength(payload) ?? 0, 100)
  return signGroupOp({ provider, deviceSeed }, core, commit)
}
