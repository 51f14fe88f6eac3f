// One of those who live through the soak: a profile, its daemon in a process of its own, and a client
// that follows its change feed over all its lives.
import { EventEmitter, once } from 'node:events'
import { join } from 'node:path'
import type { Message, Node } from '../../../node/api.ts'
import { connect } from '../../../node/rpc/client.ts'
import { readRunFile } from '../../../node/rpc/run-file.ts'
import { type Started, json, start } from '../../cli/real-sotto.ts'
import { freePort } from '../child.ts'

/** Messages in one answer. */
const PAGE = 1_000

export interface Placed {
  readonly root: string
  readonly relays: readonly string[]
  /** Reached directly as well; otherwise by relays alone. */
  readonly listens: boolean
}

/** A daemon from its start to its end. */
interface Life {
  readonly daemon: Started
  readonly node: Node
  readonly following: Promise<void>
}

export class Person {
  readonly name: string
  /** Texts of others that the feed told of, however often. */
  readonly heard = new Set<string>()
  readonly #placed: Placed
  readonly #dir: string
  #listen: readonly string[] = []
  #life: Life | undefined
  #lives = 0
  #cursor = 0
  readonly #news = new EventEmitter().setMaxListeners(0)

  constructor(name: string, placed: Placed) {
    this.name = name
    this.#placed = placed
    this.#dir = join(placed.root, name)
  }

  get dir(): string {
    return this.#dir
  }

  get pid(): number | undefined {
    return this.#life?.daemon.child.pid
  }

  async init(): Promise<void> {
    const relays = this.#placed.relays.flatMap((relay) => ['--relay', relay])
    await json(['init', '--name', this.name, '--no-passphrase', ...relays, '--dir', this.#dir])
    if (this.#placed.listens) {
      this.#listen = ['--listen', `/ip4/127.0.0.1/tcp/${await freePort()}`]
    }
  }

  async up(): Promise<void> {
    const daemon = await start(['daemon', 'run', ...this.#listen, '--dir', this.#dir])
    const run = await readRunFile(this.#dir)
    if (run === undefined) throw new Error(`nobody runs ${this.#dir}`)
    const node = await connect({ socket: run.socket })
    this.#lives += 1
    this.#life = { daemon, node, following: this.#follow(node) }
    this.#news.emit('up')
  }

  /** Ends its daemon, as a user (SIGTERM) or as a power cut (SIGKILL) does. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const life = this.#life
    if (life === undefined) return
    this.#life = undefined
    life.daemon.child.kill(signal)
    const { exitCode, stderr } = await life.daemon.ended
    await life.node.close()
    await life.following
    if (signal === 'SIGTERM' && exitCode !== 0) {
      throw new Error(`${this.name} ended with ${exitCode}: ${stderr}`)
    }
  }

  async #follow(node: Node): Promise<void> {
    const life = this.#lives
    try {
      for await (const event of node.events.since(this.#cursor)) {
        this.#cursor = event.cursor
        if (event.event === 'message' && !event.message.mine) this.heard.add(event.message.text)
        this.#news.emit('told')
      }
    } catch (error) {
      if (this.#life !== undefined && life === this.#lives) throw error
    }
  }

  /** Asks the daemon that runs now or next, and the one after it where that one ended meanwhile. */
  async ask<T>(question: (node: Node) => Promise<T>): Promise<T> {
    for (;;) {
      while (this.#life === undefined) await once(this.#news, 'up')
      const { node } = this.#life
      try {
        return await question(node)
      } catch (error) {
        if (this.#life?.node === node) throw error
      }
    }
  }

  /** Says it once, whatever ends meanwhile. */
  async say(chat: string, text: string): Promise<void> {
    let tries = 0
    await this.ask(async (node) => {
      tries += 1
      // Whether the life before queued it shows in the chat, as to any script.
      const wasQueued =
        tries > 1 &&
        (await node.chats.messages(chat, { limit: PAGE })).some((message) => message.text === text)
      if (!wasQueued) await node.chats.send(chat, text)
    })
  }

  /** Waits until the feed told of all of these; which it did not when time was over. */
  async lacks(owed: readonly string[], patienceMs: number): Promise<readonly string[]> {
    const signal = AbortSignal.timeout(patienceMs)
    const lacking = (): readonly string[] => owed.filter((text) => !this.heard.has(text))
    let left = lacking()
    while (left.length > 0 && !signal.aborted) {
      await once(this.#news, 'told', { signal }).catch((error: unknown) => {
        if (!signal.aborted) throw error
      })
      if (left.every((text) => !this.heard.has(text))) continue
      left = lacking()
    }
    return left
  }

  /** All texts of a chat in its order. */
  async read(chat: string): Promise<readonly string[]> {
    const pages: string[][] = []
    let before: string | undefined
    for (;;) {
      const options = { limit: PAGE, ...(before === undefined ? {} : { before }) }
      const page: readonly Message[] = await this.ask((node) => node.chats.messages(chat, options))
      const [first] = page
      if (first === undefined) return pages.toReversed().flat()
      pages.push(page.filter(({ kind }) => kind === 'text').map(({ text }) => text))
      before = first.id
    }
  }
}
