// Commands about what runs: this profile, its daemon, a relay, and the shell.
import type { CommandSpec, FlagSpec } from './spec.ts'

const LISTEN: FlagSpec = {
  flags: '--listen <multiaddr>',
  about: 'an address to be reached at, e.g. /ip4/0.0.0.0/tcp/4001',
  repeats: true,
}

export const status: CommandSpec = {
  name: 'status',
  about: 'this profile, its relays, what waits',
  examples: ['sotto status', 'sotto status --json'],
  load: async () => (await import('../commands/status.ts')).run,
}

export const doctor: CommandSpec = {
  name: 'doctor',
  about: 'check this profile: every record, its journal, its relays and the clock',
  details: [
    'Stop the daemon first to have the disk checked too. --repair works on a copy of the store, leaves',
    'the store as it was beside it, and says exactly what is gone. Afterwards sessions begin anew.',
  ],
  flags: [{ flags: '--repair', about: 'make a damaged profile usable again' }],
  examples: ['sotto doctor', 'sotto doctor --json', 'sotto doctor --repair'],
  load: async () => (await import('../commands/doctor.ts')).run,
}

export const stats: CommandSpec = {
  name: 'stats',
  about: 'how long your messages took, what was tried again, which errors were met',
  details: ['Sums since the profile was made; they name no person and no message, and go nowhere.'],
  examples: ['sotto stats', 'sotto stats --json'],
  load: async () => (await import('../commands/stats.ts')).run,
}

export const daemon: CommandSpec = {
  name: 'daemon',
  about: 'keep this profile running: commands are quicker, messages arrive at once',
  examples: ['sotto daemon start', 'sotto daemon stop'],
  commands: [
    {
      name: 'run',
      about: 'run in the foreground until stopped',
      flags: [LISTEN],
      examples: ['sotto daemon run', 'sotto daemon run --listen /ip4/0.0.0.0/tcp/4001 --json'],
      load: async () => (await import('../commands/daemon-run.ts')).run,
    },
    {
      name: 'start',
      about: 'run in the background',
      flags: [LISTEN],
      examples: ['sotto daemon start'],
      load: async () => (await import('../commands/daemon.ts')).start,
    },
    {
      name: 'stop',
      about: 'stop it; what is queued stays queued',
      examples: ['sotto daemon stop'],
      load: async () => (await import('../commands/daemon.ts')).stop,
    },
  ],
}

export const relays: CommandSpec = {
  name: 'relays',
  about: 'the relays that keep messages for you: three at most',
  details: [
    'Where one is gone for good, add another, then remove it: contacts are told of both. A relay that',
    'moved is added again with its new address.',
  ],
  examples: ['sotto relays list', 'sotto relays add RELAY_ADDRESS'],
  commands: [
    {
      name: 'list',
      about: 'which there are, and how they stand',
      examples: ['sotto relays list', 'sotto relays list --json'],
      load: async () => (await import('../commands/relays.ts')).list,
    },
    {
      name: 'add',
      about: 'use one from now on, beside the others',
      words: [{ syntax: '<address>', about: 'as the relay printed it when it started' }],
      examples: ['sotto relays add RELAY_ADDRESS'],
      load: async () => (await import('../commands/relays.ts')).add,
    },
    {
      name: 'remove',
      about: 'leave one',
      details: [
        'What it holds still, senders leave elsewhere for want of a receipt: some hours later.',
      ],
      words: [{ syntax: '<relay>', about: 'its address, or its service as the list shows it' }],
      examples: ['sotto relays remove 68854f8b', 'sotto relays remove RELAY_ADDRESS'],
      load: async () => (await import('../commands/relays.ts')).remove,
    },
  ],
}

export const relay: CommandSpec = {
  name: 'relay',
  about: 'host a relay: it keeps sealed messages for people who are offline',
  examples: ['sotto relay run', 'sotto relay run --listen /ip4/0.0.0.0/tcp/4001'],
  commands: [
    {
      name: 'run',
      about: 'run in the foreground until stopped',
      details: [
        'It listens on loopback, at a port that it keeps, unless --listen says otherwise, and tells its',
        'limits when it starts.',
        'Whoever opens a mailbox proves some seconds of work, unless told otherwise. SIGTERM lets it',
        'finish what it acknowledged.',
      ],
      flags: [
        LISTEN,
        { flags: '--max-disk <size>', about: 'disk for messages; 10GiB unless told' },
        { flags: '--open', about: 'a new mailbox costs no proof of work' },
        { flags: '--invite-token-file <file>', about: 'nor does it for who shows this token' },
        { flags: '--metrics <port>', about: '/metrics, /healthz and /readyz on loopback' },
      ],
      examples: [
        'sotto relay run --open',
        'sotto relay run --listen /ip4/0.0.0.0/tcp/4001 --invite-token-file token --max-disk 50GiB',
        'sotto relay run --open --metrics 9090 --json',
      ],
      load: async () => (await import('../commands/relay-run.ts')).run,
    },
    {
      name: 'restore',
      about: 'after its folder was put back from a backup, before it runs again',
      details: [
        'A backup lacks what came after it. Marked as restored, the relay shows that to everybody who',
        'uses it: senders deposit again what they still have, owners publish their keys again. A relay',
        'that is started without it loses nothing either, but notices only as messages come and go.',
        'Keep keys and store together: one without the other is refused.',
      ],
      examples: ['sotto relay restore', 'sotto relay restore --dir /var/lib/sotto-relay --json'],
      load: async () => (await import('../commands/relay-restore.ts')).run,
    },
  ],
}

export const demo: CommandSpec = {
  name: 'demo',
  about: 'watch a relay and two people at work, on this machine, in a temporary folder',
  flags: [{ flags: '--markdown', about: 'as README.md shows it: the same each time' }],
  examples: ['sotto demo', 'sotto demo --markdown'],
  load: async () => (await import('../commands/demo.ts')).run,
}

export const completion: CommandSpec = {
  name: 'completion',
  about: 'completions for your shell',
  words: [{ syntax: '<shell>', about: 'bash, zsh or fish' }],
  examples: ['sotto completion bash > ~/.local/share/bash-completion/completions/sotto'],
  load: async () => (await import('../commands/completion.ts')).run,
}

export const help: CommandSpec = {
  name: 'help',
  about: 'help for a command, or on a topic: scripting, exit-codes',
  words: [{ syntax: '[topic...]', about: 'a command or a topic' }],
  examples: ['sotto help send', 'sotto help scripting', 'sotto help exit-codes'],
  load: async () => (await import('../commands/help.ts')).run,
}
