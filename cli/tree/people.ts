// Commands about oneself and others.
import type { CommandSpec, WordSpec } from './spec.ts'

const WHO: WordSpec = {
  syntax: '<who>',
  about: 'name, address, or the first characters of an address',
}

export const init: CommandSpec = {
  name: 'init',
  about: 'make a profile: your keys and an address, on this machine only',
  details: [
    'The 24 words it shows once are the account: write them down. With --from-phrase-file the same',
    'address lives on here, as a new device.',
  ],
  flags: [
    { flags: '--name <name>', about: 'what friends see' },
    { flags: '--no-passphrase', about: 'do not encrypt the profile on this disk' },
    { flags: '--relay <address>', about: 'a relay that keeps messages for you', repeats: true },
    { flags: '--from-phrase-file <file>', about: 'restore the account of these 24 words' },
  ],
  examples: [
    'sotto init --name Alice',
    'sotto init --name Alice --relay RELAY_ADDRESS',
    'sotto init --name Alice --no-passphrase --dir ./alice --json',
    'sotto init --name Alice --from-phrase-file words.txt',
  ],
  load: async () => (await import('../commands/init.ts')).run,
}

export const invite: CommandSpec = {
  name: 'invite',
  about: 'make a link that adds you as a contact',
  flags: [
    { flags: '--reusable', about: 'more than one person may use it' },
    { flags: '--expires <duration>', about: 'until when it works, e.g. 24h' },
    { flags: '--no-qr', about: 'no QR code on a terminal' },
  ],
  examples: ['sotto invite', 'sotto invite --reusable --expires 7d', 'sotto invite --json'],
  load: async () => (await import('../commands/invite.ts')).create,
  commands: [
    {
      name: 'list',
      about: 'links made here, and who used them',
      examples: ['sotto invite list'],
      load: async () => (await import('../commands/invite.ts')).list,
    },
    {
      name: 'revoke',
      about: 'end a link',
      words: [{ syntax: '<id>', about: 'its id, or how it begins' }],
      examples: ['sotto invite revoke 3fa9'],
      load: async () => (await import('../commands/invite.ts')).revoke,
    },
  ],
}

export const add: CommandSpec = {
  name: 'add',
  about: 'add the person who made an invite link',
  words: [{ syntax: '<link>', about: 'the link, or - to read it from standard input' }],
  flags: [{ flags: '--name <name>', about: 'what you call them' }],
  examples: ['sotto add LINK', 'sotto add LINK --name bob', 'sotto add - < link.txt'],
  load: async () => (await import('../commands/add.ts')).run,
}

export const contact: CommandSpec = {
  name: 'contact',
  about: 'people you know',
  examples: ['sotto contact list', 'sotto contact verify bob'],
  commands: [
    {
      name: 'list',
      about: 'all contacts',
      examples: ['sotto contact list', 'sotto contact list --json'],
      load: async () => (await import('../commands/contact.ts')).list,
    },
    {
      name: 'show',
      about: 'one contact, with the safety number',
      words: [WHO],
      examples: ['sotto contact show bob'],
      load: async () => (await import('../commands/contact.ts')).show,
    },
    {
      name: 'rename',
      about: 'call a contact something else',
      words: [WHO, { syntax: '<name>', about: 'the new name' }],
      examples: ['sotto contact rename bob robert'],
      load: async () => (await import('../commands/contact.ts')).rename,
    },
    {
      name: 'verify',
      about: 'show the safety number, or mark it as compared',
      details: ['Compare the 60 digits by voice or in person; then say --yes.'],
      words: [WHO],
      flags: [
        { flags: '--yes', about: 'the numbers are the same: mark as verified' },
        { flags: '--undo', about: 'take the mark back' },
      ],
      examples: ['sotto contact verify bob', 'sotto contact verify bob --yes'],
      load: async () => (await import('../commands/contact.ts')).verify,
    },
    {
      name: 'block',
      about: 'silence: nothing from them is shown, they are told nothing',
      words: [WHO],
      examples: ['sotto contact block mallory'],
      load: async () => (await import('../commands/contact.ts')).block,
    },
    {
      name: 'unblock',
      about: 'undo a block',
      words: [WHO],
      examples: ['sotto contact unblock mallory'],
      load: async () => (await import('../commands/contact.ts')).unblock,
    },
    {
      name: 'remove',
      about: 'forget a contact',
      words: [WHO],
      examples: ['sotto contact remove bob'],
      load: async () => (await import('../commands/contact.ts')).remove,
    },
  ],
}

export const requests: CommandSpec = {
  name: 'requests',
  about: 'people who wrote without an invite',
  examples: ['sotto requests list', 'sotto requests accept carol'],
  commands: [
    {
      name: 'list',
      about: 'who asks to be let in',
      examples: ['sotto requests list'],
      load: async () => (await import('../commands/requests.ts')).list,
    },
    {
      name: 'accept',
      about: 'make a contact of them',
      words: [WHO],
      flags: [{ flags: '--name <name>', about: 'what you call them' }],
      examples: ['sotto requests accept carol --name Caro'],
      load: async () => (await import('../commands/requests.ts')).accept,
    },
    {
      name: 'reject',
      about: 'drop a request',
      words: [WHO],
      examples: ['sotto requests reject mallory'],
      load: async () => (await import('../commands/requests.ts')).reject,
    },
  ],
}
