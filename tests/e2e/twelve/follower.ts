// `sotto watch --json` of one person in a process of its own, and what it told so far. It is stopped
// and goes on after its last cursor, as a script would.
import type { ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Group } from '../../../node/api-groups.ts'
import type { NodeEvent } from '../../../node/api.ts'
import { launch } from '../../cli/real-sotto.ts'

export class Follower {
  /** Ids of messages of the group that came with their text. */
  readonly texts = new Set<string>()
  /** The group as it was told last. */
  group: Group | undefined
  #cursor = 0
  #child: ChildProcess | undefined
  readonly #told = new EventEmitter()
  #errors = ''

  /** Watches from where it was. The daemon must run. */
  start(dir: string): void {
    const words = ['watch', '--since', String(this.#cursor), '--json', '--dir', dir]
    const child = launch(words, undefined)
    this.#child = child
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errors += text))
    if (child.stdout === null) throw new Error('no output')
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#take(JSON.parse(line) as NodeEvent)
      this.#told.emit('told')
    })
    child.once('close', () => this.#told.emit('told'))
  }

  /** kill -9, as of everything that this person runs. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('close', resolve))
  }

  /** Waits until what was told meets a condition; false where time is over before. */
  async until(met: () => boolean, patienceMs: number): Promise<boolean> {
    const signal = AbortSignal.timeout(patienceMs)
    while (!met()) {
      if (signal.aborted) return false
      const child = this.#child
      if (child !== undefined && child.exitCode !== null) {
        throw new Error(`watch ended: ${this.#errors}`)
      }
      await once(this.#told, 'told', { signal }).catch((error: unknown) => {
        if (!signal.aborted) throw error
      })
    }
    return true
  }

  #take(event: NodeEvent): void {
    this.#cursor = event.cursor
    if (event.event === 'group') this.group = event.group
    if (event.event !== 'message' || event.message.group === undefined) return
    if (event.message.kind === 'text') this.texts.add(event.message.id)
  }
}
