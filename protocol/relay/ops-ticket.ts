// TICKET (SPEC.md §12.2): the owner of a device mailbox takes tickets with which group mailboxes are
// opened at its cost, and without work.
import { type Bytes16, FieldReader } from '../../crypto/index.ts'
import { TICKETS_PER_ASK_MAX, TICKET_BYTES } from './limits.ts'
import type { OpCodec } from './op-codec.ts'

export interface TicketRequest {
  /** The device mailbox that is charged. */
  readonly mailboxId: Bytes16
  /** 1 to 8. */
  readonly count: number
}

export interface TicketReply {
  /** 32 bytes each; each opens one group mailbox within 7 days. */
  readonly tickets: readonly Uint8Array[]
}

export const ticket: OpCodec<TicketRequest, TicketReply> = {
  code: 29,
  encode: (request) => [request.mailboxId, request.count],
  decode: (fields) => ({
    mailboxId: fields.bytes('mailboxId', 16),
    count: fields.uint('count', TICKETS_PER_ASK_MAX),
  }),
  encodeReply: (reply) => [0, reply.tickets],
  decodeReply: (fields) => {
    const values = fields.array('tickets', 0, TICKETS_PER_ASK_MAX)
    const tickets = new FieldReader(values, 'tickets')
    return { tickets: values.map(() => tickets.bytes('ticket', TICKET_BYTES)) }
  },
}
