// Tickets (SPEC.md §14.9): a device mailbox pays for group mailboxes of its owner's groups, so that
// they are opened without work. The relay can link the two; work is there for who minds.
import { type Bytes16, EMPTY, concat, readU32, u32 } from '../../crypto/index.ts'
import { type RelayFailure, failed } from '../relay/failure.ts'
import { TICKET_BYTES } from '../relay/limits.ts'
import type { TicketReply, TicketRequest } from '../relay/ops-ticket.ts'
import { type Step, get, range } from '../step.ts'
import { charges, mailboxes, readChargeOrder, tickets } from './tables.ts'
import type { MailboxTurn } from './turn.ts'

const HOUR_S = 3_600
const HOUR_BYTES = 4

/** Makes tickets; `quota` where the mailbox would be charged with too much. */
export function* issueTickets(
  turn: MailboxTurn,
  request: TicketRequest,
): Step<TicketReply | RelayFailure> {
  const { mailboxId: account, count } = request
  const record = yield* get(mailboxes, account)
  if (record === undefined || record.closing) return failed('unknown', { scope: 'mailbox' })
  const { groupsPerAccount, ticketLifeS } = turn.limits
  const held = yield* range(charges, { owner: account, limit: groupsPerAccount })
  if (held.length + count > groupsPerAccount) return failed('quota', { scope: 'mailbox' })
  const endHour = Math.ceil((turn.nowS + ticketLifeS) / HOUR_S)
  const made = Array.from({ length: count }, () =>
    concat(u32(endHour), turn.random(TICKET_BYTES - HOUR_BYTES)),
  )
  for (const ticket of made) {
    turn.put(tickets, ticket, account)
    turn.put(charges, { account, kind: 'ticket', id: ticket }, new Uint8Array(0))
  }
  return { tickets: made }
}

/** Uses a ticket up; the mailbox that pays, or undefined where it is none. */
export function* useTicket(turn: MailboxTurn, ticket: Uint8Array): Step<Bytes16 | undefined> {
  if (ticket.length !== TICKET_BYTES) return undefined
  const account = yield* get(tickets, ticket)
  if (account === undefined || readU32(ticket, 0) * HOUR_S <= turn.nowS) return undefined
  turn.remove(tickets, ticket)
  turn.remove(charges, { account, kind: 'ticket', id: ticket })
  return account
}

/** Removes up to `budget` tickets that ended; whether there may be more. */
export function* expireTickets(turn: MailboxTurn, budget: number): Step<boolean> {
  const to = u32(Math.floor(turn.nowS / HOUR_S) + 1)
  const page = yield* range(tickets, { owner: EMPTY, to, limit: budget })
  for (const { order, value } of page) {
    turn.remove(tickets, order)
    turn.remove(charges, { account: value, kind: 'ticket', id: order })
  }
  return page.length === budget
}

/** A device mailbox is over: its tickets go; the groups it paid for live on for their lease. */
export function* dropCharges(turn: MailboxTurn, account: Bytes16, budget: number): Step<boolean> {
  const page = yield* range(charges, { owner: account, limit: budget })
  for (const { order } of page) {
    const { kind, id } = readChargeOrder(order)
    if (kind === 'ticket') turn.remove(tickets, id)
    turn.remove(charges, { account, kind, id })
  }
  return page.length > 0
}
