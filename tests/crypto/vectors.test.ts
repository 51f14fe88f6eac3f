import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  fromHex,
  noble,
  openCard,
  openDeviceList,
  openEnvelope,
  openItem,
  openPrekey,
  openStateKeys,
  openStateValue,
  openValue,
  openVaultHeader,
  parseAddress,
  parseInviteLink,
  parseVaultHeader,
  toHex,
  unpad,
  vaultSubkey,
} from '../../crypto/index.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import { identityVectors } from './identity-vectors.ts'

type Row = Readonly<Record<string, string>>

function rowsOf(name: string): readonly Row[] {
  const url = new URL(`../vectors/${name}`, import.meta.url)
  if (!existsSync(url)) return []
  return (JSON.parse(readFileSync(url, 'utf8')) as { readonly tests: readonly Row[] }).tests
}

const bytes = (row: Row, field: string): Uint8Array => fromHex(row[field] ?? '')
const first = (name: string): Row => rowsOf(name)[0] ?? {}

describe.each([noble, nativeCrypto])('the published vectors on $name', (provider) => {
  const computed = identityVectors(provider)

  it.each(Object.keys(computed))('are what this build computes: %s', (name) => {
    expect(rowsOf(name).length).toBeGreaterThan(0)
    expect(computed[name]?.tests).toEqual(rowsOf(name))
  })

  it('open: lists, card, items, prekey', () => {
    for (const row of rowsOf('device-list.json')) {
      expect(toHex(openDeviceList(provider, bytes(row, 'list')).hash)).toBe(row['hash'])
    }
    const row = first('card.json')
    const { account } = openDeviceList(provider, bytes(first('device-list.json'), 'list'))
    const nowS = Number(row['issuedAt'])
    const [serviceKey, mailboxId] = [bytes(row, 'serviceKey'), bytes(row, 'mailboxId')]
    const place = { account, serviceKey, mailboxId }
    const card = openItem(provider, place, 0, bytes(row, 'cardItem'))
    expect(toHex(card)).toBe(row['card'])
    const { device } = openCard(provider, card, { account, nowS }).cert
    const opk = openItem(provider, place, 1, bytes(row, 'opkItem'))
    expect(openPrekey(provider, opk, { kind: 1, device, serviceKey, nowS }).id).toBe(0x01000001)
  })

  it('open: address, links, envelope, padding', () => {
    const account = first('account.json')
    expect(toHex(parseAddress(provider, account['address'] ?? ''))).toBe(account['account'])
    for (const row of rowsOf('invite-link.json')) {
      const link = parseInviteLink(provider, row['link'] ?? '')
      expect([toHex(link.account), link.address, link.where.kind]).toEqual([
        row['account'],
        row['address'],
        row['kind'],
      ])
    }
    const row = first('seal.json')
    const secret = bytes(row, 'recipientSecret')
    const key = { keyId: 7, secret, publicKey: provider.x25519PublicKey(secret) }
    const opened = openEnvelope(provider, [key], bytes(row, 'mailboxId'), bytes(row, 'envelope'))
    expect(toHex(opened.inner)).toBe(row['inner'])
    expect(toHex(unpad(bytes(row, 'padded')).frames)).toBe(row['frames'])
  })

  it('open: vault header, state keys, values', () => {
    const row = first('vault.json')
    const header = parseVaultHeader(bytes(row, 'header'))
    const root = openVaultHeader(provider, header, bytes(row, 'kek'))
    expect(toHex(root)).toBe(row['dataKey'])
    const vault = { root, storeId: header.storeId }
    const [state] = openStateKeys(provider, vault, bytes(row, 'stateKeyFile'))
    expect(toHex(state?.key ?? root)).toBe(row['stateKey'])
    const place = { store: row['store'] ?? '', key: bytes(row, 'key') }
    const subkey = vaultSubkey(provider, vault, place.store)
    expect(toHex(openValue(provider, subkey, place, bytes(row, 'value')))).toBe(row['plain'])
    const stateVault = { ...vault, root: bytes(row, 'stateKey') }
    const stateSubkey = vaultSubkey(provider, stateVault, place.store)
    const stateValue = bytes(row, 'stateValue')
    const key = { generation: 9, subkey: stateSubkey }
    expect(toHex(openStateValue(provider, key, place, stateValue))).toBe(row['plain'])
  })
})
