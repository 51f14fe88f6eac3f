// The whole command tree.
import { group } from './groups.ts'
import { chat, read, send, watch, why } from './messages.ts'
import { add, contact, init, invite, requests } from './people.ts'
import { completion, daemon, demo, doctor, help, relay, relays, stats, status } from './running.ts'
import type { CommandSpec, FlagSpec } from './spec.ts'

export type { CommandSpec, FlagSpec, GlobalFlags, Invocation, Run } from './spec.ts'

/** Flags that every command knows. */
export const GLOBAL_FLAGS: readonly FlagSpec[] = [
  { flags: '--dir <folder>', about: 'the profile (SOTTO_DIR; $XDG_DATA_HOME/sotto/default)' },
  {
    flags: '--passphrase-file <file>',
    about: 'where its passphrase is, - for standard input (SOTTO_PASSPHRASE_FILE)',
  },
  { flags: '--json', about: 'one JSON object a line, for programs' },
  { flags: '-q, --quiet', about: 'no talk on stderr, errors excepted' },
  { flags: '-v, --verbose', about: 'details on stderr, with the stack of an error' },
]

/** All commands, in the order of --help. */
export const TREE: readonly CommandSpec[] = [
  init,
  invite,
  add,
  send,
  read,
  chat,
  why,
  watch,
  contact,
  group,
  requests,
  status,
  stats,
  doctor,
  daemon,
  relays,
  relay,
  demo,
  completion,
  help,
]
