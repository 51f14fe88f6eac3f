// sotto daemon run: the node of a profile, until it is stopped.
import type { Output } from '../output.ts'
import { type Owner, OwnerFinder } from '../owner.ts'
import { ownerOptions } from '../session.ts'
import { terminalSafeLine } from '../terminal-safe.ts'
import type { Invocation } from '../tree/index.ts'
import { untilStopped } from '../until-stopped.ts'

/** What its user should know goes to stderr as it happens; `status` and `watch` tell it again. */
async function tellWarnings(owner: Owner, output: Output, signal: AbortSignal): Promise<void> {
  try {
    for await (const event of owner.subscribe(undefined, { signal })) {
      if (event.event !== 'warning') continue
      const about = event.chat === undefined ? '' : `${terminalSafeLine(event.chat)}: `
      output.talk(`${event.code}: ${about}${terminalSafeLine(event.text)}`)
    }
  } catch (error) {
    if (!signal.aborted) owner.report(error)
  }
}

export async function run(invocation: Invocation): Promise<void> {
  const { flags, output, signal } = invocation
  const asked = new AbortController()
  const options = ownerOptions(invocation)
  const finder = new OwnerFinder({
    ...options,
    // What is read-only can tell of no event: this is the only place to hear of it as it happens.
    log: (scope, text) => (scope === 'store' ? output.talk(text) : options.log(scope, text)),
    listen: flags.list('listen'),
    stop: () => asked.abort(),
  })
  const owner = await finder.find(true)
  try {
    const addresses = owner.addresses()
    output.record({ ready: true, addresses }, () => [
      [`Running as ${owner.name}.`],
      ...addresses.map((address) => [`  listening at ${address}`]),
    ])
    const over = AbortSignal.any([signal, asked.signal])
    const told = tellWarnings(owner, output, over)
    await untilStopped(over)
    await told
    output.talk('Stopping.')
  } finally {
    await owner.close()
  }
}
