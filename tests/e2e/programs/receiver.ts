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
// A sign of life: who waits in a back-off for this device need not wait it out.
if (contact !== undefined) await node.chats.send(contact.address, 'back again')
for await (const event of node.events.since(0)) {
  if (event.event === 'message' && !event.message.mine)
    say({ text: event.message.text, id: event.message.id })
}
