// The tables whose records are state values: what is sealed again when the state key rotates
// (SPEC.md §11.3). A table that is missing here would become unreadable with the next rotation.

/** Names of all tables with `sealing: 'state'`. */
export const STATE_TABLE_NAMES: readonly string[] = [
  'controls',
  'group-chains',
  'group-epochs',
  'group-lineages',
  'group-seeds',
  'group-skipped',
  'group-welcomes',
  'outbox',
  'prekey-secrets',
  'rdv-own',
  'rdv-roots',
  'sessions',
  'skipped-seeds',
  'unknown-frames',
]
