// The wire between the processes of a test: each dials here (dial-through.mjs) and is joined to the
// port that it asked for, unless the two are on different sides of a cut.
import { type Server, type Socket, connect, createServer } from 'node:net'

/**
 * silent: what is on the way stands still, and whoever dials hears nothing, as with a pulled cable.
 * reset: connections break, and dialling is refused, as with a router that says so.
 */
export type Cut = 'silent' | 'reset'

interface Call {
  readonly from: string
  readonly to: string
  readonly near: Socket
  readonly port: number
  far: Socket | undefined
  frozen: boolean
}

const HELLO_MAX_BYTES = 128

export class Exchange {
  readonly #server: Server
  readonly #names = new Map<number, string>()
  readonly #calls = new Set<Call>()
  #sides: readonly ReadonlySet<string>[] = []
  #cut: (from: string, to: string) => Cut = () => 'reset'

  private constructor() {
    this.#server = createServer({ allowHalfOpen: true }, (near) => this.#take(near))
  }

  static async open(): Promise<Exchange> {
    const exchange = new Exchange()
    await new Promise<void>((resolve, reject) => {
      exchange.#server.once('error', reject)
      exchange.#server.listen(0, '127.0.0.1', () => resolve())
    })
    return exchange
  }

  /** Whose port it is: a port that nobody is named for is reached by everybody. */
  name(port: number, who: string): void {
    this.#names.set(port, who)
  }

  /** What a process needs in its environment to dial through here under its name. */
  environment(who: string, loader: string): Readonly<Record<string, string>> {
    const address = this.#server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    return {
      NODE_OPTIONS: `--import ${loader}`,
      SOTTO_TEST_WHO: who,
      SOTTO_TEST_EXCHANGE: String(port),
    }
  }

  /** Open connections between two sides of the cut: 0 where it is a real one. */
  crossing(): number {
    return [...this.#calls].filter((call) => this.#isCut(call) && !call.frozen).length
  }

  /** From now on nothing passes between the sides. Gives how many connections it ended or froze. */
  partition(sides: readonly (readonly string[])[], cut: (from: string, to: string) => Cut): number {
    this.#sides = sides.map((side) => new Set(side))
    this.#cut = cut
    const severed = [...this.#calls].filter((call) => this.#isCut(call))
    for (const call of severed) this.#sever(call)
    return severed.length
  }

  /** Everybody reaches everybody; what stood still goes on. */
  heal(): void {
    this.#sides = []
    for (const call of this.#calls) {
      if (!call.frozen) continue
      call.frozen = false
      if (call.far === undefined) this.#join(call)
      else this.#pipe(call, call.far)
    }
  }

  close(): void {
    for (const { near, far } of this.#calls) {
      near.destroy()
      far?.destroy()
    }
    this.#server.close()
  }

  #isCut({ from, to }: Call): boolean {
    const side = this.#sides.find((one) => one.has(from))
    return side !== undefined && !side.has(to) && this.#sides.some((one) => one.has(to))
  }

  /** Reads the line that says who dials which port. */
  #take(near: Socket): void {
    let hello = Buffer.alloc(0)
    const listen = (part: Buffer): void => {
      hello = Buffer.concat([hello, part])
      const end = hello.indexOf(10)
      if (end === -1 && hello.length < HELLO_MAX_BYTES) return
      near.off('data', listen)
      near.pause()
      const [from = '', port = ''] = hello.toString('utf8', 0, end).split(' ')
      if (end + 1 < hello.length) near.unshift(hello.subarray(end + 1))
      const to = this.#names.get(Number(port)) ?? ''
      this.#place({ from, to, near, port: Number(port), far: undefined, frozen: false })
    }
    near.on('error', () => near.destroy())
    near.on('data', listen)
  }

  #place(call: Call): void {
    this.#calls.add(call)
    call.near.once('close', () => {
      this.#calls.delete(call)
      call.far?.destroy()
    })
    if (this.#isCut(call)) this.#sever(call)
    else this.#join(call)
  }

  #sever(call: Call): void {
    const { near, far } = call
    if (this.#cut(call.from, call.to) === 'silent') {
      call.frozen = true
      near.unpipe()
      far?.unpipe()
      near.pause()
      far?.pause()
    } else {
      near.resetAndDestroy()
      far?.resetAndDestroy()
    }
  }

  #join(call: Call): void {
    const far = connect({ host: '127.0.0.1', port: call.port, allowHalfOpen: true })
    call.far = far
    far.on('error', () => call.near.resetAndDestroy())
    far.once('close', () => call.near.destroy())
    this.#pipe(call, far)
  }

  #pipe({ near }: Call, far: Socket): void {
    near.pipe(far)
    far.pipe(near)
  }
}
