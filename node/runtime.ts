// Fills what Node 20 lacks and libp2p 3 needs. It must be the first import of every entry point:
// the library index, the command line and the test set-up (SPEC.md says nothing of it; libp2p does).
import { WebSocket as NodeWebSocket } from 'ws'

if (!('withResolvers' in Promise)) {
  Object.defineProperty(Promise, 'withResolvers', {
    configurable: true,
    writable: true,
    value: function withResolvers<T>(this: PromiseConstructor) {
      let resolve: (value: T | PromiseLike<T>) => void = () => undefined
      let reject: (reason?: unknown) => void = () => undefined
      const promise = new this<T>((yes, no) => {
        resolve = yes
        reject = no
      })
      return { promise, resolve, reject }
    },
  })
}

if (typeof globalThis.WebSocket === 'undefined') {
  Object.defineProperty(globalThis, 'WebSocket', {
    configurable: true,
    writable: true,
    value: NodeWebSocket,
  })
}
