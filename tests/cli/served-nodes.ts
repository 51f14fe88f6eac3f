// Real nodes of a network in memory behind the local API, and the command line that asks them: what
// users type and read, without processes.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { terminalSafe } from '../../cli/terminal-safe.ts'
import type { RunningNode } from '../../node/create-node.ts'
import { type NodeServer, serveNode, socketPath, writeRunFile } from '../../node/rpc/index.ts'
import { type PlayOptions, type Played, play, records } from './fake-invocation.ts'

/** A node as its user has it: on a command line. */
export class User {
  readonly node: RunningNode
  readonly dir: string
  readonly #server: NodeServer

  private constructor(node: RunningNode, dir: string, server: NodeServer) {
    this.node = node
    this.dir = dir
    this.#server = server
  }

  static async of(node: RunningNode): Promise<User> {
    const dir = await mkdtemp(join(tmpdir(), 'sotto-cli-'))
    const path = await socketPath(dir)
    const server = await serveNode(node, path, {
      lasting: true,
      addresses: () => node.addresses(),
      stop: () => undefined,
    })
    await writeRunFile(dir, path)
    return new User(node, dir, server)
  }

  async close(): Promise<void> {
    await this.#server.close()
    await rm(this.dir, { recursive: true })
  }

  type(words: readonly string[], options?: PlayOptions): Promise<Played> {
    return play([...words, '--dir', this.dir], options)
  }

  /** What a command prints with --json. Throws where it failed. */
  async json(...words: readonly string[]): Promise<readonly Record<string, unknown>[]> {
    const { stdout, stderr, exitCode } = await this.type([...words, '--json'])
    if (exitCode !== 0) throw new Error(`${words.join(' ')} ended with ${exitCode}: ${stderr}`)
    return records(stdout)
  }

  /** A new link to one of the user's groups. */
  async link(...words: readonly string[]): Promise<string> {
    const [made] = await this.json('group', 'invite', ...words)
    return String(made?.['link'])
  }

  /**
   * A command that must fail: with this code and exit status, with a sentence and with what to do,
   * with nothing on stdout, and harmless to the terminal. Returns the error as people see it.
   */
  async fails(words: readonly string[], code: string, exit = 1): Promise<string> {
    const asJson = await this.type([...words, '--json'])
    expect([words.join(' ').slice(0, 80), asJson.stdout, asJson.exitCode]).toEqual([
      words.join(' ').slice(0, 80),
      '',
      exit,
    ])
    const { error } = JSON.parse(asJson.stderr) as {
      error: { code: string; message: string; hint: string }
    }
    expect(error).toMatchObject({
      code,
      message: expect.stringMatching(/./),
      hint: expect.stringMatching(/./),
    })
    const seen = await this.type(words)
    expect([seen.stdout, seen.exitCode]).toEqual(['', exit])
    expect(seen.stderr.length).toBeLessThan(1000)
    expect(terminalSafe(seen.stderr)).toBe(seen.stderr)
    return seen.stderr
  }
}
