// The public surface of the protocol floor: wire formats and machines, all pure.
export type { Change } from './changes.ts'
export type { Effect } from './effects.ts'
export { ProtocolError, type ProtocolErrorCode } from './errors.ts'
export type { Self } from './self.ts'
export {
  type Load,
  type Place,
  type RangeQuery,
  type Row,
  type Step,
  type Table,
  type Turn,
  get,
  range,
} from './step.ts'
