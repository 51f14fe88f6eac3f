import { systemClock } from '../../../node/clock.ts'
import { MemoryNetwork } from '../../../node/net/memory-network.ts'
import { transportContract } from '../../contracts/transport.ts'
import { Simulation } from '../../sim/simulation.ts'

const addresses = {
  listen: '/ip4/127.0.0.1/tcp/0',
  nobody: '/ip4/127.0.0.1/tcp/1',
}

transportContract('memory', () => ({ network: new MemoryNetwork(systemClock), ...addresses }))

transportContract('the simulator', () => {
  const simulation = new Simulation('transport contract')
  return {
    network: simulation.network,
    settle: (promise) => simulation.settle(promise),
    later: (run) => simulation.clock.after(1, run),
    ...addresses,
  }
})

transportContract('the simulator between machines', () => {
  const simulation = new Simulation('transport contract')
  let count = 0
  return {
    network: {
      createHost: (options) => simulation.network.machine(`m${count++}`).createHost(options),
    },
    settle: (promise) => simulation.settle(promise),
    later: (run) => simulation.clock.after(1, run),
    ...addresses,
  }
})
