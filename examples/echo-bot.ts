// Answers everybody. Run: node echo-bot.js RELAY_ADDRESS
import { createNode, initProfile } from 'sotto'

const dir = './echo-bot'
const relays = process.argv.slice(2)
await initProfile({ dir, name: 'Echo', relays }).catch((error) => {
  if (error.code !== 'EXISTS') throw error
})
const node = await createNode({ dir })
await node.settle(5_000)
console.log('Add me: sotto add', (await node.invites.create({ reusable: true })).link)
node.on('message', (message) => message.reply(`You said: ${message.text}`))
