// One of the twelve: a profile, its daemon in a process of its own, and the commands of its user, all
// by the JSON contract of the command line.
import { join } from 'node:path'
import type { Group } from '../../../node/api-groups.ts'
import type { Message } from '../../../node/api.ts'
import { type Started, json, sotto, start } from '../../cli/real-sotto.ts'
import { freePort } from '../child.ts'
import { Follower } from './follower.ts'
import type { Exchange } from './exchange.ts'
import { LOADER } from './loader.ts'

export const GROUP = '#twelve'
const ALL = '1000000'

export interface Placed {
  readonly root: string
  readonly exchange: Exchange
  /** Reached directly as well; otherwise by relays alone. */
  readonly listens: boolean
  readonly relays: readonly string[]
}

/** What `group show --json` prints. */
export type Shown = Omit<Group, 'id' | 'name' | 'state' | 'role'> & {
  readonly group: Pick<Group, 'id' | 'name' | 'state' | 'role'>
}

export class Person {
  readonly name: string
  readonly watch = new Follower()
  address = ''
  readonly #placed: Placed
  readonly #dir: string
  #listen: readonly string[] = []
  #daemon: Started | undefined
  /** How often it was killed. */
  life = 0
  #awaiting: (() => void)[] = []

  constructor(name: string, placed: Placed) {
    this.name = name
    this.#placed = placed
    this.#dir = join(placed.root, name.toLowerCase())
  }

  get isUp(): boolean {
    return this.#daemon !== undefined
  }

  async init(): Promise<void> {
    const { listens, relays, exchange } = this.#placed
    const at = relays.flatMap((relay) => ['--relay', relay])
    const made = await this.run('init', '--name', this.name, '--no-passphrase', ...at)
    this.address = String(made['address'])
    if (!listens) return
    const port = await freePort()
    exchange.name(port, this.name)
    this.#listen = ['--listen', `/ip4/127.0.0.1/tcp/${port}`]
  }

  async up(): Promise<void> {
    const words = ['daemon', 'run', ...this.#listen, '--dir', this.#dir]
    this.#daemon = await start(words, this.#placed.exchange.environment(this.name, LOADER))
    this.watch.start(this.#dir)
    for (const wake of this.#awaiting.splice(0)) wake()
  }

  /** Resolves as soon as its daemon runs. */
  async running(): Promise<void> {
    while (!this.isUp) await new Promise<void>((resolve) => this.#awaiting.push(resolve))
  }

  /** kill -9 of all that runs for this person. */
  async kill(): Promise<void> {
    const daemon = this.#daemon
    this.#daemon = undefined
    this.life += 1
    await this.watch.kill()
    daemon?.child.kill('SIGKILL')
    await daemon?.ended
  }

  /** Ends as a user would end it. */
  async stop(): Promise<void> {
    const daemon = this.#daemon
    this.#daemon = undefined
    await this.watch.kill()
    daemon?.child.kill('SIGTERM')
    await daemon?.ended
  }

  /** A command of this person; the object that it printed last. Throws where it failed. */
  run(...words: readonly string[]): Promise<Record<string, unknown>> {
    return json([...words, '--dir', this.#dir])
  }

  /** A command that may fail: its exit status and what it said. */
  attempt(...words: readonly string[]): ReturnType<typeof sotto> {
    return sotto([...words, '--json', '--dir', this.#dir])
  }

  async show(): Promise<Shown> {
    return (await this.run('group', 'show', GROUP)) as unknown as Shown
  }

  /** All messages of the group, in the order shown. */
  async read(): Promise<readonly Message[]> {
    const { stdout, stderr, exitCode } = await this.attempt('read', GROUP, '-n', ALL)
    if (exitCode !== 0) throw new Error(`${this.name} cannot read: ${stderr}`)
    const lines = stdout.trimEnd().split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Message)
  }

  /** `sotto why` as people read it. */
  async why(id: string): Promise<string> {
    const { stdout, stderr } = await sotto(['why', id, '--dir', this.#dir])
    return stdout === '' ? stderr : stdout
  }
}
