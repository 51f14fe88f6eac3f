// Every domain-separation label of the protocol, in one list (SPEC.md §1).
// L(name) = ASCII "sotto/1/" ‖ name ‖ 0x00, so no label is a prefix of another.

const NAMES = [
  // identity (SPEC.md §2)
  'account',
  'rdv',
  'rdv-owner',
  'address',
  'list',
  'bundle',
  // invite links (§3)
  'link',
  'service',
  'invite-id',
  'invite-cap-id',
  'invite-cap',
  'invite-proof',
  // handshake (§5)
  'ek',
  'hs',
  'hs-id',
  'hs-transcript',
  'pqxdh',
  'ad',
  // ratchet (§6)
  'ratchet',
  'hn',
  'eph',
  'pq',
  // sealed envelope (§7)
  'seal',
  'inner',
  'env',
  // entries (§8)
  'conv-direct',
  'entry',
  'body',
  // vault (§11)
  'vault',
  'vault-open',
  'vault-store',
  'vault-index',
  'vault-value',
  'vault-state',
  // relay mailboxes (§12)
  'mbx',
  'gmbx',
  'rmbx',
  'mailbox-owner',
  'mailbox-secret',
  'gmbx-read',
  'gmbx-write',
  'cap',
  'dep',
  'take',
  'pow',
  // custody (§13)
  'custody-leaf',
  'custody-node',
  'custody-nonce',
  'chain',
  // group operations (§19)
  'g-op-core',
  'g-op',
  'g-rcpt',
  'g-base',
  'g-rank',
  // group epochs (§20)
  'epoch',
  'add',
  'commit',
  'lineage',
  'gtopic',
  'g-addk',
  'g-chain',
  'g-lineage',
  'g-hdr',
  'g-ctl',
  'g-tag',
  // signature contexts
  'sig/device-cert',
  'sig/device-list',
  'sig/card',
  'sig/prekey',
  'sig/group-op',
  'sig/group-entry',
  'sig/group-control',
  'sig/relay-auth',
  'sig/mailbox-open',
  'sig/relay-desc',
  'sig/relay-process',
  'sig/custody',
] as const

export type Label = (typeof NAMES)[number]

type ContextOf<L> = L extends `sig/${infer C}` ? C : never
export type SignatureContext = ContextOf<Label>

function ascii(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

const TABLE: ReadonlyMap<string, Uint8Array<ArrayBuffer>> = new Map(
  NAMES.map((name) => [name, ascii(`sotto/1/${name}\0`)]),
)

/** The bytes of a label. The returned array is shared: never write to it. */
export function label(name: Label): Uint8Array<ArrayBuffer> {
  const bytes = TABLE.get(name)
  if (bytes === undefined) throw new TypeError(`no such label: ${name}`)
  return bytes
}
