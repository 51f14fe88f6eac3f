// Calls that outlive whoever answers them: a daemon that is stopped, killed or started again, and a
// command that ran the node meanwhile.
import { randomUUID } from 'node:crypto'
import type { CallOptions, NodeEvent } from '../node/api.ts'
import { type Calls, OwnerLost, isClosing, mayRepeat } from '../node/rpc/index.ts'
import type { Owner, OwnerFinder } from './owner.ts'

/**
 * Where an owner goes, the next is found, or this process becomes it, and the call is made again.
 * Events go on after the last one seen.
 */
export class LastingCalls implements Calls {
  readonly #finder: OwnerFinder
  readonly #tell: (text: string) => void
  #owner: Owner
  #next: Promise<void> | undefined
  #closed = false

  /** `tell` hears a sentence for the user where a daemon went, and where things go on. */
  constructor(finder: OwnerFinder, owner: Owner, tell: (text: string) => void = () => undefined) {
    this.#finder = finder
    this.#tell = tell
    this.#owner = owner
    this.#heed(owner)
  }

  get owner(): Owner {
    return this.#owner
  }

  get name(): string {
    return this.#owner.name
  }

  get address(): string {
    return this.#owner.address
  }

  report(error: unknown): void {
    this.#owner.report(error)
  }

  /** A daemon that starts gets the profile from a command that runs it meanwhile. */
  #heed(owner: Owner): void {
    owner.wanted?.addEventListener('abort', () => {
      if (this.#closed) return
      // Whoever calls next hears of an error here.
      this.#replace(owner).catch(() => undefined)
    })
  }

  async #succeed(left: Owner): Promise<void> {
    await left.close()
    const yielded = left.wanted?.aborted === true
    if (left.lasting) this.#tell('The daemon went away: waiting for it.')
    const owner = await this.#finder.next(left.lasting || yielded, this.#tell)
    this.#owner = owner
    this.#heed(owner)
    if (yielded && owner.lasting) this.#tell('The daemon runs this profile now.')
    else if (left.lasting && owner.lasting) this.#tell('The daemon is back.')
    else if (left.lasting) this.#tell('No daemon came back: this command goes on by itself.')
  }

  async #replace(left: Owner): Promise<void> {
    if (this.#owner !== left) return
    this.#next ??= this.#succeed(left).finally(() => (this.#next = undefined))
    await this.#next
  }

  /** Whether a call or a subscription goes on with the next owner. */
  async #outlived(owner: Owner, error: unknown): Promise<boolean> {
    if (this.#closed || !(isClosing(error) || error instanceof OwnerLost)) return false
    await this.#replace(owner)
    return true
  }

  async request(method: string, parameters: object, options: CallOptions): Promise<unknown> {
    // Made again with the same id it sends nothing twice.
    const isSend = method === 'chats.send'
    const given = isSend ? { once: randomUUID(), ...parameters } : parameters
    for (;;) {
      const owner = this.#owner
      try {
        return await owner.request(method, given, options)
      } catch (error) {
        if (!(await this.#outlived(owner, error))) throw error
        if (!isClosing(error) && !isSend && !mayRepeat(method)) throw error
      }
    }
  }

  async *subscribe(cursor: number | undefined, options: CallOptions): AsyncGenerator<NodeEvent> {
    let next = cursor ?? Number(await this.request('events.cursor', {}, options))
    for (;;) {
      const owner = this.#owner
      try {
        for await (const event of owner.subscribe(next, options)) {
          next = event.cursor + 1
          yield event
        }
        return
      } catch (error) {
        if (!(await this.#outlived(owner, error))) throw error
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#next?.catch(() => undefined)
    await this.#owner.close()
  }
}
