// The text of `sotto help scripting`: what programs may rely on.

export const SCRIPTING = `Scripting

What is written here is stable: it does not change within a major version.

  --json prints one object a line on stdout, each with "v":1. Ignore events, kinds and
  fields that you do not know. Text in JSON is exact.
  stdout is data, stderr is talk and errors. With --json an error is one line on stderr:
  {"v":1,"error":{"code":"UNKNOWN_CONTACT","message":"...","hint":"..."}}
  Branch on the exit code (sotto help exit-codes) and on "code", never on a sentence.
  Times are Unix milliseconds. Ids of messages are 64 hex characters. Addresses are base32.
  Nothing asks a question where stdin or stderr is no terminal: a profile with a passphrase
  needs --passphrase-file F (- is standard input) or SOTTO_PASSPHRASE_FILE, else exit 3.
  The newline that ends that file is no part of the passphrase.
  --dir D or SOTTO_DIR names the profile.

Objects

  init            {name, address}
  invite          {id, link, expiresAt, reusable}
  invite list     {id, link, createdAt, expiresAt, reusable, revoked, usedBy}
  add             {contact: {name, address, state}}
  contact list    {name, address, state, verified, theirName, addedAt, unread, waiting,
                   missing, irretrievable, problem, refusal,
                   relays: [{service, address, doubts}], warnings}; show adds safetyNumber
  group create    {group: {id, name, state, role}}; the same for every change, and for add
                  with a link that joins a group
  group list      {number, id, name, state, role, members: [{name, address, role, you}], epoch,
                   pending: [{name, address, at}], settings: {approval, membersAdd}, relays,
                   unread, waiting, missing, gaps, held, waits, problem}
  group show      {group: {id, name, state, role}, members, epoch, pending, number, settings,
                   relays, unread, waiting, missing, gaps, held, waits, problem}, as in group list
                   state: joining, joined, left, removed, refused. role: member, admin, owner.
                   problem is there where something stands in the way.
  group invite    {id, link, expiresAt, reusable}
  send            {id, state}
  read            {id, chat, kind, from: {name, address}, to, text, mine, lamport, sentAt,
                   arrivedAt, late, state, open, replyTo, relays, arrival, group,
                   behindRemoval}
  watch           {cursor, event, at, ...}
  why             {id, state, steps: [{at, what, by, until, evidence}], missing: [...]}
  status          {name, address, listening, relays, contacts, groups, requests, unread, waiting,
                   readOnly, warnings, recent: [{at, code, text, chat}], daemon}
  stats           {since, sent, received, missing, counts, errors, times: {relayed, direct,
                   byRelay, read: {count, p50Ms, p95Ms, p99Ms}}}
  relays list     {address, connected, service, trouble, clockOffsetMs}; the same after add and remove
  doctor          {sound, disk: {records, batches, findings}, relays: [{address, connected,
                   trouble, clockOffsetMs}], warnings}; --repair: {findings, gone, kept}
  daemon run      {ready: true, addresses}, once it works; the same for daemon start
  daemon stop     {stopped: true, waiting}
  relay run       {ready: true, address, addresses}

Sending

  send exits 0 once the message is on this disk; "state" says how far it got: queued,
  relayed (a relay signed for it), delivered (in the log of a device of the recipient), read.
  With a daemon it returns at once. Without one it spends up to 5 s on handing over what
  waits; stderr says what is still queued.
  --wait relayed|delivered|read [--timeout 30s] waits for that state or a later one. Not met
  in time: the object with the state reached on stdout, the error on stderr, exit 6. The
  message stays queued and goes on.
  "-" as text is standard input, byte for byte: nothing is trimmed, a leading U+FEFF is
  kept. Input that is not UTF-8, and text that is empty or white space only, is refused.
  A text that begins with "-" goes after "--".

Reading

  read prints a chat in the order of its log, which is the same on both sides; without WHO
  all chats in the order of arrival. In a pipe it marks nothing as read unless --mark says so.
  Without a daemon it first fetches what relays hold, for at most 5 s; --offline does not.

Watching

  watch prints what happens from now on; --since CURSOR what came after that event, then
  goes on; --since 0 all that is kept. Keep the last cursor you handled, and you miss nothing:
  CURSOR_TOO_OLD says so when a feed no longer reaches back that far.
  watch, read --follow and chat outlive their daemon, however it ends: they go on with the next
  one, or by themselves until one starts, without a hole and without a repetition. stderr says so.
  message        message: as in read; also one's own, with mine: true
  message:state  id, chat, group, state
  contact        contact: as in contact list
  group          group: as in group list, as it is now. Its members, roles, name, requests to
                 join, keys or one's own state in it changed: compare it with the last one
  gap            chat, group, from, first, last, missing: numbers of messages that are missing, or,
                 with missing false, that came after all
  warning        code, text

Who

  WHO is a contact's name, address, or the first characters of an address (at least four).
  Where more than one fits, nothing is guessed: AMBIGUOUS_CONTACT, exit 1.
  Names are yours: a second Bob is called bob-2.
  send, read and chat take a group as '#name', or # and its id; group commands also without
  the #. A shell takes an unquoted # for a comment.
  A group's name is its admins' to change, its id is not: scripts take the id. "group" in an
  event or a message is that id; it is missing where the chat is not a group.
`
