// Statuses and scopes of relay replies (SPEC.md §12.3). From 16 on a reply says what failed, how
// long to wait, and what the answer is about.

export const STATUS = {
  ok: 0,
  duplicate: 1,
  accepted: 2,
  auth: 16,
  quota: 17,
  busy: 18,
  rate: 19,
  pow: 20,
  tooLarge: 21,
  expired: 22,
  malformed: 23,
  unsupported: 24,
  refused: 25,
  used: 26,
  unknown: 27,
  incarnation: 28,
  conflict: 29,
  full: 30,
  draining: 31,
  unauthenticated: 32,
} as const

export type StatusName = keyof typeof STATUS

export const SCOPE = {
  op: 0,
  mailbox: 1,
  lane: 2,
  capability: 3,
  connection: 4,
  service: 5,
} as const

export type ScopeName = keyof typeof SCOPE

const STATUS_NAMES: ReadonlyMap<number, StatusName> = new Map(
  Object.entries(STATUS).map(([name, code]) => [code, name as StatusName]),
)
const SCOPE_NAMES: ReadonlyMap<number, ScopeName> = new Map(
  Object.entries(SCOPE).map(([name, code]) => [code, name as ScopeName]),
)

/** The name of a status; undefined for one of a later version. */
export function statusName(code: number): StatusName | undefined {
  return STATUS_NAMES.get(code)
}

/** The name of a scope; an unknown one is read as 'op'. */
export function scopeName(code: number): ScopeName {
  return SCOPE_NAMES.get(code) ?? 'op'
}
