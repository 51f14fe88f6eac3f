// Commands about groups.
import type { CommandSpec, WordSpec } from './spec.ts'

const WHICH: WordSpec = {
  syntax: '<group>',
  about: "its name, with or without #: in a shell '#team' must be quoted",
}
const WHO: WordSpec = {
  syntax: '<who>',
  about: 'name, address, or the first characters of an address',
}

export const group: CommandSpec = {
  name: 'group',
  about: 'groups: make one, let people in, take them out',
  details: [
    "Write to a group with `sotto send '#team' ...`, read it with `sotto read '#team'`, talk in it",
    "with `sotto chat '#team'`. Whoever is removed reads nothing that is sent once the sender knows.",
  ],
  examples: ['sotto group create team', 'sotto group invite team', 'sotto group show team'],
  commands: [
    {
      name: 'create',
      about: 'make a group with you as its owner',
      words: [{ syntax: '<name>', about: 'what its members see' }],
      flags: [
        { flags: '--approve', about: 'whoever joins by a link waits for an admin' },
        { flags: '--members-add', about: 'members who are no admins may add people' },
      ],
      examples: ['sotto group create team', 'sotto group create team --approve --json'],
      load: async () => (await import('../commands/group.ts')).create,
    },
    {
      name: 'list',
      about: 'your groups',
      examples: ['sotto group list', 'sotto group list --json'],
      load: async () => (await import('../commands/group.ts')).list,
    },
    {
      name: 'show',
      about: 'one group: members, roles, keys, who waits to be let in',
      words: [WHICH],
      examples: ['sotto group show team', "sotto group show '#team' --json"],
      load: async () => (await import('../commands/group.ts')).show,
    },
    {
      name: 'invite',
      about: 'make a link that joins the group',
      details: ['Your own device lets people in, so it must run, or come back, for them to join.'],
      words: [WHICH],
      flags: [
        { flags: '--reusable', about: 'for more than one person' },
        { flags: '--expires <duration>', about: 'how long it works; 24h unless told' },
        { flags: '--approve', about: 'each join by it waits for an admin' },
        { flags: '--no-qr', about: 'no QR code on a terminal' },
      ],
      examples: ['sotto group invite team', 'sotto group invite team --reusable --approve --json'],
      load: async () => (await import('../commands/group-invite.ts')).run,
    },
    {
      name: 'add',
      about: 'add a contact',
      words: [WHICH, WHO],
      examples: ['sotto group add team bob'],
      load: async () => (await import('../commands/group.ts')).add,
    },
    {
      name: 'approve',
      about: 'let somebody in who asked to join',
      words: [WHICH, WHO],
      examples: ['sotto group approve team carol'],
      load: async () => (await import('../commands/group.ts')).approve,
    },
    {
      name: 'reject',
      about: 'turn somebody down who asked to join',
      words: [WHICH, WHO],
      examples: ['sotto group reject team mallory'],
      load: async () => (await import('../commands/group.ts')).reject,
    },
    {
      name: 'remove',
      about: 'take somebody out; all keys are made anew',
      words: [WHICH, WHO],
      examples: ['sotto group remove team mallory'],
      load: async () => (await import('../commands/group.ts')).remove,
    },
    {
      name: 'role',
      about: 'make somebody member, admin or owner',
      words: [WHICH, WHO, { syntax: '<role>', about: 'member, admin or owner' }],
      examples: ['sotto group role team bob admin'],
      load: async () => (await import('../commands/group.ts')).role,
    },
    {
      name: 'rename',
      about: 'call the group something else, for everybody',
      words: [WHICH, { syntax: '<name>', about: 'the new name' }],
      examples: ['sotto group rename team "the team"'],
      load: async () => (await import('../commands/group.ts')).rename,
    },
    {
      name: 'leave',
      about: 'leave it; what was said so far stays readable',
      details: ['A join that was refused, or that nobody answers, is taken off the list.'],
      words: [WHICH],
      examples: ['sotto group leave team'],
      load: async () => (await import('../commands/group.ts')).leave,
    },
    {
      name: 'rotate',
      about: 'new keys for everybody, now',
      words: [WHICH],
      examples: ['sotto group rotate team'],
      load: async () => (await import('../commands/group.ts')).rotate,
    },
  ],
}
