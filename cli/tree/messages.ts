// Commands about messages.
import type { CommandSpec } from './spec.ts'

const WHO = {
  syntax: '<who>',
  about: "a contact's name, address or its first characters; '#name' for a group",
}

export const send: CommandSpec = {
  name: 'send',
  about: 'send a message',
  details: [
    'It returns once the message is safe on this disk. Without a daemon it then takes up to 5 s to',
    'hand over what waits. What is still queued goes out with the next command, or by the daemon.',
  ],
  words: [WHO, { syntax: '<text...>', about: 'the text, or - for standard input, byte for byte' }],
  flags: [
    { flags: '--wait <state>', about: 'until it is relayed, delivered or read' },
    { flags: '--timeout <duration>', about: 'how long --wait waits; 30s unless told' },
    { flags: '--reply <id>', about: 'the message it answers' },
  ],
  examples: [
    'sotto send bob "see you at six"',
    'sotto send bob "are you there?" --wait delivered --timeout 1m',
    'git log -1 | sotto send bob -',
    'sotto send bob --json -- "-5 degrees"',
    `sotto send '#team' "who is in?"`,
  ],
  load: async () => (await import('../commands/send.ts')).run,
}

export const read: CommandSpec = {
  name: 'read',
  about: 'show messages',
  details: [
    'Without a daemon it first fetches what relays hold, for at most 5 s. Messages are marked as',
    'read on a terminal or with --mark, never in a pipe.',
  ],
  words: [{ syntax: '[who]', about: 'one chat; all of them unless told' }],
  flags: [
    { flags: '-n, --limit <n>', about: 'the last n; 20 unless told' },
    { flags: '--unread', about: 'only what was not seen yet, as it arrived' },
    { flags: '--follow', about: 'go on showing what comes' },
    { flags: '--mark', about: 'mark as read' },
    { flags: '--offline', about: 'only what is here: no network' },
  ],
  examples: [
    'sotto read bob',
    'sotto read --unread',
    "sotto read '#team' --unread",
    'sotto read bob -n 100 --json',
    'sotto read --follow --json',
  ],
  load: async () => (await import('../commands/read.ts')).run,
}

export const chat: CommandSpec = {
  name: 'chat',
  about: 'talk to somebody or in a group, line by line',
  details: [
    '/quit leaves, /why says how far your last message got, /help lists the rest.',
    'On a terminal a paste of several lines is one message: it goes out with Enter.',
  ],
  words: [WHO],
  examples: ['sotto chat bob', "sotto chat '#team'"],
  load: async () => (await import('../commands/chat.ts')).run,
}

export const watch: CommandSpec = {
  name: 'watch',
  about: 'events as they happen, one a line',
  details: [
    'Each has a cursor. Whoever was away goes on after the last one seen with --since CURSOR and',
    'misses nothing. Events: message, message:state, contact, group, gap, warning.',
  ],
  flags: [{ flags: '--since <cursor>', about: 'what came after it; 0 for all that is kept' }],
  examples: ['sotto watch --json', 'sotto watch --since 0 --json', 'sotto watch --since 1042'],
  load: async () => (await import('../commands/watch.ts')).run,
}

export const why: CommandSpec = {
  name: 'why',
  about: 'how far a message got, and what shows it',
  words: [{ syntax: '<id>', about: 'the id of a message' }],
  examples: ['sotto why 6c1f...', 'sotto why 6c1f... --json'],
  load: async () => (await import('../commands/why.ts')).run,
}
