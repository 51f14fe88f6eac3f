// sotto daemon run: the node of a profile, until it is stopped.
import { OwnerFinder } from '../owner.ts'
import { ownerOptions } from '../session.ts'
import type { Invocation } from '../tree/index.ts'
import { untilStopped } from '../until-stopped.ts'

export async function run(invocation: Invocation): Promise<void> {
  const { flags, output, signal } = invocation
  const asked = new AbortController()
  const finder = new OwnerFinder({
    ...ownerOptions(invocation),
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
    await untilStopped(AbortSignal.any([signal, asked.signal]))
    output.talk('Stopping.')
  } finally {
    await owner.close()
  }
}
