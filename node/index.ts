// The embedder's API.
import './runtime.ts'

export { type Clock, systemClock } from './clock.ts'
