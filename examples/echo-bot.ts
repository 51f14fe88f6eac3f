// Answers everybody. Run: npm i sotto && node echo-bot.js RELAY_ADDRESS
import { createBot } from 'sotto'

const relays = process.argv.slice(2)
const bot = await createBot({ dir: './echo-bot', name: 'Echo', accept: 'everyone', relays })
bot.command('ping', 'replies pong', (context) => context.reply('pong'))
bot.on('text', (context) => context.reply(`You said: ${context.text}`))
console.log('Add me: sotto add', await bot.invite({ reusable: true }))
