// What must hold of a soak beside its messages: who never ended does not grow.
import type { SoakFigures } from './soak.ts'

/** Between the first and the last tenth, the first quarter of a run left out. */
const MEMORY_MAX_BYTES: number = 64 << 20
/** A connection that is just being made anew. */
const SOCKETS_MAX = 4

export function faultsOf({ faults, steady }: SoakFigures): readonly string[] {
  const grown = steady.flatMap(({ name, memory, sockets: [before, after] }) => {
    const bytes = memory.toBytes - memory.fromBytes
    return [
      ...(bytes > MEMORY_MAX_BYTES ? [`${name} grew by ${bytes} bytes of memory`] : []),
      ...(after - before > SOCKETS_MAX ? [`${name} had ${before} sockets, has ${after}`] : []),
    ]
  })
  return [...faults, ...grown]
}
