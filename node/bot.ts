// A program that answers: commands, texts, and people who write for the first time. On the public
// interface alone: whatever it does, another program could.
import type { IncomingMessage, Node, SendResult } from './api.ts'
import { type CreateNodeOptions, createNode } from './create-node.ts'
import { NodeError } from './errors.ts'
import { initProfile } from './init-profile.ts'

export interface BotOptions extends CreateNodeOptions {
  /** The profile's name, where one has to be made first. */
  readonly name: string
  /**
   * 'everyone' answers whoever writes, also without an invite; 'invited' whom a link of its own made
   * a contact; the others wait in requests. 'invited' unless told.
   */
  readonly accept?: 'everyone' | 'invited'
  /** What a listener threw; written to the log where this is not given. */
  readonly onError?: (error: unknown, context: BotContext) => unknown
}

export interface BotContext {
  readonly message: IncomingMessage
  readonly text: string
  /** Of a command: what follows its name. '' otherwise. */
  readonly args: string
  readonly from: IncomingMessage['from']
  readonly node: Node
  /** Answers in the same chat, naming the message it answers. */
  reply(text: string): Promise<SendResult>
}

export type BotHandler = (context: BotContext) => unknown

export interface Bot {
  readonly node: Node
  readonly name: string
  readonly address: string
  /** A text that is no command of this bot. Several handlers run in the order they were given. */
  on(event: 'text', handler: BotHandler): Bot
  /** `/name` and what follows it; `/help` lists all, unless there is one of that name. */
  command(name: string, about: string, handler: BotHandler): Bot
  /** A link to give to people. */
  invite(options?: { readonly reusable?: boolean }): Promise<string>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Under this name the profile keeps how far the bot came: what it missed it answers later. */
const LISTENER = 'bot'
const COMMAND_NAME = /^[a-z0-9_-]{1,32}$/i
const COMMAND = /^\/([a-z0-9_-]{1,32})(?:\s+([\s\S]*))?$/i

/**
 * Makes a profile where there is none, starts it, and answers from where it stopped the last time.
 * Rejects as initProfile and createNode do.
 */
export async function createBot(options: BotOptions): Promise<Bot> {
  try {
    return makeBot(await createNode(options), options)
  } catch (error) {
    if (!(error instanceof NodeError) || error.code !== 'NOT_INITIALISED') throw error
  }
  const { dir, name, passphrase, relays } = options
  await initProfile({
    dir,
    name,
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(relays === undefined ? {} : { relays }),
  })
  return makeBot(await createNode(options), options)
}

interface Command {
  readonly about: string
  readonly handler: BotHandler
}

/** A bot on a node that runs, e.g. one of createTestNetwork. */
export function makeBot(
  node: Node,
  options: Pick<BotOptions, 'accept' | 'onError' | 'log'> = {},
): Bot {
  const commands = new Map<string, Command>()
  const handlers: BotHandler[] = []
  const stop = new AbortController()
  const report = (error: unknown, context: BotContext): unknown =>
    options.onError === undefined
      ? options.log?.('bot', String(error))
      : options.onError(error, context)

  const welcomes = options.accept === 'everyone'

  async function handle(message: IncomingMessage): Promise<void> {
    if (message.kind !== 'text') return
    // In a group one talks with whom its members let in.
    if (welcomes && message.group === undefined) await welcome(node, message.from.address)
    const [, name = '', args = ''] = COMMAND.exec(message.text) ?? []
    const command = commands.get(name.toLowerCase()) ?? (name === 'help' ? help : undefined)
    const context: BotContext = {
      message,
      text: message.text,
      args: command === undefined ? '' : args,
      from: message.from,
      node,
      reply: (text) => message.reply(text),
    }
    for (const handler of command === undefined ? handlers : [command.handler]) {
      try {
        await handler(context)
      } catch (error) {
        await report(error, context)
      }
    }
  }

  const help: Command = {
    about: 'shows this list',
    handler: (context) => {
      const lines = [...commands].map(([name, { about }]) => `/${name} ${about}`)
      return context.reply(lines.length === 0 ? 'There are no commands.' : lines.join('\n'))
    },
  }

  // Begun with the first handler: a message is never taken by a bot that is not ready for it.
  let listening = false
  const listen = (): void => {
    if (listening) return
    listening = true
    const end = node.on('message', handle, { resume: LISTENER, requests: welcomes })
    stop.signal.addEventListener('abort', end, { once: true })
  }
  const close = async (): Promise<void> => {
    stop.abort()
    await node.close()
  }
  const bot: Bot = {
    node,
    name: node.name,
    address: node.address,
    on(_event, handler) {
      handlers.push(handler)
      listen()
      return bot
    },
    command(name, about, handler) {
      if (!COMMAND_NAME.test(name)) {
        throw new NodeError('INVALID', `"${name}" is no name of a command`, {
          hint: 'Letters, digits, - and _: at most 32.',
        })
      }
      commands.set(name.toLowerCase(), { about, handler })
      listen()
      return bot
    },
    invite: async (inviteOptions) => (await node.invites.create(inviteOptions)).link,
    close,
    [Symbol.asyncDispose]: close,
  }
  return bot
}

/** Makes a contact of somebody who waits in requests. */
async function welcome(node: Node, address: string): Promise<void> {
  const { state } = await node.contacts.get(address)
  if (state === 'request') await node.requests.accept(address)
}
