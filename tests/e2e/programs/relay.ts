// A relay in a process of its own, to be killed: prints its address.
import { createRelay } from '../../../node/index.ts'

const [dir = '', listen = ''] = process.argv.slice(2)
const relay = await createRelay({ dir, listen: [listen] })
console.log(JSON.stringify({ address: relay.addresses[0] }))
