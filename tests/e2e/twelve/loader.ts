// The module that processes load first. Named from the repository, which every caller stands in: a
// bundle of this file lies elsewhere.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

export const LOADER: string = pathToFileURL(
  join(process.cwd(), 'tests/e2e/twelve/dial-through.mjs'),
).href
