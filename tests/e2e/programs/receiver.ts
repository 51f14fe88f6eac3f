// A node in a process of its own, to be killed: prints its link, then every message it takes.
import { createNode, initProfile } from '../../../node/index.ts'

const [dir = '', listen = '', ...relays] = process.argv.slice(2)
await initProfile({ dir, name: 'Receiver', relays }).catch((error: unknown) => {
  if (!(error instanceof Error && 'code' in error && error.code === 'EXISTS')) throw error
})
const node = await createNode({ dir, listen: listen === '' ? [] : [listen] })
const say = (what: object): void => console.log(JSON.stringify(what))
const [contact] = await node.contacts.list()
const link = contact === undefined ? (await node.invites.create()).link : ''
say({ link })
for await (const event of node.events.since(0)) {
  if (event.event === 'message') say({ text: event.message.text, id: event.message.id })
}
