// The short form of an address in an invite link: 4 to 24 bytes for IPv4, IPv6 or a short host name
// over TCP or WebSocket, to and from multiaddr text (SPEC.md §3).
import { concat, readU16, u16 } from './bytes.ts'
import { CryptoError, malformed } from './errors.ts'
import { LINK_HOST_MAX_BYTES } from './limits.ts'
import { decodeText, encodeText } from './text.ts'

/** High nibble of the first byte. */
const CARRIERS = ['', '/ws', '/wss'] as const

const HOST = /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/

function parseIp4(text: string): Uint8Array<ArrayBuffer> | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part))) {
    return undefined
  }
  const bytes = parts.map(Number)
  return bytes.every((byte) => byte <= 255) ? Uint8Array.from(bytes) : undefined
}

/** 16-bit groups of one side of "::"; undefined where one is none. A last dotted IPv4 gives two. */
function parseGroups(text: string): readonly number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    const ip4 = index === parts.length - 1 ? parseIp4(part) : undefined
    if (ip4 !== undefined) groups.push(readU16(ip4, 0), readU16(ip4, 2))
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

function parseIp6(text: string): Uint8Array<ArrayBuffer> | undefined {
  const sides = text.split('::').map(parseGroups)
  const [left, right] = sides
  if (left === undefined || sides.length > 2) return undefined
  if (sides.length === 1) return left.length === 8 ? concat(...left.map(u16)) : undefined
  if (right === undefined || left.length + right.length > 7) return undefined
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => 0)
  return concat(...[...left, ...zeros, ...right].map(u16))
}

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups as "::". */
function formatIp6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => readU16(bytes, 2 * i))
  let best = { start: 0, length: 1 }
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (start + length < 8 && groups[start + length] === 0) length++
    if (length > best.length) best = { start, length }
  }
  const text = groups.map((group) => group.toString(16))
  if (best.length < 2) return text.join(':')
  const after = text.slice(best.start + best.length)
  return `${text.slice(0, best.start).join(':')}::${after.join(':')}`
}

function unusable(address: string, why: string): never {
  throw new CryptoError('ERR_CRYPTO_PARAMETER', `an invite link cannot hold ${address}: ${why}`)
}

/**
 * The short form of `/ip4|ip6|dns|dns4|dns6/<host>/tcp/<port>[/ws|/wss|/tls/ws]`. Throws
 * ERR_CRYPTO_PARAMETER that says why an address does not fit a link.
 */
export function encodeLinkAddress(address: string): Uint8Array<ArrayBuffer> {
  const [empty, family = '', host = '', tcp, portText = '', ...rest] = address.split('/')
  if (empty !== '' || tcp !== 'tcp') unusable(address, 'not TCP')
  const suffix = rest.length === 0 ? '' : `/${rest.join('/')}`
  const carrier = CARRIERS.findIndex((known) => known === (suffix === '/tls/ws' ? '/wss' : suffix))
  if (carrier < 0) unusable(address, 'not plain TCP, ws or wss')
  const port = Number(portText)
  if (!/^\d{1,5}$/.test(portText) || port < 1 || port > 65_535) unusable(address, 'its port')
  const type = carrier << 4
  if (family === 'ip4' || family === 'ip6') {
    const ip = family === 'ip4' ? parseIp4(host) : parseIp6(host)
    if (ip === undefined) unusable(address, 'its IP address')
    return concat(Uint8Array.of(type | (family === 'ip4' ? 4 : 6)), ip, u16(port))
  }
  const name = host.toLowerCase()
  if (!/^dns[46]?$/.test(family) || !HOST.test(name)) unusable(address, 'its host')
  if (name.length > LINK_HOST_MAX_BYTES) {
    unusable(address, `its host name is longer than ${LINK_HOST_MAX_BYTES} characters`)
  }
  return concat(Uint8Array.of(type), u16(port), encodeText(name))
}

/** Multiaddr text of a short form. Throws ERR_WIRE_MALFORMED. */
export function decodeLinkAddress(bytes: Uint8Array): string {
  const type = bytes[0] ?? 0xff
  const carrier = CARRIERS[type >> 4]
  if (carrier === undefined) malformed('link address: unknown carrier')
  const family = type & 15
  if (family === 0) {
    const host = decodeText(bytes.subarray(3)) ?? ''
    if (host.length > LINK_HOST_MAX_BYTES || !HOST.test(host)) malformed('link address: its host')
    return `/dns/${host}/tcp/${readPort(bytes, 1)}${carrier}`
  }
  const length = { 4: 4, 6: 16 }[family]
  if (length === undefined) malformed('link address: unknown family')
  if (bytes.length !== length + 3) malformed('link address: its length')
  const ip = bytes.subarray(1, 1 + length)
  const host = length === 4 ? [...ip].join('.') : formatIp6(ip)
  return `/ip${family}/${host}/tcp/${readPort(bytes, 1 + length)}${carrier}`
}

function readPort(bytes: Uint8Array, at: number): number {
  const port = readU16(bytes, at)
  if (port === 0) malformed('link address: port 0')
  return port
}
